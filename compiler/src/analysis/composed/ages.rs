//! Policies of which only the age decides which one counts.

use std::collections::BTreeMap;

use super::{Subject, errors};
use crate::diagnostics::Diagnostics;
use crate::policy::effective::includes;
use crate::policy::evaluate::client::full_host;
use crate::policy::{DestinationRule, PeerAuthentication, PeerScope};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    peers(subject, acc);
    destinations(subject, acc);
}

/// Two modes for one scope, or for one pod.
fn peers(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let all = &subject.policies.peer_authentications;
    let mut homes: BTreeMap<(Option<&str>, bool), Vec<&PeerAuthentication>> = BTreeMap::new();
    for policy in all {
        let home = (policy.meta.namespace.as_deref(), policy.scope.is_namespace());
        homes.entry(home).or_default().push(policy);
    }
    for ((namespace, wide), policies) in homes {
        if !wide && namespace == Some(subject.inventory.mesh.root.as_str()) {
            continue;
        }
        for (at, other) in policies.iter().enumerate() {
            // One finding a policy is enough: with the first that it contends with.
            let rival = policies
                .iter()
                .take(at)
                .find(|one| differ(one, other) && meet(subject, one, other));
            if let Some(one) = rival {
                acc.push(errors::oldest_wins("PeerAuthentication", &one.meta, &other.meta));
            }
        }
    }
}

fn differ(one: &PeerAuthentication, other: &PeerAuthentication) -> bool {
    let ports = |policy: &PeerAuthentication| match &policy.scope {
        PeerScope::Workload { ports, .. } => ports.clone(),
        PeerScope::Namespace | PeerScope::EmptySelector => BTreeMap::new(),
    };
    one.mode != other.mode || ports(one) != ports(other)
}

/// Whether there are pods that both are for.
fn meet(subject: &Subject<'_>, one: &PeerAuthentication, other: &PeerAuthentication) -> bool {
    match (&one.scope, &other.scope) {
        (PeerScope::Workload { labels: a, .. }, PeerScope::Workload { labels: b, .. }) => {
            a == b
                || subject.inventory.workloads.iter().any(|it| {
                    one.meta.namespace.as_deref() == Some(it.namespace.as_str())
                        && includes(&it.labels, a.as_map())
                        && includes(&it.labels, b.as_map())
                })
        }
        (a, b) => a.is_namespace() && b.is_namespace(),
    }
}

/// Two destinations for one host, of which Istio takes the settings of the older.
fn destinations(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let domain = &subject.inventory.mesh.domain;
    let mut hosts: BTreeMap<(Option<&str>, String), Vec<&DestinationRule>> = BTreeMap::new();
    let rules = subject.policies.destination_rules.iter();
    for rule in rules.filter(|rule| rule.clients.is_none() && rule.tls.is_some()) {
        let host = (rule.meta.namespace.as_deref(), full_host(rule, domain));
        hosts.entry(host).or_default().push(rule);
    }
    for rules in hosts.values() {
        for (at, other) in rules.iter().enumerate() {
            let rival = rules
                .iter()
                .take(at)
                .find(|one| one.tls != other.tls && one.export_to == other.export_to);
            if let Some(one) = rival {
                acc.push(errors::oldest_wins("DestinationRule", &one.meta, &other.meta));
            }
        }
    }
}
