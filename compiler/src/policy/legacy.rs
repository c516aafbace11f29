//! The legacy authentication API, `authentication.istio.io/v1alpha1`: MeshPolicy and Policy.
//!
//! Unlike today's kinds, the narrowest policy of a workload's port replaces all wider ones whole.

use super::{Keys, Meta};
use crate::source::Span;

/// A MeshPolicy (no namespace in its `meta`) or a Policy. A wide one is called `default` and has no targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationPolicy {
    pub meta: Meta,
    /// Services of the namespace; empty: all of it.
    pub targets: Vec<ServiceTarget>,
    pub peers: Vec<PeerMethod>,
    pub peer_is_optional: bool,
    pub origins: Vec<Origin>,
    pub origin_is_optional: bool,
    pub principal_binding: PrincipalBinding,
}

/// A service, and ports of it; without ports all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTarget {
    pub name: String,
    pub ports: Vec<ServicePort>,
}

/// A port of a Service, not of its pods.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServicePort {
    Number(u16),
    /// As the Service names it.
    Name(String),
}

/// One of `peers`: any is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerMethod {
    Mtls {
        permissive: bool,
        allow_tls: bool,
    },
    /// A token as the peer's proof.
    Jwt(Jwt),
}

/// One of `origins`: any is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub jwt: Jwt,
    /// Without any it is always asked for; else where one of them matches.
    pub triggers: Vec<TriggerRule>,
}

/// An issuer as the legacy API knows it. The token is always forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt {
    pub issuer: String,
    pub keys: Keys,
    pub audiences: Vec<String>,
    pub headers: Vec<String>,
    pub params: Vec<String>,
    pub origin: Span,
}

/// Matches a path that none of `excluded` match and, where there are any, one of `included` does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriggerRule {
    pub excluded: Vec<StringMatch>,
    pub included: Vec<StringMatch>,
}

/// How a path is matched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StringMatch {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Regex(String),
}

/// Whose identity becomes the request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalBinding {
    Peer,
    Origin,
}
