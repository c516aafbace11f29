//! Facts that decide what a policy means but are no policy: who is in the mesh, where, and how the mesh is set up.

use std::collections::BTreeMap;

use super::StringMap;
use crate::source::Span;

/// Everything that is known of an installation.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    pub mesh: Mesh,
    /// Workloads and gateways.
    pub workloads: Vec<Workload>,
    pub services: Vec<Service>,
    pub waypoints: Vec<Waypoint>,
    /// The data plane of namespaces that say one, for pods that no block describes.
    pub namespaces: BTreeMap<String, DataPlane>,
    /// Namespaces whose Services go through a waypoint unless they say otherwise, with its namespace and name.
    pub waypoint_namespaces: BTreeMap<String, (String, String)>,
    /// Ports of workloads, by their index, of which it is not known what is spoken there, and why. They are in no
    /// [`Workload::ports`].
    pub unclear_ports: BTreeMap<(usize, u16), String>,
}

/// Settings of the mesh, with Istio's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    pub root: String,
    /// The cluster's DNS domain.
    pub domain: String,
    pub trust_domain: String,
    pub aliases: Vec<String>,
    /// Other trust domains whose certificates are accepted.
    pub trusts: Vec<String>,
    pub normalization: Normalization,
    pub providers: BTreeMap<String, Provider>,
    pub auto_mtls: bool,
    /// Of what says none itself.
    pub data_plane: DataPlane,
}

impl Default for Mesh {
    fn default() -> Self {
        Self {
            root: "istio-system".to_owned(),
            domain: "cluster.local".to_owned(),
            trust_domain: "cluster.local".to_owned(),
            aliases: Vec::new(),
            trusts: Vec::new(),
            normalization: Normalization::Base,
            providers: BTreeMap::new(),
            auto_mtls: true,
            data_plane: DataPlane::Sidecar,
        }
    }
}

impl Mesh {
    /// The trust domain and its aliases.
    #[must_use]
    pub fn own_domains(&self) -> Vec<&str> {
        std::iter::once(&self.trust_domain)
            .chain(&self.aliases)
            .map(String::as_str)
            .collect()
    }

    /// Whether Envoy accepts certificates of this trust domain.
    #[must_use]
    pub fn accepts(&self, domain: &str) -> bool {
        self.own_domains().contains(&domain) || self.trusts.iter().any(|t| t == domain)
    }
}

/// The path that rules see: `pathNormalization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    None,
    Base,
    MergeSlashes,
    DecodeAndMergeSlashes,
}

impl Normalization {
    /// As the Mesh language spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Base => "base",
            Self::MergeSlashes => "merge-slashes",
            Self::DecodeAndMergeSlashes => "decode-and-merge-slashes",
        }
    }
}

/// An external authorizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Only a gRPC provider is asked about TCP connections.
    pub grpc: bool,
}

/// Who enforces policy at a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPlane {
    Sidecar,
    /// ztunnel, and waypoints where services use them.
    Ambient,
    /// Outside the mesh: it neither offers nor demands mutual TLS.
    None,
}

impl DataPlane {
    /// As the Mesh language spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::Ambient => "ambient",
            Self::None => "none",
        }
    }
}

/// Pods of one kind: a workload or a gateway.
#[derive(Clone, Debug)]
pub struct Workload {
    pub namespace: String,
    pub name: String,
    /// Other names of the same pods, such as that of their Deployment.
    pub also: Vec<String>,
    /// Workloads that this one's labels select and that differ: what is asked of it is asked of each of them. Empty for
    /// pods of one kind. Indices into [`Inventory::workloads`].
    pub stands_for: Vec<usize>,
    pub kind: WorkloadKind,
    /// Exactly the labels that its pods carry.
    pub labels: StringMap,
    /// `None`: unknown.
    pub account: Option<Account>,
    /// Pod ports; one that is not in it is unknown.
    pub ports: BTreeMap<u16, Protocol>,
    pub data_plane: DataPlane,
    pub origin: Span,
}

