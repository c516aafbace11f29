//! Who enforces policy at pods, by the labels that put them into the mesh.
//!
//! Sidecars are injected as the webhooks of Istio select pods
//! (`manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml`, `pkg/kube/inject/inject.go`); pods
//! are redirected to ztunnel as its node agent selects them (`cni/pkg/util`), and one with a sidecar is not.

use std::collections::BTreeMap;

use super::super::cluster::{Cluster, Namespace};
use super::super::metadata::Said;
use super::Completion;
use super::groups::{Group, Groups};
use crate::policy::Feature;
use crate::policy::inventory::{DataPlane, WorkloadKind};
use crate::policy::stated::Fact;

const INJECTION: &str = "istio-injection";
const REVISION: &str = "istio.io/rev";
const INJECT: &str = "sidecar.istio.io/inject";
const MODE: &str = "istio.io/dataplane-mode";
pub(in super::super) const WAYPOINT: &str = "istio.io/use-waypoint";
pub(in super::super) const WAYPOINT_NAMESPACE: &str = "istio.io/use-waypoint-namespace";

/// A data plane, and whether the pods say it themselves rather than their namespace.
struct Enforcement {
    plane: Said<DataPlane>,
    by_pods: bool,
    /// Nobody says it: it is so because others are labelled.
    silent: bool,
}

impl Enforcement {
    const fn by_namespace(plane: Said<DataPlane>) -> Self {
        Self {
            plane,
            by_pods: false,
            silent: false,
        }
    }
}

type Labels = BTreeMap<String, Said<String>>;

impl Completion<'_> {
    pub(super) fn namespaces(&mut self) {
        let cluster = self.cluster;
        for namespace in &cluster.namespaces {
            if let Some(Enforcement { plane, silent, .. }) = self.plane_of_namespace(namespace)
                && !(silent && self.says_plane(&namespace.name))
            {
                let fact = Fact::NamespaceDataPlane(namespace.name.clone());
                let now = self.inventory.data_plane(&namespace.name);
                let what = format!("the data plane of namespace `{}`", namespace.name);
                if self.settles(fact, &what, (&now, &plane), word) {
                    let planes = &mut self.inventory.namespaces;
                    planes.insert(namespace.name.clone(), plane.it);
                }
            }
            if let Some(used) = namespace.labels.get(WAYPOINT) {
                let fact = Fact::NamespaceWaypoint(namespace.name.clone());
                let uses = Said::new(used.it != "none", used.span);
                let now = self.inventory.waypoint_namespaces.contains_key(&namespace.name);
                let what = format!("the waypoint of namespace `{}`", namespace.name);
                let show = |uses: &bool| if *uses { "named" } else { "`none`" }.to_owned();
                if self.settles(fact, &what, (&now, &uses), show) && uses.it {
                    let home = namespace.labels.get(WAYPOINT_NAMESPACE).map(|said| said.it.clone());
                    let home = home.unwrap_or_else(|| namespace.name.clone());
                    let waypoint = (home, used.it.clone());
                    let waypoints = &mut self.inventory.waypoint_namespaces;
                    waypoints.insert(namespace.name.clone(), waypoint);
                }
            }
        }
        // Blocks that leave it to their namespace.
        for index in 0..self.declared {
            if self.own.contains_key(&Fact::WorkloadDataPlane(index)) {
                continue;
            }
            let Some(workload) = self.inventory.workloads.get(index) else {
                continue;
            };
            if workload.kind == WorkloadKind::Application {
                let plane = self.inventory.data_plane(&workload.namespace.clone());
                if let Some(workload) = self.inventory.workloads.get_mut(index) {
                    workload.data_plane = plane;
                }
            }
        }
    }

    /// Whether the program says the data plane of a namespace.
    fn says_plane(&self, namespace: &str) -> bool {
        let of_namespace = Fact::NamespaceDataPlane(namespace.to_owned());
        self.own.contains_key(&of_namespace) || self.own.contains_key(&Fact::DataPlane)
    }

    /// Of pods that say nothing themselves.
    fn plane_of_namespace(&self, namespace: &Namespace) -> Option<Enforcement> {
        let labels = &namespace.labels;
        let known = |plane, span| Some(Enforcement::by_namespace(Said::new(plane, span)));
        if let Some(injects) = injects(labels).filter(|said| said.it) {
            return known(DataPlane::Sidecar, injects.span);
        }
        if let Some(mode) = self.mode(labels).filter(|mode| mode.it == "ambient") {
            return known(DataPlane::Ambient, mode.span);
        }
        if let Some(said) = labels.get(INJECTION).or_else(|| self.mode(labels)) {
            return known(DataPlane::None, said.span);
        }
        // A namespace without labels is outside the mesh, if the manifests are the kind that has such labels.
        let silent = self.labels_are_shown.then_some(namespace.span)?;
        Some(Enforcement {
            silent: true,
            ..Enforcement::by_namespace(Said::new(DataPlane::None, silent))
        })
    }

    /// Sets the data plane of a workload by what its pods show.
    pub(super) fn data_plane(&mut self, index: usize, group: &Group<'_>) {
        let Some(Enforcement { plane, by_pods, silent }) = self.enforcement(group) else {
            return;
        };
        let fact = Fact::WorkloadDataPlane(index);
        let of_namespace = Fact::NamespaceDataPlane(group.namespace().to_owned());
        if !by_pods && self.own.contains_key(&of_namespace) {
            return;
        }
        if silent && (self.own.contains_key(&fact) || self.own.contains_key(&Fact::DataPlane)) {
            return;
        }
        let Some(workload) = self.inventory.workloads.get(index) else {
            return;
        };
        let now = workload.data_plane;
        let what = format!("the data plane of {}", self.name(index));
        if self.settles(fact, &what, (&now, &plane), word)
            && let Some(workload) = self.inventory.workloads.get_mut(index)
        {
            workload.data_plane = plane.it;
        }
    }

    /// The label of ambient mode, which means nothing to a release without it.
    fn mode<'l>(&self, labels: &'l Labels) -> Option<&'l Said<String>> {
        labels.get(MODE).filter(|_| self.target.has(Feature::Ambient))
    }

    fn enforcement(&self, group: &Group<'_>) -> Option<Enforcement> {
        let pods = group.pods;
        let own = |plane, span| {
            Some(Enforcement {
                plane: Said::new(plane, span),
                by_pods: true,
                silent: false,
            })
        };
        if let Some(span) = group.sidecar {
            return own(DataPlane::Sidecar, span);
        }
        if let Some(span) = group.redirected.filter(|_| self.target.has(Feature::Ambient)) {
            return own(DataPlane::Ambient, span);
        }
        if let Some(span) = pods.host_network {
            return own(DataPlane::None, span);
        }
        let namespace = self.namespaces.get(group.namespace()).copied();
        let by_label = pods.labels.get(INJECT);
        let selector = by_label.or_else(|| pods.annotations.get(INJECT));
        let refused = selector.filter(|said| said.it == "false");
        let of_namespace = namespace.and_then(|namespace| injects(&namespace.labels));
        let asked = match &of_namespace {
            // The webhooks look at the pods' labels only where the namespace has none.
            Some(said) => said.it.then_some((said.span, false)),
            None => {
                let wanted = by_label.filter(|said| said.it == "true");
                let wanted = wanted.or_else(|| pods.labels.get(REVISION));
                wanted.map(|said| (said.span, true))
            }
        };
        if let (Some((span, by_pods)), None) = (asked, refused) {
            return Some(Enforcement {
                plane: Said::new(DataPlane::Sidecar, span),
                by_pods,
                silent: false,
            });
        }
        let mode = self.mode(&pods.labels);
        match mode.map(|mode| mode.it.as_str()) {
            Some("ambient") => return mode.and_then(|mode| own(DataPlane::Ambient, mode.span)),
            Some("none") => return mode.and_then(|mode| own(DataPlane::None, mode.span)),
            _ => {}
        }
        let of_namespace = namespace
            .and_then(|it| self.mode(&it.labels))
            .filter(|mode| mode.it == "ambient");
        if let Some(mode) = of_namespace {
            return Some(Enforcement::by_namespace(Said::new(DataPlane::Ambient, mode.span)));
        }
        if let Some(refused) = refused {
            return own(DataPlane::None, refused.span);
        }
        namespace.and_then(|namespace| self.plane_of_namespace(namespace))
    }

    /// Sets the data planes of all workloads that pods are known of.
    pub(super) fn data_planes(&mut self, groups: &Groups<'_>) {
        for group in &groups.list {
            for index in &group.members {
                let application = self
                    .inventory
                    .workloads
                    .get(*index)
                    .is_some_and(|it| it.kind == WorkloadKind::Application);
                if application {
                    self.data_plane(*index, group);
                }
            }
        }
    }
}

