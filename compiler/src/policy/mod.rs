//! The policy model: what the four Istio kinds, and the legacy one, can say. The only meaning in the house.
//!
//! It knows Istio's kinds but neither YAML nor the Mesh language. Types hold what Istio demands, so that a policy that
//! Istio refuses cannot be built; every part knows the place in the text that it came from.

mod age;
pub mod effective;
pub mod evaluate;
pub mod graph;
pub mod inventory;
pub mod legacy;
pub mod listing;
pub mod request;
pub mod stated;
pub mod summary;
pub mod target;
pub mod tokens;
pub mod words;

use std::collections::BTreeMap;
use std::fmt;

use ipnet::IpNet;

use crate::source::Span;
pub use target::{Feature, Target};

/// Labels and annotations.
pub type StringMap = BTreeMap<String, String>;

/// Everything that one build emits, in the order of its scopes: mesh, namespaces, and what stands in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySet {
    pub peer_authentications: Vec<PeerAuthentication>,
    pub request_authentications: Vec<RequestAuthentication>,
    pub authorizations: Vec<Authorization>,
    pub destination_rules: Vec<DestinationRule>,
    /// Only for the legacy API, in place of the first two.
    pub authentication_policies: Vec<legacy::AuthenticationPolicy>,
}

impl PolicySet {
    /// Adds the objects of another set after these.
    pub fn append(&mut self, other: Self) {
        self.peer_authentications.extend(other.peer_authentications);
        self.request_authentications.extend(other.request_authentications);
        self.authorizations.extend(other.authorizations);
        self.destination_rules.extend(other.destination_rules);
        self.authentication_policies.extend(other.authentication_policies);
    }
}

/// What must hold of every request, whatever the policies are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// Whether each such request is answered with 200; else none is.
    pub always: bool,
    /// The requests that it speaks of, as rules: those that any of them matches.
    pub rules: Vec<Rule>,
    /// Namespace and name of pods; either may be `*`.
    pub places: Vec<(String, String)>,
    pub origin: Span,
}

/// An issuer by the name that tests give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedIssuer {
    /// With its namespace where it stands in one.
    pub name: String,
    pub keys: Keys,
    /// Its `iss`; `None`: it has none of its own.
    pub issuer: Option<String>,
}

/// A policy of a set: its kind, and its index in the list of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyId {
    Peer(usize),
    Request(usize),
    Authorization(usize),
    Destination(usize),
    /// Of the legacy API.
    Legacy(usize),
}

/// What every object has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// A DNS-1123 subdomain.
    pub name: String,
    /// A DNS-1123 label; `None` for an object of the cluster (MeshPolicy).
    pub namespace: Option<String>,
    pub labels: StringMap,
    pub annotations: StringMap,
    /// When a cluster made the object, in seconds since 1970; `None` where that is not known.
    pub created: Option<i64>,
    /// The declaration that the object comes from.
    pub origin: Span,
}

/// A list that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OneOrMore<T>(Vec<T>);

impl<T> OneOrMore<T> {
    /// `None` if the list is empty.
    #[must_use]
    pub fn new(list: Vec<T>) -> Option<Self> {
        if list.is_empty() { None } else { Some(Self(list)) }
    }

    /// A list of one.
    #[must_use]
    pub fn one(item: T) -> Self {
        Self(vec![item])
    }

    /// The items, at least one.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

/// Labels that a pod must carry: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(StringMap);

impl Labels {
    /// `None` if there is no label.
    #[must_use]
    pub fn new(labels: StringMap) -> Option<Self> {
        if labels.is_empty() { None } else { Some(Self(labels)) }
    }

    /// The labels, at least one.
    #[must_use]
    pub const fn as_map(&self) -> &StringMap {
        &self.0
    }
}

/// Which workloads a RequestAuthentication or AuthorizationPolicy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of the namespace; of the mesh in the root namespace.
    All,
    /// `selector: {}`: the same for a proxy, and nobody for ztunnel.
    EmptySelector,
    /// `selector.matchLabels`; in the root namespace pods of every namespace.
    Labels(Labels),
    /// `targetRefs`, at most 16.
    Targets(OneOrMore<TargetRef>),
}

/// One of `targetRefs`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetRef {
    pub kind: TargetRefKind,
    pub name: String,
}

/// The kinds that a policy can be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetRefKind {
    Service,
    ServiceEntry,
    /// A Gateway API gateway or waypoint.
    Gateway,
    /// Only `istio-waypoint`, in the root namespace.
    GatewayClass,
}

/// `mtls.mode`. `Unset` inherits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MtlsMode {
    Strict,
    Permissive,
    Disable,
    Unset,
}

