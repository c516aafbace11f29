//! The facts that rules test: what policies write of them, and how a request gets one.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use crate::envoy::request::{Request, Token};
use crate::generate::Die;

/// A fact of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fact {
    #[default]
    Principal,
    Namespace,
    Account,
    TrustDomain,
    RequestPrincipal,
    PeerIp,
    ClientIp,
    Host,
    Method,
    Path,
    Port,
    Header(&'static str),
    Audience,
    Presenter,
    /// By its path.
    Claim(&'static [&'static str]),
    DestinationIp,
    Sni,
}

/// Fields of a `source`, each with its negative.
pub(super) const SOURCE: &[(&str, &str, Fact)] = &[
    ("principals", "notPrincipals", Fact::Principal),
    ("namespaces", "notNamespaces", Fact::Namespace),
    ("serviceAccounts", "notServiceAccounts", Fact::Account),
    ("trustDomains", "notTrustDomains", Fact::TrustDomain),
    ("requestPrincipals", "notRequestPrincipals", Fact::RequestPrincipal),
    ("ipBlocks", "notIpBlocks", Fact::PeerIp),
    ("remoteIpBlocks", "notRemoteIpBlocks", Fact::ClientIp),
];

/// Fields of an `operation`.
pub(super) const OPERATION: &[(&str, &str, Fact)] = &[
    ("hosts", "notHosts", Fact::Host),
    ("methods", "notMethods", Fact::Method),
    ("paths", "notPaths", Fact::Path),
    ("ports", "notPorts", Fact::Port),
];

/// Keys of `when`.
pub(super) const CONDITIONS: &[(&str, Fact)] = &[
    ("request.headers[x-a]", Fact::Header("x-a")),
    ("request.headers[X-B]", Fact::Header("x-b")),
    ("request.headers[x-claim]", Fact::Header("x-claim")),
    ("request.headers[:method]", Fact::Method),
    ("request.headers[:authority]", Fact::Host),
    ("request.headers[host]", Fact::Host),
    ("request.headers[authorization]", Fact::Header("authorization")),
    ("request.headers[accept]", Fact::Header("accept")),
    ("request.headers[cookie]", Fact::Header("cookie")),
    ("source.ip", Fact::PeerIp),
    ("remote.ip", Fact::ClientIp),
    ("source.namespace", Fact::Namespace),
    ("source.principal", Fact::Principal),
    ("source.serviceAccount", Fact::Account),
    ("source.trustDomain", Fact::TrustDomain),
    ("request.auth.principal", Fact::RequestPrincipal),
    ("request.auth.audiences", Fact::Audience),
    ("request.auth.presenter", Fact::Presenter),
    ("request.auth.claims[groups]", Fact::Claim(&["groups"])),
    ("request.auth.claims[scope]", Fact::Claim(&["scope"])),
    ("request.auth.claims[n]", Fact::Claim(&["n"])),
    ("request.auth.claims[deep][er]", Fact::Claim(&["deep", "er"])),
    ("request.auth.claims[iss]", Fact::Claim(&["iss"])),
    ("destination.ip", Fact::DestinationIp),
    ("destination.port", Fact::Port),
    ("connection.sni", Fact::Sni),
];