/// What runs in the pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkloadKind {
    Application,
    Gateway {
        /// Whether it is a Gateway of the Gateway API, to which policies can be attached by its name.
        gateway_api: bool,
        /// Proxies in front of it whose X-Forwarded-For is believed.
        trusted_proxies: u32,
    },
}

/// A service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub namespace: String,
    pub name: String,
}

impl Account {
    /// The SPIFFE identity without `spiffe://`.
    #[must_use]
    pub fn principal(&self, trust_domain: &str) -> String {
        format!("{trust_domain}/ns/{}/sa/{}", self.namespace, self.name)
    }
}

/// Trust domain, namespace and account of an identity that has exactly these.
#[must_use]
pub fn principal_parts(principal: &str) -> Option<(&str, &str, &str)> {
    let mut parts = principal.split('/');
    match (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) {
        (Some(domain), Some("ns"), Some(namespace), Some("sa"), Some(account), None) => {
            Some((domain, namespace, account))
        }
        _ => None,
    }
}

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    Tcp,
    Tls,
    /// At gateways: TLS is terminated, without client certificates.
    Https,
    /// At gateways: TLS is terminated, with mesh certificates.
    HttpsMutual,
    /// Not captured: no policy acts.
    Unproxied,
}

impl Protocol {
    /// As the Mesh language spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Https => "https",
            Self::HttpsMutual => "https-mutual",
            Self::Unproxied => "unproxied",
        }
    }

    /// Whether a connection there has no HTTP facts: `tcp` and `tls`.
    #[must_use]
    pub const fn is_opaque(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }

    /// Whether connections there are read as HTTP.
    #[must_use]
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::HttpsMutual)
    }
}

/// A Service, and the workloads behind it.
#[derive(Clone, Debug)]
pub struct Service {
    pub namespace: String,
    pub name: String,
    /// Service port and pod port.
    pub ports: Vec<(u16, u16)>,
    /// The names of Service ports, empty for a port without one; of those that are not in it, it is unknown.
    pub port_names: BTreeMap<u16, String>,
    pub headless: bool,
    /// Indices into [`Inventory::workloads`].
    pub workloads: Vec<usize>,
    /// Namespace and name of the waypoint that its traffic goes through.
    pub waypoint: Option<(String, String)>,
}

impl Service {
    /// The pod port behind a Service port.
    #[must_use]
    pub fn pod_port(&self, port: u16) -> Option<u16> {
        self.ports.iter().find(|(own, _)| *own == port).map(|(_, pod)| *pod)
    }

    /// The full name in the cluster's DNS.
    #[must_use]
    pub fn host(&self, domain: &str) -> String {
        format!("{}.{}.svc.{domain}", self.name, self.namespace)
    }
}

/// A waypoint.
#[derive(Clone, Debug)]
pub struct Waypoint {
    pub namespace: String,
    pub name: String,
    /// `None`: unknown.
    pub account: Option<Account>,
}

impl Inventory {
    /// The workload or gateway of this name.
    #[must_use]
    pub fn find(&self, namespace: &str, name: &str) -> Option<usize> {
        let called = |w: &Workload| w.namespace == namespace && w.name == name;
        let also = |w: &Workload| w.namespace == namespace && w.also.iter().any(|other| other == name);
        let workloads = self.workloads.iter();
        workloads
            .clone()
            .position(called)
            .or_else(|| workloads.clone().position(also))
    }

    /// The data plane of a pod that no block describes.
    #[must_use]
    pub fn data_plane(&self, namespace: &str) -> DataPlane {
        self.namespaces.get(namespace).copied().unwrap_or(self.mesh.data_plane)
    }

    /// The account of a waypoint, where it is known.
    #[must_use]
    pub fn waypoint_account(&self, namespace: &str, name: &str) -> Option<&Account> {
        self.waypoints
            .iter()
            .find(|w| w.namespace == namespace && w.name == name)
            .and_then(|w| w.account.as_ref())
    }
}
