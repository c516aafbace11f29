//! Which client rule holds for a host before a narrower one is derived: Istio's lookup of DestinationRules, in the
//! namespace of the service and then in the root namespace, the most specific host first.

use std::collections::BTreeMap;

use crate::lower::Context;
use crate::lower::destinations::by_port;
use crate::policy::{ClientTls, TlsByPort, TlsMode};

/// Rules by namespace: host, or a wildcard, and TLS.
pub(super) struct WideRules {
    by_namespace: BTreeMap<String, Vec<(String, TlsByPort)>>,
}

impl WideRules {
    /// The destinations of the project that every client heeds.
    pub(super) fn of(ctx: &Context<'_>) -> Self {
        let mut rules = Self {
            by_namespace: BTreeMap::new(),
        };
        for destination in &ctx.program.destinations {
            let is_exported = destination.export_to.is_empty() || destination.export_to.iter().any(|to| to.it == "*");
            if !is_exported || !destination.clients.is_empty() {
                continue;
            }
            let host = &destination.host.it;
            let host = if host.contains('.') || host == "*" {
                host.clone()
            } else {
                format!("{host}.{}.svc.{}", destination.namespace, ctx.program.mesh.domain)
            };
            rules.add(&destination.namespace, host, by_port(&destination.tls));
        }
        rules
    }

    /// Adds a rule.
    pub(super) fn add(&mut self, namespace: &str, host: String, tls: TlsByPort) {
        self.by_namespace
            .entry(namespace.to_owned())
            .or_default()
            .push((host, tls));
    }

    /// What clients speak towards a host of a service in `namespace` (or all of them, as a wildcard): by the first
    /// namespace that has any rule for it; without one, plaintext. A rule without TLS means plaintext too.
    pub(super) fn towards(&self, namespace: &str, root: &str, host: &str, port: Option<u16>) -> ClientTls {
        let best = |namespace: &str| {
            let rules = self.by_namespace.get(namespace)?;
            let matching = rules.iter().filter(|(pattern, _)| covers(pattern, host));
            matching.max_by_key(|(pattern, _)| (!pattern.starts_with('*'), pattern.len()))
        };
        let found = best(namespace).or_else(|| best(root)).map(|(_, tls)| tls);
        let of_port = found.and_then(|tls| port.and_then(|port| tls.ports.get(&port)?.as_ref()));
        let tls = of_port.or_else(|| found.and_then(|tls| tls.all.as_ref()));
        tls.cloned().unwrap_or(ClientTls::plain(TlsMode::Disable))
    }
}

/// Whether a rule for `pattern` is for `host`.
fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix),
        None => host == pattern,
    }
}
