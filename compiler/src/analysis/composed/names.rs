//! Names and ports that mean nothing where they stand.

use std::collections::BTreeSet;

use super::places::{Place, Plane};
use super::{InForce, Subject, callers, errors, shape};
use crate::diagnostics::Diagnostics;
use crate::policy::inventory::{DataPlane, Protocol, WorkloadKind};
use crate::policy::stated::Fact;
use crate::policy::{ConditionKey, Meta, PeerScope, Selection, StringMap, TargetRefKind};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let known = Known::new(subject);
    for rule in subject.rules() {
        ports(subject, &rule, acc);
        known.callers(subject, &rule, acc);
        domains(subject, &rule, acc);
    }
    modes(subject, acc);
    let set = subject.policies;
    for (at, policy) in set.authorizations.iter().enumerate() {
        selection(subject, &policy.meta, &policy.selection, acc);
        if at >= subject.own.authorizations {
            outside(subject, &policy.meta, &policy.selection, acc);
        }
    }
    for policy in &set.request_authentications {
        selection(subject, &policy.meta, &policy.selection, acc);
    }
    for policy in &set.peer_authentications {
        if let PeerScope::Workload { labels, .. } = &policy.scope {
            labels_select(subject, &policy.meta, labels.as_map(), acc);
        }
    }
}

/// The Service's port, where a pod's is meant: the pod port that it leads to.
fn behind(subject: &Subject<'_>, place: &Place<'_>, port: u16) -> Option<u16> {
    let index = place.workload?;
    if place.ports.contains_key(&port) || place.plane == Plane::Gateway {
        return None;
    }
    let services = subject.lookups.services(index).iter();
    let services = services.filter_map(|at| subject.inventory.services.get(*at));
    let pairs: Vec<(u16, u16)> = services.flat_map(|service| service.ports.clone()).collect();
    let leads = pairs.iter().any(|(_, pod)| *pod == port);
    let detected = subject.stated.contains_key(&Fact::Detected(index, port));
    let other = pairs.iter().find(|(own, pod)| *own == port && *pod != port);
    other.filter(|_| !leads && !detected).map(|(_, pod)| *pod)
}

fn ports(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    for port in shape::ports(rule.rule).into_iter().flatten() {
        let meant: Vec<_> = rule.places.iter().map(|place| behind(subject, place, port)).collect();
        if let Some(Some(pod)) = meant.first()
            && meant.iter().all(Option::is_some)
        {
            acc.push(errors::service_port(rule.rule.origin, port, *pod));
        }
        let bypassed =
            |place: &&Place<'_>| place.plane != Plane::Gateway && place.ports.get(&port) == Some(&Protocol::Unproxied);
        if let Some(place) = rule.places.first().filter(|_| rule.places.iter().all(bypassed)) {
            acc.push(errors::unproxied_port(rule.rule.origin, port, &place.name));
        }
    }
}

/// Modes of single ports.
fn modes(subject: &Subject<'_>, acc: &mut Diagnostics) {
    for (at, policy) in subject.policies.peer_authentications.iter().enumerate() {
        let PeerScope::Workload { ports, .. } = &policy.scope else {
            continue;
        };
        let places = subject.places(subject.peers_at.get(at));
        for port in ports.keys() {
            let meant: Vec<_> = places.iter().map(|place| behind(subject, place, *port)).collect();
            if let Some(Some(pod)) = meant.first()
                && meant.iter().all(Option::is_some)
            {
                acc.push(errors::service_port(policy.meta.origin, *port, *pod));
            }
            let bypassed = |place: &&Place<'_>| place.ports.get(port) == Some(&Protocol::Unproxied);
            if let Some(place) = places.first().filter(|_| places.iter().all(bypassed)) {
                acc.push(errors::unproxied_port(policy.meta.origin, *port, &place.name));
            }
        }
    }
}

/// Trust domains whose certificates are refused before any rule.
fn domains(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let mesh = &subject.inventory.mesh;
    if !subject.stated.contains_key(&Fact::TrustDomain) {
        return;
    }
    let values = rule.rule.sources.iter().flat_map(|source| &source.principals.values);
    let keyed = rule
        .rule
        .conditions
        .iter()
        .filter(|condition| condition.key == ConditionKey::SourcePrincipal);
    for value in values.chain(keyed.flat_map(|condition| &condition.lists.values)) {
        let parts: Vec<&str> = value.split('/').collect();
        let [domain, _, ..] = parts.as_slice() else { continue };
        if domain.contains('*') || mesh.accepts(domain) || domain.ends_with(':') {
            continue;
        }
        // A sidecar takes `cluster.local` for the mesh's own where all five parts are there; ztunnel does not.
        let rewritten = *domain == "cluster.local" && parts.len() == 5;
        if rewritten && rule.places.iter().any(|place| place.plane != Plane::Ztunnel) {
            continue;
        }
        acc.push(errors::foreign_domain(
            rule.rule.origin,
            value,
            domain,
            &mesh.trust_domain,
        ));
    }
}

