//! DestinationRules whose TLS is not what it seems to be.

use super::{Subject, errors};
use crate::diagnostics::Diagnostics;
use crate::policy::evaluate::client::full_host;
use crate::policy::inventory::WorkloadKind;
use crate::policy::{ClientTls, DestinationRule, TlsByPort, TlsMode};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    for (at, rule) in subject.policies.destination_rules.iter().enumerate() {
        let own = at < subject.own.destinations;
        host(subject, rule, acc);
        if let Some(tls) = &rule.tls {
            ports(rule, tls, acc);
            let all = tls.all.iter().chain(tls.ports.values().flatten());
            for tls in all {
                settings(subject, rule, tls, acc);
            }
        }
        if !own && subject.target.is_legacy() {
            continue;
        }
        let speaking = rule.subsets.iter().find(|subset| subset.tls != TlsByPort::default());
        if let Some(subset) = speaking.filter(|_| !own) {
            acc.push(errors::subset_tls(rule.meta.origin, &subset.name));
        }
        if !subject.target.is_legacy() {
            misplaced(subject, rule, acc);
            hides(subject, rule, acc);
        }
    }
}

/// A port with settings of its own that say nothing of TLS.
fn ports(rule: &DestinationRule, tls: &TlsByPort, acc: &mut Diagnostics) {
    let Some(all) = tls.all.as_ref().filter(|tls| tls.mode != TlsMode::Disable) else {
        return;
    };
    let silent: Vec<u16> = tls
        .ports
        .iter()
        .filter(|(_, tls)| tls.is_none())
        .map(|(port, _)| *port)
        .collect();
    if !silent.is_empty() {
        acc.push(errors::port_drops_tls(rule.meta.origin, &silent, all.mode));
    }
}

fn settings(subject: &Subject<'_>, rule: &DestinationRule, tls: &ClientTls, acc: &mut Diagnostics) {
    if !matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual) {
        return;
    }
    let verified = tls.ca_certificates.is_some() || tls.credential_name.is_some() || !tls.subject_alt_names.is_empty();
    if tls.insecure_skip_verify || !verified {
        acc.push(errors::unverified_server(rule.meta.origin, tls.insecure_skip_verify));
    }
    let home = rule.meta.namespace.as_deref().unwrap_or_default();
    let mut gateways = subject
        .inventory
        .workloads
        .iter()
        .filter(|it| it.kind != WorkloadKind::Application);
    // In the root namespace it is for the gateways of all.
    let for_gateways = home == subject.inventory.mesh.root || gateways.any(|it| it.namespace == home);
    if tls.credential_name.is_some() && rule.clients.is_none() && !for_gateways {
        acc.push(errors::credential_unused(rule.meta.origin, &rule.host));
    }
}

/// A host that is no Service, where something shows which was meant.
fn host(subject: &Subject<'_>, rule: &DestinationRule, acc: &mut Diagnostics) {
    let domain = &subject.inventory.mesh.domain;
    let full = full_host(rule, domain);
    let services = || subject.inventory.services.iter();
    if rule.host.contains(['.', '*']) || subject.lookups.is_service(&full) {
        return;
    }
    let mut elsewhere = services().filter(|service| service.name == rule.host);
    if let (Some(there), None) = (elsewhere.next(), elsewhere.next()) {
        acc.push(errors::unknown_host(
            rule.meta.origin,
            &rule.host,
            &full,
            &there.host(domain),
        ));
    }
}

/// A rule for clients that do not look where it stands.
fn misplaced(subject: &Subject<'_>, rule: &DestinationRule, acc: &mut Diagnostics) {
    let home = rule.meta.namespace.as_deref().unwrap_or_default();
    let full = full_host(rule, &subject.inventory.mesh.domain);
    let owner = crate::policy::evaluate::namespace_of(&full, &subject.inventory.mesh.domain);
    let meant = rule.export_to.iter().any(|to| to != "." && to != home);
    let found = home == subject.inventory.mesh.root || owner.is_none_or(|owner| owner == home || owner.contains('*'));
    if rule.tls.is_some() && meant && !found {
        acc.push(errors::misplaced_destination(
            rule.meta.origin,
            home,
            owner.unwrap_or_default(),
        ));
    }
}

/// A client's rule without TLS, which is heeded instead of the service's with it.
fn hides(subject: &Subject<'_>, rule: &DestinationRule, acc: &mut Diagnostics) {
    let silent = |tls: &TlsByPort| tls.all.is_none() && tls.ports.values().all(Option::is_none);
    if rule.tls.as_ref().is_some_and(|tls| !silent(tls)) {
        return;
    }
    let domain = &subject.inventory.mesh.domain;
    let full = full_host(rule, domain);
    let home = rule.meta.namespace.as_deref().unwrap_or_default();
    let Some(owner) = crate::policy::evaluate::namespace_of(&full, domain).filter(|owner| *owner != home) else {
        return;
    };
    let others = subject.lookups.rules_of(subject.policies, &full);
    let hidden = others.filter(|other| other.meta.namespace.as_deref() == Some(owner));
    let hidden = hidden.filter(|other| other.clients.is_none());
    let mut hidden = hidden.filter(|other| {
        let all = other.tls.as_ref().and_then(|tls| tls.all.as_ref());
        // Without a word mutual TLS of the mesh is automatic.
        all.is_some_and(|tls| tls.mode != TlsMode::IstioMutual)
    });
    if let Some(other) = hidden.next() {
        acc.push(errors::hides_tls(rule.meta.origin, other.meta.origin, home));
    }
}
