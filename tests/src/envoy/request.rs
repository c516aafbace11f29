//! A request to a proxy, as people write it, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::keys::KeySets;

/// One connection with one request. Without a path it carries raw bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Request {
    /// NAME.NAMESPACE of the proxy; empty: the first of the scenario.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// The port that the client calls: the pod's, at a waypoint the Service's.
    pub port: u16,
    pub source: IpAddr,
    /// `None`: the proxy's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<IpAddr>,
    /// The client's SPIFFE identity without its scheme; empty: TLS without a certificate; `None`: plaintext.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    #[serde(skip_serializing_if = "is_mesh")]
    pub authority: Authority,
    /// `None`: what Istio's client offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// As sent, with its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "is_get")]
    pub method: String,
    pub host: String,
    /// Each `name: value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Token>,
    #[serde(skip_serializing_if = "is_raw")]
    pub payload: Payload,
    /// How the request is sent.
    #[serde(skip_serializing_if = "is_http1")]
    pub version: Version,
    /// What external authorizers are to answer, by the name of the provider. Over HTTP the answer travels in a header,
    /// [`ANSWER`]; a raw connection is refused by the address that it comes from, [`REFUSED`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Decision>,
}

/// The header by which a request says what the authorizers of tests answer. Without it they refuse.
pub const ANSWER: &str = "x-answer";

/// Raw connections from here are refused by the authorizers of tests, and no others.
pub const REFUSED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 9, 9));

/// How a request is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    #[default]
    Http1,
    Http2,
    /// HTTP/2, as a call by gRPC: a refusal comes as the code of a call.
    Grpc,
}

/// What an authorizer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Allow,
    Deny,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            to: String::new(),
            port: 80,
            source: IpAddr::from([10, 9, 0, 1]),
            destination: None,
            peer: None,
            authority: Authority::Mesh,
            alpn: None,
            sni: None,
            path: None,
            method: "GET".to_owned(),
            host: "httpbin.foo".to_owned(),
            headers: Vec::new(),
            tokens: Vec::new(),
            payload: Payload::Raw,
            version: Version::Http1,
            answers: BTreeMap::new(),
        }
    }
}

impl Request {
    /// Whether any client can send it. HTTP/1.1 is written here byte by byte, while clients of HTTP/2 check what they send,
    /// and some headers are of one version alone.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let only = |text: &str, signs: &[u8]| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || signs.contains(&byte))
        };
        let path = self.path.as_deref().unwrap_or_default();
        path.starts_with('/')
            && only(path, b"/-._~%?=&")
            && only(&self.host, b"-.:")
            && ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&self.method.as_str())
            && self.headers.iter().all(|header| {
                let name = header.split(':').next().unwrap_or_default();
                let known = name == "authorization" || name.starts_with("x-");
                known && only(name, b"-_") && header.is_ascii()
            })
    }

    /// The headers that are sent, tokens left out.
    pub fn all_headers(&self) -> Result<Vec<String>> {
        let mut headers = self.headers.clone();
        if self.version == Version::Grpc {
            headers.push("content-type: application/grpc".to_owned());
            headers.push("te: trailers".to_owned());
        }
        let mut answers = self.answers.values();
        let Some(answer) = answers.next() else {
            return Ok(headers);
        };
        if answers.any(|other| other != answer) {
            bail!("one request tells all authorizers one answer");
        }
        if self.path.is_none() && (self.source == REFUSED) != (*answer == Decision::Deny) {
            bail!("a raw connection is refused from {REFUSED}, and from nowhere else");
        }
        headers.push(match answer {
            Decision::Allow => format!("{ANSWER}: allow"),
            Decision::Deny => format!("{ANSWER}: deny"),
        });
        Ok(headers)
    }

    /// The same request with everything as it is sent: tokens as texts, each at its place, and the headers of its version.
    pub fn with_texts(&self, keys: &KeySets, now: i64) -> Result<Self> {
        let mut sent = self.clone();
        sent.headers = self.all_headers()?;
        for token in std::mem::take(&mut sent.tokens) {
            let text = keys.mint(&token, now)?;
            match &token.place {
                Place::Header(name, prefix) => sent.headers.push(format!("{name}: {prefix}{text}")),
                Place::Cookie(name) => sent.headers.push(format!("cookie: {name}={text}")),
                Place::Param(name) => {
                    let path = sent.path.get_or_insert_default();
                    let end = path.find('#').unwrap_or(path.len());
                    let mark = if path.contains('?') { '&' } else { '?' };
                    path.insert_str(end, &format!("{mark}{name}={text}"));
                }
            }
        }
        Ok(sent)
    }
}

