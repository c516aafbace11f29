//! The places where policy is enforced: the workloads and waypoints that are known, and for a policy that applies at none
//! of these, pods of which nothing is known but that it selects them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::gate::{self, Gate, Kind, Pods};
use crate::policy::effective::rules::CompiledRule;
use crate::policy::effective::{Effective, Enforcer, Policy};
use crate::policy::evaluate::Judge;
use crate::policy::inventory::{DataPlane, Protocol, WorkloadKind};
use crate::policy::request::Destination;
use crate::policy::{Authorization, Selection, StringMap};

/// A namespace that no one can have.
pub(crate) const NOWHERE: &str = "*";

/// Where policy is enforced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spot {
    /// The pods of a workload or gateway, by its index.
    Workload(usize),
    /// The waypoint of a Service, by its index.
    Waypoint(usize),
    /// Pods of a namespace with these labels, of which no more is known.
    Pods { namespace: String, labels: StringMap },
    /// What a policy of a namespace is attached to by name, of which no more is known.
    Attached { namespace: String, name: String },
}

/// What is in force at a spot.
#[derive(Debug)]
pub(crate) struct Place<'j> {
    pub(crate) judge: &'j Judge<'j>,
    spot: Spot,
    effective: Composed<'j>,
    kind: Option<Kind>,
    ports: Option<&'j BTreeMap<u16, Protocol>>,
}

#[derive(Debug)]
enum Composed<'j> {
    Known(&'j Effective),
    Own(Arc<Effective>),
}

impl<'j> Place<'j> {
    /// `None` if no one enforces policy there.
    pub(crate) fn new(judge: &'j Judge<'j>, spot: Spot) -> Option<Self> {
        let inventory = judge.inventory();
        let (mut kind, mut ports) = (None, None);
        let effective = match &spot {
            Spot::Workload(index) => {
                let workload = inventory.workloads.get(*index)?;
                ports = Some(&workload.ports);
                kind = Some(match (&workload.kind, workload.data_plane) {
                    (WorkloadKind::Gateway { .. }, _) => Kind::Gateway,
                    (WorkloadKind::Application, DataPlane::Ambient) => Kind::Ztunnel,
                    (WorkloadKind::Application, _) => Kind::Sidecar,
                });
                Composed::Known(judge.effective(*index)?)
            }
            Spot::Waypoint(service) => {
                kind = Some(Kind::Waypoint);
                Composed::Known(judge.effective_at_waypoint(*service)?)
            }
            Spot::Pods { namespace, labels } => Composed::Own(judge.effective_at_pods(namespace, labels)?),
            Spot::Attached { namespace, name } => Composed::Own(Arc::new(judge.effective_of(Enforcer::Waypoint {
                waypoint: (namespace, name),
                service: (namespace, name),
            }))),
        };
        Some(Self {
            judge,
            spot,
            effective,
            kind,
            ports,
        })
    }

    pub(crate) fn effective(&self) -> &Effective {
        match &self.effective {
            Composed::Known(effective) => effective,
            Composed::Own(effective) => effective,
        }
    }

    /// Of what there are gates: requests and then connections; ztunnel has only the latter.
    pub(crate) fn traffic(&self) -> impl Iterator<Item = bool> {
        let has_requests = !self.has_ztunnel();
        [true, false].into_iter().filter(move |http| has_requests || !http)
    }

