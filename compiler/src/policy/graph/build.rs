//! The graph while it is built: nodes are made when they are first met, and counted where they hold or lose.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::NodeIndex;

use super::pods::Ends;
use super::{Edge, EdgeKind, Graph, Node, NodeId, Part, Standing};
use crate::policy::effective::{Effective, Enforcer};
use crate::policy::evaluate::Judge;
use crate::policy::inventory::{DataPlane, WorkloadKind};
use crate::policy::{PeerScope, PolicyId, Selection, StringMap};

/// A node by what it stands for.
pub(super) type Key = (PolicyId, Option<Part>);

/// Two stages of one enforcer have at most so many edges between them; with more, no one would read them.
const MOST_EDGES: usize = 10_000;

/// What is known of a node so far.
#[derive(Default)]
struct Tally {
    holds: usize,
    loses: usize,
    unclear: usize,
    why: Option<String>,
}

pub(super) struct Builder<'j> {
    pub(super) judge: &'j Judge<'j>,
    /// The only port that is meant, of the pod.
    pub(super) port: Option<u16>,
    /// The Service ports that lead to it.
    pub(super) service_ports: Option<BTreeSet<u16>>,
    nodes: BTreeMap<Key, (Node, Tally)>,
    edges: BTreeMap<(Key, Key, EdgeKind), String>,
    omitted: usize,
}

/// Pods of which the builder looks at what is in force.
pub(super) struct Pods<'a> {
    pub(super) ports: Vec<(u16, crate::policy::inventory::Protocol)>,
    pub(super) data_plane: DataPlane,
    pub(super) gateway: bool,
    pub(super) effective: &'a Effective,
}

impl<'j> Builder<'j> {
    fn new(judge: &'j Judge<'j>) -> Self {
        Self {
            judge,
            port: None,
            service_ports: None,
            nodes: BTreeMap::new(),
            edges: BTreeMap::new(),
            omitted: 0,
        }
    }

    /// Counts that a node is in force somewhere.
    pub(super) fn holds(&mut self, key: Key) {
        self.tally(key, |tally| tally.holds += 1);
    }

    /// Counts that a node is overridden somewhere.
    pub(super) fn loses(&mut self, key: Key, why: &str) {
        self.tally(key, |tally| {
            tally.loses += 1;
            tally.why.get_or_insert_with(|| why.to_owned());
        });
    }

    /// Counts that it is not known whether a node is in force somewhere.
    pub(super) fn unclear(&mut self, key: Key, why: &str) {
        self.tally(key, |tally| {
            tally.unclear += 1;
            tally.why = Some(why.to_owned());
        });
    }

    /// Notes why a node has nothing to decide somewhere.
    pub(super) fn idle(&mut self, key: Key, why: &str) {
        self.tally(key, |tally| {
            tally.why.get_or_insert_with(|| why.to_owned());
        });
    }

    fn tally(&mut self, key: Key, change: impl FnOnce(&mut Tally)) {
        self.meet(key.0);
        if let Some((_, tally)) = self.nodes.get_mut(&key) {
            change(tally);
        }
    }

    /// Makes the nodes of a policy, if they are not there yet.
    pub(super) fn meet(&mut self, policy: PolicyId) {
        if self.nodes.contains_key(&(policy, None)) {
            return;
        }
        for (part, node) in super::nodes::of(self, policy) {
            self.nodes.insert((policy, part), (node, Tally::default()));
        }
    }

    /// Whether a node was met and counted anywhere.
    fn is_counted(&self, key: Key) -> bool {
        self.nodes
            .get(&key)
            .is_some_and(|(_, tally)| tally.holds + tally.loses + tally.unclear > 0 || tally.why.is_some())
    }

    pub(super) fn edge(&mut self, kind: EdgeKind, from: Key, to: Key, why: &str) {
        if from != to && self.nodes.contains_key(&from) && self.nodes.contains_key(&to) {
            self.edges.entry((from, to, kind)).or_insert_with(|| why.to_owned());
        }
    }

    /// An edge from each policy of a stage to each of the next.
    pub(super) fn stage_edges(&mut self, before: &BTreeSet<PolicyId>, after: &BTreeSet<PolicyId>, why: &str) {
        let count = before.len() * after.len();
        if count > MOST_EDGES {
            self.omitted += count;
            return;
        }
        for from in before {
            for to in after {
                self.edge(EdgeKind::EvaluatedBefore, (*from, None), (*to, None), why);
            }
        }
    }

