//! Tokens that are read and not asked for, or asked for and not read.

use std::collections::BTreeSet;

use super::places::Plane;
use super::{InForce, Place, Subject, errors, shape, witness};
use crate::diagnostics::Diagnostics;
use crate::diagnostics::suggest::nearest;
use crate::policy::effective::strings::{StringMatch, request_principal};
use crate::policy::{Action, ConditionKey, JwtRule, Keys, MtlsMode, RequestAuthentication, Selection};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let mut told = BTreeSet::new();
    for (at, policy) in subject.policies.request_authentications.iter().enumerate() {
        let places = subject.places(subject.tokens_at.get(at));
        let places: Vec<_> = places
            .into_iter()
            .filter(|place| place.plane != Plane::Ztunnel)
            .collect();
        optional(subject, policy, &places, acc);
        for rule in &policy.rules {
            // An issuer that is accepted in many places is one cause.
            if told.insert(&rule.issuer) {
                audience(subject, rule, &places, acc);
            }
            in_clear(subject, rule, acc);
            taken(subject, rule, &places, acc);
        }
    }
    twice(subject, acc);
    for rule in subject.rules() {
        if !never_read(subject, &rule, acc) {
            unknown_issuer(subject, &rule, acc);
        }
    }
}

/// The JWT rules in force at a place.
fn read_at<'s>(subject: &'s Subject<'_>, place: &Place<'_>) -> Vec<&'s JwtRule> {
    let all = &subject.policies.request_authentications;
    let policies = place.heeded.tokens.iter().filter_map(|at| all.get(*at));
    policies.flat_map(|policy| &policy.rules).collect()
}

/// Tokens are checked, and a request without one is as good.
fn optional(subject: &Subject<'_>, policy: &RequestAuthentication, places: &[&Place<'_>], acc: &mut Diagnostics) {
    if policy.rules.is_empty() {
        return;
    }
    for place in places {
        let mut access = subject.access(place);
        if access
            .any(|it| it.action.rules().iter().any(shape::mentions_token) || matches!(it.action, Action::Custom { .. }))
        {
            return;
        }
    }
    for place in places {
        let allows = subject.access(place).filter(|it| matches!(it.action, Action::Allow(_)));
        let rules: Vec<_> = allows.flat_map(|it| it.action.rules()).collect();
        let mut requests: Vec<_> = rules.iter().flat_map(|rule| subject.requests(rule, place)).collect();
        if let Some(mut plain) = subject.plain(place) {
            if place.mode(plain.port).is_none_or(|mode| mode.mode == MtlsMode::Strict) && place.plane != Plane::Gateway
            {
                plain.caller = subject.someone();
            }
            requests.push(plain);
        }
        if let Some(request) = requests.iter().find(|request| subject.is_admitted(request)) {
            acc.push(
                errors::token_optional(policy.meta.origin, &place.name, &witness::words(request))
                    .witness(subject.data(request)),
            );
            return;
        }
    }
}

/// A token that was made for somebody else is as good.
fn audience(subject: &Subject<'_>, rule: &JwtRule, places: &[&Place<'_>], acc: &mut Diagnostics) {
    if !rule.audiences.is_empty() || places.is_empty() {
        return;
    }
    let asked = places.iter().any(|place| {
        subject.access(place).any(|policy| {
            policy.action.rules().iter().any(|rule| {
                rule.conditions.iter().any(|condition| match &condition.key {
                    ConditionKey::Audiences => true,
                    ConditionKey::Claim(path) => path.first().is_some_and(|claim| claim == "aud"),
                    _ => false,
                })
            })
        })
    });
    if !asked {
        acc.push(errors::any_audience(rule.origin, rule.issuer.as_deref()));
    }
}

