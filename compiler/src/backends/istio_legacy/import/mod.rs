//! Manifests of the API that Istio 1.4 has and today's releases have not: Policy and MeshPolicy are read and judged as
//! its definitions and its webhook judge them, and kinds that no answer takes into account are said to be there.

pub mod errors;
mod message;
mod policy;
mod tokens;

#[cfg(test)]
mod tests;

use crate::backends::istio::import::errors as shared;
use crate::backends::istio::import::{metadata, read};
use crate::backends::yaml::tree::{Node, Value};
use crate::diagnostics::Diagnostics;
use crate::policy::{PolicySet, Target};

const AUTHENTICATION: &str = "authentication.istio.io";
const VERSION: &str = "authentication.istio.io/v1alpha1";
const RBAC: &str = "rbac.istio.io";

/// One of the kinds that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Policy,
    /// The same for the whole mesh: an object of the cluster.
    MeshPolicy,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Policy, Self::MeshPolicy];

    const fn name(self) -> &'static str {
        match self {
            Self::Policy => "Policy",
            Self::MeshPolicy => "MeshPolicy",
        }
    }
}

/// Whether an API is one of those that are read here.
pub(crate) fn is_of(group: &str) -> bool {
    [AUTHENTICATION, RBAC].contains(&group)
}

/// Judges an object of such an API, and returns how many objects of ours it is: one or none.
pub(crate) fn object(node: &Node, target: Target, policies: &mut PolicySet, acc: &mut Diagnostics) -> usize {
    let version = node.text_of("apiVersion").unwrap_or("");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let Some((kind_node, kind_name)) = node.get("kind").and_then(|kind| Some((kind, kind.text()?))) else {
        acc.push(shared::no_kind(node.span));
        return 0;
    };
    if group == RBAC {
        return access_control(kind_node, kind_name, target, acc);
    }
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == kind_name) else {
        if let Some(near) = shared::nearest(kind_name, Kind::ALL.into_iter().map(Kind::name)) {
            acc.push(shared::misspelt_kind(kind_node.span, kind_name, group, near));
        }
        return 0;
    };
    if target.is_legacy() {
        if version == VERSION {
            let mut findings = Diagnostics::default();
            let policy = policy(node, kind, &mut findings);
            if !findings.has_errors() {
                policies.authentication_policies.extend(policy);
            }
            acc.append(findings);
        } else {
            let span = node.get("apiVersion").map_or(kind_node.span, |node| node.span);
            acc.push(shared::unserved_version(span, kind.name(), version, &[VERSION]));
        }
    } else if target.serves_both_apis() {
        acc.push(errors::unjudged_policy(kind_node.span, kind.name(), target));
    } else {
        let instead = "say it with PeerAuthentication, RequestAuthentication and AuthorizationPolicy";
        acc.push(errors::removed(kind_node.span, kind.name(), target, instead));
    }
    1
}

/// The access control before AuthorizationPolicy, which is not part of the policy model.
fn access_control(kind: &Node, name: &str, target: Target, acc: &mut Diagnostics) -> usize {
    const KINDS: [&str; 4] = ["ClusterRbacConfig", "RbacConfig", "ServiceRole", "ServiceRoleBinding"];
    if !KINDS.contains(&name) {
        return 0;
    }
    if target.is_legacy() || target.serves_both_apis() {
        acc.push(errors::unjudged_access(kind.span, name, target));
    } else {
        acc.push(errors::removed(
            kind.span,
            name,
            target,
            "say it with AuthorizationPolicy",
        ));
    }
    1
}

fn policy(node: &Node, kind: Kind, acc: &mut Diagnostics) -> Option<crate::policy::legacy::AuthenticationPolicy> {
    const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
    for entry in node.entries() {
        if !FIELDS.contains(&entry.key.as_str()) {
            acc.push(errors::overlooked_field(
                entry.key_span,
                &entry.key,
                kind.name(),
                FIELDS.into_iter(),
            ));
        }
    }
    metadata::check(node, kind.name(), acc);
    let metadata = node.get("metadata")?;
    if kind == Kind::MeshPolicy
        && let Some(entry) = metadata.entry("namespace")
        && !matches!(entry.value.value, Value::Null)
    {
        let why = "a MeshPolicy belongs to the cluster";
        acc.push(errors::idle(entry.key_span, "namespace", why));
    }
    let mut meta = read::metadata(node);
    if kind == Kind::MeshPolicy {
        meta.namespace = None;
    }
    policy::read(node.get("spec"), meta, acc)
}
