//! The places that a sentence names.

use std::collections::{BTreeMap, BTreeSet};

use super::super::place::{NOWHERE, Place, Spot};
use crate::policy::evaluate::Judge;
use crate::policy::inventory::{DataPlane, Inventory, WorkloadKind};
use crate::policy::{Invariant, StringMap};

/// A place, or why nothing is proved there.
pub(crate) enum Spotted {
    Spot(Spot),
    Unproved(String),
}

const BEHIND: &str = "requests to the pods pass a waypoint, behind which nothing is proved yet: write them as a `test`";
const UNENFORCED: &str = "nothing there enforces policy, so that whatever is sent to it arrives";
const WAYPOINT: &str = "nothing is proved at waypoints yet: write the requests as a `test`";

impl Spotted {
    /// # Errors
    /// Why nothing is proved there.
    pub(crate) fn place<'j>(self, judge: &'j Judge<'j>) -> Result<Place<'j>, String> {
        match self {
            Self::Spot(spot) => Place::new(judge, spot).ok_or_else(|| UNENFORCED.to_owned()),
            Self::Unproved(why) => Err(why),
        }
    }
}

/// The places by their names, each once.
pub(crate) fn spots(inventory: &Inventory, invariant: &Invariant) -> Vec<(String, Spotted)> {
    let mut spots = BTreeMap::new();
    for (namespace, name) in &invariant.places {
        let here = |own: &str| namespace == "*" || own == namespace;
        let mut known = false;
        for (index, workload) in inventory.workloads.iter().enumerate() {
            let called = name == "*" || workload.name == *name || workload.also.contains(name);
            if !here(&workload.namespace) || !called {
                continue;
            }
            known = true;
            let indices = if workload.stands_for.is_empty() {
                vec![index]
            } else {
                workload.stands_for.clone()
            };
            for index in indices {
                let Some(workload) = inventory.workloads.get(index) else {
                    continue;
                };
                let ambient = workload.kind == WorkloadKind::Application && workload.data_plane == DataPlane::Ambient;
                let spot = if ambient && has_waypoint(inventory, index, &workload.namespace) {
                    Spotted::Unproved(BEHIND.to_owned())
                } else {
                    Spotted::Spot(Spot::Workload(index))
                };
                spots.insert(format!("{}/{}", workload.namespace, workload.name), spot);
            }
        }
        for waypoint in &inventory.waypoints {
            if here(&waypoint.namespace) && (name == "*" || waypoint.name == *name) {
                known = true;
                let name = format!("{}/{}", waypoint.namespace, waypoint.name);
                spots.insert(name, Spotted::Unproved(WAYPOINT.to_owned()));
            }
        }
        if name == "*" {
            spots.extend(undescribed(inventory, namespace));
        } else if !known {
            let why = "nothing is known of such pods".to_owned();
            spots.insert(format!("{namespace}/{name}"), Spotted::Unproved(why));
        }
    }
    spots.into_iter().collect()
}

/// The pods of a namespace, or of each, that no block describes.
fn undescribed(inventory: &Inventory, namespace: &str) -> Vec<(String, Spotted)> {
    let namespaces: BTreeSet<&str> = if namespace == "*" {
        let named = inventory.workloads.iter().map(|workload| workload.namespace.as_str());
        let said = inventory.namespaces.keys().map(String::as_str);
        named.chain(said).chain([NOWHERE]).collect()
    } else {
        [namespace].into()
    };
    let pods = namespaces.into_iter().map(|namespace| {
        let name = match namespace {
            NOWHERE => "a pod of a namespace that nothing describes".to_owned(),
            namespace => format!("a pod of {namespace} that nothing describes"),
        };
        let ambient = inventory.data_plane(namespace) == DataPlane::Ambient;
        let spot = if ambient && inventory.waypoint_namespaces.contains_key(namespace) {
            Spotted::Unproved(BEHIND.to_owned())
        } else {
            Spotted::Spot(Spot::Pods {
                namespace: namespace.to_owned(),
                labels: StringMap::new(),
            })
        };
        (name, spot)
    });
    pods.collect()
}

/// Whether requests to ambient pods may pass a waypoint.
fn has_waypoint(inventory: &Inventory, workload: usize, namespace: &str) -> bool {
    let mut services = inventory.services.iter();
    inventory.waypoint_namespaces.contains_key(namespace)
        || services.any(|service| service.waypoint.is_some() && service.workloads.contains(&workload))
}
