//! What is spoken on a port of pods that several Services name.
//!
//! istiod sorts the Services of a pod by their age and then by host name (`SetServiceTargets` in
//! `pilot/pkg/model/context.go`), and the first that names a port says what is spoken there
//! (`getFilterChainsByServicePort` in `pilot/pkg/networking/core/listener_inbound.go`).

use super::super::cluster::{Service as Object, ServicePort};
use super::super::metadata::Said;
use super::Completion;
use crate::policy::inventory::Protocol;
use crate::policy::stated::Fact;
use crate::source::Span;

/// A port of a Service that leads to a port of pods.
#[derive(Clone, Debug)]
pub(super) struct Named {
    created: Option<i64>,
    /// `None`: a ServiceEntry, which may have several.
    host: Option<String>,
    /// How messages call the Service.
    service: String,
    protocol: Option<Protocol>,
    span: Span,
}

impl Named {
    pub(super) fn new(object: &Object, port: &ServicePort) -> Self {
        let (namespace, name) = (&object.meta.namespace, &object.meta.name);
        let kind = if object.is_entry { "ServiceEntry" } else { "Service" };
        Self {
            created: object.meta.created,
            // What follows is the same of all.
            host: (!object.is_entry).then(|| format!("{name}.{namespace}.svc.")),
            service: format!("{kind} {namespace}/{name}"),
            protocol: port.protocol,
            span: port.span,
        }
    }

    /// Whether istiod surely takes it before another.
    fn is_before(&self, other: &Self) -> bool {
        match (self.created, other.created) {
            _ if self.service == other.service => false,
            (Some(own), Some(other)) if own != other => own < other,
            (Some(_), Some(_)) => matches!((&self.host, &other.host), (Some(own), Some(other)) if own < other),
            _ => false,
        }
    }
}

impl Completion<'_> {
    /// Settles what is spoken on each port that Services name.
    pub(super) fn named_ports(&mut self) {
        for ((index, port), named) in std::mem::take(&mut self.named) {
            let mut first: Vec<&Named> = Vec::new();
            for it in &named {
                // Of one Service the first of its ports counts.
                let again = first.iter().any(|before| before.service == it.service);
                if !again && !named.iter().any(|other| other.is_before(it)) {
                    first.push(it);
                }
            }
            let Some(one) = first.first() else { continue };
            let Some(other) = first.iter().find(|it| it.protocol != one.protocol) else {
                self.port(index, port, Said::new(one.protocol, one.span));
                continue;
            };
            let known = [Fact::Port(index, port), Fact::Detected(index, port)];
            if known.iter().any(|fact| self.stated.contains_key(fact)) {
                let now = self.inventory.workloads.get(index).and_then(|it| it.ports.get(&port));
                if !first
                    .iter()
                    .any(|it| it.protocol.is_none() || it.protocol.as_ref() == now)
                {
                    self.port(index, port, Said::new(one.protocol, one.span));
                }
                continue;
            }
            let why = format!(
                "{} and {} name port {port} of {} differently: the older one counts, and which one is older is not known (`metadata.creationTimestamp`)",
                one.service,
                other.service,
                self.name(index),
            );
            self.inventory.unclear_ports.insert((index, port), why);
        }
    }
}