    fn finish(mut self) -> Graph {
        let mut keys: Vec<Key> = self.nodes.keys().copied().collect();
        let order = |key: &Key| {
            let whole = self
                .nodes
                .get(&(key.0, None))
                .map(|(node, _)| (&node.scope, node.stage, &node.name));
            (
                whole.map(|(scope, stage, name)| (scope.clone(), stage, name.clone())),
                *key,
            )
        };
        keys.sort_by_cached_key(order);
        let mut graph = Graph {
            omitted: self.omitted,
            ..Graph::default()
        };
        let mut at: BTreeMap<Key, NodeIndex> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for key in keys {
            let Some((mut node, tally)) = self.nodes.remove(&key) else {
                continue;
            };
            node.standing = tally.standing();
            node.why = tally.why.filter(|_| node.standing != Standing::Holds);
            if key.1.is_some() {
                node.whole = at.get(&(key.0, None)).map(|index| NodeId(index.index()));
            }
            // Two objects of one name are a mistake, and still two nodes.
            let mut copy = 2;
            let name = node.name.clone();
            while !names.insert(node.name.clone()) {
                node.name = format!("{name}~{copy}");
                copy += 1;
            }
            at.insert(key, graph.inner.add_node(node));
        }
        for ((from, to, kind), why) in self.edges {
            if let (Some(from), Some(to)) = (at.get(&from), at.get(&to)) {
                graph.inner.add_edge(*from, *to, Edge { kind, why });
            }
        }
        graph
    }
}

impl Tally {
    const fn standing(&self) -> Standing {
        match (self.holds, self.loses, self.unclear) {
            (_, _, 1..) => Standing::Unclear,
            (0, 0, 0) => Standing::Idle,
            (_, 0, 0) => Standing::Holds,
            (0, _, 0) => Standing::Overridden,
            (_, _, 0) => Standing::Partly,
        }
    }
}

/// The graph of one workload.
pub(super) fn of_workload(judge: &Judge<'_>, workload: usize, port: Option<u16>) -> Graph {
    let inventory = judge.inventory();
    let mut builder = Builder::new(judge);
    builder.port = port;
    builder.service_ports = port.map(|port| {
        let services = inventory.services.iter().filter(|s| s.workloads.contains(&workload));
        let ports = services.flat_map(|s| s.ports.iter().filter(move |(_, pod)| *pod == port));
        ports.map(|(service, _)| *service).collect()
    });
    // One that stands for several kinds of pods has the policies of each.
    let own = inventory.workloads.get(workload);
    let mut kinds: Vec<usize> = own.map_or(Vec::new(), |own| own.stands_for.clone());
    if kinds.is_empty() {
        kinds.push(workload);
    }
    let mut pod = Ends::default();
    for kind in &kinds {
        pod.extend(builder.workload(*kind));
    }
    for (at, service) in inventory.services.iter().enumerate() {
        if service.workloads.iter().any(|at| *at == workload || kinds.contains(at)) {
            let waypoint = builder.waypoint(at);
            builder.stage_edges(
                &waypoint.last,
                &pod.first,
                "the waypoint judges before the pod, for callers that pass it",
            );
            builder.service_clients(at);
        }
    }
    kinds.into_iter().for_each(|kind| builder.as_client(kind));
    builder.finish()
}

/// The graph of the enforcer at a workload's pods alone.
pub(super) fn of_pods(judge: &Judge<'_>, workload: usize, port: Option<u16>) -> Graph {
    let mut builder = Builder::new(judge);
    builder.port = port;
    builder.workload(workload);
    builder.finish()
}

/// The graph of a service's waypoint alone.
pub(super) fn of_waypoint(judge: &Judge<'_>, service: usize) -> Graph {
    let mut builder = Builder::new(judge);
    builder.waypoint(service);
    builder.finish()
}

/// The graph of the whole mesh.
pub(super) fn of_mesh(judge: &Judge<'_>) -> Graph {
    let (inventory, policies) = (judge.inventory(), judge.policies());
    let mut builder = Builder::new(judge);
    for (at, workload) in inventory.workloads.iter().enumerate() {
        if workload.stands_for.is_empty() {
            builder.workload(at);
        }
    }
    for service in 0..inventory.services.len() {
        builder.waypoint(service);
    }
    builder.undeclared_pods();
    builder.all_destinations();
    for at in 0..policies.peer_authentications.len() {
        builder.rest(PolicyId::Peer(at));
    }
    for at in 0..policies.request_authentications.len() {
        builder.rest(PolicyId::Request(at));
    }
    for at in 0..policies.authorizations.len() {
        builder.rest(PolicyId::Authorization(at));
    }
    for at in 0..policies.destination_rules.len() {
        builder.rest(PolicyId::Destination(at));
    }
    for at in 0..policies.authentication_policies.len() {
        builder.rest(PolicyId::Legacy(at));
    }
    builder.finish()
}

