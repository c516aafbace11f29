//! Rules and the ports that they come to hold at: those of TCP, those that nobody named, those that stay shut.

use std::collections::{BTreeMap, BTreeSet};

use super::places::{Place, Plane};
use super::{InForce, Subject, errors, shape, witness};
use crate::diagnostics::Diagnostics;
use crate::policy::effective::rules::{CompiledRule, Matcher, Test};
use crate::policy::inventory::Protocol;
use crate::policy::request::{Request, Stage};
use crate::policy::stated::Fact;
use crate::policy::{Action, Authorization};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    if subject.target.is_legacy() {
        return;
    }
    for rule in subject.rules().filter(|rule| witness::demands_http(rule.rule)) {
        match rule.policy.action {
            Action::Allow(_) => never_on_tcp(&rule, acc),
            Action::Deny(_) if !rule.own => closes_tcp(subject, &rule, acc),
            _ => {}
        }
        unnamed(subject, &rule, acc);
    }
    shut(subject, acc);
}

/// An ALLOW about HTTP whose ports all speak TCP.
fn never_on_tcp(rule: &InForce<'_>, acc: &mut Diagnostics) {
    let Some(ports) = shape::ports(rule.rule).filter(|ports| !ports.is_empty()) else {
        return;
    };
    let opaque = |place: &&Place<'_>| {
        let spoken = |port| {
            place
                .ports
                .get(port)
                .is_some_and(|spoken: &Protocol| spoken.is_opaque())
        };
        matches!(place.plane, Plane::Sidecar | Plane::Gateway) && ports.iter().all(spoken)
    };
    if let Some(place) = rule.places.first().filter(|_| rule.places.iter().all(opaque)) {
        acc.push(errors::allow_on_tcp(rule.rule.origin, &ports, &place.name));
    }
}

/// A DENY about HTTP that closes a TCP port, shown by a connection.
fn closes_tcp(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    if rule.policy.dry_run {
        return;
    }
    let named = shape::ports(rule.rule);
    let mut closed: Vec<String> = Vec::new();
    for place in rule
        .places
        .iter()
        .filter(|place| matches!(place.plane, Plane::Sidecar | Plane::Gateway))
    {
        for (port, _) in place.ports.iter().filter(|(_, spoken)| spoken.is_opaque()) {
            // Who names the port means it.
            if named.is_some() {
                continue;
            }
            let Some(plain) = subject.plain(place) else { continue };
            let connection = Request {
                caller: if place.plane == Plane::Gateway {
                    plain.caller.clone()
                } else {
                    subject.someone()
                },
                port: Some(*port),
                http: Some(false),
                method: None,
                path: None,
                ..plain
            };
            let answer = subject.answer(&connection);
            if answer.is_some_and(|answer| answer.stage == Some(Stage::Deny) && rule.decided(&answer)) {
                closed.push(format!("port {port} of {}", place.name));
            }
        }
    }
    if !closed.is_empty() {
        acc.push(errors::deny_on_tcp(rule.rule.origin, &closed));
    }
}

/// A rule about HTTP at a port whose protocol nobody names.
fn unnamed(subject: &Subject<'_>, rule: &InForce<'_>, acc: &mut Diagnostics) {
    let named = shape::ports(rule.rule);
    let mut found = Vec::new();
    for place in rule.places.iter().filter(|place| place.plane == Plane::Sidecar) {
        let Some(index) = place.workload else { continue };
        let ports = subject
            .stated
            .range(Fact::Detected(index, 0)..=Fact::Detected(index, u16::MAX));
        for (fact, span) in ports {
            if let Fact::Detected(_, port) = fact
                && !place.ports.contains_key(port)
                && named.as_ref().is_none_or(|named| named.contains(port))
            {
                found.push((format!("port {port} of {}", place.name), *span));
            }
        }
    }
    if let Some((first, span)) = found.first() {
        acc.push(errors::unknown_protocol(
            rule.rule.origin,
            first,
            found.len() - 1,
            *span,
        ));
    }
}

/// Ports that no rule admits anybody to, under the policy that closed them.
fn shut(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let mut by_policy: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for place in subject.places.iter().filter(|place| place.workload.is_some()) {
        let all = &subject.policies.authorizations;
        let allows = place.heeded.access.iter().filter_map(|at| Some((*at, all.get(*at)?)));
        let allows: Vec<(usize, &Authorization)> = allows
            .filter(|(_, policy)| matches!(policy.action, Action::Allow(_)) && !policy.dry_run)
            .collect();
        let Some((first, _)) = allows.first() else { continue };
        let gateway = place.plane == Plane::Gateway;
        // Who writes an empty policy for pods says that all is closed but what others open.
        let on_purpose = allows
            .iter()
            .any(|(at, policy)| policy.action.rules().is_empty() && (!gateway || *at < subject.own.authorizations));
        if on_purpose || place.plane == Plane::Ztunnel {
            continue;
        }
        let closed: BTreeSet<u16> = place
            .ports
            .iter()
            .filter(|(_, spoken)| **spoken != Protocol::Unproxied)
            .filter(|(port, spoken)| {
                !allows
                    .iter()
                    .any(|(at, _)| subject.opens(*at, **port, spoken.is_http()))
            })
            .map(|(port, _)| *port)
            .collect();
        for port in closed {
            by_policy
                .entry(*first)
                .or_default()
                .push(format!("port {port} of {}", place.name));
        }
    }
    for (at, ports) in by_policy {
        if let Some(policy) = subject.policies.authorizations.get(at) {
            acc.push(errors::closed_port(policy.meta.origin, &ports));
        }
    }
}

impl Subject<'_> {
    /// Whether a rule of a policy can match at a port.
    fn opens(&self, at: usize, port: u16, http: bool) -> bool {
        self.compiled(at)
            .is_some_and(|policy| policy.rules(http).iter().any(|rule| holds_at(rule, port)))
    }
}

/// Whether the tests of ports let a rule match at a port.
fn holds_at(rule: &CompiledRule, port: u16) -> bool {
    let test = |test: &Test| {
        let is = |matcher: &Matcher| match matcher {
            Matcher::Port(own) => Some(*own == port),
            _ => None,
        };
        let mut positive = test.positive.iter().filter_map(is).peekable();
        let met = positive.peek().is_none() || positive.any(|it| it);
        met && !test.negative.iter().filter_map(is).any(|it| it)
    };
    rule.clauses
        .iter()
        .all(|clause| clause.iter().any(|tests| tests.iter().all(test)))
}