impl Fact {
    /// What a policy may write of it.
    pub(super) fn patterns(self) -> &'static [&'static str] {
        match self {
            Self::Principal => &[
                "*",
                "cluster.local/ns/foo/sa/web",
                "cluster.local/ns/foo/*",
                "cluster.local/ns/*",
                "*/sa/web",
                "*/ns/bar/sa/batch",
                "*/foo/sa/web",
                "cluster.local/ns/*/sa/web",
                "td1/ns/foo/sa/web",
                "td2/ns/foo/sa/web",
                "td1/ns/bar/*",
                "td9/ns/foo/sa/web",
                "*1/ns/foo/sa/web",
                "td*/ns/foo/sa/web",
                "cluster.local/ns/foo/sa/we",
                "spiffe://cluster.local/ns/foo/sa/web",
                "cluster.local/ns/foo/sa/web.v1",
                "*b",
            ],
            Self::Namespace => &["foo", "bar", "*", "f*", "*r", "*o*", "foo-1", "f*o", "fo", "FOO", "f.o"],
            Self::Account => &[
                "web",
                "foo/web",
                "bar/batch",
                "foo/we",
                "bar/web",
                "web.v1",
                "foo/web.v1",
            ],
            Self::TrustDomain => &[
                "cluster.local",
                "td1",
                "td2",
                "td9",
                "*",
                "td*",
                "*.local",
                "t*1",
                "cluster",
            ],
            Self::RequestPrincipal => &[
                "*",
                "https://idp.test/alice",
                "https://idp.test/*",
                "*/alice",
                "https://idp.test/al*",
                "plain/bob",
                "plain/*",
                "*lice",
                "*bob",
                "plain*",
                "https://idp.test*",
                "plain",
                "*idp.test/alice",
                "https://idp.test/a/b",
                "*/*",
            ],
            Self::PeerIp | Self::ClientIp => &[
                "10.9.0.1",
                "10.9.0.0/16",
                "10.9.1.0/24",
                "10.8.0.0/15",
                "203.0.113.0/24",
                "203.0.113.9",
                "0.0.0.0/0",
                "10.9.0.1/31",
                "10.9.0.128/25",
                "2001:db8::/32",
                "2001:db8:9::/48",
                "2001:db8:9::1",
                "::/0",
                "10.9.3.4/16",
            ],
            Self::DestinationIp => &[
                "10.0.0.1",
                "10.0.0.0/30",
                "10.0.0.0/8",
                "10.0.1.0/24",
                "0.0.0.0/0",
                "10.0.0.4/30",
            ],
            Self::Host => &[
                "a.test",
                "*.test",
                "a.*",
                "*",
                "A.Test",
                "a.test:8080",
                "*:8080",
                "a.test:*",
                "httpbin.foo",
                "*.TEST",
                "b.a.test",
                "*est",
            ],
            Self::Method => &[
                "GET", "POST", "*", "P*", "*T", "get", "HEAD", "PUT", "OPTIONS", "G*T", "GE",
            ],
            Self::Path => &[
                "/a",
                "/a/*",
                "*",
                "/*",
                "*.html",
                "/a*",
                "*/a",
                "/admin",
                "/a//b",
                "/a/b/c",
                "/A",
                "/{*}",
                "/a/{*}",
                "/a/{*}/c",
                "/a/{**}",
                "/{**}/c",
                "/a/{**}/c",
                "/a/{*}.html",
                "/{*}/b/{**}",
                "/a%2fb",
                "/a?b",
                "/a/../b",
                "/a b",
                "/a*b",
                "*/",
                "/",
            ],
            Self::Port => &["80", "5000", "7000", "9999", "8080", "1"],
            Self::Header("authorization") => &["Bearer *", "*", "Basic Zm9v", "B*", "*v"],
            Self::Header(_) => &[
                "v", "*", "p-*", "*-s", "V", "a b", "v,w", "1", "v*w", "alice", "true", "é",
            ],
            Self::Audience => &["shop", "*", "s*", "*op", "https://api.test/", "api.test"],
            Self::Presenter => &["app", "*", "a*"],
            Self::Claim(["iss"]) => &["https://idp.test", "plain", "*", "https://*"],
            Self::Claim(_) => &[
                "admin",
                "dev-*",
                "*",
                "*-x",
                "read",
                "write read",
                "1",
                "true",
                "Admin",
                "",
            ],
            Self::Sni => &[
                "a.test",
                "*.test",
                "a.*",
                "*",
                "b.a.test",
                "A.test",
                "outbound_.80_._.a.test",
            ],
        }
    }

    /// A value that the pattern is about, or one beside it.
    pub(super) fn value(self, pattern: &str, die: &mut Die) -> String {
        match self {
            Self::PeerIp | Self::ClientIp | Self::DestinationIp => return address(pattern, die),
            Self::Port => {
                let port: u16 = pattern.parse().unwrap_or(80);
                // Ports that nothing serves are served too, by the listener for all others.
                return if die.once_in(6) { port.saturating_add(1) } else { port }.to_string();
            }
            _ => {}
        }
        let fillers: &[&str] = match self {
            Self::Path => &["x", "", "x/y", "b", "c", "/", "a.html", "b/c", "..", "a-1"],
            Self::Principal => &["", "td1", "cluster.local", "foo/sa/web", "sa/web", "x", "bar/sa/batch"],
            Self::RequestPrincipal => &["https://idp.test", "alice", "plain", "bob", "x"],
            Self::TrustDomain => &["1", "9", "cluster", "2", "d9"],
            _ => &["", "x", "a", "1", "OS", ".test", "admin", "foo"],
        };
        let mut text = pattern.to_owned();
        for mark in ["{**}", "{*}", "*"] {
            while text.contains(mark) {
                text = text.replacen(mark, die.one(fillers), 1);
            }
        }
        if die.once_in(5) { beside(&text, die) } else { text }
    }

    /// Gives the fact to a request. `own` is the namespace of the pod that it goes to.
    pub(super) fn set(self, value: String, request: &mut Request, own: &str, die: &mut Die) {
        match self {
            Self::Principal => request.peer = Some(value),
            Self::Namespace => request.peer = Some(format!("{}/ns/{value}/sa/web", domain_of(request))),
            Self::TrustDomain => request.peer = Some(format!("{value}/ns/foo/sa/web")),
            Self::Account => {
                let (namespace, name) = value.split_once('/').unwrap_or((own, &value));
                request.peer = Some(format!("{}/ns/{namespace}/sa/{name}", domain_of(request)));
            }
            Self::PeerIp => {
                if let Ok(ip) = value.parse::<Ipv4Addr>() {
                    request.source = IpAddr::V4(ip);
                }
            }
            Self::ClientIp => {
                if die.once_in(3) {
                    Self::PeerIp.set(value, request, own, die);
                } else if value.parse::<IpAddr>().is_ok() {
                    let before = die.one(&["", "", "198.51.100.1, ", "203.0.113.9,"]);
                    request.headers.push(format!("X-Forwarded-For: {before}{value}"));
                }
            }
            Self::DestinationIp => {
                if let Ok(ip) = value.parse::<Ipv4Addr>() {
                    request.destination = Some(IpAddr::V4(ip));
                }
            }
            Self::Host => {
                if !value.is_empty()
                    && value
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b".:-".contains(&byte))
                {
                    request.host = value;
                }
            }
            Self::Method => {
                if value.bytes().all(|byte| byte.is_ascii_alphabetic()) && !value.is_empty() && value != "CONNECT" {
                    request.method = value;
                }
            }
            Self::Path => {
                let path = if value.starts_with('/') {
                    value
                } else {
                    format!("/{value}")
                };
                request.path = Some(path.replace(' ', "%20"));
            }
            Self::Port => request.port = value.parse().unwrap_or(80),
            Self::Header(name) => request.headers.push(format!("{name}: {value}")),
            Self::Sni => {
                let labels = value.split('.').all(|label| !label.is_empty() && label.len() < 64);
                let plain = value
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
                request.sni =
                    Some(value).filter(|value| labels && plain && !value.ends_with(|c: char| c.is_ascii_digit()));
            }
            Self::RequestPrincipal => {
                let (iss, sub) = value.rsplit_once('/').unwrap_or((&value, "alice"));
                let claims = json!({ "iss": iss, "sub": sub });
                add_claims(request, claims);
            }
            Self::Audience => set_claim(request, &["aud"], value, die),
            Self::Presenter => set_claim(request, &["azp"], value, die),
            Self::Claim(path) => set_claim(request, path, value, die),
        }
    }
}