/// The names that are known.
struct Known {
    namespaces: BTreeSet<String>,
    accounts: BTreeSet<(String, String)>,
}

impl Known {
    fn new(subject: &Subject<'_>) -> Self {
        let inventory = subject.inventory;
        let mut namespaces: BTreeSet<String> = inventory.namespaces.keys().cloned().collect();
        namespaces.insert(inventory.mesh.root.clone());
        namespaces.extend(inventory.workloads.iter().map(|workload| workload.namespace.clone()));
        namespaces.extend(inventory.services.iter().map(|service| service.namespace.clone()));
        namespaces.extend(
            subject
                .policies
                .authorizations
                .iter()
                .filter_map(|policy| policy.meta.namespace.clone()),
        );
        let accounts = subject.lookups.accounts();
        let accounts = accounts.map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
        let accounts: BTreeSet<_> = accounts.collect();
        namespaces.extend(accounts.iter().map(|(namespace, _)| namespace.clone()));
        Self { namespaces, accounts }
    }

    fn callers(&self, subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
        let mut namespaces: BTreeSet<String> = BTreeSet::new();
        for source in &rule.rule.sources {
            namespaces.extend(
                source
                    .namespaces
                    .values
                    .iter()
                    .chain(&source.namespaces.not_values)
                    .cloned(),
            );
        }
        for condition in rule
            .rule
            .conditions
            .iter()
            .filter(|it| it.key == ConditionKey::SourceNamespace)
        {
            namespaces.extend(condition.lists.values.iter().cloned());
        }
        let accounts = callers::accounts(subject, rule);
        namespaces.extend(accounts.iter().map(|(namespace, _)| namespace.clone()));
        for namespace in &namespaces {
            if let Some(near) = slip(namespace, self.namespaces.iter().map(String::as_str)) {
                acc.push(errors::unknown_caller(rule.rule.origin, "namespace", namespace, near));
            }
        }
        for (namespace, name) in &accounts {
            let there = self.accounts.iter().filter(|(home, _)| home == namespace);
            if let Some(near) = slip(name, there.map(|(_, name)| name.as_str())) {
                acc.push(errors::unknown_caller(
                    rule.rule.origin,
                    "account",
                    &format!("{namespace}/{name}"),
                    near,
                ));
            }
        }
    }
}

/// The known name that a word is one slip of the hand away from. `team-a` is no slip of `team-b`: people number and letter
/// their names, so a letter must be missing, too many or in its neighbour's place, in a word of some length.
fn slip<'k>(word: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<&'k str> {
    if word.contains('*') || known.clone().any(|name| name == word) {
        return None;
    }
    let mut known = known;
    known.find(|name| is_slip(word, name))
}

fn is_slip(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    if short.len() < 5 || !one.is_ascii() || !other.is_ascii() {
        return false;
    }
    let same = short.bytes().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
    if long.len() == short.len() {
        let (a, b) = (one.as_bytes().get(same..same + 2), other.as_bytes().get(same..same + 2));
        return match (a, b) {
            (Some([a, b]), Some([c, d])) => {
                a == d
                    && b == c
                    && a.is_ascii_lowercase()
                    && b.is_ascii_lowercase()
                    && one.get(same + 2..) == other.get(same + 2..)
            }
            _ => false,
        };
    }
    // A plural is another word, and what stands alone between dashes is a number of sorts.
    let inside = same > 0 && same < short.len();
    let extra = long.get(same..=same).is_some_and(letters);
    let rest = long.get(same + 1..) == short.get(same..);
    let joined = long.get(same.saturating_sub(1)..same + 2).is_some_and(letters);
    long.len() == short.len() + 1 && inside && extra && rest && joined
}

