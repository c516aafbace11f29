//! A Service in front of several workloads: a legacy policy names the Service, so it acts on all of them.

use super::errors;
use super::policies::{at_port, speaks};
use crate::diagnostics::Diagnostics;
use crate::hir::{Scope, ScopeKind, Service};
use crate::lower::Context;

/// Whether the policies of `service` are to be made for this workload: not where an earlier one makes the same. Two
/// workloads behind one Service that are told different things are an error.
pub(super) fn is_to_be_emitted(ctx: &Context<'_>, scope: &Scope, service: &Service, acc: &mut Diagnostics) -> bool {
    let mut is_first = true;
    let mut is_earlier = true;
    for other in ctx.reach.pods_in(&scope.namespace) {
        if std::ptr::eq(other, scope) {
            is_earlier = false;
            continue;
        }
        let is_workload = matches!(other.kind, ScopeKind::Workload { .. }) && !other.in_mesh;
        let same = other.facts.services.iter().find(|theirs| theirs.name == service.name);
        let (true, Some(theirs)) = (is_workload, same) else {
            continue;
        };
        let speaks_too = other.items.iter().any(speaks);
        if told_apart(ctx, (scope, service), (other, theirs)) {
            // Of two that speak, the later one reports it.
            if !(is_earlier && speaks_too) {
                acc.push(errors::shared_service(&service.name, service.span, theirs.span));
            }
            return false;
        }
        is_first &= !(is_earlier && speaks_too);
    }
    is_first
}

/// Whether something else holds at a port of the Service for one workload than for the other.
fn told_apart(ctx: &Context<'_>, own: (&Scope, &Service), other: (&Scope, &Service)) -> bool {
    let pod = |service: &Service, port: u16| service.ports.iter().find(|(p, _)| *p == port).map(|(_, pod)| *pod);
    let ports = own
        .1
        .ports
        .iter()
        .chain(&other.1.ports)
        .map(|(port, _)| Some(*port))
        .chain([None]);
    ports.into_iter().any(|port| {
        let at = |(scope, service): (&Scope, &Service)| at_port(ctx, scope, port.and_then(|port| pod(service, port)));
        at(own) != at(other)
    })
}
