//! Pods of one kind: those of a Deployment with the Deployment, whatever objects of them a dump has.

use std::collections::BTreeMap;

use super::super::cluster::{Cluster, Pods};
use super::super::metadata::Said;
use crate::policy::StringMap;
use crate::source::Span;

/// Labels that tell single pods and generations apart; no policy of a person names one.
const PER_POD: [&str; 9] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "job-name",
];

/// Pods of one kind.
pub(super) struct Group<'c> {
    /// The object that says most: the Deployment rather than one of its pods.
    pub(super) pods: &'c Pods,
    pub(super) name: String,
    pub(super) labels: StringMap,
    /// Evidence in any of the pods.
    pub(super) sidecar: Option<Span>,
    pub(super) redirected: Option<Span>,
    /// The workloads of the inventory that are these pods.
    pub(super) members: Vec<usize>,
}

impl Group<'_> {
    pub(super) fn namespace(&self) -> &str {
        &self.pods.meta.namespace
    }
}

/// All pods, in the order of the objects.
pub(super) struct Groups<'c> {
    pub(super) list: Vec<Group<'c>>,
    by_namespace: BTreeMap<&'c str, Vec<usize>>,
}

type Id<'c> = (&'c str, String, String);

impl<'c> Groups<'c> {
    pub(super) fn new(cluster: &'c Cluster) -> Self {
        let id = |pods: &'c Pods| -> Id<'c> {
            (
                pods.meta.namespace.as_str(),
                pods.kind.to_owned(),
                pods.meta.name.clone(),
            )
        };
        let known: BTreeMap<Id<'c>, &'c Pods> = cluster.pods.iter().map(|pods| (id(pods), pods)).collect();
        let mut groups = Self {
            list: Vec::new(),
            by_namespace: BTreeMap::new(),
        };
        let mut seen: BTreeMap<Id<'c>, usize> = BTreeMap::new();
        for pods in &cluster.pods {
            let top = top(pods, &known);
            let named = known.get(&top).copied();
            let index = *seen.entry(top).or_insert_with_key(|top| {
                let index = groups.list.len();
                groups.list.push(Group::new(named.unwrap_or(pods), &top.2));
                groups.by_namespace.entry(top.0).or_default().push(index);
                index
            });
            if let Some(group) = groups.list.get_mut(index) {
                group.sidecar = group.sidecar.or_else(|| sidecar(pods));
                group.redirected = group.redirected.or_else(|| redirected(pods));
            }
        }
        groups
    }

    /// The pods of a namespace that carry all of these labels.
    pub(super) fn selected<'s>(
        &'s self,
        namespace: &str,
        wanted: &'s StringMap,
    ) -> impl Iterator<Item = (usize, &'s Group<'c>)> {
        let here = self.by_namespace.get(namespace).map_or(&[][..], Vec::as_slice);
        let groups = here.iter().filter_map(|index| Some((*index, self.list.get(*index)?)));
        groups.filter(|(_, group)| includes(&group.labels, wanted))
    }
}

impl<'c> Group<'c> {
    fn new(pods: &'c Pods, name: &str) -> Self {
        let lasting = |(key, _): &(&String, &Said<String>)| !PER_POD.contains(&key.as_str());
        let labels = pods.labels.iter().filter(lasting);
        Self {
            pods,
            name: name.to_owned(),
            labels: labels.map(|(key, said)| (key.clone(), said.it.clone())).collect(),
            sidecar: None,
            redirected: None,
            members: Vec::new(),
        }
    }
}

/// What made the pods in the end, as far as the objects show it.
fn top<'c>(pods: &'c Pods, known: &BTreeMap<Id<'c>, &'c Pods>) -> Id<'c> {
    let namespace = pods.meta.namespace.as_str();
    let mut at = pods;
    let mut id = (namespace, at.kind.to_owned(), at.meta.name.clone());
    // No chain is longer than Pod, ReplicaSet, Deployment; objects that own each other must end, too.
    for _ in 0..3 {
        let Some((kind, name)) = &at.meta.owner else { break };
        id = (namespace, kind.clone(), name.clone());
        match known.get(&id) {
            Some(owner) => at = owner,
            None => {
                // A ReplicaSet is called like its Deployment and the hash of its template.
                let hash = at.labels.get("pod-template-hash").map(|hash| hash.it.as_str());
                let stem = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
                if let (Some(stem), "ReplicaSet") = (stem, kind.as_str()) {
                    id = (namespace, "Deployment".to_owned(), stem.to_owned());
                }
                break;
            }
        }
    }
    id
}

fn sidecar(pods: &Pods) -> Option<Span> {
    let status = pods.annotations.get("sidecar.istio.io/status").map(|said| said.span);
    status.filter(|_| !pods.is_router).or(pods.sidecar)
}

fn redirected(pods: &Pods) -> Option<Span> {
    let said = pods.annotations.get("ambient.istio.io/redirection")?;
    (said.it == "enabled").then_some(said.span)
}

/// Whether pods with exactly these labels carry all of `wanted`.
pub(super) fn includes(labels: &StringMap, wanted: &StringMap) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}