    /// One gate of an enforcer that has it.
    pub(crate) fn gate(&self, http: bool, also: &[CompiledRule]) -> Gate<'_> {
        Gate::new(self.effective(), http, self.pods(), self.judge.target(), also)
    }

    const fn pods(&self) -> Pods<'j> {
        Pods {
            ports: self.ports,
            kind: self.kind,
        }
    }

    /// Places of one content have the same verdicts: the policies in their order, and what else is known.
    pub(crate) fn content(&self) -> (Vec<usize>, String) {
        let effective = self.effective();
        let sources = policies(effective).map(|policy| policy.source);
        let facts = gate::facts(effective, self.pods(), self.judge.target());
        (sources.collect(), facts)
    }

    /// The rules in force.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &CompiledRule> {
        policies(self.effective()).flat_map(|policy| policy.http.iter().chain(&policy.tcp))
    }

    /// Those of one gate.
    pub(crate) fn rules_of(&self, http: bool) -> impl Iterator<Item = &CompiledRule> {
        policies(self.effective()).flat_map(move |policy| policy.rules(http))
    }

    /// Who stands there, where that is known.
    pub(crate) const fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The declared ports, and what is spoken there.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = (u16, Protocol)> {
        self.ports
            .into_iter()
            .flatten()
            .map(|(port, protocol)| (*port, *protocol))
    }

    /// Whether ztunnel compiled the policies: then none has rules for requests.
    fn is_of_ztunnel(&self) -> bool {
        let effective = self.effective();
        let mut policies = policies(effective).peekable();
        policies.peek().is_some() && policies.all(|policy| policy.http.is_empty() && !policy.tcp.is_empty())
    }

    /// The policies in force, by their indices.
    pub(crate) fn sources(&self) -> BTreeSet<usize> {
        policies(self.effective()).map(|policy| policy.source).collect()
    }

    /// Whether ztunnel is who enforces here.
    pub(crate) fn has_ztunnel(&self) -> bool {
        let ambient = |namespace| self.judge.inventory().data_plane(namespace) == DataPlane::Ambient;
        match (&self.spot, self.kind) {
            (Spot::Pods { namespace, .. }, _) => ambient(namespace),
            (_, Some(kind)) => kind == Kind::Ztunnel,
            (_, None) => self.is_of_ztunnel(),
        }
    }

    pub(crate) const fn is_waypoint(&self) -> bool {
        matches!(self.spot, Spot::Waypoint(_))
    }

    /// The ports that are declared.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.ports.into_iter().flatten().map(|(port, _)| *port)
    }

    /// A declared port where requests come, or else connections; `None` if there is none, or any port will do.
    pub(crate) fn plain_port(&self, http: bool) -> Option<u16> {
        let fits = |protocol: &Protocol| if http { protocol.is_http() } else { protocol.is_opaque() };
        let mut ports = self.ports.into_iter().flatten();
        let declared = ports.find(|(_, protocol)| fits(protocol)).map(|(port, _)| *port);
        declared.or((!http).then_some(9000))
    }

    /// Whom a request to this place is for; `None` where that cannot be said.
    pub(crate) fn destination(&self) -> Option<Destination> {
        match &self.spot {
            Spot::Workload(index) => Some(Destination::Known(*index)),
            Spot::Waypoint(service) => {
                let service = self.judge.inventory().services.get(*service)?;
                service.workloads.first().copied().map(Destination::Known)
            }
            Spot::Pods { namespace, labels } => Some(Destination::Pod {
                namespace: namespace.clone(),
                labels: labels.clone(),
                ports: BTreeMap::new(),
            }),
            Spot::Attached { .. } => None,
        }
    }
}

fn policies(effective: &Effective) -> impl Iterator<Item = &Policy> {
    let stages = [&effective.custom, &effective.deny, &effective.allow, &effective.audit];
    stages.into_iter().flat_map(|stage| &stage.policies)
}

/// All places that matter: the known ones, then for each policy that applies at none of them the least that it selects.
pub(crate) fn places<'j>(judge: &'j Judge<'j>) -> Vec<Place<'j>> {
    let inventory = judge.inventory();
    let workloads = inventory.workloads.iter().enumerate();
    let workloads = workloads.filter(|(_, workload)| workload.stands_for.is_empty());
    let workloads = workloads.map(|(index, _)| Spot::Workload(index));
    let waypoints = (0..inventory.services.len()).map(Spot::Waypoint);
    let known: Vec<Spot> = workloads.chain(waypoints).collect();
    let make = |spots: Vec<Spot>| spots.into_par_iter().filter_map(|spot| Place::new(judge, spot));
    let mut places: Vec<Place<'j>> = make(known).collect();
    let known: BTreeSet<usize> = places.iter().flat_map(Place::sources).collect();
    let mut spots: BTreeSet<Spot> = BTreeSet::new();
    let policies = judge.policies().authorizations.iter().enumerate();
    for (_, policy) in policies.filter(|(index, _)| !known.contains(index)) {
        spots.extend(least(policy, &inventory.mesh.root));
    }
    places.par_extend(make(spots.into_iter().collect()));
    places
}

/// The pods that a policy selects, of which no more is known than that.
fn least(policy: &Authorization, root: &str) -> Vec<Spot> {
    let home = policy.meta.namespace.clone().unwrap_or_default();
    // A policy of the root namespace is for all others too.
    let namespace = if home == root { NOWHERE.to_owned() } else { home.clone() };
    let pods = |labels| {
        vec![Spot::Pods {
            namespace: namespace.clone(),
            labels,
        }]
    };
    match &policy.selection {
        Selection::All | Selection::EmptySelector => pods(StringMap::new()),
        Selection::Labels(labels) => pods(labels.as_map().clone()),
        Selection::Targets(targets) => {
            let attached = |name: &String| Spot::Attached {
                namespace: home.clone(),
                name: name.clone(),
            };
            targets.as_slice().iter().map(|target| attached(&target.name)).collect()
        }
    }
}
