//! The objects that were read, as far as they say facts.

use std::collections::BTreeMap;

use super::metadata::{Meta, Said};
use crate::policy::StringMap;
use crate::policy::inventory::{Normalization, Protocol};
use crate::source::Span;

/// The objects of manifests that say facts, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub(super) mesh: Vec<MeshConfig>,
    pub(super) namespaces: Vec<Namespace>,
    pub(super) pods: Vec<Pods>,
    pub(super) services: Vec<Service>,
    pub(super) gateways: Vec<Gateway>,
    pub(super) api_gateways: Vec<ApiGateway>,
    /// Classes of gateways, with their controllers.
    pub(super) classes: Vec<(String, String)>,
}

impl Cluster {
    /// Whether there is no object at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mesh.is_empty()
            && self.namespaces.is_empty()
            && self.pods.is_empty()
            && self.services.is_empty()
            && self.gateways.is_empty()
            && self.api_gateways.is_empty()
    }

    /// Adds the objects of another text after these.
    pub fn append(&mut self, other: &Self) {
        self.mesh.extend_from_slice(&other.mesh);
        self.namespaces.extend_from_slice(&other.namespaces);
        self.pods.extend_from_slice(&other.pods);
        self.services.extend_from_slice(&other.services);
        self.gateways.extend_from_slice(&other.gateways);
        self.api_gateways.extend_from_slice(&other.api_gateways);
        self.classes.extend_from_slice(&other.classes);
    }
}

/// What a MeshConfig says.
#[derive(Clone, Debug, Default)]
pub(super) struct MeshConfig {
    /// Where it stands, if it is all of the settings: what it does not say has its default.
    pub(super) whole: Option<Span>,
    pub(super) root: Option<Said<String>>,
    pub(super) trust_domain: Option<Said<String>>,
    pub(super) aliases: Option<Said<Vec<String>>>,
    pub(super) trusts: Option<Said<Vec<String>>>,
    pub(super) normalization: Option<Said<Normalization>>,
    pub(super) auto_mtls: Option<Said<bool>>,
    /// By name: whether it speaks gRPC.
    pub(super) providers: Vec<(String, Said<bool>)>,
    pub(super) trusted_proxies: Option<Said<u32>>,
}

#[derive(Clone, Debug)]
pub(super) struct Namespace {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) labels: BTreeMap<String, Said<String>>,
}

/// Pods of one kind: what a Deployment and its like make, or a Pod by itself.
#[derive(Clone, Debug)]
pub(super) struct Pods {
    pub(super) kind: &'static str,
    pub(super) meta: Meta,
    /// Labels and annotations of the pods themselves.
    pub(super) labels: BTreeMap<String, Said<String>>,
    pub(super) labels_span: Span,
    pub(super) annotations: BTreeMap<String, Said<String>>,
    pub(super) account: Said<String>,
    pub(super) ports: Vec<ContainerPort>,
    /// The line that puts the pods on the network of their node, where no proxy is.
    pub(super) host_network: Option<Span>,
    /// The container that is a sidecar already.
    pub(super) sidecar: Option<Span>,
    /// Its proxy is a gateway by how it is started.
    pub(super) is_router: bool,
    pub(super) trusted_proxies: Option<Said<u32>>,
}

#[derive(Clone, Debug)]
pub(super) struct ContainerPort {
    pub(super) number: u16,
    pub(super) name: Option<String>,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) meta: Meta,
    /// A ServiceEntry: it gives pods ports, but has no name of its own in a namespace.
    pub(super) is_entry: bool,
    pub(super) selector: StringMap,
    pub(super) ports: Vec<ServicePort>,
    pub(super) headless: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ServicePort {
    pub(super) number: u16,
    /// Empty for a port without one.
    pub(super) name: String,
    pub(super) target: TargetPort,
    /// `None`: nobody names it.
    pub(super) protocol: Option<Protocol>,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum TargetPort {
    Number(u16),
    /// The name of a container's port.
    Name(String),
}

/// A Gateway of Istio's own API.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) selector: StringMap,
    pub(super) ports: Vec<Listener>,
}

/// A Gateway of the Gateway API.
#[derive(Clone, Debug)]
pub(super) struct ApiGateway {
    pub(super) meta: Meta,
    pub(super) class: String,
    /// Made by hand: the gateway runs in pods that somebody else made.
    pub(super) by_hand: bool,
    pub(super) ports: Vec<Listener>,
}

#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) number: u16,
    /// `None`: what is spoken there has no word in the model, such as TLS with certificates of another authority.
    pub(super) protocol: Option<Protocol>,
    pub(super) span: Span,
}
