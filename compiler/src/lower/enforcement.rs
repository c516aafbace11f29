//! Blocks whose rules nobody enforces: a workload without a proxy, a service without a waypoint.

use super::inventory::{Facts, data_plane};
use super::reach::Reach;
use super::{Context, errors};
use crate::diagnostics::Diagnostics;
use crate::hir::{Dataplane, Item, ItemKind, Program, Scope, ScopeKind, TargetKind, WaypointUse};
use crate::policy::MtlsMode;
use crate::policy::stated::Fact;

/// Reports a block whose rules nobody enforces, once.
pub(super) fn check<'p>(ctx: &Context<'p>, scope: &'p Scope, acc: &mut Diagnostics) {
    let Some(item) = scope.items.iter().find(|item| demands(item)) else {
        return;
    };
    match &scope.kind {
        ScopeKind::Workload { .. } if !scope.in_mesh && ctx.reach.dataplane(scope) == Dataplane::None => {
            acc.push(errors::no_proxy(item.span));
        }
        ScopeKind::Targets(targets) => {
            let namespace = ctx.program.namespaces.get(&scope.namespace);
            let own = scope.facts.use_waypoint.as_ref();
            let used = own.or_else(|| namespace?.use_waypoint.as_ref());
            let served = used.is_some_and(|used| matches!(used.it, WaypointUse::Named { .. }));
            let behind = |kind| matches!(kind, TargetKind::Service | TargetKind::ServiceEntry);
            if let Some(target) = targets.iter().find(|target| behind(target.kind) && !served) {
                acc.push(errors::no_waypoint(&target.name, item.span, scope.span));
            }
        }
        _ => {}
    }
}

/// Reports workloads with rules that are compiled for one data plane while manifests, which compiling does not read, put
/// them on another. `facts` are those of the program and the manifests.
pub fn check_manifests(program: &Program, facts: &Facts, acc: &mut Diagnostics) {
    let reach = Reach::new(program);
    for (at, index) in &facts.workloads {
        let (Some(scope), Some(workload)) = (program.scopes.get(*at), facts.inventory.workloads.get(*index)) else {
            continue;
        };
        let ScopeKind::Workload { name } = &scope.kind else {
            continue;
        };
        let taken = data_plane(reach.dataplane(scope));
        // Where manifests contradict what the program says, its word was kept.
        if workload.data_plane == taken {
            continue;
        }
        let mut rules = program
            .scopes
            .iter()
            .filter(|it| it.in_mesh || it.namespace == scope.namespace);
        if rules.any(|it| it.items.iter().any(demands)) {
            let own = facts.stated.get(&Fact::WorkloadDataPlane(*index));
            let manifest = own
                .or_else(|| facts.stated.get(&Fact::NamespaceDataPlane(scope.namespace.clone())))
                .copied();
            let planes = (taken.word(), workload.data_plane.word());
            acc.push(errors::unsaid_dataplane(
                &format!("{}/{name}", scope.namespace),
                planes,
                scope.span,
                manifest,
            ));
        }
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