/// The trust domain that the request's peer has already, else the usual one.
fn domain_of(request: &Request) -> String {
    let peer = request.peer.as_deref().unwrap_or("cluster.local/");
    peer.split('/').next().unwrap_or_default().to_owned()
}

/// Gives the request a token if it has none, and claims to it.
pub(super) fn add_claims(request: &mut Request, claims: Value) {
    if request.tokens.is_empty() {
        request.tokens.push(Token::default());
    }
    if let (Some(token), Value::Object(claims)) = (request.tokens.first_mut(), claims) {
        token.claims.extend(claims);
    }
}

fn set_claim(request: &mut Request, path: &[&str], text: String, die: &mut Die) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let mut value = match die.below(8) {
        0 => json!([text, "other"]),
        1 => json!(["other", text]),
        2 => text.parse::<i64>().map_or(json!(text), |number| json!(number)),
        3 => match text.as_str() {
            "true" => json!(true),
            "" => json!([]),
            text => json!([[text]]),
        },
        _ => json!(text),
    };
    for name in rest.iter().rev() {
        value = json!({ *name: value });
    }
    let well_formed = !matches!(*first, "iss" | "sub") || value.is_string();
    if well_formed
        && !(*first == "aud"
            && value
                .as_array()
                .is_some_and(|items| !items.iter().all(Value::is_string)))
    {
        add_claims(request, json!({ *first: value }));
    }
}

/// An address in a block, at its edges, or just outside.
fn address(block: &str, die: &mut Die) -> String {
    let (ip, length) = block.split_once('/').unwrap_or((block, "32"));
    let (Ok(ip), Ok(length)) = (ip.parse::<Ipv4Addr>(), length.parse::<u32>()) else {
        return "10.9.0.1".to_owned();
    };
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    let (first, last) = (u32::from(ip) & mask, u32::from(ip) | !mask);
    let chosen = match die.below(6) {
        0 => first.wrapping_sub(1),
        1 => last.wrapping_add(1),
        2 => last,
        3 => u32::from(ip),
        _ => first,
    };
    // Nothing comes from nowhere or from everybody.
    let chosen = if matches!(chosen, 0 | u32::MAX) {
        0x0a09_0001
    } else {
        chosen
    };
    Ipv4Addr::from(chosen).to_string()
}

/// A text that is nearly the same.
fn beside(text: &str, die: &mut Die) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = die.below(chars.len() + 1);
    match die.below(8) {
        0 => chars.push('x'),
        1 => chars.insert(0, 'x'),
        2 => drop(chars.pop()),
        3 => {
            if let Some(char) = chars.get_mut(at) {
                *char = if char.is_ascii_lowercase() {
                    char.to_ascii_uppercase()
                } else {
                    char.to_ascii_lowercase()
                };
            }
        }
        4 => chars.push('/'),
        5 => chars.insert(at, '/'),
        6 => chars.clear(),
        _ => {
            if at < chars.len() {
                chars.remove(at);
            }
        }
    }
    chars.into_iter().collect()
}
