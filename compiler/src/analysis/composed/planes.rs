//! Ambient: what ztunnel does not read, and what a waypoint changes.

use super::places::{Place, Plane};
use super::{InForce, Subject, errors, witness};
use crate::diagnostics::Diagnostics;
use crate::policy::request::{Outcome, Request};
use crate::policy::{Action, MtlsMode, PeerScope};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    if subject.target.is_legacy() {
        return;
    }
    let set = subject.policies;
    for (at, policy) in set
        .request_authentications
        .iter()
        .enumerate()
        .filter(|(_, it)| !it.rules.is_empty())
    {
        let places = subject.places(subject.tokens_at.get(at));
        if let Some(place) = at_ztunnel_only(&places) {
            acc.push(errors::ztunnel_ignores(
                policy.meta.origin,
                "reads no tokens",
                &place.name,
            ));
        }
    }
    for (at, policy) in set.authorizations.iter().enumerate().skip(subject.own.authorizations) {
        let places = subject.places(subject.access_at.get(at));
        let why = match policy.action {
            Action::Custom { .. } => "asks no external authorizer",
            Action::Audit(_) => "marks no requests",
            Action::Allow(_) | Action::Deny(_) => continue,
        };
        if let Some(place) = at_ztunnel_only(&places) {
            acc.push(errors::ztunnel_ignores(policy.meta.origin, why, &place.name));
        }
    }
    for rule in subject
        .rules()
        .filter(|rule| !rule.own && witness::demands_http(rule.rule))
    {
        let Some(place) = at_ztunnel_only(&rule.places) else {
            continue;
        };
        match rule.policy.action {
            Action::Allow(_) => acc.push(errors::ztunnel_drops(rule.rule.origin, true, &place.name)),
            Action::Deny(_) => acc.push(errors::ztunnel_drops(rule.rule.origin, false, &place.name)),
            Action::Audit(_) | Action::Custom { .. } => {}
        }
    }
    for (at, policy) in set.peer_authentications.iter().enumerate() {
        let ports = match &policy.scope {
            PeerScope::Workload { ports, .. } => ports.values().any(|mode| *mode == MtlsMode::Disable),
            PeerScope::Namespace | PeerScope::EmptySelector => false,
        };
        let disables = policy.mode == Some(MtlsMode::Disable) || ports;
        let places = subject.places(subject.peers_at.get(at));
        if let Some(place) = at_ztunnel_only(&places).filter(|_| disables) {
            acc.push(errors::ambient_disable(policy.meta.origin, &place.name));
        }
    }
    for rule in subject
        .rules()
        .filter(|rule| matches!(rule.policy.action, Action::Allow(_)))
    {
        refused_behind(subject, &rule, acc);
    }
    around(subject, acc);
}

/// The first of places that are all known pods of ztunnel.
fn at_ztunnel_only<'s>(places: &[&'s Place<'s>]) -> Option<&'s Place<'s>> {
    let ztunnel = |place: &&Place<'_>| place.plane == Plane::Ztunnel && place.workload.is_some();
    places.first().copied().filter(|_| places.iter().all(ztunnel))
}

/// A caller that the pods admit, and that comes through a waypoint which they refuse.
fn refused_behind(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    for place in rule.sample().filter(|place| place.plane == Plane::Ztunnel) {
        let services = place.workload.map_or(&[][..], |index| subject.lookups.services(index));
        let mut services = services.iter().filter_map(|at| subject.inventory.services.get(*at));
        let waypoint = services.find_map(|service| service.waypoint.as_ref());
        let Some((namespace, name)) = waypoint else { continue };
        let requests = subject.requests(rule.rule, place).into_iter();
        for request in requests.filter(|request| request.caller != crate::policy::request::Caller::Outsider) {
            let direct = Request {
                pod: true,
                ..request.clone()
            };
            let admitted = subject.answer(&direct).filter(|answer| answer.outcome == Outcome::Ok);
            let through = subject.answer(&request).filter(|answer| answer.outcome != Outcome::Ok);
            let at_pod = through.as_ref().is_some_and(|answer| answer.why.starts_with("ztunnel"));
            if admitted.is_some_and(|answer| rule.decided(&answer)) && at_pod {
                let waypoint = format!("{namespace}/{name}");
                acc.push(
                    errors::waypoint_refused(rule.rule.origin, &waypoint, &witness::words(&request), &place.name)
                        .witness(subject.data(&request)),
                );
                return;
            }
        }
    }
}

/// Pods that take what their waypoint refuses.
fn around(subject: &Subject<'_>, acc: &mut Diagnostics) {
    for place in &subject.places {
        let Plane::Waypoint(at) = place.plane else { continue };
        let Some(service) = subject.inventory.services.get(at) else {
            continue;
        };
        let policies = place
            .heeded
            .access
            .iter()
            .filter_map(|at| subject.policies.authorizations.get(*at));
        let Some(policy) = policies
            .into_iter()
            .find(|it| matches!(it.action, Action::Allow(_) | Action::Deny(_)))
        else {
            continue;
        };
        let pods = subject.places.iter().filter(|pod| {
            pod.plane == Plane::Ztunnel && pod.workload.is_some_and(|index| service.workloads.contains(&index))
        });
        for pod in pods {
            let Some(plain) = subject.plain(pod) else { continue };
            let request = Request {
                caller: subject.someone(),
                ..plain
            };
            let direct = Request {
                pod: true,
                ..request.clone()
            };
            let refused = subject
                .answer(&request)
                .is_some_and(|answer| answer.outcome == Outcome::Forbidden);
            if refused && subject.is_admitted(&direct) {
                acc.push(
                    errors::round_the_waypoint(policy.meta.origin, &place.name, &witness::words(&request), &pod.name)
                        .witness(subject.data(&direct)),
                );
                break;
            }
        }
    }
}
