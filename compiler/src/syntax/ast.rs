//! The tree of one file: faithful to the text, every node with its span, names not yet bound.
//!
//! The parser accepts any item in any block, because "`mtls` cannot stand here" is a better message than a syntax
//! error; what may stand where is checked when names are bound.

use crate::source::{FileId, Span};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub id: FileId,
    pub items: Vec<Item>,
}

/// A bare word that names something, or a fixed word of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// A value: a word, a string, or `${param}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub form: ValueForm,
    /// What it is made of, in order; adjacent texts are one piece.
    pub pieces: Vec<Piece>,
    pub span: Span,
}

/// How a value was written. It changes nothing in its meaning, save that only `Param` may stand for a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueForm {
    Word,
    Quoted,
    Raw,
    Param,
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// `\*` in a string: a star that is no wildcard.
    LiteralStar,
    /// `${name}`.
    Param(Name),
}

/// A value, or a list of them in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    One(Value),
    List(Vec<Value>, Span),
}

/// `name: arg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedArg {
    pub name: Name,
    pub arg: Arg,
}

/// A parameter of an issuer or template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    pub kind: ParamKind,
    pub name: Name,
    pub default: Option<Arg>,
}

/// What a parameter stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    Value,
    Identity,
    Operation,
    Issuer,
}

/// `key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub key: Value,
    pub value: Value,
}

/// A declaration or an item of a block, with its doc comment (`##` lines, without the sign and one blank).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub doc: Vec<String>,
    /// The whole item, doc comment not included.
    pub span: Span,
    /// Its keyword.
    pub keyword: Span,
    pub kind: ItemKind,
}

/// Everything that starts with a keyword of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    Use {
        path: Value,
        names: Vec<UseName>,
    },
    Param {
        name: Name,
        default: Option<Arg>,
    },
    Issuer(Issuer),
    Identity {
        name: Name,
        who: Who,
    },
    Operation {
        name: Name,
        what: What,
        when: Option<Cond>,
    },
    Template {
        name: Name,
        params: Vec<Param>,
        items: Vec<Item>,
    },
    Apply {
        template: Name,
        args: Vec<NamedArg>,
    },
    Mesh {
        items: Vec<Item>,
    },
    Namespace {
        name: Value,
        items: Vec<Item>,
    },
    /// `workload W { … }`, or one or more targets.
    Scope {
        targets: Vec<Target>,
        items: Vec<Item>,
    },
    Object {
        name: Value,
        items: Vec<Item>,
    },
    Metadata {
        kind: MetadataKind,
        pairs: Vec<Pair>,
    },
    Legacy(Legacy),
    Fact(Fact),
    Rule(Rule),
    Destination(Destination),
    Invariant(Invariant),
    Test(Test),
    /// What could not be parsed; a diagnostic stands for it.
    Bad,
}

/// A name that `use` brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseName {
    pub name: Name,
    pub alias: Option<Name>,
}

/// The kinds of block that rules attach to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetKind {
    Workload,
    Service,
    ServiceEntry,
    Gateway,
    Waypoint,
}

/// `workload reviews`, `service reviews`, `waypoint *`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub kind: TargetKind,
    pub name: Value,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataKind {
    Label,
    Annotation,
}

/// What only the legacy API says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Legacy {
    PeerOptional,
    AllowTls,
    BindPeer,
    PeerToken(Vec<Name>),
}

/// A fact of the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Select(Vec<Pair>),
    /// `ports 9080 http, 5000 tcp`: the port and its protocol's word.
    Ports(Vec<(Value, Name)>),
    Service {
        name: Value,
        ports: Vec<PortMap>,
        headless: Option<Span>,
    },
    /// `provider P http|grpc [fail-open]`.
    Provider {
        name: Value,
        protocol: Name,
        fail_open: Option<Span>,
    },
    /// `aliases`, `trusts`.
    List {
        key: ListFact,
        values: Vec<Value>,
    },
    /// Every fact that is a key and one value.
    Single {
        key: SingleFact,
        value: Value,
    },
}

/// `8000:80`, `9000`, or a parameter: service port and pod port, still text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMap {
    pub text: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListFact {
    Aliases,
    Trusts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SingleFact {
    Account,
    Dataplane,
    UseWaypoint,
    TrustedProxies,
    Root,
    Domain,
    TrustDomain,
    WorkloadLabel,
    Normalization,
    AutoMtls,
    ClientTls,
}

/// A rule with the name that it gives its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub kind: RuleKind,
    pub as_name: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleKind {
    Access {
        dry_run: Option<Span>,
        action: AccessAction,
        body: Body,
    },
    Ask {
        provider: Value,
        body: Body,
    },
    DefaultDeny {
        dry_run: Option<Span>,
    },
    /// `mtls strict on port 1, 2`; without ports for the whole scope.
    Mtls {
        mode: Value,
        ports: Vec<Value>,
    },
    Accept {
        issuers: Vec<Name>,
        on: Option<What>,
    },
    Require {
        issuers: Vec<Name>,
        on: Option<What>,
        except: Option<What>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessAction {
    Allow,
    Deny,
    Audit,
}

/// WHO to WHAT when … including tcp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    pub who: Who,
    pub what: What,
    pub when: Option<Cond>,
    /// The words `including tcp`.
    pub including_tcp: Option<Span>,
}

/// An expression of callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub kind: WhoKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhoKind {
    Anyone,
    AnyPeer,
    Outsider,
    /// `token`: any verified token.
    Token,
    /// `web, jobs`: declared names.
    Names(Vec<Name>),
    /// `corp where groups has staff and …`; the subject is `Token` or `Names`.
    Where {
        subject: Box<Who>,
        tests: Vec<ClaimTest>,
    },
    Literal {
        kind: CallerKind,
        values: Vec<Value>,
        of: Vec<Value>,
    },
    Or(Vec<Who>),
    And(Vec<Who>),
    Except(Box<Who>, Box<Who>),
    Via {
        user: Box<Who>,
        peer: Box<Who>,
    },
    From {
        who: Box<Who>,
        network: Box<Who>,
    },
    /// Parentheses.
    Group(Box<Who>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallerKind {
    Sa,
    Ns,
    Principal,
    TrustDomain,
    RequestPrincipal,
    PeerIp,
    ClientIp,
}

/// `groups has staff`, `realm[roles] present`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimTest {
    pub claim: Claim,
    pub comparison: Comparison,
    pub span: Span,
}

/// A claim and the way into it: `a[b][c]`, at least one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub path: Vec<Value>,
    pub span: Span,
}

/// An operator and its values; none for `present` and `absent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub op: Op,
    pub op_span: Span,
    pub values: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    Equal,
    NotEqual,
    Has,
    Lacks,
    Present,
    Absent,
}