fn selection(subject: &Subject<'_>, meta: &Meta, selection: &Selection, acc: &mut Diagnostics) {
    match selection {
        Selection::Labels(labels) => labels_select(subject, meta, labels.as_map(), acc),
        Selection::Targets(targets) => {
            let namespace = meta.namespace.as_deref().unwrap_or_default();
            for target in targets
                .as_slice()
                .iter()
                .filter(|target| target.kind == TargetRefKind::Service)
            {
                let services = subject.inventory.services.iter();
                let of_name = services
                    .clone()
                    .find(|service| service.name == target.name && service.namespace == namespace);
                let heard = of_name.is_none_or(|service| service.waypoint.is_some());
                let shown = of_name.is_some_and(|service| {
                    let ambient = |index: &usize| {
                        let workload = subject.inventory.workloads.get(*index);
                        workload.is_some_and(|workload| workload.data_plane == DataPlane::Sidecar)
                    };
                    !service.workloads.is_empty() && service.workloads.iter().all(ambient)
                });
                let near = slip(
                    &target.name,
                    services
                        .filter(|service| service.namespace == namespace)
                        .map(|service| service.name.as_str()),
                );
                if !heard && shown {
                    acc.push(errors::target_without_waypoint(meta.origin, &target.name));
                } else if let (None, Some(near)) = (of_name, near) {
                    acc.push(errors::unknown_target(meta.origin, &target.name, near));
                }
            }
        }
        Selection::All | Selection::EmptySelector => {}
    }
}

/// Labels that no known pod carries, where something shows what was meant.
fn labels_select(subject: &Subject<'_>, meta: &Meta, labels: &StringMap, acc: &mut Diagnostics) {
    let inventory = subject.inventory;
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    let root = inventory.mesh.root.as_str();
    let workloads = || inventory.workloads.iter();
    let near = |home: &str| namespace == root || home == namespace;
    let scope = (namespace != root).then_some(namespace);
    if subject.lookups.labelled(scope, labels).next().is_some() {
        return;
    }
    let waypoint = labels.get("gateway.networking.k8s.io/gateway-name").filter(|name| {
        inventory
            .waypoints
            .iter()
            .any(|it| near(&it.namespace) && it.name == **name)
    });
    if let Some(name) = waypoint {
        acc.push(errors::selects_waypoint(meta.origin, name));
        return;
    }
    let elsewhere = subject.lookups.labelled(None, labels).next();
    if let Some(there) = elsewhere.and_then(|index| inventory.workloads.get(index)) {
        // Gateways and their like are what people look for elsewhere; two apps of one name are two apps.
        let gateway = matches!(there.kind, WorkloadKind::Gateway { .. });
        let alone = !workloads().any(|it| it.namespace == namespace);
        if gateway || alone {
            let pods = format!("{}/{}", there.namespace, there.name);
            acc.push(errors::selects_elsewhere(meta.origin, namespace, &pods));
        }
        return;
    }
    for (key, value) in labels {
        let there = workloads().filter(|it| near(&it.namespace));
        let values: Vec<&str> = there.filter_map(|it| it.labels.get(key)).map(String::as_str).collect();
        if let Some(meant) = slip(value, values.into_iter()) {
            acc.push(errors::selects_nothing(meta.origin, key, value, meant));
            return;
        }
    }
}

/// A policy for pods that are all outside the mesh.
fn outside(subject: &Subject<'_>, meta: &Meta, selection: &Selection, acc: &mut Diagnostics) {
    let Selection::Labels(labels) = selection else { return };
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    let root = subject.inventory.mesh.root.as_str();
    let scope = (namespace != root).then_some(namespace);
    let selected = subject.lookups.labelled(scope, labels.as_map());
    let selected = selected.filter_map(|index| subject.inventory.workloads.get(index));
    let mut selected = selected.peekable();
    let Some(first) = selected.peek().map(|it| format!("`{}/{}`", it.namespace, it.name)) else {
        return;
    };
    if selected.all(|it| it.data_plane == DataPlane::None && it.kind == WorkloadKind::Application) {
        acc.push(errors::outside_mesh(meta.origin, &first));
    }
}

#[cfg(test)]
mod tests {
    use super::is_slip;

    #[test]
    fn slips_are_told_from_names_that_people_make() {
        for (one, other) in [
            ("monitorng", "monitoring"),
            ("revews", "reviews"),
            ("reivews", "reviews"),
            ("reviiews", "reviews"),
        ] {
            assert!(is_slip(one, other) && is_slip(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("team-a", "team-b"),
            ("shard1", "shard2"),
            ("shard1", "shard12"),
            ("review", "reviews"),
            ("web", "webb"),
            ("api-v1", "api-v2"),
            ("orders", "borders"),
            ("team-a", "team-ab"),
            ("reviews", "reviews"),
        ] {
            assert!(!is_slip(one, other), "{one} {other}");
        }
    }
}
