//! The client half: which DestinationRules stand for the same host, and which one each client heeds.

use std::collections::BTreeSet;

use super::build::Builder;
use super::{EdgeKind, Part};
use crate::policy::evaluate::client::{self, Client, full_host};
use crate::policy::inventory::{DataPlane, WorkloadKind};
use crate::policy::{DestinationRule, PolicyId, StringMap};

/// A host, and the namespace of its service where there is one.
type Host = (String, Option<String>);

/// A client as far as the lookup tells clients apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    namespace: String,
    labels: StringMap,
}

impl Builder<'_> {
    /// What clients heed towards a service.
    pub(super) fn service_clients(&mut self, at: usize) {
        let inventory = self.judge.inventory();
        if let Some(service) = inventory.services.get(at) {
            let host = (service.host(&inventory.mesh.domain), Some(service.namespace.clone()));
            self.host(&host, None);
        }
    }

    /// What every client heeds towards every host that a rule stands for.
    pub(super) fn all_destinations(&mut self) {
        for host in self.hosts() {
            self.host(&host, None);
        }
    }

    /// The rules that a workload's proxy heeds as a client.
    pub(super) fn as_client(&mut self, workload: usize) {
        let inventory = self.judge.inventory();
        let Some(workload) = inventory.workloads.get(workload) else {
            return;
        };
        let application = workload.kind == WorkloadKind::Application;
        // ztunnel heeds no destination.
        if application && workload.data_plane != DataPlane::Sidecar {
            return;
        }
        let client = Kind {
            namespace: workload.namespace.clone(),
            labels: workload.labels.clone(),
        };
        for host in self.hosts() {
            self.host(&host, Some(&client));
        }
    }

    /// The hosts of declared services, and those of rules for no declared service.
    fn hosts(&self) -> BTreeSet<Host> {
        let (inventory, rules) = (self.judge.inventory(), &self.judge.policies().destination_rules);
        let domain = &inventory.mesh.domain;
        if rules.is_empty() {
            return BTreeSet::new();
        }
        let mut hosts: BTreeSet<Host> = inventory
            .services
            .iter()
            .map(|service| (service.host(domain), Some(service.namespace.clone())))
            .collect();
        let known: BTreeSet<String> = hosts.iter().map(|(host, _)| host.clone()).collect();
        for rule in rules {
            let host = full_host(rule, domain);
            let met = match host.strip_prefix('*') {
                Some(suffix) => known.iter().any(|known| known.ends_with(suffix)),
                None => known.contains(&host),
            };
            if !met {
                // Some host that the star stands for.
                let host = host
                    .strip_prefix('*')
                    .map_or(host.clone(), |suffix| format!("\u{0}{suffix}"));
                let namespace = super::super::evaluate::namespace_of(&host, domain).map(str::to_owned);
                hosts.insert((host, namespace));
            }
        }
        hosts
    }

    /// The clients that could heed different rules for a host: all that the lookup depends on, and one that is none of
    /// them.
    fn clients(&self, rules: &[&DestinationRule]) -> BTreeSet<Kind> {
        let inventory = self.judge.inventory();
        let mut clients = BTreeSet::new();
        let mut add = |namespace: &str, labels: &StringMap| {
            clients.insert(Kind {
                namespace: namespace.to_owned(),
                labels: labels.clone(),
            });
        };
        for rule in rules {
            let home = rule.meta.namespace.as_deref().unwrap_or_default();
            let listed = rule
                .export_to
                .iter()
                .map(String::as_str)
                .filter(|e| *e != "*" && *e != ".");
            for namespace in std::iter::once(home).chain(listed) {
                add(namespace, &StringMap::new());
            }
            if let Some(labels) = &rule.clients {
                add(home, labels);
            }
        }
        // Of no namespace that a rule names; a client of the root namespace looks rules up differently.
        add("\u{0}", &StringMap::new());
        add(&inventory.mesh.root, &StringMap::new());
        clients
    }

    fn host(&mut self, (host, service_namespace): &Host, only: Option<&Kind>) {
        let (inventory, policies) = (self.judge.inventory(), self.judge.policies());
        let standing: Vec<&DestinationRule> = policies
            .destination_rules
            .iter()
            .filter(|rule| client::stands_for(rule, inventory, host))
            .collect();
        if standing.is_empty() {
            return;
        }
        let clients = only.map_or_else(|| self.clients(&standing), |only| BTreeSet::from([only.clone()]));
        for kind in clients {
            let client = Client {
                namespace: &kind.namespace,
                labels: &kind.labels,
                gateway: false,
                target: self.judge.target(),
            };
            let service = service_namespace.as_deref();
            let found = client::candidates(policies, inventory, client, host, service);
            let heeded = client::lookup(policies, inventory, client, host, service);
            for rule in found.iter().copied() {
                let Some(id) = self.destination(rule) else { continue };
                match &heeded {
                    Err(unknown) => self.unclear((id, None), &unknown.to_string()),
                    Ok(Some(winner)) if std::ptr::eq(*winner, rule) => self.heeded(id, rule),
                    // A client on the way out meets only what its proxy heeds.
                    Ok(_) if only.is_some() => {}
                    Ok(None) => self.idle(
                        (id, None),
                        "a more specific rule of its namespace, not exported, hides it",
                    ),
                    Ok(Some(winner)) => {
                        let why = client::why_heeded(winner, rule, client);
                        self.loses((id, None), why);
                        if let Some(winner) = self.destination(winner) {
                            self.meet(winner);
                            self.edge(EdgeKind::Overrides, (winner, None), (id, None), why);
                        }
                    }
                }
            }
        }
    }

    fn heeded(&mut self, id: PolicyId, rule: &DestinationRule) {
        self.holds((id, None));
        for port in rule.tls.iter().flat_map(|tls| tls.ports.keys()) {
            let part = (id, Some(Part::Port(*port)));
            self.holds(part);
            self.edge(
                EdgeKind::Overrides,
                part,
                (id, None),
                "a port's TLS replaces that of its destination whole",
            );
        }
        for at in 0..rule.subsets.len() {
            self.holds((id, Some(Part::Rule(at))));
        }
    }

    fn destination(&self, rule: &DestinationRule) -> Option<PolicyId> {
        let rules = &self.judge.policies().destination_rules;
        rules
            .iter()
            .position(|own| std::ptr::eq(own, rule))
            .map(PolicyId::Destination)
    }
}