/// An expression of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct What {
    pub kind: WhatKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhatKind {
    Any,
    /// Side by side: all must hold.
    Terms(Vec<Term>),
    Or(Vec<What>),
    Except(Box<What>, Box<What>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub kind: TermKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TermKind {
    /// A kind of fact and its values; `keyword` says whether `method` or `path` was written.
    Field {
        field: Field,
        values: Vec<Value>,
        keyword: bool,
    },
    /// Declared operations.
    Names(Vec<Name>),
    /// Parentheses.
    Group(Box<What>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Method,
    Path,
    PathRegex,
    Grpc,
    Host,
    Authority,
    Port,
    Sni,
    DestIp,
}

/// A `when`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cond {
    pub kind: CondKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CondKind {
    Test {
        subject: CondSubject,
        comparison: Comparison,
    },
    And(Vec<Cond>),
    Or(Vec<Cond>),
    /// Parentheses.
    Group(Box<Cond>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CondSubject {
    Header(Value),
    Filter(Value, Value),
}

/// `issuer I(params) = base(args) { … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    pub name: Name,
    pub params: Vec<Param>,
    pub base: Option<IssuerBase>,
    pub items: Vec<IssuerItem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerBase {
    pub name: Name,
    pub args: Vec<NamedArg>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerItem {
    pub kind: IssuerItemKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerItemKind {
    Single { key: IssuerKey, value: Value },
    Audiences(Vec<Value>),
    From(Vec<TokenPlace>),
    Forward,
    Claims(Vec<(Claim, Name)>),
    ClaimHeaders(Vec<Pair>),
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssuerKey {
    Iss,
    JwksUri,
    Jwks,
    PayloadHeader,
    Timeout,
    Presence,
}

/// Where a token is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlace {
    pub kind: PlaceKind,
    pub name: Value,
    /// Of a header only.
    pub prefix: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceKind {
    Header,
    Param,
    Cookie,
}

/// `destination HOST as NAME { … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub host: Value,
    pub as_name: Option<Value>,
    pub items: Vec<DestinationItem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationItem {
    pub kind: DestinationItemKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationItemKind {
    Tls(Tls),
    /// Its items are `Select` and `Tls`.
    Subset {
        name: Value,
        items: Vec<DestinationItem>,
    },
    /// Of a subset only.
    Select(Vec<Pair>),
    ExportTo(Vec<Value>),
    Clients(Vec<Pair>),
    Metadata {
        kind: MetadataKind,
        pairs: Vec<Pair>,
    },
    Bad,
}

/// `tls MODE on port … { … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub mode: Value,
    pub ports: Vec<Value>,
    pub items: Vec<TlsItem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsItem {
    pub kind: TlsItemKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsItemKind {
    Single { key: TlsKey, value: Value },
    San(Vec<Value>),
    SkipVerify,
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsKey {
    ClientCertificate,
    PrivateKey,
    CaCertificates,
    Crl,
    Credential,
    Sni,
}

/// `never` or `always`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invariant {
    pub kind: InvariantKind,
    pub who: Who,
    pub what: What,
    pub when: Option<Cond>,
    pub at: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvariantKind {
    Never,
    Always,
}

/// A `test` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    pub name: Value,
    pub body: TestBody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestBody {
    /// `test … at [pod] T { … }`: requests to a workload, gateway or waypoint.
    At {
        pod: Option<Span>,
        target: Value,
        lines: Vec<RequestLine>,
    },
    /// `test … from W { … }`: the TLS that a workload's proxy uses.
    From { workload: Value, lines: Vec<ClientLine> },
}

/// `WHO with … to WHAT expect OUTCOME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    pub who: Who,
    pub extras: Vec<Extra>,
    pub what: What,
    pub expect: Name,
    pub span: Span,
}

/// `to host H port P expect MODE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLine {
    pub host: Value,
    pub port: Option<Value>,
    pub expect: Name,
    pub span: Span,
}

/// What a test's request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    pub kind: ExtraKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtraKind {
    /// `token "eyJ…"`.
    RealToken(Value),
    /// `token ISSUER [expired|forged] [JSON]`; `claims` is an object.
    Token {
        issuer: Name,
        state: Option<TokenState>,
        claims: Option<Json>,
    },
    Header {
        name: Value,
        value: Value,
    },
    Answer {
        provider: Value,
        allow: bool,
    },
    DryRun,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    Expired,
    Forged,
}

/// JSON whose keys may be bare; strings may hold parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json {
    pub kind: JsonKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonKind {
    Null,
    Bool(bool),
    /// The digits as written.
    Number(String),
    String(Value),
    List(Vec<Json>),
    Object(Vec<(Value, Json)>),
}