/// A PeerAuthentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAuthentication {
    pub meta: Meta,
    /// `None` where only ports say something.
    pub mode: Option<MtlsMode>,
    pub scope: PeerScope,
}

/// Port modes need a selector; Istio refuses them without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerScope {
    /// The namespace, or the mesh in the root namespace.
    Namespace,
    /// `selector: {}`: the same for a proxy; ztunnel is told of it in another way.
    EmptySelector,
    /// Pods with these labels; `ports` are pod ports.
    Workload {
        labels: Labels,
        ports: BTreeMap<u16, MtlsMode>,
    },
}

impl PeerScope {
    /// Whether a proxy takes it for all of the namespace.
    #[must_use]
    pub const fn is_namespace(&self) -> bool {
        matches!(self, Self::Namespace | Self::EmptySelector)
    }
}

/// A RequestAuthentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestAuthentication {
    pub meta: Meta,
    pub selection: Selection,
    /// Without any, no token is looked at.
    pub rules: Vec<JwtRule>,
}

/// One of `jwtRules`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtRule {
    /// `None`: any `iss` is accepted; then there is a `jwksUri`.
    pub issuer: Option<String>,
    pub keys: Keys,
    pub audiences: Vec<String>,
    pub from_headers: Vec<HeaderPlace>,
    pub from_params: Vec<String>,
    pub from_cookies: Vec<String>,
    pub forward_original_token: bool,
    pub output_payload_to_header: Option<String>,
    /// Header and claim.
    pub output_claim_to_headers: Vec<(String, String)>,
    /// Go's form of a duration, such as `2s`.
    pub timeout: Option<String>,
    pub space_delimited_claims: Vec<String>,
    pub origin: Span,
}

impl JwtRule {
    /// A rule that says no more: any audience, and tokens where they are read by default.
    #[must_use]
    pub fn new(issuer: Option<String>, keys: Keys) -> Self {
        Self {
            issuer,
            keys,
            audiences: Vec::new(),
            from_headers: Vec::new(),
            from_params: Vec::new(),
            from_cookies: Vec::new(),
            forward_original_token: false,
            output_payload_to_header: None,
            output_claim_to_headers: Vec::new(),
            timeout: None,
            space_delimited_claims: Vec::new(),
            origin: Span::default(),
        }
    }
}

/// Where the key set comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// OpenID discovery at the issuer.
    Discovery,
    Uri(String),
    /// A key set as JSON text.
    Inline(String),
}

/// A header that holds a token, behind a prefix where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderPlace {
    pub name: String,
    pub prefix: Option<String>,
}

/// An AuthorizationPolicy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub meta: Meta,
    pub selection: Selection,
    pub action: Action,
    /// Rules that are counted and not enforced; of ALLOW and DENY only.
    pub dry_run: bool,
}

/// What a policy does, with its rules. Only ALLOW and AUDIT may stand without rules: an ALLOW without rules denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Allow(Vec<Rule>),
    Deny(OneOrMore<Rule>),
    Audit(Vec<Rule>),
    Custom { provider: String, rules: OneOrMore<Rule> },
}

impl Action {
    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        match self {
            Self::Allow(rules) | Self::Audit(rules) => rules,
            Self::Deny(rules) | Self::Custom { rules, .. } => rules.as_slice(),
        }
    }

    /// The rules, to be changed in place.
    pub fn rules_mut(&mut self) -> &mut [Rule] {
        match self {
            Self::Allow(rules) | Self::Audit(rules) => rules,
            Self::Deny(rules) | Self::Custom { rules, .. } => &mut rules.0,
        }
    }
}

/// A rule: any source and any operation and all conditions. Without sources any source, without operations any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub sources: Vec<Source>,
    pub operations: Vec<Operation>,
    pub conditions: Vec<Condition>,
    pub origin: Span,
}

/// Positive and negative values of one fact: one of `values` where there are any, and none of `not_values`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lists<T> {
    pub values: Vec<T>,
    pub not_values: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            not_values: Vec::new(),
        }
    }
}

impl<T> Lists<T> {
    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty() && self.not_values.is_empty()
    }
}

/// All that is not empty must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub principals: Lists<String>,
    pub namespaces: Lists<String>,
    pub service_accounts: Lists<String>,
    pub trust_domains: Lists<String>,
    pub request_principals: Lists<String>,
    pub ip_blocks: Lists<IpBlock>,
    pub remote_ip_blocks: Lists<IpBlock>,
}

/// All that is not empty must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    pub hosts: Lists<String>,
    pub methods: Lists<String>,
    pub paths: Lists<String>,
    pub ports: Lists<u16>,
}

