//! Policies of which only the age decides which one counts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Subject, errors};
use crate::diagnostics::Diagnostics;
use crate::policy::evaluate::client::full_host;
use crate::policy::{DestinationRule, PeerAuthentication, PeerScope, StringMap};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    peers(subject, acc);
    destinations(subject, acc);
}

/// Two modes for one scope, or for one pod.
fn peers(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let root = subject.inventory.mesh.root.as_str();
    let mut ranks: BTreeMap<Rank<'_>, Vec<&PeerAuthentication>> = BTreeMap::new();
    for policy in &subject.policies.peer_authentications {
        let namespace = policy.meta.namespace.as_deref().unwrap_or_default();
        match &policy.scope {
            PeerScope::Namespace | PeerScope::EmptySelector => {
                ranks.entry(Rank::Wide(namespace)).or_default().push(policy);
            }
            PeerScope::Workload { labels, .. } if namespace != root => {
                let labels = labels.as_map();
                ranks.entry(Rank::Labels(namespace, labels)).or_default().push(policy);
                for pod in subject.lookups.labelled(Some(namespace), labels) {
                    ranks.entry(Rank::Pod(pod)).or_default().push(policy);
                }
            }
            PeerScope::Workload { .. } => {}
        }
    }
    // One finding a policy is enough: with the first that it contends with.
    let mut told = BTreeSet::new();
    for policies in ranks.values() {
        for (at, other) in policies.iter().enumerate() {
            let rival = policies.iter().take(at).find(|one| differ(one, other));
            if let Some(one) = rival.filter(|_| told.insert(other.meta.origin)) {
                acc.push(errors::oldest_wins("PeerAuthentication", &one.meta, &other.meta));
            }
        }
    }
}

/// What two policies can both be for, where only one counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'p> {
    Wide(&'p str),
    Labels(&'p str, &'p StringMap),
    Pod(usize),
}

fn differ(one: &PeerAuthentication, other: &PeerAuthentication) -> bool {
    let ports = |policy: &PeerAuthentication| match &policy.scope {
        PeerScope::Workload { ports, .. } => ports.clone(),
        PeerScope::Namespace | PeerScope::EmptySelector => BTreeMap::new(),
    };
    one.mode != other.mode || ports(one) != ports(other)
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
