//! Where policies are in force: the pods and waypoints that are known, and for a policy that selects none of them the pods
//! that it describes.

use std::collections::{BTreeMap, BTreeSet};

use super::lookups::Lookups;
use crate::policy::effective::mtls::Mode;
use crate::policy::effective::{Enforcer, Heeded, Homes, includes};
use crate::policy::inventory::{DataPlane, Inventory, Protocol, WorkloadKind};
use crate::policy::request::Destination;
use crate::policy::{PeerScope, PolicySet, Selection, StringMap};

/// Who enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plane {
    Sidecar,
    Ztunnel,
    Gateway,
    /// For this Service.
    Waypoint(usize),
}

/// One enforcer.
pub(super) struct Place<'a> {
    pub(super) plane: Plane,
    /// If it is known.
    pub(super) workload: Option<usize>,
    pub(super) namespace: &'a str,
    pub(super) labels: StringMap,
    pub(super) ports: &'a BTreeMap<u16, Protocol>,
    pub(super) heeded: Heeded,
    /// How messages call it.
    pub(super) name: String,
}

static NO_PORTS: BTreeMap<u16, Protocol> = BTreeMap::new();

/// Every place where something can be in force.
pub(super) fn all<'a>(
    policies: &'a PolicySet,
    inventory: &'a Inventory,
    homes: &'a Homes<'a>,
    lookups: &Lookups<'_>,
) -> Vec<Place<'a>> {
    let root = inventory.mesh.root.as_str();
    let mut places = Vec::new();
    for (index, workload) in inventory.workloads.iter().enumerate() {
        let Some(enforcer) = Enforcer::of(workload).filter(|_| workload.stands_for.is_empty()) else {
            continue;
        };
        places.push(Place {
            plane: match (&workload.kind, workload.data_plane) {
                (WorkloadKind::Gateway { .. }, _) => Plane::Gateway,
                (WorkloadKind::Application, DataPlane::Ambient) => Plane::Ztunnel,
                (WorkloadKind::Application, _) => Plane::Sidecar,
            },
            workload: Some(index),
            namespace: &workload.namespace,
            labels: workload.labels.clone(),
            ports: &workload.ports,
            heeded: Heeded::of(homes, enforcer, root),
            name: format!("`{}/{}`", workload.namespace, workload.name),
        });
    }
    for (index, service) in inventory.services.iter().enumerate() {
        let Some((namespace, name)) = &service.waypoint else {
            continue;
        };
        let enforcer = Enforcer::Waypoint {
            waypoint: (namespace, name),
            service: (&service.namespace, &service.name),
        };
        places.push(Place {
            plane: Plane::Waypoint(index),
            workload: None,
            namespace,
            labels: StringMap::new(),
            ports: &NO_PORTS,
            heeded: Heeded::of(homes, enforcer, root),
            name: format!(
                "the waypoint `{namespace}/{name}` of `{}/{}`",
                service.namespace, service.name
            ),
        });
    }
    places.extend(described(policies, inventory, homes, lookups));
    places
}

/// The pods that policies describe and nothing else does.
fn described<'a>(
    policies: &'a PolicySet,
    inventory: &'a Inventory,
    homes: &'a Homes<'a>,
    lookups: &Lookups<'_>,
) -> Vec<Place<'a>> {
    let mut wanted: BTreeSet<(&str, StringMap)> = BTreeSet::new();
    let mut want = |namespace: &'a Option<String>, labels: Option<&StringMap>| {
        let namespace = namespace.as_deref().unwrap_or_default();
        wanted.insert((namespace, labels.cloned().unwrap_or_default()));
    };
    let mut selections = |meta: &'a crate::policy::Meta, selection: &Selection| match selection {
        Selection::All | Selection::EmptySelector => want(&meta.namespace, None),
        Selection::Labels(labels) => want(&meta.namespace, Some(labels.as_map())),
        Selection::Targets(_) => {}
    };
    for policy in &policies.authorizations {
        selections(&policy.meta, &policy.selection);
    }
    for policy in &policies.request_authentications {
        selections(&policy.meta, &policy.selection);
    }
    for policy in &policies.peer_authentications {
        let labels = match &policy.scope {
            PeerScope::Workload { labels, .. } => Some(labels.as_map()),
            PeerScope::Namespace | PeerScope::EmptySelector => None,
        };
        want(&policy.meta.namespace, labels);
    }
    let root = inventory.mesh.root.as_str();
    let inhabited: BTreeSet<&str> = inventory.workloads.iter().map(|it| it.namespace.as_str()).collect();
    let known = |namespace: &str, labels: &StringMap| {
        let near = (namespace != root).then_some(namespace);
        if labels.is_empty() {
            near.map_or(!inhabited.is_empty(), |namespace| inhabited.contains(namespace))
        } else {
            lookups.labelled(near, labels).next().is_some()
        }
    };
    let mut places = Vec::new();
    for (namespace, labels) in wanted {
        let plane = inventory.data_plane(namespace);
        let heeded = match Enforcer::of_pod(plane, namespace, &labels) {
            Some(enforcer) if !known(namespace, &labels) => Heeded::of(homes, enforcer, root),
            _ => continue,
        };
        let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        places.push(Place {
            plane: if plane == DataPlane::Ambient {
                Plane::Ztunnel
            } else {
                Plane::Sidecar
            },
            workload: None,
            namespace,
            ports: &NO_PORTS,
            heeded,
            name: match pairs.as_slice() {
                [] => format!("the pods of `{namespace}`"),
                pairs => format!("the pods `{}` of `{namespace}`", pairs.join(" ")),
            },
            labels,
        });
    }
    places
}

impl Place<'_> {
    /// As the target of a request; a waypoint is asked through its Service.
    pub(super) fn destination(&self) -> Option<Destination> {
        match (self.plane, self.workload) {
            (_, Some(index)) => Some(Destination::Known(index)),
            (Plane::Waypoint(_), None) => None,
            (_, None) => Some(Destination::Pod {
                namespace: self.namespace.to_owned(),
                labels: self.labels.clone(),
                ports: self.ports.clone(),
            }),
        }
    }

    /// The mode of a port, or of all; `None` where there is none, or where it is not known.
    pub(super) fn mode(&self, port: Option<u16>) -> Option<Mode> {
        match self.plane {
            Plane::Sidecar => self.heeded.mtls.at(port).ok(),
            Plane::Ztunnel => self.heeded.mtls.at_ztunnel(port).ok(),
            Plane::Gateway | Plane::Waypoint(_) => None,
        }
    }

    /// The PeerAuthentications that have a say, by their indices.
    pub(super) fn peers(&self) -> BTreeSet<usize> {
        if !matches!(self.plane, Plane::Sidecar | Plane::Ztunnel) {
            return BTreeSet::new();
        }
        let said = self.heeded.mtls.said(None);
        said.into_iter().flatten().map(|said| said.source).collect()
    }

    /// Whether pods of this description may carry labels that other policies select, so that what is not in force here
    /// may be in force there.
    pub(super) fn may_be_more<'s>(
        &self,
        mut others: impl Iterator<Item = (&'s str, &'s StringMap)>,
        root: &str,
    ) -> bool {
        self.workload.is_none()
            && others.any(|(home, labels)| {
                let near = home == self.namespace || home == root || self.namespace == root;
                let fits = labels
                    .iter()
                    .all(|(key, value)| self.labels.get(key).is_none_or(|own| own == value));
                near && fits && !includes(&self.labels, labels)
            })
    }
}
