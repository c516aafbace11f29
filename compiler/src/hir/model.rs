//! The resolved program: every name bound, every parameter replaced, every template expanded, every value of its type.

use std::collections::BTreeMap;

use super::index::NameIndex;
pub use crate::policy::inventory::{Normalization, Protocol};
pub use crate::policy::request::Outcome;
use crate::policy::stated::Stated;
use crate::policy::{IpBlock, MtlsMode, StringMap, TlsMode};
use crate::source::Span;
pub use crate::syntax::ast::{InvariantKind, PlaceKind, TokenState};

/// A whole project.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub mesh: MeshFacts,
    pub issuers: Vec<Issuer>,
    /// The mesh first, where something is said of it; then as in the text, files by path.
    pub scopes: Vec<Scope>,
    pub destinations: Vec<Destination>,
    /// Metadata of `mesh` and of each namespace, for all objects in them.
    pub mesh_metadata: Metadata,
    pub namespaces: BTreeMap<String, Namespace>,
    pub invariants: Vec<Invariant>,
    pub tests: Vec<Test>,
    /// The waypoints of Services where no block says them, by namespace and name of the Service.
    pub service_waypoints: BTreeMap<(String, String), WaypointUse>,
    pub names: NameIndex,
}

/// An issuer, by its index in [`Program::issuers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IssuerId(pub usize);

/// A thing and where it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    pub it: T,
    pub span: Span,
}

/// Text after parameters, which remembers the stars that are no wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    /// Byte offsets in `text` of the stars written `\*`.
    pub literal_stars: Vec<usize>,
    pub span: Span,
}

/// Facts of `mesh`, with Istio's defaults where nothing is said.
#[derive(Clone, Debug)]
pub struct MeshFacts {
    pub root: String,
    pub domain: String,
    pub trust_domain: String,
    pub aliases: Vec<String>,
    /// Other trust domains whose certificates are accepted.
    pub trusts: Vec<String>,
    pub workload_label: Option<String>,
    pub normalization: Normalization,
    /// `None`: the release's default.
    pub auto_mtls: Option<bool>,
    /// `client-tls explicit`: nothing is derived.
    pub client_tls_explicit: bool,
    pub providers: Vec<Provider>,
    pub dataplane: Option<Dataplane>,
    /// The lines that say the facts above.
    pub said: Stated,
}

impl Default for MeshFacts {
    fn default() -> Self {
        Self {
            root: "istio-system".to_owned(),
            domain: "cluster.local".to_owned(),
            trust_domain: "cluster.local".to_owned(),
            aliases: Vec::new(),
            trusts: Vec::new(),
            workload_label: None,
            normalization: Normalization::Base,
            auto_mtls: None,
            client_tls_explicit: false,
            providers: Vec::new(),
            dataplane: None,
            said: Stated::new(),
        }
    }
}

impl MeshFacts {
    /// The trust domain and its aliases.
    pub fn own_domains(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.trust_domain.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// An external authorizer of the mesh configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub name: String,
    pub grpc: bool,
    pub fail_open: bool,
    pub span: Span,
}

/// Who enforces policy at a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataplane {
    Sidecar,
    Ambient,
    /// Outside the mesh.
    None,
}

/// What is said of a namespace as a whole, in all its openings.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    pub metadata: Metadata,
    pub dataplane: Option<At<Dataplane>>,
    pub use_waypoint: Option<At<WaypointUse>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaypointUse {
    None,
    /// Its namespace (the same one if not said) and name.
    Named {
        namespace: Option<String>,
        name: String,
    },
}

impl WaypointUse {
    /// Namespace and name of the waypoint that something in `namespace` uses.
    #[must_use]
    pub fn waypoint(&self, namespace: &str) -> Option<(String, String)> {
        match self {
            Self::None => None,
            Self::Named { namespace: home, name } => {
                Some((home.clone().unwrap_or_else(|| namespace.to_owned()), name.clone()))
            }
        }
    }
}

/// Labels and annotations, with the place of each.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pub labels: BTreeMap<String, At<String>>,
    pub annotations: BTreeMap<String, At<String>>,
}

/// A block that rules attach to.
#[derive(Clone, Debug)]
pub struct Scope {
    pub kind: ScopeKind,
    /// The namespace in which its objects are emitted; the root namespace for what stands in `mesh`.
    pub namespace: String,
    /// Whether it stands in `mesh`: then a selector reaches pods of every namespace.
    pub in_mesh: bool,
    /// The block's keyword and name.
    pub span: Span,
    pub doc: Vec<String>,
    pub facts: ScopeFacts,
    pub metadata: Metadata,
    /// `object` blocks in it.
    pub objects: Vec<Object>,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    Mesh,
    Namespace,
    Workload {
        name: String,
    },
    Gateway {
        name: String,
    },
    Waypoint {
        name: String,
    },
    /// `waypoint *` in `mesh`.
    AllWaypoints,
    /// Services, service entries, and lists of targets.
    Targets(Vec<Target>),
}

