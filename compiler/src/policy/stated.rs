//! Where the facts of an inventory are said. A fact that nobody says is a default of Istio, or not known.

use std::collections::BTreeMap;

use crate::source::Span;

/// One fact of an [`Inventory`](super::inventory::Inventory); workloads, services and waypoints by their indices in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    Root,
    Domain,
    TrustDomain,
    Aliases,
    Trusts,
    Normalization,
    AutoMtls,
    /// Of the mesh.
    DataPlane,
    Provider(String),
    NamespaceDataPlane(String),
    NamespaceWaypoint(String),
    Labels(usize),
    Account(usize),
    Port(usize, u16),
    /// A port that is there, and whose protocol nobody names: Istio looks at the bytes.
    Detected(usize, u16),
    WorkloadDataPlane(usize),
    TrustedProxies(usize),
    /// The ports of a Service.
    Service(usize),
    ServiceWaypoint(usize),
    Waypoint(usize),
}

/// The line that says each fact.
pub type Stated = BTreeMap<Fact, Span>;
