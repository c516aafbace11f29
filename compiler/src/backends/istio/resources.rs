//! The manifests as they stand in a file: fields in the order in which people write them, and none that says nothing.
//!
//! Leaves are borrowed from the policy model. What a field means is written there.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::{Serialize, Serializer};

use crate::policy::{ConditionKey, HeaderPlace, IpBlock, MtlsMode, StringMap, TargetRefKind, TlsMode};

/// The spec of a PeerAuthentication.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerAuthentication<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<Mtls>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub port_level_mtls: BTreeMap<u16, Mtls>,
}

#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Mtls {
    #[serde(serialize_with = "mtls_mode")]
    pub mode: MtlsMode,
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector<'a> {
    pub match_labels: &'a StringMap,
}

/// One of `targetRefs`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TargetRef<'a> {
    #[serde(serialize_with = "target_kind")]
    pub kind: TargetRefKind,
    /// Left out for Kubernetes' own kinds.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub group: &'static str,
    pub name: &'a str,
}

/// The spec of a RequestAuthentication.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestAuthentication<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetRef<'a>>,
    pub jwt_rules: Vec<JwtRule<'a>>,
}

/// One of `jwtRules`.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JwtRule<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "is_empty")]
    pub audiences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<&'a str>,
    #[serde(skip_serializing_if = "is_empty", serialize_with = "header_places")]
    pub from_headers: &'a [HeaderPlace],
    #[serde(skip_serializing_if = "is_empty")]
    pub from_params: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub from_cookies: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_payload_to_header: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    pub forward_original_token: bool,
    #[serde(skip_serializing_if = "is_empty", serialize_with = "claim_headers")]
    pub output_claim_to_headers: &'a [(String, String)],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<&'a str>,
    #[serde(skip_serializing_if = "is_empty")]
    pub space_delimited_claims: &'a [String],
}

#[derive(serde::Serialize)]
struct HeaderLocation<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<&'a str>,
}

#[derive(serde::Serialize)]
struct ClaimHeader<'a> {
    header: &'a str,
    claim: &'a str,
}

/// The spec of an AuthorizationPolicy.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationPolicy<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetRef<'a>>,
    /// `None` where the release has no such field, and allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule<'a>>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Provider<'a> {
    pub name: &'a str,
}

/// One of `rules`; without any field it matches every request.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Rule<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<From<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<To<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition<'a>>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct From<'a> {
    pub source: Source<'a>,
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source<'a> {
    #[serde(skip_serializing_if = "is_empty")]
    pub principals: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_principals: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub service_accounts: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_service_accounts: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub namespaces: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_namespaces: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub trust_domains: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_trust_domains: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub request_principals: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_request_principals: &'a [String],
    #[serde(skip_serializing_if = "is_empty", serialize_with = "ip_blocks")]
    pub ip_blocks: &'a [IpBlock],
    #[serde(skip_serializing_if = "is_empty", serialize_with = "ip_blocks")]
    pub not_ip_blocks: &'a [IpBlock],
    #[serde(skip_serializing_if = "is_empty", serialize_with = "ip_blocks")]
    pub remote_ip_blocks: &'a [IpBlock],
    #[serde(skip_serializing_if = "is_empty", serialize_with = "ip_blocks")]
    pub not_remote_ip_blocks: &'a [IpBlock],
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct To<'a> {
    pub operation: Operation<'a>,
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation<'a> {
    #[serde(skip_serializing_if = "is_empty")]
    pub methods: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_methods: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub paths: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_paths: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub hosts: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_hosts: &'a [String],
    /// Strings in Istio's API.
    #[serde(skip_serializing_if = "is_empty", serialize_with = "ports")]
    pub ports: &'a [u16],
    #[serde(skip_serializing_if = "is_empty", serialize_with = "ports")]
    pub not_ports: &'a [u16],
}

/// One of `when`.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition<'a> {
    #[serde(serialize_with = "condition_key")]
    pub key: &'a ConditionKey,
    #[serde(skip_serializing_if = "is_empty")]
    pub values: &'a [String],
    #[serde(skip_serializing_if = "is_empty")]
    pub not_values: &'a [String],
}

/// The spec of a DestinationRule.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationRule<'a> {
    pub host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_policy: Option<TrafficPolicy<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subsets: Vec<Subset<'a>>,
    #[serde(skip_serializing_if = "is_empty")]
    pub export_to: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_selector: Option<Selector<'a>>,
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficPolicy<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub port_level_settings: Vec<PortSettings<'a>>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct PortSettings<'a> {
    pub port: PortNumber,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls<'a>>,
}

#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct PortNumber {
    pub number: u16,
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subset<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: &'a StringMap,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_policy: Option<TrafficPolicy<'a>>,
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientTls<'a> {
    #[serde(serialize_with = "tls_mode")]
    pub mode: TlsMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_crl: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_name: Option<&'a str>,
    #[serde(skip_serializing_if = "is_empty")]
    pub subject_alt_names: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    pub insecure_skip_verify: bool,
}

/// A value that is a string in the manifest and something better in the model.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn mtls_mode<S: Serializer>(mode: &MtlsMode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match mode {
        MtlsMode::Strict => "STRICT",
        MtlsMode::Permissive => "PERMISSIVE",
        MtlsMode::Disable => "DISABLE",
        MtlsMode::Unset => "UNSET",
    })
}

fn tls_mode<S: Serializer>(mode: &TlsMode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match mode {
        TlsMode::Disable => "DISABLE",
        TlsMode::Simple => "SIMPLE",
        TlsMode::Mutual => "MUTUAL",
        TlsMode::IstioMutual => "ISTIO_MUTUAL",
    })
}

fn target_kind<S: Serializer>(kind: &TargetRefKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match kind {
        TargetRefKind::Service => "Service",
        TargetRefKind::ServiceEntry => "ServiceEntry",
        TargetRefKind::Gateway => "Gateway",
        TargetRefKind::GatewayClass => "GatewayClass",
    })
}

fn condition_key<S: Serializer>(key: &ConditionKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

fn ports<S: Serializer>(ports: &[u16], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ports.iter().map(Text))
}

fn ip_blocks<S: Serializer>(blocks: &[IpBlock], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(blocks.iter().map(IpBlock::as_str))
}

fn header_places<S: Serializer>(places: &[HeaderPlace], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(places.iter().map(|place| HeaderLocation {
        name: &place.name,
        prefix: place.prefix.as_deref(),
    }))
}

fn claim_headers<S: Serializer>(headers: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(headers.iter().map(|(header, claim)| ClaimHeader { header, claim }))
}

const fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}

const fn is_false(value: &bool) -> bool {
    !*value
}
