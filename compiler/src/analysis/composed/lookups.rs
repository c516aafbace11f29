//! What is asked of the inventory again and again, found without reading all of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::policy::StringMap;
use crate::policy::effective::includes;
use crate::policy::evaluate::client::full_host;
use crate::policy::inventory::Inventory;
use crate::policy::{DestinationRule, PolicySet};

/// Ways into an inventory and a set of policies.
pub(super) struct Lookups<'a> {
    inventory: &'a Inventory,
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    by_account: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    /// For each workload, the Services in front of it.
    services: Vec<Vec<usize>>,
    hosts: HashMap<String, Vec<usize>>,
    /// The ends of hosts with a star.
    wide_hosts: Vec<String>,
    service_hosts: HashSet<String>,
}

impl<'a> Lookups<'a> {
    pub(super) fn new(policies: &'a PolicySet, inventory: &'a Inventory) -> Self {
        let mut by_label: HashMap<_, Vec<usize>> = HashMap::new();
        let mut by_account: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, workload) in inventory.workloads.iter().enumerate() {
            for (key, value) in &workload.labels {
                by_label.entry((key.as_str(), value.as_str())).or_default().push(index);
            }
            if let Some(account) = workload.account.as_ref().filter(|_| workload.stands_for.is_empty()) {
                let account = (account.namespace.as_str(), account.name.as_str());
                by_account.entry(account).or_default().push(index);
            }
        }
        let mut services = vec![Vec::new(); inventory.workloads.len()];
        for (at, service) in inventory.services.iter().enumerate() {
            for index in &service.workloads {
                if let Some(list) = services.get_mut(*index) {
                    list.push(at);
                }
            }
        }
        let domain = &inventory.mesh.domain;
        let mut hosts: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, rule) in policies.destination_rules.iter().enumerate() {
            hosts.entry(full_host(rule, domain)).or_default().push(at);
        }
        let wide = hosts
            .keys()
            .filter_map(|host| host.strip_prefix('*').map(str::to_owned));
        let mut wide_hosts: Vec<String> = wide.collect();
        wide_hosts.sort_unstable();
        Self {
            inventory,
            by_label,
            by_account,
            services,
            wide_hosts,
            hosts,
            service_hosts: inventory.services.iter().map(|service| service.host(domain)).collect(),
        }
    }

    /// The workloads that carry these labels, of a namespace or of all; with a label at least.
    pub(super) fn labelled(&self, namespace: Option<&str>, labels: &StringMap) -> impl Iterator<Item = usize> {
        let first = labels.iter().next();
        let candidates = first.and_then(|(key, value)| self.by_label.get(&(key.as_str(), value.as_str())));
        let mut found: Vec<usize> = candidates.into_iter().flatten().copied().collect();
        found.retain(|index| {
            self.inventory.workloads.get(*index).is_some_and(|it| {
                namespace.is_none_or(|namespace| it.namespace == namespace) && includes(&it.labels, labels)
            })
        });
        found.into_iter()
    }

    /// The workloads that run under an account.
    pub(super) fn holders(&self, namespace: &str, name: &str) -> Vec<usize> {
        self.by_account.get(&(namespace, name)).cloned().unwrap_or_default()
    }

    /// The accounts that are known.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.by_account.keys().copied()
    }

    /// The Services in front of a workload.
    pub(super) fn services(&self, workload: usize) -> &[usize] {
        self.services.get(workload).map_or(&[], Vec::as_slice)
    }

    /// The DestinationRules of exactly this host.
    pub(super) fn rules_of<'p>(
        &self,
        policies: &'p PolicySet,
        host: &str,
    ) -> impl Iterator<Item = &'p DestinationRule> {
        let found = self.hosts.get(host).into_iter().flatten();
        let found: Vec<&DestinationRule> = found.filter_map(|at| policies.destination_rules.get(*at)).collect();
        found.into_iter()
    }

    /// Whether a DestinationRule stands for a host.
    pub(super) fn is_said(&self, host: &str) -> bool {
        self.hosts.contains_key(host) || self.wide_hosts.iter().any(|suffix| host.ends_with(suffix.as_str()))
    }

    /// Whether a host is that of a Service that is known.
    pub(super) fn is_service(&self, host: &str) -> bool {
        self.service_hosts.contains(host)
    }
}
