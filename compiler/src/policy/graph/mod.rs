//! The precedence graph: which policy holds over which, and which is evaluated before which.
//!
//! It is read off the composed policies that answers rest on, and decides nothing by itself. A node is a policy or a part
//! of one at its scope; an edge says why one comes before another. The only user of `petgraph`.

mod build;
mod destinations;
mod nodes;
mod pods;

use std::fmt;

use petgraph::Direction;
use petgraph::algo::is_cyclic_directed;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{EdgeFiltered, EdgeRef};

use super::evaluate::Judge;
use super::request::ObjectRef;
use super::{PolicyId, StringMap};
use crate::source::Span;

/// The precedence graph of a mesh, or of one workload.
#[derive(Debug, Default)]
pub struct Graph {
    inner: DiGraph<Node, Edge>,
    /// So many edges of the order of evaluation were left out, because there are too many to list; [`Node::stage`] holds
    /// the order too.
    pub omitted: usize,
}

/// A node of a [`Graph`]; of use only with that graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(usize);

/// A policy, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Unique in the graph and the same in every run, such as `AuthorizationPolicy/shop/web-allow#rule-1`.
    pub name: String,
    pub policy: PolicyId,
    pub object: ObjectRef,
    /// `None`: the policy as a whole.
    pub part: Option<Part>,
    /// The node of the whole policy, for a part.
    pub whole: Option<NodeId>,
    pub scope: Scope,
    pub stage: Stage,
    /// What it says, in plain words.
    pub says: String,
    pub origin: Span,
    pub standing: Standing,
    /// Why it is not in force, or not everywhere; where more is to be known of it.
    pub why: Option<String>,
}

/// A part of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What it says of one port.
    Port(u16),
    /// A rule or subset, counted from 0.
    Rule(usize),
}

/// What a policy is for. A later scope is narrower.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Mesh,
    Namespace(String),
    /// A host that is no declared service, for the clients of a namespace.
    Host {
        namespace: String,
        host: String,
    },
    Service {
        namespace: String,
        name: String,
    },
    /// A waypoint or a gateway that policies are attached to by name.
    Waypoint {
        namespace: String,
        name: String,
    },
    /// Pods with labels that no one workload is known by; of every namespace where there is none.
    Pods {
        namespace: Option<String>,
        labels: StringMap,
    },
    Workload {
        namespace: String,
        name: String,
    },
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mesh => f.write_str("mesh"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
            Self::Host { namespace, host } => write!(f, "host {host} in {namespace}"),
            Self::Service { namespace, name } => write!(f, "service {namespace}/{name}"),
            Self::Waypoint { namespace, name } => write!(f, "waypoint {namespace}/{name}"),
            Self::Pods { namespace, labels } => {
                write!(f, "pods with {}", super::words::labels_of(labels))?;
                namespace.as_ref().map_or(Ok(()), |name| write!(f, " in {name}"))
            }
            Self::Workload { namespace, name } => write!(f, "workload {namespace}/{name}"),
        }
    }
}

/// What a policy has a say in, in the order in which a request meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The TLS of the client's proxy.
    Client,
    Mtls,
    Custom,
    Tokens,
    Deny,
    Allow,
    /// Never decides.
    Audit,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Client,
        Self::Mtls,
        Self::Custom,
        Self::Tokens,
        Self::Deny,
        Self::Allow,
        Self::Audit,
    ];

    /// As output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client-tls",
            Self::Mtls => "mtls",
            Self::Custom => "custom",
            Self::Tokens => "tokens",
            Self::Deny => "deny",
            Self::Allow => "allow",
            Self::Audit => "audit",
        }
    }
}

/// Whether a policy is in force where the graph looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Wherever it applies.
    Holds,
    /// In some places, and overridden in others.
    Partly,
    /// Something narrower holds everywhere instead.
    Overridden,
    /// It applies nowhere, or decides nothing.
    Idle,
    /// What decides is not known.
    Unclear,
}

impl Standing {
    /// As output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Partly => "partly",
            Self::Overridden => "overridden",
            Self::Idle => "idle",
            Self::Unclear => "unclear",
        }
    }
}

/// Why one node comes before another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub kind: EdgeKind,
    pub why: String,
}

/// How one node comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// It holds where both speak.
    Overrides,
    /// Its say comes first, and may be the last.
    EvaluatedBefore,
    /// It leaves nothing for the other to decide.
    Shadows,
    /// They cannot both be meant.
    Contradicts,
}

impl EdgeKind {
    /// As output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Overrides => "overrides",
            Self::EvaluatedBefore => "evaluated-before",
            Self::Shadows => "shadows",
            Self::Contradicts => "contradicts",
        }
    }
}

impl Graph {
    /// Every policy of a mesh.
    #[must_use]
    pub fn of_mesh(judge: &Judge<'_>) -> Self {
        build::of_mesh(judge)
    }

    /// The policies that have to do with one workload, by its index in the inventory; with those of one port, if it is
    /// named.
    #[must_use]
    pub fn of_workload(judge: &Judge<'_>, workload: usize, port: Option<u16>) -> Self {
        build::of_workload(judge, workload, port)
    }

    /// What the enforcer at the pods of a workload heeds, and nothing before it; for one port, if it is named.
    #[must_use]
    pub fn of_pods(judge: &Judge<'_>, workload: usize, port: Option<u16>) -> Self {
        build::of_pods(judge, workload, port)
    }

    /// What the waypoint of a service heeds, by the index of the service.
    #[must_use]
    pub fn of_waypoint(judge: &Judge<'_>, service: usize) -> Self {
        build::of_waypoint(judge, service)
    }

    /// The nodes, ordered by scope: policies, each before its parts.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.inner
            .node_indices()
            .filter_map(|index| Some((NodeId(index.index()), self.inner.node_weight(index)?)))
    }

    /// The node of this id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.inner.node_weight(NodeIndex::new(id.0))
    }

    /// The edges, each with where it comes from and where it leads.
    pub fn edges(&self) -> impl Iterator<Item = (NodeId, NodeId, &Edge)> {
        self.inner.edge_references().map(|edge| {
            (
                NodeId(edge.source().index()),
                NodeId(edge.target().index()),
                edge.weight(),
            )
        })
    }

    /// What a node overrides, and why.
    pub fn overrides(&self, id: NodeId) -> impl Iterator<Item = (NodeId, &Edge)> {
        self.inner
            .edges_directed(NodeIndex::new(id.0), Direction::Outgoing)
            .filter(|edge| edge.weight().kind == EdgeKind::Overrides)
            .map(|edge| (NodeId(edge.target().index()), edge.weight()))
    }

    /// Whether edges of a kind lead round in a circle, which those of a precedence never do. Those of clients are left
    /// out: of two destinations for a host each can hold over the other, for clients of its own namespace.
    #[must_use]
    pub fn has_circle(&self, kind: EdgeKind) -> bool {
        let of_server = |index: NodeIndex| {
            let node = self.inner.node_weight(index);
            node.is_some_and(|node| node.stage != Stage::Client)
        };
        is_cyclic_directed(&EdgeFiltered::from_fn(&self.inner, |edge| {
            edge.weight().kind == kind && of_server(edge.source())
        }))
    }
}
