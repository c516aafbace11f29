//! Where a demand for mutual TLS or tokens is not in force although the text reads as if it were.

use super::errors;
use super::modes::Layers;
use super::tokens::demands;
use crate::diagnostics::Diagnostics;
use crate::hir::{Dataplane, Protocol, Scope, ScopeKind};
use crate::lower::Context;
use crate::policy::legacy::AuthenticationPolicy;
use crate::policy::{Keys, MtlsMode};

/// Reports ports that no Service leads to: Istio 1.4 serves them in plaintext and asks for nothing there.
pub(super) fn report_ports(ctx: &Context<'_>, scope: &Scope, acc: &mut Diagnostics) {
    let is_workload = matches!(scope.kind, ScopeKind::Workload { .. }) && !scope.in_mesh;
    if !is_workload || scope.facts.services.is_empty() || ctx.reach.dataplane(scope) != Dataplane::Sidecar {
        return;
    }
    let layers = Layers::of(ctx, scope);
    let mut quiet = Diagnostics::default();
    let demands = demands(ctx, scope, &mut quiet);
    let services = &scope.facts.services;
    let proxied = scope.facts.ports.iter().filter(|(_, it)| it.it != Protocol::Unproxied);
    for (port, declared) in proxied {
        let has_service = services
            .iter()
            .any(|service| service.ports.is_empty() || service.ports.iter().any(|(_, pod)| pod == port));
        let asks_token = demands
            .iter()
            .any(|demand| demand.required && !demand.on(Some(*port), Some(declared.it)).is_empty());
        if !has_service && (asks_token || layers.mode(Some(*port)) == Some(MtlsMode::Strict)) {
            acc.push(errors::uncovered_port(*port, declared.span));
        }
    }
}

/// Reports what a policy with tokens gets wrong around them.
pub(super) fn report_tokens(policy: &AuthenticationPolicy, says_mode: bool, acc: &mut Diagnostics) {
    let Some(first) = policy.origins.first() else { return };
    if !says_mode {
        acc.push(errors::unsaid_mode(first.jwt.origin));
    }
    if policy.meta.namespace.is_none() {
        for origin in policy
            .origins
            .iter()
            .filter(|origin| origin.jwt.keys == Keys::Discovery)
        {
            acc.push(errors::mesh_without_keys(&origin.jwt.issuer, origin.jwt.origin));
        }
    }
}
