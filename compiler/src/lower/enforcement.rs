//! Blocks whose rules nobody enforces: a workload without a proxy, a service without a waypoint.

use super::{Context, errors};
use crate::diagnostics::Diagnostics;
use crate::hir::{Dataplane, Item, ItemKind, Scope, ScopeKind, Target, TargetKind, WaypointUse};
use crate::policy::{Feature, MtlsMode};

/// Reports a data plane that the release does not have.
pub(super) fn check_release(ctx: &Context<'_>, scope: &Scope, acc: &mut Diagnostics) {
    let said = scope.facts.dataplane.as_ref();
    if let Some(said) = said.filter(|said| said.it == Dataplane::Ambient)
        && !ctx.target.has(Feature::Ambient)
    {
        let help = "write `dataplane sidecar`, or `dataplane none` for pods without a proxy";
        acc.push(errors::not_in_release(
            "ambient mode",
            ctx.target,
            Feature::Ambient,
            said.span,
            Some(help),
        ));
    }
}

/// Reports a block whose rules nobody enforces, once.
pub(super) fn check<'p>(ctx: &Context<'p>, scope: &'p Scope, acc: &mut Diagnostics) {
    let Some(item) = scope.items.iter().find(|item| demands(item)) else {
        return;
    };
    match &scope.kind {
        ScopeKind::Workload { .. } if !scope.in_mesh && ctx.reach.dataplane(scope) == Dataplane::None => {
            let said = scope.facts.dataplane.as_ref().map(|plane| plane.span);
            acc.push(errors::no_proxy(item.span, said));
        }
        ScopeKind::Targets(targets) => {
            let namespace = ctx.program.namespaces.get(&scope.namespace);
            let own = scope.facts.use_waypoint.as_ref();
            let used = own.or_else(|| namespace?.use_waypoint.as_ref());
            let served = |target: &Target| match target.kind {
                TargetKind::Service if own.is_none() => ctx.reach.waypoint_of(&scope.namespace, &target.name).is_some(),
                TargetKind::Service | TargetKind::ServiceEntry => {
                    used.is_some_and(|used| matches!(used.it, WaypointUse::Named { .. }))
                }
                TargetKind::Gateway | TargetKind::Waypoint => true,
            };
            if let Some(target) = targets.iter().find(|target| !served(target)) {
                acc.push(errors::no_waypoint(&target.name, item.span, scope.span));
            }
        }
        _ => {}
    }
}

/// Whether an item asks for something to be enforced. A mode that opens is for the clients to know.
fn demands(item: &Item) -> bool {
    match &item.kind {
        ItemKind::Mtls { mode, .. } => *mode == MtlsMode::Strict,
        ItemKind::Access { dry_run, .. } | ItemKind::DefaultDeny { dry_run } => !dry_run,
        ItemKind::Accept { .. } | ItemKind::Require { .. } => true,
        ItemKind::Legacy(_) => false,
    }
}