impl Builder<'_> {
    fn workload(&mut self, index: usize) -> Ends {
        let judge = self.judge;
        let (Some(workload), Some(effective)) = (judge.inventory().workloads.get(index), judge.effective(index)) else {
            return Ends::default();
        };
        self.pods(&Pods {
            ports: workload.ports.iter().map(|(port, spoken)| (*port, *spoken)).collect(),
            data_plane: workload.data_plane,
            gateway: workload.kind != WorkloadKind::Application,
            effective,
        })
    }

    fn waypoint(&mut self, service: usize) -> Ends {
        let effective = self.judge.effective_at_waypoint(service);
        effective.map_or_else(Ends::default, |effective| {
            self.enforcer(effective, (true, false), BTreeSet::new())
        })
    }

    /// Pods that no block declares but policies speak of: those of a namespace without declared ones, and those that a
    /// selector means alone.
    fn undeclared_pods(&mut self) {
        let (inventory, policies) = (self.judge.inventory(), self.judge.policies());
        let metas = (policies.peer_authentications.iter().map(|p| &p.meta))
            .chain(policies.request_authentications.iter().map(|p| &p.meta))
            .chain(policies.authorizations.iter().map(|p| &p.meta))
            .chain(policies.authentication_policies.iter().map(|p| &p.meta));
        let mut namespaces: BTreeSet<&str> = metas.filter_map(|meta| meta.namespace.as_deref()).collect();
        for workload in &inventory.workloads {
            namespaces.remove(workload.namespace.as_str());
        }
        for namespace in namespaces {
            self.undeclared(namespace, &StringMap::new());
        }
        let mut selected: BTreeSet<(String, StringMap)> = BTreeSet::new();
        let mut select = |key: PolicyId, namespace: Option<&String>, labels: &StringMap, builder: &Self| {
            if let (false, Some(namespace)) = (builder.is_counted((key, None)), namespace) {
                selected.insert((namespace.clone(), labels.clone()));
            }
        };
        for (at, policy) in policies.peer_authentications.iter().enumerate() {
            if let PeerScope::Workload { labels, .. } = &policy.scope {
                select(
                    PolicyId::Peer(at),
                    policy.meta.namespace.as_ref(),
                    labels.as_map(),
                    self,
                );
            }
        }
        for (at, policy) in policies.request_authentications.iter().enumerate() {
            if let Selection::Labels(labels) = &policy.selection {
                select(
                    PolicyId::Request(at),
                    policy.meta.namespace.as_ref(),
                    labels.as_map(),
                    self,
                );
            }
        }
        for (at, policy) in policies.authorizations.iter().enumerate() {
            if let Selection::Labels(labels) = &policy.selection {
                select(
                    PolicyId::Authorization(at),
                    policy.meta.namespace.as_ref(),
                    labels.as_map(),
                    self,
                );
            }
        }
        for (namespace, labels) in selected {
            self.undeclared(&namespace, &labels);
        }
    }

    fn undeclared(&mut self, namespace: &str, labels: &StringMap) {
        let data_plane = self.judge.inventory().data_plane(namespace);
        let Some(enforcer) = Enforcer::of_pod(data_plane, namespace, labels) else {
            return;
        };
        let effective = self.judge.effective_of(enforcer);
        self.pods(&Pods {
            ports: Vec::new(),
            data_plane,
            gateway: false,
            effective: &effective,
        });
    }

    /// A policy that no place has met: it has a node all the same, which says why.
    fn rest(&mut self, policy: PolicyId) {
        self.meet(policy);
        if self.is_counted((policy, None)) {
            return;
        }
        let policies = self.judge.policies();
        let root = &self.judge.inventory().mesh.root;
        let why = match policy {
            PolicyId::Peer(at) => match policies.peer_authentications.get(at) {
                Some(own) if own.scope.is_namespace() => {
                    let first = policies
                        .peer_authentications
                        .iter()
                        .position(|p| p.scope.is_namespace() && p.meta.namespace == own.meta.namespace);
                    let why = "of several PeerAuthentications for one namespace, Istio heeds one";
                    if let Some(first) = first.filter(|first| *first != at) {
                        self.loses((policy, None), why);
                        self.edge(EdgeKind::Overrides, (PolicyId::Peer(first), None), (policy, None), why);
                    }
                    "no pod of its namespace is in the mesh"
                }
                Some(own) if own.meta.namespace.as_ref() == Some(root) => {
                    "Istio ignores a PeerAuthentication with a selector in the root namespace"
                }
                _ => "it selects no pod that is in the mesh",
            },
            PolicyId::Destination(_) => "no client of the mesh heeds it",
            PolicyId::Legacy(_) => "it is for no declared port of a service, or another one is older",
            PolicyId::Request(_) | PolicyId::Authorization(_) => {
                "no workload, gateway or waypoint that is declared heeds it"
            }
        };
        self.idle((policy, None), why);
    }
}
