//! Rules that are read in another way than Istio reads them.

use super::places::{Place, Plane};
use super::{InForce, Subject, errors, witness};
use crate::diagnostics::Diagnostics;
use crate::policy::inventory::Normalization;
use crate::policy::request::{Caller, Outcome, Request};
use crate::policy::{Action, Authorization, ConditionKey, Lists, Operation, Rule};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let manifests = subject.policies.authorizations.iter().skip(subject.own.authorizations);
    manifests.for_each(|policy| split(policy, acc));
    if subject.target.is_legacy() {
        return;
    }
    for rule in subject.rules() {
        let deny = matches!(rule.policy.action, Action::Deny(_)) && !rule.policy.dry_run;
        let allow = matches!(rule.policy.action, Action::Allow(_)) && !rule.policy.dry_run;
        if deny {
            spellings(subject, &rule, acc);
        }
        if rule.own {
            continue;
        }
        if deny {
            joint(subject, &rule, acc);
        }
        if deny || allow {
            hosts(subject, &rule, acc);
        }
        if allow {
            header(subject, &rule, acc);
        }
    }
}

/// Two list items, one of which says only who, and the other only what.
fn split(policy: &Authorization, acc: &mut Diagnostics) {
    let who = |rule: &Rule| !rule.sources.is_empty() && rule.operations.is_empty() && rule.conditions.is_empty();
    let what = |rule: &Rule| rule.sources.is_empty() && !rule.operations.is_empty() && rule.conditions.is_empty();
    let rules = policy.action.rules();
    for (one, other) in rules.iter().zip(rules.iter().skip(1)) {
        if (who(one) && what(other)) || (what(one) && who(other)) {
            acc.push(errors::split_rule(other.origin, one.origin));
        }
    }
}

/// A request that a DENY rule refuses at a place.
fn refused(subject: &Subject<'_>, rule: &InForce<'_>, place: &Place<'_>) -> Option<Request> {
    let requests = subject.requests(rule.rule, place).into_iter().flat_map(|request| {
        let known = Request {
            caller: subject.someone(),
            ..request.clone()
        };
        [request, known]
    });
    let mut requests = requests.filter(|request| {
        let answer = subject.answer(request);
        answer.is_some_and(|answer| answer.outcome == Outcome::Forbidden && rule.decided(&answer))
    });
    requests.next()
}

/// A refused path that passes in another spelling, which many applications take for the same.
fn spellings(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let exact = rule
        .rule
        .operations
        .iter()
        .flat_map(|operation| &operation.paths.values);
    let exact = exact.filter(|path| path.starts_with('/') && path.len() > 1 && !path.contains(['*', '{', '?', '#']));
    let Some(path) = exact.into_iter().next() else { return };
    let merges = matches!(
        subject.inventory.mesh.normalization,
        Normalization::MergeSlashes | Normalization::DecodeAndMergeSlashes
    );
    let slash = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    let mut variants = vec![slash, path.to_ascii_uppercase()];
    if !merges {
        variants.push(format!("/{path}"));
    }
    variants.retain(|variant| variant != path);
    for place in rule.sample() {
        let Some(request) = refused(subject, rule, place).filter(|request| request.path.as_ref() == Some(path)) else {
            continue;
        };
        let passing: Vec<&String> = variants
            .iter()
            .filter(|variant| {
                subject.is_admitted(&Request {
                    path: Some((*variant).clone()),
                    ..request.clone()
                })
            })
            .collect();
        if !passing.is_empty() {
            acc.push(errors::loose_deny(rule.rule.origin, path, &passing, &place.name));
            return;
        }
    }
}