fn is_get(method: &str) -> bool {
    method == "GET"
}

const fn is_mesh(authority: &Authority) -> bool {
    matches!(authority, Authority::Mesh)
}

fn is_http1(version: &Version) -> bool {
    *version == Version::Http1
}

const fn is_raw(payload: &Payload) -> bool {
    matches!(payload, Payload::Raw)
}

/// Who signed the client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    Mesh,
    Foreign,
}

/// What a connection without HTTP carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payload {
    /// Bytes that are no TLS and no HTTP.
    Raw,
    /// The hello of a TLS client that knows nothing of Istio.
    ForeignTls,
}

/// A token by what it says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Token {
    pub claims: Map<String, Value>,
    #[serde(default, skip_serializing_if = "is_right")]
    pub signed: Signed,
    /// Which key set it belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub keys: String,
    /// Seconds from now to `exp`; `None`: no `exp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Seconds from now to `nbf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<i64>,
    #[serde(default, skip_serializing_if = "is_bearer")]
    pub place: Place,
}

const fn is_right(signed: &Signed) -> bool {
    matches!(signed, Signed::Right)
}

fn is_bearer(place: &Place) -> bool {
    *place == Place::default()
}

/// Alice's, by the usual issuer.
impl Default for Token {
    fn default() -> Self {
        let claims = [("iss", "https://idp.test"), ("sub", "alice")];
        Self {
            claims: claims
                .map(|(name, value)| (name.to_owned(), value.into()))
                .into_iter()
                .collect(),
            signed: Signed::Right,
            keys: String::new(),
            expires: None,
            not_before: None,
            place: Place::default(),
        }
    }
}

/// Whether the signature is by the key set's key, or by one of the same name that is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signed {
    #[default]
    Right,
    Forged,
}

/// Where a token is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The header's name, and what stands before the token.
    Header(String, String),
    Param(String),
    Cookie(String),
}

impl Default for Place {
    fn default() -> Self {
        Self::Header("authorization".to_owned(), "Bearer ".to_owned())
    }
}

/// What a client saw.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub enum Seen {
    /// An HTTP status, with the body.
    Status(u16, Vec<u8>),
    /// The bytes came back: the application was reached by a raw connection.
    Echo,
    /// Closed without an answer.
    Reset,
    /// Refused by a TLS alert, or no TLS at all.
    TlsError,
    /// Nobody listens: istiod makes no listener for the port.
    Refused,
    Timeout,
    /// Anything else.
    Bytes(Vec<u8>),
}

impl Seen {
    /// The request head as the application saw it, where the answer shows it.
    #[must_use]
    pub fn upstream(&self) -> Vec<(String, String)> {
        let Self::Status(200, body) = self else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(body);
        let lines = text.lines().filter_map(|line| line.split_once(": "));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// The outcome alone: what was received is not kept.
impl From<Seen> for String {
    fn from(seen: Seen) -> Self {
        seen.to_string()
    }
}

impl From<String> for Seen {
    fn from(word: String) -> Self {
        match word.as_str() {
            "echo" => Self::Echo,
            "reset" => Self::Reset,
            "tls-error" => Self::TlsError,
            "refused" => Self::Refused,
            "timeout" => Self::Timeout,
            word => match word.parse() {
                Ok(status) => Self::Status(status, Vec::new()),
                Err(_) => Self::Bytes(Vec::new()),
            },
        }
    }
}

/// With what was received as text.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(_, bytes) | Self::Bytes(bytes) => write!(f, "{self} {:?}", String::from_utf8_lossy(bytes)),
            Self::Echo | Self::Reset | Self::TlsError | Self::Refused | Self::Timeout => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code, _) => write!(f, "{code}"),
            Self::Echo => f.write_str("echo"),
            Self::Reset => f.write_str("reset"),
            Self::TlsError => f.write_str("tls-error"),
            Self::Refused => f.write_str("refused"),
            Self::Timeout => f.write_str("timeout"),
            Self::Bytes(_) => f.write_str("bytes"),
        }
    }
}