/// A target by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub kind: TargetKind,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetKind {
    Service,
    ServiceEntry,
    Gateway,
    Waypoint,
}

/// Facts of a workload, gateway or waypoint.
#[derive(Clone, Debug, Default)]
pub struct ScopeFacts {
    /// Pod labels: `select`, or for a workload without one `workload-label`. Empty where none is known.
    pub select: StringMap,
    pub account: Option<At<Account>>,
    /// Pod ports; of a gateway the ports it listens on.
    pub ports: BTreeMap<u16, At<Protocol>>,
    pub services: Vec<Service>,
    pub dataplane: Option<At<Dataplane>>,
    pub use_waypoint: Option<At<WaypointUse>>,
    pub trusted_proxies: Option<At<u32>>,
}

/// A service account, its namespace said or that of the block.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    pub namespace: String,
    pub name: String,
}

/// A Service in front of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    /// Service port and pod port.
    pub ports: Vec<(u16, u16)>,
    pub headless: bool,
    pub span: Span,
}

/// `object NAME { … }`: what its items emit has this name.
#[derive(Clone, Debug)]
pub struct Object {
    pub name: At<String>,
    pub doc: Vec<String>,
    pub metadata: Metadata,
}

/// A rule of a scope.
#[derive(Clone, Debug)]
pub struct Item {
    pub kind: ItemKind,
    /// The `object` it stands in, an index into [`Scope::objects`].
    pub object: Option<usize>,
    /// `as NAME`.
    pub as_name: Option<At<String>>,
    pub doc: Vec<String>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ItemKind {
    Access {
        action: AccessAction,
        dry_run: bool,
        body: Body,
    },
    DefaultDeny {
        dry_run: bool,
    },
    /// `ports` empty: the whole scope.
    Mtls {
        mode: MtlsMode,
        ports: Vec<At<u16>>,
    },
    /// `on` is for the legacy API only.
    Accept {
        issuers: Vec<At<IssuerId>>,
        on: Option<Expr>,
    },
    Require {
        issuers: Vec<At<IssuerId>>,
        on: Option<Expr>,
        except: Option<Expr>,
    },
    Legacy(Legacy),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessAction {
    Allow,
    Deny,
    Audit,
    Ask { provider: String },
}

/// What only the legacy API says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Legacy {
    PeerOptional,
    AllowTls,
    BindPeer,
    PeerToken(Vec<At<IssuerId>>),
}

/// WHO to WHAT when.
#[derive(Clone, Debug)]
pub struct Body {
    pub who: Expr,
    pub what: Expr,
    pub when: Option<Expr>,
    /// The words `including tcp`.
    pub including_tcp: Option<Span>,
}

/// A boolean expression over facts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// `anyone`, `any`.
    True,
    Fact(Fact),
    /// At least one part.
    And(Vec<Expr>),
    /// At least one part.
    Or(Vec<Expr>),
    /// The first without the second.
    Except(Box<Expr>, Box<Expr>),
}

/// A fact of a request: one of its values holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Any mesh identity (`any-peer`); `outsider` is `True except AnyPeer`.
    AnyPeer,
    /// Accounts as namespace and name, either may hold a star.
    Sa {
        accounts: Vec<(Value, Value)>,
        of: Of,
    },
    Ns {
        namespaces: Vec<Value>,
        of: Of,
    },
    Principal(Vec<Value>),
    TrustDomain(Vec<Value>),
    PeerIp(Vec<At<IpBlock>>),
    ClientIp(Vec<At<IpBlock>>),
    /// `token`: any verified token.
    Token,
    Issuer(Vec<IssuerId>),
    RequestPrincipal(Vec<Value>),
    /// A claim by its path; with `present` the one value `*`.
    Claim {
        path: Vec<String>,
        values: Vec<Value>,
    },
    Method(Vec<Value>),
    Path(Vec<Value>),
    /// Of the legacy API only.
    PathRegex(Vec<Value>),
    /// `package.Service/Method`.
    Grpc(Vec<Value>),
    Host(Vec<Value>),
    Authority(Vec<Value>),
    Port(Vec<At<u16>>),
    Sni(Vec<Value>),
    DestIp(Vec<At<IpBlock>>),
    Header {
        name: String,
        values: Vec<Value>,
    },
    Filter {
        filter: String,
        key: String,
        values: Vec<Value>,
    },
}

