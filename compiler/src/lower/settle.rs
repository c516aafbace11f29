//! The facts that only manifests state, given to the blocks of a program, so that lowering asks one place for all facts.

use super::inventory::Facts;
use super::reach::Reach;
use crate::hir::{At, Dataplane, Program, Scope, ScopeFacts, ScopeKind, Service, WaypointUse};
use crate::policy::inventory::{DataPlane, Workload, WorkloadKind};
use crate::policy::stated::{Fact, Stated};
use crate::source::Span;

/// Completes a program by its facts, which were completed by manifests. `own` is what the program states itself.
///
/// Blocks get ports, Services, waypoints and data planes; pods that no block describes become blocks without rules.
pub fn settle(program: &mut Program, facts: &Facts, own: &Stated) {
    namespaces(program, facts);
    let declared: Vec<(usize, usize)> = facts.workloads.iter().map(|(at, index)| (*at, *index)).collect();
    for (at, index) in &declared {
        if let Some(workload) = facts.inventory.workloads.get(*index)
            && let Some(scope) = program.scopes.get_mut(*at)
        {
            ports(scope, (workload, *index), facts);
            scope.facts.services.extend(services(*index, facts, own));
        }
    }
    for (index, workload) in facts.inventory.workloads.iter().enumerate().skip(declared.len()) {
        let block = block((workload, index), facts, own);
        program.scopes.push(block);
    }
    waypoints(program, facts, own);
    planes(program, facts, &declared);
}

/// What holds for namespaces as a whole.
fn namespaces(program: &mut Program, facts: &Facts) {
    let said = |fact: Fact| facts.stated.get(&fact).copied();
    for (name, plane) in &facts.inventory.namespaces {
        if let Some(span) = said(Fact::NamespaceDataPlane(name.clone())) {
            let it = dataplane(*plane);
            let namespace = program.namespaces.entry(name.clone()).or_default();
            namespace.dataplane.get_or_insert(At { it, span });
        }
    }
    for (name, waypoint) in &facts.inventory.waypoint_namespaces {
        if let Some(span) = said(Fact::NamespaceWaypoint(name.clone())) {
            let it = named(waypoint);
            let namespace = program.namespaces.entry(name.clone()).or_default();
            namespace.use_waypoint.get_or_insert(At { it, span });
        }
    }
}

fn ports(scope: &mut Scope, (workload, index): (&Workload, usize), facts: &Facts) {
    for (port, protocol) in &workload.ports {
        let span = facts.stated.get(&Fact::Port(index, *port)).copied();
        let said = At {
            it: *protocol,
            span: span.unwrap_or(scope.span),
        };
        scope.facts.ports.entry(*port).or_insert(said);
    }
}

/// The Services in front of a workload that the program does not state.
fn services(workload: usize, facts: &Facts, own: &Stated) -> Vec<Service> {
    let services = facts.inventory.services.iter().enumerate();
    let new = services.filter(|(at, it)| it.workloads.contains(&workload) && !own.contains_key(&Fact::Service(*at)));
    let made = new.filter_map(|(at, it)| {
        Some(Service {
            name: it.name.clone(),
            ports: it.ports.clone(),
            headless: it.headless,
            span: *facts.stated.get(&Fact::Service(at))?,
        })
    });
    made.collect()
}

/// Pods that only manifests describe.
fn block((workload, index): (&Workload, usize), facts: &Facts, own: &Stated) -> Scope {
    let name = workload.name.clone();
    let mut scope = Scope {
        kind: match workload.kind {
            WorkloadKind::Application => ScopeKind::Workload { name },
            WorkloadKind::Gateway { .. } => ScopeKind::Gateway { name },
        },
        namespace: workload.namespace.clone(),
        in_mesh: false,
        span: workload.origin,
        doc: Vec::new(),
        facts: ScopeFacts {
            select: workload.labels.clone(),
            dataplane: Some(plane(workload, index, facts)),
            services: services(index, facts, own),
            ..ScopeFacts::default()
        },
        metadata: crate::hir::Metadata::default(),
        objects: Vec::new(),
        items: Vec::new(),
    };
    ports(&mut scope, (workload, index), facts);
    scope
}

/// The waypoints of Services where the program does not say them.
fn waypoints(program: &mut Program, facts: &Facts, own: &Stated) {
    for (at, service) in facts.inventory.services.iter().enumerate() {
        let fact = Fact::ServiceWaypoint(at);
        if facts.stated.contains_key(&fact) && !own.contains_key(&fact) {
            let used = service.waypoint.as_ref().map_or(WaypointUse::None, named);
            let id = (service.namespace.clone(), service.name.clone());
            program.service_waypoints.insert(id, used);
        }
    }
}

/// The data planes of blocks, where they and their namespaces do not say the same.
fn planes(program: &mut Program, facts: &Facts, declared: &[(usize, usize)]) {
    let mut said: Vec<(usize, At<Dataplane>)> = Vec::new();
    let reach = Reach::new(program);
    for (at, index) in declared {
        let (Some(scope), Some(workload)) = (program.scopes.get(*at), facts.inventory.workloads.get(*index)) else {
            continue;
        };
        // A block that stands for several kinds of pods has none besides them.
        let pods = workload.stands_for.first().unwrap_or(index);
        let Some(workload) = facts.inventory.workloads.get(*pods) else {
            continue;
        };
        let plane = plane(workload, *pods, facts);
        if reach.dataplane(scope) != plane.it {
            said.push((*at, plane));
        }
    }
    for (at, plane) in said {
        if let Some(scope) = program.scopes.get_mut(at) {
            scope.facts.dataplane = Some(plane);
        }
    }
}

/// The data plane of pods, and the nearest line that says it.
fn plane(workload: &Workload, index: usize, facts: &Facts) -> At<Dataplane> {
    let facts_by_nearness = [
        Fact::WorkloadDataPlane(index),
        Fact::NamespaceDataPlane(workload.namespace.clone()),
        Fact::DataPlane,
    ];
    let said: Option<Span> = facts_by_nearness
        .iter()
        .find_map(|fact| facts.stated.get(fact))
        .copied();
    At {
        it: dataplane(workload.data_plane),
        span: said.unwrap_or(workload.origin),
    }
}

const fn dataplane(plane: DataPlane) -> Dataplane {
    match plane {
        DataPlane::Sidecar => Dataplane::Sidecar,
        DataPlane::Ambient => Dataplane::Ambient,
        DataPlane::None => Dataplane::None,
    }
}

fn named((namespace, name): &(String, String)) -> WaypointUse {
    WaypointUse::Named {
        namespace: Some(namespace.clone()),
        name: name.clone(),
    }
}
