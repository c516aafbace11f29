//! One request, what the mesh answers to it, and why: the terms in which questions are asked and answered.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::tokens::TokenTexts;
use super::{Keys, StringMap};
use crate::source::Span;

/// A request and where it goes. What is left out has the default of the language's section 13.
#[derive(Clone, Debug)]
pub struct Request {
    pub to: Destination,
    /// Straight to the pod, past the waypoint.
    pub pod: bool,
    /// The pod's port; of a gateway the one it listens on.
    pub port: Option<u16>,
    /// Where several Service ports lead to the pod's.
    pub service_port: Option<u16>,
    pub caller: Caller,
    pub peer_ip: Option<IpAddr>,
    pub client_ip: Option<IpAddr>,
    pub destination_ip: Option<IpAddr>,
    pub sni: Option<String>,
    /// Whether it is HTTP; `None`: what the port speaks, and on an unknown port HTTP if it has an HTTP fact.
    pub http: Option<bool>,
    /// HTTP comes as HTTP/2, not as HTTP/1.1.
    pub http2: bool,
    pub method: Option<String>,
    /// With the query, as sent.
    pub path: Option<String>,
    pub host: Option<String>,
    /// Each name in lower case; a name may stand more than once.
    pub headers: Vec<(String, String)>,
    pub tokens: Vec<Token>,
    /// What is known of the texts in headers, query and cookies that may be tokens.
    pub texts: Arc<TokenTexts>,
    /// What authorizers answer, by provider.
    pub answers: BTreeMap<String, bool>,
    /// Judge as if dry-run rules were enforced.
    pub dry_run: bool,
    /// Seconds since 1970, for tokens that say times.
    pub now: Option<i64>,
}

impl Request {
    /// A request without any fact.
    #[must_use]
    pub fn new(to: Destination, caller: Caller) -> Self {
        Self {
            to,
            pod: false,
            port: None,
            service_port: None,
            caller,
            peer_ip: None,
            client_ip: None,
            destination_ip: None,
            sni: None,
            http: None,
            http2: false,
            method: None,
            path: None,
            host: None,
            headers: Vec::new(),
            tokens: Vec::new(),
            texts: Arc::default(),
            answers: BTreeMap::new(),
            dry_run: false,
            now: None,
        }
    }

    /// Puts a text at a place: one more header, parameter or cookie.
    pub fn put(&mut self, place: &Place, text: &str) {
        match place {
            Place::Header { name, prefix } => self.headers.push((name.clone(), format!("{prefix}{text}"))),
            Place::Cookie(name) => self.headers.push(("cookie".to_owned(), format!("{name}={text}"))),
            Place::Param(name) => {
                let path = self.path.get_or_insert_with(|| "/".to_owned());
                let sign = if path.contains('?') { '&' } else { '?' };
                path.push_str(&format!("{sign}{name}={text}"));
            }
        }
    }

    /// Whether it says something that only HTTP has.
    #[must_use]
    pub fn has_http_fact(&self) -> bool {
        self.method.is_some()
            || self.path.is_some()
            || self.host.is_some()
            || !self.headers.is_empty()
            || !self.tokens.is_empty()
    }
}

/// Whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A workload or gateway, an index into [`Inventory::workloads`](super::inventory::Inventory::workloads).
    Known(usize),
    /// A pod that no block describes.
    Pod {
        namespace: String,
        labels: StringMap,
        ports: BTreeMap<u16, super::inventory::Protocol>,
    },
}

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Plaintext; to an `https` port of a gateway TLS without a client certificate.
    Outsider,
    /// A mesh certificate of this SPIFFE identity, without `spiffe://`.
    Principal(String),
    /// A workload or gateway of the inventory, which connects as its proxy would.
    Workload(usize),
}

/// A token as facts: who issued it, what it says, and whether it is good.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// The keys that it is signed with.
    pub keys: Keys,
    /// `iss` of the issuer that these keys are of, which tells keys found by discovery apart.
    pub issuer: Option<String>,
    pub claims: BTreeMap<String, Json>,
    pub state: TokenState,
    pub place: Place,
}

/// Whether a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    Valid,
    Expired,
    /// Its signature is not by the issuer's keys.
    Forged,
}

/// Where a token is in a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The name in lower case, and what stands before the token.
    Header {
        name: String,
        prefix: String,
    },
    Param(String),
    Cookie(String),
}

impl Place {
    /// Where tokens are by default.
    #[must_use]
    pub fn bearer() -> Self {
        Self::Header {
            name: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { name, prefix } if prefix.is_empty() => write!(f, "the header `{name}`"),
            Self::Header { name, prefix } => write!(f, "the header `{name}` behind `{prefix}`"),
            Self::Param(name) => write!(f, "the parameter `{name}`"),
            Self::Cookie(name) => write!(f, "the cookie `{name}`"),
        }
    }
}

/// A JSON value, as claims have them.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// What the mesh answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It reaches the application.
    Ok,
    /// HTTP itself refused it, before any policy.
    BadRequest,
    /// Its token was refused.
    Unauthorized,
    /// An access rule, or the token's audience, refused it.
    Forbidden,
    /// The client's TLS does not fit the server.
    Unavailable,
    /// The connection is closed.
    Reset,
    /// TLS into a plaintext server, or a certificate of an untrusted domain.
    TlsError,
}

impl Outcome {
    /// As tests spell it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "200",
            Self::BadRequest => "400",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::Unavailable => "503",
            Self::Reset => "reset",
            Self::TlsError => "tls-error",
        }
    }
}

/// What of the mesh decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// HTTP itself.
    Http,
    Mtls,
    ClientTls,
    Jwt,
    Custom,
    Deny,
    Allow,
}

impl Stage {
    /// As answers spell it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Mtls => "mtls",
            Self::ClientTls => "client-tls",
            Self::Jwt => "jwt",
            Self::Custom => "custom",
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}

/// A policy object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A MeshPolicy is in no namespace.
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// A part of the policy that had a say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub object: ObjectRef,
    /// The rule, counted from 0; `None` for the object as a whole.
    pub rule: Option<usize>,
    pub origin: Span,
}

/// What the mesh answers, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub outcome: Outcome,
    /// `None`: nothing stood in the way.
    pub stage: Option<Stage>,
    /// Where it was decided, such as `ztunnel` or `the waypoint shop/waypoint`, with what happened there.
    pub why: String,
    pub because: Vec<Reason>,
}

/// Why there is no answer: what would have to be said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    PeerIp,
    ClientIp,
    DestinationIp,
    /// The port.
    Port,
    /// The answer of this provider.
    AnswerOf(String),
    /// The time, for a token that says one.
    Time,
    /// Anything else, in a sentence.
    Other(String),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerIp => {
                f.write_str("the answer depends on the address of the TCP peer, so it must be said (`peer-ip`)")
            }
            Self::ClientIp => {
                f.write_str("the answer depends on the address of the client, so it must be said (`client-ip`)")
            }
            Self::DestinationIp => {
                f.write_str("the answer depends on the address of the destination, so it must be said (`dest-ip`)")
            }
            Self::Port => f.write_str("the answer depends on the port, so it must be said (`port`)"),
            Self::AnswerOf(provider) => {
                write!(
                    f,
                    "the answer depends on what the authorizer `{provider}` says (`answer`)"
                )
            }
            Self::Time => f.write_str(
                "the token says a time (`exp` or `nbf`), so the answer depends on the clock: leave the claim out, or say the time (`now`)",
            ),
            Self::Other(why) => f.write_str(why),
        }
    }
}
