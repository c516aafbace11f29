//! Clients whose TLS the server does not take: each known client is asked for each known Service.

use std::collections::{BTreeMap, BTreeSet};

use super::{Subject, errors};
use crate::diagnostics::Diagnostics;
use crate::policy::inventory::{DataPlane, Inventory, Service, WorkloadKind};
use crate::policy::request::{Caller, Destination, Outcome, Reason, Request, Stage};
use crate::source::Span;

/// So many looks at a DestinationRule are taken, one for each pair of a client and a port; more say little that is new, as
/// clients of one namespace are mostly alike.
const MOST: usize = 4_000_000;

/// What does not meet, once for all clients and Services that it breaks.
#[derive(Default)]
struct Broken {
    clients: BTreeSet<String>,
    services: BTreeSet<String>,
    outcome: Option<Outcome>,
    because: Vec<Reason>,
    why: String,
}

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let inventory = subject.inventory;
    let mut broken: BTreeMap<Vec<Span>, Broken> = BTreeMap::new();
    let clients = clients(inventory);
    let cost = subject.policies.destination_rules.len() + 100;
    let mut asked = 0;
    for service in inventory.services.iter().filter(|service| may_break(subject, service)) {
        for (port, pod_port) in &service.ports {
            for server in &service.workloads {
                let known = inventory
                    .workloads
                    .get(*server)
                    .is_some_and(|it| it.kind == WorkloadKind::Application);
                for client in clients.iter().filter(|client| known && *client != server) {
                    asked += cost;
                    if asked > MOST {
                        break;
                    }
                    let request = Request {
                        port: Some(*pod_port),
                        service_port: Some(*port),
                        http: Some(true),
                        pod: false,
                        ..Request::new(Destination::Known(*server), Caller::Workload(*client))
                    };
                    let Some(answer) = subject.answer(&request) else {
                        continue;
                    };
                    // Without a line that says so there is nobody to tell.
                    if answer.stage != Some(Stage::ClientTls) || answer.because.is_empty() {
                        continue;
                    }
                    let lines: Vec<Span> = answer.because.iter().map(|reason| reason.origin).collect();
                    let found = broken.entry(lines).or_default();
                    if let Some(caller) = inventory.workloads.get(*client) {
                        found.clients.insert(format!("`{}/{}`", caller.namespace, caller.name));
                    }
                    found
                        .services
                        .insert(format!("`{}/{}` port {port}", service.namespace, service.name));
                    found.outcome.get_or_insert(answer.outcome);
                    found.because = answer.because;
                    found.why = answer
                        .why
                        .rsplit_once(": ")
                        .map_or(answer.why.clone(), |(_, why)| why.to_owned());
                }
            }
        }
    }
    for found in broken.into_values() {
        let outcome = found.outcome.map_or("", Outcome::word);
        let told = errors::tls_misfit(&found.because, &found.why, outcome, (&found.clients, &found.services));
        told.into_iter().for_each(|d| acc.push(d));
    }
}

/// Whether something says how clients speak to a Service: where nothing does, Istio makes both halves fit.
fn may_break(subject: &Subject<'_>, service: &Service) -> bool {
    let mesh = &subject.inventory.mesh;
    let host = service.host(&mesh.domain);
    service.headless || !mesh.auto_mtls || subject.lookups.is_said(&host)
}

/// One client for each namespace and set of labels that a destination can tell apart.
fn clients(inventory: &Inventory) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let workloads = inventory.workloads.iter().enumerate();
    workloads
        .filter(|(_, it)| it.stands_for.is_empty() && it.data_plane == DataPlane::Sidecar && it.account.is_some())
        .filter(|(_, it)| seen.insert((&it.namespace, it.kind != WorkloadKind::Application, &it.labels)))
        .map(|(index, _)| index)
        .collect()
}
