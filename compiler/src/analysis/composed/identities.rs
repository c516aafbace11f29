//! Rules about identities where none is seen, or where a caller may do without one.

use super::places::Plane;
use super::{InForce, Subject, errors, shape, witness};
use crate::diagnostics::Diagnostics;
use crate::policy::inventory::Protocol;
use crate::policy::request::{Caller, Outcome, Reason, Request, Stage};
use crate::policy::{Action, ConditionKey, Lists, MtlsMode, PeerScope, Rule};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    for rule in subject.rules() {
        if shape::demands_identity(rule.rule) {
            if let Some(why) = never_seen(subject, &rule) {
                acc.push(errors::identity_never_seen(rule.rule.origin, &why));
            } else if matches!(rule.policy.action, Action::Deny(_)) {
                walked_around(subject, &rule, acc);
            }
        }
        if matches!(rule.policy.action, Action::Allow(_)) && !rule.own {
            admits_absent(subject, &rule, acc);
        }
    }
}

/// Why no caller shows an identity.
pub(super) struct Unseen {
    pub(super) place: String,
    pub(super) gateway: bool,
    pub(super) by: Option<Reason>,
}

/// Why no request shows an identity wherever a rule is in force.
fn never_seen(subject: &Subject<'_>, rule: &InForce<'_>) -> Option<Unseen> {
    let mut found = None;
    let ports = shape::ports_at(rule.rule);
    if ports.is_empty() {
        // Its ports exclude each other, and that is another matter.
        return None;
    }
    for place in rule.places.iter() {
        let unseen = match place.plane {
            Plane::Gateway => {
                let listens = |port: &u16| shape::ports(rule.rule).is_none_or(|ports| ports.contains(port));
                let mut heard = place.ports.iter().filter(|(port, _)| listens(port)).peekable();
                let silent = heard.peek().is_some() && heard.all(|(_, spoken)| *spoken != Protocol::HttpsMutual);
                if !silent {
                    return None;
                }
                None
            }
            Plane::Sidecar => {
                let peers = subject.policies.peer_authentications.iter();
                let others = peers.filter_map(|policy| match &policy.scope {
                    PeerScope::Workload { labels, .. } => Some((policy.meta.namespace.as_deref()?, labels.as_map())),
                    PeerScope::Namespace | PeerScope::EmptySelector => None,
                });
                if subject.target.is_legacy() || place.may_be_more(others, &subject.inventory.mesh.root) {
                    return None;
                }
                let modes: Option<Vec<_>> = ports.iter().map(|port| place.mode(*port)).collect();
                let modes = modes?;
                if modes.iter().any(|mode| mode.mode != MtlsMode::Disable) {
                    return None;
                }
                modes.into_iter().next().and_then(|mode| mode.by)
            }
            Plane::Ztunnel | Plane::Waypoint(_) => return None,
        };
        found.get_or_insert(Unseen {
            place: place.name.clone(),
            gateway: place.plane == Plane::Gateway,
            by: unseen,
        });
    }
    found
}

/// A DENY by identity that the same caller escapes in plaintext.
fn walked_around(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    if rule.policy.dry_run {
        return;
    }
    for place in rule.sample() {
        let pods = matches!(place.plane, Plane::Sidecar | Plane::Ztunnel);
        if !pods || subject.target.is_legacy() {
            continue;
        }
        for request in subject.requests(rule.rule, place) {
            let said = place.mode(request.port).and_then(|mode| mode.by);
            if said.is_none() && !subject.own.program {
                continue;
            }
            let refused = subject
                .answer(&request)
                .is_some_and(|answer| answer.stage == Some(Stage::Deny) && rule.decided(&answer));
            let bare = Request {
                caller: Caller::Outsider,
                ..request
            };
            if refused && subject.is_admitted(&bare) {
                acc.push(
                    errors::deny_walked_around(rule.rule.origin, &place.name, &witness::words(&bare), said)
                        .witness(subject.data(&bare)),
                );
                return;
            }
        }
    }
}

/// What an ALLOW rule only excludes by values of it, and so admits where there is none.
fn excluded(rule: &Rule) -> Vec<&'static str> {
    fn only<T>(lists: &Lists<T>) -> bool {
        lists.values.is_empty() && !lists.not_values.is_empty()
    }
    let mut found = Vec::new();
    let identity = shape::demands_identity(rule);
    let token = shape::demands_token(rule);
    for source in &rule.sources {
        let peer = [
            &source.principals,
            &source.namespaces,
            &source.service_accounts,
            &source.trust_domains,
        ];
        if !identity && !shape::source_has_identity(source) && peer.iter().any(|lists| only(lists)) {
            found.push("identity");
        }
        if !token && only(&source.request_principals) {
            found.push("token");
        }
    }
    for condition in rule.conditions.iter().filter(|condition| only(&condition.lists)) {
        // `*` excludes every value, and so means the absent one.
        if condition.lists.not_values.iter().any(|value| value == "*") {
            continue;
        }
        match &condition.key {
            key if shape::is_identity(key) && !identity => found.push("identity"),
            key if shape::is_token(key) && !token => found.push("token"),
            ConditionKey::Header(_) => found.push("header"),
            _ => {}
        }
    }
    let bare = |values: &[String]| values.iter().any(|value| value == "*");
    if rule
        .sources
        .iter()
        .any(|source| bare(&source.principals.not_values) || bare(&source.request_principals.not_values))
    {
        // Whoever excludes everything that has an identity means those that have none.
        found.retain(|what| *what == "header");
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn admits_absent(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let excluded = excluded(rule.rule);
    let Some(what) = excluded.first() else { return };
    for place in rule.sample() {
        for mut request in subject.requests(rule.rule, place) {
            if *what == "identity" {
                request.caller = Caller::Outsider;
            }
            let admitted = subject.answer(&request);
            if admitted.is_some_and(|answer| answer.outcome == Outcome::Ok && rule.decided(&answer)) {
                acc.push(
                    errors::admits_absent(rule.rule.origin, what, &place.name, &witness::words(&request))
                        .witness(subject.data(&request)),
                );
                return;
            }
        }
    }
}
