//! The manifests as they stand in a file: fields in the order of Istio 1.4's documentation, all in camel case.
//!
//! Leaves are borrowed from the policy model. What a field means is written there.

use serde::Serialize;

/// The spec of a MeshPolicy or Policy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationPolicy<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<PeerMethod<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    pub peer_is_optional: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<OriginMethod<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    pub origin_is_optional: bool,
    /// `None`: the peer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_binding: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Target<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port<'a>>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Port<'a> {
    Number(u16),
    Name(&'a str),
}

/// One of `peers`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PeerMethod<'a> {
    Mtls(Mtls),
    Jwt(Jwt<'a>),
}

/// Strict if it is empty. Never null, which gets lost on the way through kubectl and then means no mutual TLS.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mtls {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
    #[serde(skip_serializing_if = "is_false")]
    pub allow_tls: bool,
}

/// One of `origins`.
#[derive(Clone, Debug, Serialize)]
pub struct OriginMethod<'a> {
    pub jwt: Jwt<'a>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Jwt<'a> {
    pub issuer: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub audiences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub jwt_headers: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub jwt_params: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trigger_rules: Vec<TriggerRule<'a>>,
}

/// One of `triggerRules`; without any field it matches every path.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TriggerRule<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_paths: Vec<StringMatch<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_paths: Vec<StringMatch<'a>>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StringMatch<'a> {
    Exact(&'a str),
    Prefix(&'a str),
    Suffix(&'a str),
    Regex(&'a str),
}

const fn is_false(value: &bool) -> bool {
    !*value
}