/// Whose account or namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// This mesh's.
    Mesh,
    /// Those of these trust domains; `*` is any.
    Domains(Vec<Value>),
}

/// An issuer with all its settings.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// As declared, for messages.
    pub name: String,
    pub span: Span,
    pub iss: Option<At<String>>,
    pub jwks_uri: Option<At<String>>,
    pub jwks: Option<At<String>>,
    pub audiences: Vec<At<String>>,
    pub places: Vec<At<TokenPlace>>,
    pub forward: Option<Span>,
    pub claims: BTreeMap<Vec<String>, At<ClaimType>>,
    /// Header and claim.
    pub claim_headers: Vec<At<(String, String)>>,
    pub payload_header: Option<At<String>>,
    pub timeout: Option<At<String>>,
    pub presence: Option<At<String>>,
}

/// Where a token is read from; `prefix` of a header only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlace {
    pub kind: PlaceKind,
    pub name: String,
    pub prefix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimType {
    String,
    List,
    Words,
    Bool,
    Number,
}

/// `destination HOST { … }`.
#[derive(Clone, Debug)]
pub struct Destination {
    pub host: At<String>,
    /// The root namespace for what stands in `mesh`.
    pub namespace: String,
    pub in_mesh: bool,
    pub as_name: Option<At<String>>,
    pub doc: Vec<String>,
    pub span: Span,
    pub tls: Vec<Tls>,
    pub subsets: Vec<Subset>,
    pub export_to: Vec<At<String>>,
    pub clients: StringMap,
    pub metadata: Metadata,
}

#[derive(Clone, Debug)]
pub struct Subset {
    pub name: At<String>,
    pub labels: StringMap,
    pub tls: Vec<Tls>,
}

/// `tls MODE on port …`; `ports` empty: all.
#[derive(Clone, Debug)]
pub struct Tls {
    pub mode: TlsMode,
    pub ports: Vec<At<u16>>,
    pub client_certificate: Option<At<String>>,
    pub private_key: Option<At<String>>,
    pub ca_certificates: Option<At<String>>,
    pub crl: Option<At<String>>,
    pub credential: Option<At<String>>,
    pub sni: Option<At<String>>,
    pub san: Vec<At<String>>,
    pub skip_verify: Option<Span>,
    pub span: Span,
}

/// `never` or `always`.
#[derive(Clone, Debug)]
pub struct Invariant {
    pub kind: InvariantKind,
    pub who: Expr,
    pub what: Expr,
    pub when: Option<Expr>,
    /// `ns/name`, either may be `*`.
    pub at: Vec<At<(String, String)>>,
    pub span: Span,
}

/// A `test` block.
#[derive(Clone, Debug)]
pub struct Test {
    pub name: At<String>,
    pub body: TestBody,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum TestBody {
    /// Requests to pods; `pod` goes past the waypoint.
    At {
        pods: Pods,
        pod: bool,
        lines: Vec<RequestLine>,
    },
    /// The TLS that the workload's proxy uses towards hosts.
    From { pods: Pods, lines: Vec<ClientLine> },
}

/// The pods that a test names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pods {
    /// Those of a block, an index into [`Program::scopes`].
    Scope(usize),
    /// Those that only the project's surroundings describe.
    Known { namespace: String, name: String },
}

/// A request and what the mesh must answer.
#[derive(Clone, Debug)]
pub struct RequestLine {
    pub caller: TestCaller,
    pub peer_ip: Option<At<IpBlock>>,
    pub client_ip: Option<At<IpBlock>>,
    pub extras: Vec<Extra>,
    pub request: RequestFacts,
    pub expect: Outcome,
    pub span: Span,
}

/// Who makes a test's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestCaller {
    /// Plaintext, or TLS without a mesh certificate.
    Outsider,
    /// A workload, gateway or waypoint: it connects as its proxy would.
    Pods(Pods),
    /// A mesh certificate of this SPIFFE identity, without `spiffe://`.
    Principal(String),
}

/// What a test says of its request; all else is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    pub method: Option<String>,
    pub path: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub sni: Option<String>,
    pub dest_ip: Option<IpBlock>,
}

#[derive(Clone, Debug)]
pub struct ClientLine {
    pub host: At<String>,
    pub port: Option<At<u16>>,
    pub expect: TlsMode,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Extra {
    RealToken(String),
    /// `claims` is an object.
    Token {
        issuer: IssuerId,
        state: Option<TokenState>,
        claims: serde_json::Value,
    },
    Header {
        name: String,
        value: String,
    },
    Answer {
        provider: String,
        allow: bool,
    },
    DryRun,
}