/// Exceptions that must all fail before a rule refuses.
fn joint(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let ([source], [operation]) = (rule.rule.sources.as_slice(), rule.rule.operations.as_slice()) else {
        return;
    };
    let identity = [&source.principals, &source.namespaces, &source.service_accounts];
    let excludes = |lists: &&Lists<String>| !lists.not_values.is_empty() && lists.values.is_empty();
    if !identity.iter().any(excludes) || !rule.rule.conditions.is_empty() || !is_negative(operation) {
        return;
    }
    for place in rule.sample() {
        let Some(request) = refused(subject, rule, place) else {
            continue;
        };
        let mut excepted = request.clone();
        let fill = |lists: &Lists<String>| lists.not_values.first().map(|value| witness::filled(value));
        excepted.path = fill(&operation.paths).or(excepted.path);
        excepted.method = fill(&operation.methods).or(excepted.method);
        excepted.host = fill(&operation.hosts).or(excepted.host);
        excepted.port = operation.ports.not_values.first().copied().or(excepted.port);
        if subject.is_admitted(&excepted) {
            let words = (witness::words(&excepted), witness::words(&request));
            acc.push(
                errors::joint_exceptions(rule.rule.origin, &words.0, &words.1, &place.name)
                    .witness(subject.data(&excepted)),
            );
            return;
        }
    }
}

fn is_negative(operation: &Operation) -> bool {
    let texts = [&operation.hosts, &operation.methods, &operation.paths];
    texts.iter().all(|lists| lists.values.is_empty())
        && operation.ports.values.is_empty()
        && (texts.iter().any(|lists| !lists.not_values.is_empty()) || !operation.ports.not_values.is_empty())
}

/// A host that is told apart from the same host with a port, or from its full name.
fn hosts(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let mut values = rule
        .rule
        .operations
        .iter()
        .flat_map(|operation| &operation.hosts.values);
    let Some(host) = values.find(|host| !host.contains([':', '*'])) else {
        return;
    };
    let services = subject.inventory.services.iter();
    let domain = &subject.inventory.mesh.domain;
    let mut full = services.filter_map(|service| {
        let name = service.host(domain);
        (name != *host
            && name
                .strip_prefix(host.as_str())
                .is_some_and(|rest| rest.starts_with('.')))
        .then_some(name)
    });
    let full = full.next();
    let deny = matches!(rule.policy.action, Action::Deny(_));
    for place in rule.sample() {
        let request = if deny {
            refused(subject, rule, place)
        } else {
            let mut requests = subject.requests(rule.rule, place).into_iter();
            requests.find(|request| {
                let answer = subject.answer(request);
                answer.is_some_and(|answer| answer.outcome == Outcome::Ok && rule.decided(&answer))
            })
        };
        let Some(request) = request.filter(|request| request.host.as_ref() == Some(host)) else {
            continue;
        };
        let other = full
            .clone()
            .unwrap_or_else(|| format!("{host}:{}", request.port.unwrap_or(80)));
        let changed = Request {
            host: Some(other.clone()),
            ..request
        };
        let Some(answer) = subject.answer(&changed) else {
            continue;
        };
        if (answer.outcome == Outcome::Ok) == deny {
            acc.push(
                errors::host_spelling(rule.rule.origin, host, &other, deny, &place.name)
                    .witness(subject.data(&changed)),
            );
            return;
        }
    }
}

/// An ALLOW that rests on a header alone, which every caller can set.
fn header(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let name = rule.rule.conditions.iter().find_map(|condition| match &condition.key {
        ConditionKey::Header(name) if !condition.lists.values.is_empty() => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let Some(name) = name else { return };
    for place in rule
        .sample()
        .filter(|place| !matches!(place.plane, Plane::Ztunnel | Plane::Waypoint(_)))
    {
        for request in subject.requests(rule.rule, place) {
            let with = Request {
                caller: Caller::Outsider,
                ..request
            };
            let admitted = subject.answer(&with);
            let mut without = with.clone();
            without.headers.retain(|(own, _)| *own != name);
            let refused = subject
                .answer(&without)
                .is_some_and(|answer| answer.outcome == Outcome::Forbidden);
            if refused && admitted.is_some_and(|answer| answer.outcome == Outcome::Ok && rule.decided(&answer)) {
                acc.push(
                    errors::client_set_header(rule.rule.origin, &name, &witness::words(&with), &place.name)
                        .witness(subject.data(&with)),
                );
                return;
            }
        }
    }
}