/// Whether any object says who is in the mesh.
pub(super) fn are_shown(cluster: &Cluster) -> bool {
    let said = |labels: &Labels| {
        let mut keys = [INJECTION, REVISION, INJECT, MODE].iter();
        keys.any(|key| labels.contains_key(*key))
    };
    let namespaces = cluster.namespaces.iter().map(|it| &it.labels);
    namespaces.chain(cluster.pods.iter().map(|it| &it.labels)).any(said)
}

/// Whether the labels of a namespace ask for sidecars, if they say anything of it.
fn injects(labels: &Labels) -> Option<Said<bool>> {
    if let Some(said) = labels.get(INJECTION) {
        return Some(Said::new(said.it == "enabled", said.span));
    }
    labels.get(REVISION).map(|said| Said::new(true, said.span))
}

/// The label by which a namespace puts its pods on a data plane. Pods can still leave for another one.
pub(in super::super) const fn label_of_namespace(plane: DataPlane) -> (&'static str, &'static str) {
    match plane {
        DataPlane::Sidecar => (INJECTION, "enabled"),
        DataPlane::Ambient => (MODE, "ambient"),
        DataPlane::None => (MODE, "none"),
    }
}

/// The labels by which pods leave the data plane of their namespace for another one.
pub(in super::super) const fn labels_of_pods(plane: DataPlane) -> &'static [(&'static str, &'static str)] {
    match plane {
        DataPlane::Sidecar => &[(INJECT, "true")],
        DataPlane::Ambient => &[(INJECT, "false"), (MODE, "ambient")],
        DataPlane::None => &[(INJECT, "false"), (MODE, "none")],
    }
}

fn word(plane: &DataPlane) -> String {
    format!("`{}`", plane.word())
}
