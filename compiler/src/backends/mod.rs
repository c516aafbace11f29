//! The policy model to other worlds, one folder per target.

pub mod istio;
pub mod istio_legacy;
pub mod object;
pub mod yaml;

use crate::policy::{PolicySet, Target};

/// One object as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    pub kind: &'static str,
    /// `None` for an object of the cluster.
    pub namespace: Option<String>,
    pub name: String,
    /// One YAML document, without a separator.
    pub text: String,
}

/// All objects of `policies` as `target` knows them: those of the cluster first, then of the `root` namespace, then
/// namespace by namespace; in each of them kind by kind, and of one kind in the order of `policies`.
#[must_use]
pub fn emit(policies: &PolicySet, target: Target, root: &str) -> Vec<Artifact> {
    let mut artifacts = istio_legacy::emit(policies);
    artifacts.extend(istio::emit(policies, target));
    artifacts.sort_by(|a, b| scope(a, root).cmp(&scope(b, root)));
    artifacts
}

fn scope<'a>(artifact: &'a Artifact, root: &str) -> Option<(bool, &'a str)> {
    artifact
        .namespace
        .as_deref()
        .map(|namespace| (namespace != root, namespace))
}