/// One of `when`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub key: ConditionKey,
    pub lists: Lists<String>,
}

/// What a condition tests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionKey {
    Header(String),
    SourceIp,
    RemoteIp,
    SourceNamespace,
    SourcePrincipal,
    SourceServiceAccount,
    SourceTrustDomain,
    RequestPrincipal,
    Audiences,
    Presenter,
    /// A claim by its path, at least one part.
    Claim(Vec<String>),
    DestinationIp,
    DestinationPort,
    Sni,
    /// `experimental.` metadata of a filter whose name starts with `envoy.filters.`.
    Filter {
        filter: String,
        key: String,
    },
    /// A key that Istio accepts and cannot read, such as `request.headersX[a]`: an ALLOW rule with it is lost, others
    /// forget the condition.
    Unreadable(String),
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "request.headers[{name}]"),
            Self::SourceIp => f.write_str("source.ip"),
            Self::RemoteIp => f.write_str("remote.ip"),
            Self::SourceNamespace => f.write_str("source.namespace"),
            Self::SourcePrincipal => f.write_str("source.principal"),
            Self::SourceServiceAccount => f.write_str("source.serviceAccount"),
            Self::SourceTrustDomain => f.write_str("source.trustDomain"),
            Self::RequestPrincipal => f.write_str("request.auth.principal"),
            Self::Audiences => f.write_str("request.auth.audiences"),
            Self::Presenter => f.write_str("request.auth.presenter"),
            Self::Claim(path) => {
                f.write_str("request.auth.claims")?;
                path.iter().try_for_each(|part| write!(f, "[{part}]"))
            }
            Self::DestinationIp => f.write_str("destination.ip"),
            Self::DestinationPort => f.write_str("destination.port"),
            Self::Sni => f.write_str("connection.sni"),
            Self::Filter { filter, key } => write!(f, "experimental.{filter}[{key}]"),
            Self::Unreadable(key) => f.write_str(key),
        }
    }
}

/// An address or a network, as written; host bits may be set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IpBlock {
    text: String,
    net: IpNet,
}

impl IpBlock {
    /// Reads `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`; `None` for anything else. Envoy compares without the zone that an
    /// address may end with (`fe80::1%eth0`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let net = if text.contains('/') {
            text.parse().ok()?
        } else {
            let address = match text.split_once('%') {
                Some((address, zone)) if !zone.is_empty() => address.parse::<std::net::Ipv6Addr>().ok()?.into(),
                _ => text.parse::<std::net::IpAddr>().ok()?,
            };
            IpNet::from(address)
        };
        Some(Self {
            text: text.to_owned(),
            net,
        })
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The network that it stands for.
    #[must_use]
    pub const fn net(&self) -> IpNet {
        self.net
    }
}

/// The TLS part of a DestinationRule, and what selects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRule {
    pub meta: Meta,
    /// A host or a wildcard, as written.
    pub host: String,
    /// `trafficPolicy`, as far as TLS. Of rules that Istio merges the first that has one counts, TLS or not.
    pub tls: Option<TlsByPort>,
    pub subsets: Vec<Subset>,
    /// Namespaces, `.` or `*`; empty: the mesh's default.
    pub export_to: Vec<String>,
    /// `workloadSelector`: only clients of the rule's namespace with these labels, all of them where there is none.
    pub clients: Option<StringMap>,
}

/// TLS for a host, and for single Service ports of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsByPort {
    pub all: Option<ClientTls>,
    /// A port that has an entry takes nothing from `all`, also where the entry says nothing of TLS.
    pub ports: BTreeMap<u16, Option<ClientTls>>,
}

/// A subset of a host's pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subset {
    pub name: String,
    pub labels: StringMap,
    pub tls: TlsByPort,
}

/// `ClientTLSSettings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    pub mode: TlsMode,
    pub client_certificate: Option<String>,
    pub private_key: Option<String>,
    pub ca_certificates: Option<String>,
    pub ca_crl: Option<String>,
    pub credential_name: Option<String>,
    pub subject_alt_names: Vec<String>,
    pub sni: Option<String>,
    pub insecure_skip_verify: bool,
}

impl ClientTls {
    /// A mode and nothing else.
    #[must_use]
    pub const fn plain(mode: TlsMode) -> Self {
        Self {
            mode,
            client_certificate: None,
            private_key: None,
            ca_certificates: None,
            ca_crl: None,
            credential_name: None,
            subject_alt_names: Vec::new(),
            sni: None,
            insecure_skip_verify: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsMode {
    Disable,
    Simple,
    Mutual,
    IstioMutual,
}
