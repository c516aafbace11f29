//! Who is behind the identity that a rule names.

use std::collections::BTreeSet;

use super::places::Plane;
use super::{InForce, Subject, errors, shape, witness};
use crate::diagnostics::Diagnostics;
use crate::policy::inventory::{DataPlane, Workload, WorkloadKind, principal_parts};
use crate::policy::request::{Caller, Outcome};
use crate::policy::{Action, ConditionKey, Rule};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    for rule in subject
        .rules()
        .filter(|rule| matches!(rule.policy.action, Action::Allow(_)))
    {
        for account in accounts(subject, &rule) {
            holders(subject, &rule, &account, acc);
        }
        if !rule.own && !subject.target.is_legacy() {
            any_domain(subject, &rule, acc);
        }
    }
}

/// Namespace and name of an account.
type Account = (String, String);

/// The accounts of this mesh that a rule names in full.
pub(super) fn accounts(subject: &Subject<'_>, rule: &InForce<'_>) -> BTreeSet<Account> {
    let own = subject.inventory.mesh.own_domains();
    let principal = |value: &String| {
        let (domain, namespace, name) = principal_parts(value)?;
        (own.contains(&domain) && !value.contains('*')).then(|| (namespace.to_owned(), name.to_owned()))
    };
    let home = rule.policy.meta.namespace.as_deref().unwrap_or_default();
    let account = |value: &String| {
        let (namespace, name) = value.split_once('/').unwrap_or((home, value));
        (namespace.to_owned(), name.to_owned())
    };
    let mut found = BTreeSet::new();
    for source in &rule.rule.sources {
        found.extend(source.principals.values.iter().filter_map(principal));
        found.extend(source.service_accounts.values.iter().map(account));
    }
    for condition in &rule.rule.conditions {
        match condition.key {
            ConditionKey::SourcePrincipal => found.extend(condition.lists.values.iter().filter_map(principal)),
            ConditionKey::SourceServiceAccount => found.extend(condition.lists.values.iter().map(account)),
            _ => {}
        }
    }
    found
}

fn holders(subject: &Subject<'_>, rule: &InForce<'_>, (namespace, name): &Account, acc: &mut Diagnostics) {
    let indices = subject.lookups.holders(namespace, name).into_iter();
    let holders: Vec<&Workload> = indices
        .filter_map(|index| subject.inventory.workloads.get(index))
        .collect();
    let Some(first) = holders.first() else { return };
    let account = format!("{namespace}/{name}");
    let gateway = |workload: &&Workload| workload.kind != WorkloadKind::Application;
    // Every pod that says none runs as `default`, also those that nobody showed.
    if name != "default"
        && holders
            .iter()
            .all(|it| it.data_plane == DataPlane::None && !gateway(it))
    {
        acc.push(errors::caller_outside_mesh(rule.rule.origin, &account, &show(first)));
        return;
    }
    if holders.iter().all(gateway) && !narrows(rule.rule) {
        let behind = |place: &&&super::Place<'_>| !matches!(place.plane, Plane::Gateway);
        if let Some(place) = rule.places.iter().find(behind) {
            acc.push(errors::caller_is_gateway(rule.rule.origin, &show(first), &place.name));
        }
        return;
    }
    let names: BTreeSet<String> = holders.iter().map(|workload| show(workload)).collect();
    if names.len() > 1 {
        acc.push(errors::shared_account(rule.rule.origin, &account, &names));
    }
}

fn show(workload: &Workload) -> String {
    format!("`{}/{}`", workload.namespace, workload.name)
}

/// Whether a rule asks for more than who calls.
fn narrows(rule: &Rule) -> bool {
    shape::mentions_token(rule)
        || rule
            .conditions
            .iter()
            .any(|it| matches!(it.key, ConditionKey::Header(_) | ConditionKey::RemoteIp))
        || rule
            .operations
            .iter()
            .any(|it| !it.paths.is_empty() || !it.hosts.is_empty() || !it.methods.is_empty())
        || rule.sources.iter().any(|it| !it.remote_ip_blocks.is_empty())
}

/// A namespace or account that a trusted mesh has too.
fn any_domain(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let Some(partner) = subject.inventory.mesh.trusts.first() else {
        return;
    };
    let own = &subject.inventory.mesh.trust_domain;
    for place in rule.sample().filter(|place| place.plane == Plane::Sidecar) {
        for mut request in subject.requests(rule.rule, place) {
            let Caller::Principal(principal) = &request.caller else {
                continue;
            };
            let Some(tail) = principal
                .strip_prefix(own.as_str())
                .filter(|tail| !tail.starts_with("/ns/somewhere/"))
            else {
                continue;
            };
            request.caller = Caller::Principal(format!("{partner}{tail}"));
            let answer = subject.answer(&request);
            if answer.is_some_and(|answer| answer.outcome == Outcome::Ok && rule.decided(&answer)) {
                acc.push(
                    errors::any_trust_domain(rule.rule.origin, partner, &witness::words(&request), &place.name)
                        .witness(subject.data(&request)),
                );
                return;
            }
        }
    }
}
