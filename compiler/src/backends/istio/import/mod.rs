//! Manifests that people have: each object of Istio's four kinds is judged as a cluster with Istio would, with the place
//! of what is wrong.
//!
//! `schema` and `shapes` are the structure that the custom resource definitions demand, the file of each kind what
//! Istio's webhook and the definitions' rules demand beyond it. Objects of other kinds are passed over.

mod authorization_policy;
mod destination_rule;
mod durations;
pub mod errors;
pub(in crate::backends) mod key_sets;
mod load_balancing;
mod match_values;
pub(in crate::backends) mod metadata;
pub(in crate::backends) mod names;
mod peer_authentication;
pub(in crate::backends) mod read;
mod releases;
mod request_authentication;
pub(in crate::backends) mod schema;
mod selection;
mod shapes;
mod shapes_traffic;
mod tls;
pub(in crate::backends) mod uris;

#[cfg(test)]
mod tests;

use self::schema::Shape;
use crate::backends::yaml::tree::{Node, Problem, Value};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::policy::{PolicySet, Target};

const SECURITY: &str = "security.istio.io";
const NETWORKING: &str = "networking.istio.io";

/// Where an object stands that names no namespace.
const DEFAULT_NAMESPACE: &str = "default";

/// The annotation of rules that are counted and not enforced.
const DRY_RUN: &str = "istio.io/dry-run";

/// One of the kinds that are judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    PeerAuthentication,
    RequestAuthentication,
    AuthorizationPolicy,
    DestinationRule,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::PeerAuthentication,
        Self::RequestAuthentication,
        Self::AuthorizationPolicy,
        Self::DestinationRule,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::PeerAuthentication => "PeerAuthentication",
            Self::RequestAuthentication => "RequestAuthentication",
            Self::AuthorizationPolicy => "AuthorizationPolicy",
            Self::DestinationRule => "DestinationRule",
        }
    }

    const fn group(self) -> &'static str {
        match self {
            Self::DestinationRule => NETWORKING,
            Self::PeerAuthentication | Self::RequestAuthentication | Self::AuthorizationPolicy => SECURITY,
        }
    }

    /// The versions as `apiVersion` spells them.
    const fn served(self) -> &'static [&'static str] {
        match self {
            Self::DestinationRule => &[
                "networking.istio.io/v1",
                "networking.istio.io/v1beta1",
                "networking.istio.io/v1alpha3",
            ],
            Self::PeerAuthentication | Self::RequestAuthentication | Self::AuthorizationPolicy => {
                &["security.istio.io/v1", "security.istio.io/v1beta1"]
            }
        }
    }

    fn shape(self) -> &'static Shape {
        match self {
            Self::PeerAuthentication => &shapes::PEER_AUTHENTICATION,
            Self::RequestAuthentication => &shapes::REQUEST_AUTHENTICATION,
            Self::AuthorizationPolicy => &shapes::AUTHORIZATION_POLICY,
            Self::DestinationRule => &shapes_traffic::DESTINATION_RULE,
        }
    }
}

/// Why a document could not be read.
pub(crate) fn broken(problem: Problem) -> Diagnostic {
    errors::problem(problem)
}

/// Judges an object, adds it to the policy if it has no error, and returns how many objects of ours it is: one or none.
pub(crate) fn object(node: &Node, target: Target, policies: &mut PolicySet, acc: &mut Diagnostics) -> usize {
    let mut own = Diagnostics::default();
    let kind = kind(node, &mut own);
    if let Some(Of::Judged(kind)) = kind {
        judge(node, kind, target, &mut own);
        if !own.has_errors() {
            read::object(node, kind, policies);
        }
    }
    acc.append(own);
    usize::from(kind.is_some())
}

/// What an object of ours is.
#[derive(Clone, Copy)]
enum Of {
    Judged(Kind),
    /// What it says of itself is wrong.
    Refused,
}

/// The kind of an object; `None` for what is of no concern.
fn kind(node: &Node, acc: &mut Diagnostics) -> Option<Of> {
    if !matches!(node.value, Value::Map(_)) {
        acc.push(errors::odd_object(node.span, schema::found(&node.value)));
        return None;
    }
    let version = node.text_of("apiVersion").unwrap_or("");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let Some((kind_node, kind_name)) = node.get("kind").and_then(|kind| Some((kind, kind.text()?))) else {
        // Of the group we know that it is Istio's, so somebody meant an object.
        if [SECURITY, NETWORKING].contains(&group) {
            acc.push(errors::no_kind(node.span));
        }
        return None;
    };
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == kind_name) else {
        // Another kind; unless there is no such kind in the group, and one that is nearly it.
        let known = Kind::ALL
            .into_iter()
            .filter(|kind| kind.group() == group && group == SECURITY);
        if let Some(near) = errors::nearest(kind_name, known.map(Kind::name)) {
            acc.push(errors::misspelt_kind(kind_node.span, kind_name, group, near));
        }
        return None;
    };
    let version_span = node.get("apiVersion").map_or(kind_node.span, |node| node.span);
    if group != kind.group() {
        // The legacy API, and other makers, have kinds of these names too.
        if group.is_empty() || [SECURITY, NETWORKING].contains(&group) {
            acc.push(errors::wrong_group(version_span, kind.name(), kind.group()));
            return Some(Of::Refused);
        }
        return None;
    }
    if !kind.served().contains(&version) {
        acc.push(errors::unserved_version(
            version_span,
            kind.name(),
            version,
            kind.served(),
        ));
        return Some(Of::Refused);
    }
    Some(Of::Judged(kind))
}

fn judge(node: &Node, kind: Kind, target: Target, acc: &mut Diagnostics) {
    for entry in node.entries() {
        const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
        if !FIELDS.contains(&entry.key.as_str()) {
            acc.push(errors::unknown_field(
                entry.key_span,
                &entry.key,
                kind.name(),
                FIELDS.into_iter(),
            ));
        }
    }
    if let Some(status) = node.get("status")
        && !matches!(status.value, Value::Map(_))
    {
        acc.push(errors::wrong_type(
            status.span,
            "status",
            "a mapping",
            schema::found(&status.value),
        ));
    }
    metadata::check(node, kind.name(), acc);
    metadata::annotations(node, kind, acc);
    releases::check(node, kind, target, acc);
    match node.get("spec") {
        Some(spec) => {
            schema::walk(kind.shape(), spec, "spec", acc);
            match kind {
                Kind::PeerAuthentication => peer_authentication::check(spec, acc),
                Kind::RequestAuthentication => request_authentication::check(spec, acc),
                Kind::AuthorizationPolicy => authorization_policy::check(spec, acc),
                Kind::DestinationRule => {
                    let namespace = node.get("metadata").and_then(|metadata| metadata.text_of("namespace"));
                    destination_rule::check(spec, namespace, acc);
                }
            }
        }
        None if kind == Kind::DestinationRule => {
            let place = node.get("kind").map_or(node.span, |kind| kind.span);
            acc.push(errors::missing_field(place, "spec", kind.name()));
        }
        None => {}
    }
}