/// Keys that come over the network as everybody can read and change them.
fn in_clear(subject: &Subject<'_>, rule: &JwtRule, acc: &mut Diagnostics) {
    let Keys::Uri(uri) = &rule.keys else { return };
    let Some(rest) = uri.strip_prefix("http://") else {
        return;
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let inside = format!(".svc.{}", subject.inventory.mesh.domain);
    // In the mesh it may be encrypted on the way.
    if host.contains('.')
        && !host.ends_with(".svc")
        && !host.ends_with(&inside)
        && host.parse::<std::net::IpAddr>().is_err()
    {
        acc.push(errors::keys_in_clear(rule.origin, uri));
    }
}

/// A gateway takes the token out of the request, and what is behind it looks for one.
fn taken(subject: &Subject<'_>, rule: &JwtRule, places: &[&Place<'_>], acc: &mut Diagnostics) {
    if rule.forward_original_token || rule.issuer.is_none() {
        return;
    }
    let Some(gateway) = places.iter().find(|place| place.plane == Plane::Gateway) else {
        return;
    };
    let behind = subject.places.iter().find(|place| {
        let reads = |other: &&JwtRule| other.issuer == rule.issuer;
        matches!(place.plane, Plane::Sidecar | Plane::Waypoint(_))
            && read_at(subject, place).iter().any(reads)
            && subject
                .access(place)
                .any(|policy| policy.action.rules().iter().any(shape::mentions_token))
    });
    if let Some(behind) = behind {
        acc.push(errors::token_taken(rule.origin, &gateway.name, &behind.name));
    }
}

/// One issuer with two sets of keys.
fn twice(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let mut told = BTreeSet::new();
    for place in &subject.places {
        let rules = read_at(subject, place);
        for (at, other) in rules.iter().enumerate() {
            let same = |one: &&&JwtRule| one.issuer.is_some() && one.issuer == other.issuer && one.keys != other.keys;
            if let Some(one) = rules.iter().take(at).find(same)
                && told.insert((one.origin, other.origin))
            {
                let issuer = other.issuer.as_deref().unwrap_or_default();
                acc.push(errors::issuer_twice(other.origin, one.origin, issuer, &place.name));
            }
        }
    }
}

/// A rule about tokens where none is read; whether that was said.
fn never_read(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) -> bool {
    let bare = |values: &[String]| values.iter().any(|value| value == "*");
    let refuses = matches!(rule.policy.action, Action::Deny(_))
        && rule
            .rule
            .sources
            .iter()
            .any(|source| bare(&source.request_principals.not_values));
    if !shape::demands_token(rule.rule) && !refuses {
        return false;
    }
    let policies = subject.policies.request_authentications.iter();
    let others = || {
        policies.clone().filter_map(|policy| match &policy.selection {
            Selection::Labels(labels) => Some((policy.meta.namespace.as_deref()?, labels.as_map())),
            _ => None,
        })
    };
    // In a legacy release other objects read tokens, and ztunnel knows none of these facts.
    if subject.target.is_legacy() {
        return false;
    }
    let unread = rule.places.iter().all(|place| {
        place.plane != Plane::Ztunnel
            && read_at(subject, place).is_empty()
            && !place.may_be_more(others(), &subject.inventory.mesh.root)
    });
    // A policy alone says nothing of the others that go with it.
    let whole = rule.own
        || !subject.policies.request_authentications.is_empty()
        || rule.places.iter().any(|place| place.workload.is_some());
    if !unread || !whole {
        return false;
    }
    let Some(place) = rule.places.first() else { return false };
    acc.push(errors::token_never_read(rule.rule.origin, &place.name, refuses));
    true
}

/// Issuers that a rule names and nobody here reads tokens of.
fn unknown_issuer(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let mut issuers = BTreeSet::new();
    for place in rule.places.iter() {
        let rules = read_at(subject, place);
        if rules.is_empty() {
            return;
        }
        for rule in rules {
            // Without `issuer` any is taken.
            let Some(issuer) = &rule.issuer else { return };
            issuers.insert(issuer.as_str());
        }
    }
    let principal = |value: &String| match request_principal(value) {
        (StringMatch::Exact(issuer), _) => Some((issuer, value.clone())),
        _ => None,
    };
    let mut values: BTreeSet<(String, String)> = BTreeSet::new();
    for source in &rule.rule.sources {
        values.extend(source.request_principals.values.iter().filter_map(principal));
    }
    for condition in &rule.rule.conditions {
        match &condition.key {
            ConditionKey::RequestPrincipal => values.extend(condition.lists.values.iter().filter_map(principal)),
            ConditionKey::Claim(path) if path.as_slice() == ["iss"] => {
                let exact = condition.lists.values.iter().filter(|value| !value.contains('*'));
                values.extend(exact.map(|value| (value.clone(), value.clone())));
            }
            _ => {}
        }
    }
    for (issuer, value) in values {
        if !issuers.contains(issuer.as_str()) {
            let near = nearest(&issuer, issuers.iter().copied());
            acc.push(errors::unknown_issuer(rule.rule.origin, &value, &issuer, near));
        }
    }
}
