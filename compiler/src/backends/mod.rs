//! The policy model to other worlds, one folder per target.

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
