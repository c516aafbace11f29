//! Whether a rule matches what an enforcer sees. Where a fact is not stated the answer may be that it is not known.

use std::net::IpAddr;

use ipnet::IpNet;

use super::headers;
use crate::policy::Target;
use crate::policy::effective::rules::{CompiledRule, Matcher, Test};
use crate::policy::effective::strings::{PathMatch, StringMatch};
use crate::policy::inventory::principal_parts;
use crate::policy::request::{Json, Unknown};
use std::collections::BTreeMap;

/// What one enforcer sees of a request or connection.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) target: Target,
    pub(crate) http: bool,
    /// Over HTTP/2, where all cookies are one header.
    pub(crate) http2: bool,
    pub(crate) port: Option<u16>,
    pub(crate) peer: Peer,
    pub(crate) peer_ip: Option<IpAddr>,
    /// Whether it came out of a tunnel: what is then at the other end has no address, and is in no block.
    pub(crate) tunnelled: bool,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) destination_ip: Option<IpAddr>,
    pub(crate) sni: Option<String>,
    pub(crate) method: String,
    /// Normalized, without query.
    pub(crate) path: String,
    /// Query and fragment with their signs, as sent.
    pub(crate) query: String,
    pub(crate) host: Host,
    /// The names in lower case.
    pub(crate) headers: Vec<(String, HeaderValue)>,
    /// Of the token that counts.
    pub(crate) claims: Option<BTreeMap<String, Json>>,
    /// The identity that a legacy policy binds to the request.
    pub(crate) request_principal: Option<String>,
}

impl Facts {
    /// Those of a request of which nothing is known but that it is HTTP.
    pub(crate) const fn nothing(target: Target) -> Self {
        Self {
            target,
            http: true,
            http2: false,
            port: None,
            peer: Peer::Nobody,
            peer_ip: None,
            tunnelled: false,
            client_ip: None,
            destination_ip: None,
            sni: None,
            method: String::new(),
            path: String::new(),
            query: String::new(),
            host: Host::Unknown,
            headers: Vec::new(),
            claims: None,
            request_principal: None,
        }
    }
}

/// Who is at the other end of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// No identity.
    Nobody,
    /// A SPIFFE identity without `spiffe://`.
    Is(String),
    /// A waypoint whose account no one declared.
    Waypoint(String),
}

/// The host that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Is(String),
    /// The full name of a Service of which all but the first label is known; it begins with a dot.
    Ends(String),
    Unknown,
}

/// A header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderValue {
    Text(String),
    /// It starts so, and goes on with a token that is known by its claims alone.
    Token(String),
    /// Made of a token.
    Opaque,
}

/// Yes, no, or not known for want of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No,
    Unknown(Unknown),
}

impl Truth {
    const fn of(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            unknown @ Self::Unknown(_) => unknown,
        }
    }

    /// Whether all hold: a certain no decides.
    fn all(parts: impl Iterator<Item = Self>) -> Self {
        let mut result = Self::Yes;
        for part in parts {
            match part {
                Self::Yes => {}
                Self::No => return Self::No,
                unknown @ Self::Unknown(_) if matches!(result, Self::Yes) => result = unknown,
                Self::Unknown(_) => {}
            }
        }
        result
    }

    /// Whether any holds: a certain yes decides.
    fn any(parts: impl Iterator<Item = Self>) -> Self {
        let mut result = Self::No;
        for part in parts {
            match part {
                Self::No => {}
                Self::Yes => return Self::Yes,
                unknown @ Self::Unknown(_) if matches!(result, Self::No) => result = unknown,
                Self::Unknown(_) => {}
            }
        }
        result
    }
}

/// Whether a rule matches.
pub(crate) fn rule(rule: &CompiledRule, facts: &Facts) -> Truth {
    Truth::all(rule.clauses.iter().map(|clause| {
        let entry = |tests: &Vec<Test>| Truth::all(tests.iter().map(|test| holds(test, facts)));
        Truth::any(clause.iter().map(entry))
    }))
}

/// Whether a test holds.
pub(crate) fn holds(test: &Test, facts: &Facts) -> Truth {
    let any = |matchers: &[Matcher]| Truth::any(matchers.iter().map(|m| value(m, facts)));
    let positive = if test.positive.is_empty() {
        Truth::Yes
    } else {
        any(&test.positive)
    };
    match positive {
        Truth::No => Truth::No,
        positive if test.negative.is_empty() => positive,
        positive => Truth::all([positive, any(&test.negative).not()].into_iter()),
    }
}

fn value(matcher: &Matcher, facts: &Facts) -> Truth {
    match matcher {
        Matcher::Peer(pattern) => match peer(facts, |principal| identity(matcher, principal)) {
            Truth::No
                if facts.peer != Peer::Nobody && pattern.has_sign() && facts.target.leaves_identities_unescaped() =>
            {
                Truth::Unknown(Unknown::Other(format!(
                    "in {} a sign in the pattern of an identity has a meaning of its own, which is not judged",
                    facts.target
                )))
            }
            truth => truth,
        },
        Matcher::ZtunnelPrincipal(_) | Matcher::ZtunnelNamespace(_) | Matcher::ZtunnelAccount { .. } => {
            peer(facts, |principal| identity(matcher, principal))
        }
        Matcher::RequestPrincipal(iss, sub) => {
            let claim = |name| facts.claims.as_ref().and_then(|claims| claims.get(name));
            Truth::of(claim_matches(claim("iss"), iss) && claim_matches(claim("sub"), sub))
        }
        Matcher::BoundPrincipal(pattern) => {
            Truth::of(facts.request_principal.as_ref().is_some_and(|it| pattern.matches(it)))
        }
        Matcher::PeerIp(_) if facts.tunnelled => Truth::of(false),
        Matcher::PeerIp(net) => address(net, facts.peer_ip, Unknown::PeerIp),
        Matcher::ClientIp(net) => address(net, facts.client_ip, Unknown::ClientIp),
        Matcher::DestinationIp(net) => address(net, facts.destination_ip, Unknown::DestinationIp),
        Matcher::Host(pattern) => host(facts, pattern, str::to_ascii_lowercase),
        Matcher::Method(pattern) => Truth::of(pattern.matches_present(&facts.method)),
        Matcher::Path(pattern) => path(facts, pattern),
        Matcher::Port(port) => match facts.port {
            Some(own) => Truth::of(own == *port),
            None => Truth::Unknown(Unknown::Port),
        },
        Matcher::Sni(pattern) => Truth::of(facts.sni.as_ref().is_some_and(|sni| pattern.matches(sni))),
        Matcher::Header(name, pattern) => header(facts, name, pattern),
        Matcher::Claim(path, pattern) => claim_holds(facts, path, pattern),
        Matcher::Metadata { .. } => Truth::Unknown(Unknown::Other(
            "the answer depends on metadata of an Envoy filter, which no request states".to_owned(),
        )),
    }
}

/// Whether a test of who is at the other end takes a SPIFFE identity, written without `spiffe://`.
pub(crate) fn identity(matcher: &Matcher, principal: &str) -> bool {
    match matcher {
        Matcher::Peer(pattern) => pattern.matches(principal),
        Matcher::ZtunnelPrincipal(pattern) => {
            principal_parts(principal).is_some() && (*pattern == StringMatch::Present || pattern.matches(principal))
        }
        Matcher::ZtunnelNamespace(pattern) => {
            principal_parts(principal).is_some_and(|(_, namespace, _)| pattern.matches(namespace))
        }
        Matcher::ZtunnelAccount { namespace, name } => {
            principal_parts(principal).is_some_and(|(_, ns, sa)| ns == namespace && sa == name)
        }
        Matcher::BoundPrincipal(pattern) => pattern.matches(principal),
        _ => false,
    }
}

fn peer(facts: &Facts, test: impl Fn(&str) -> bool) -> Truth {
    match &facts.peer {
        Peer::Nobody => Truth::No,
        Peer::Is(principal) => Truth::of(test(principal)),
        Peer::Waypoint(name) => Truth::Unknown(Unknown::Other(format!(
            "the answer depends on the account of the waypoint `{name}`, which no block declares"
        ))),
    }
}

fn address(net: &IpNet, address: Option<IpAddr>, unknown: Unknown) -> Truth {
    match address {
        Some(address) => Truth::of(net.contains(&address)),
        None => Truth::Unknown(unknown),
    }
}

fn host(facts: &Facts, pattern: &StringMatch, spelling: impl Fn(&str) -> String) -> Truth {
    let maybe = match &facts.host {
        Host::Is(host) => return Truth::of(pattern.matches_present(&spelling(host))),
        Host::Ends(end) => {
            let end = spelling(end);
            match pattern {
                StringMatch::Present => return Truth::Yes,
                StringMatch::Suffix(suffix) if end.ends_with(suffix.as_str()) => return Truth::Yes,
                StringMatch::Suffix(text) | StringMatch::Exact(text) => text.ends_with(&end),
                StringMatch::Prefix(prefix) => {
                    let tail = prefix.find('.').and_then(|dot| prefix.get(dot..));
                    tail.is_none_or(|tail| end.starts_with(tail))
                }
            }
        }
        Host::Unknown => true,
    };
    if !maybe {
        return Truth::No;
    }
    Truth::Unknown(Unknown::Other(
        "the answer depends on the host, so it must be said (`host`), or the `service` of the workload".to_owned(),
    ))
}

/// Before Istio 1.6 rules test the whole `:path`.
fn path(facts: &Facts, pattern: &PathMatch) -> Truth {
    let matches = pattern.matches(&facts.path);
    let whole = || pattern.matches(&format!("{}{}", facts.path, facts.query));
    if !facts.query.is_empty() && facts.target.rules_may_see_the_query() && whole() != matches {
        return Truth::Unknown(Unknown::Other(format!(
            "whether rules for paths see the query in {} is not judged",
            facts.target
        )));
    }
    let without_stars = || pattern.matches(&facts.path.replace('*', "|"));
    let template = matches!(pattern, PathMatch::Template(_)) && facts.path.contains('*');
    if template && facts.target.templates_may_refuse_stars() && without_stars() != matches {
        return Truth::Unknown(Unknown::Other(format!(
            "whether a template takes a star in the path depends on the patch of Envoy in {}",
            facts.target
        )));
    }
    Truth::of(matches)
}

/// One of the header's values is enough.
fn header(facts: &Facts, name: &str, pattern: &StringMatch) -> Truth {
    match name {
        ":authority" | "host" => return host(facts, pattern, str::to_owned),
        ":method" => return Truth::of(pattern.matches_present(&facts.method)),
        _ => {}
    }
    if headers::is_set_by_envoy(name) {
        return Truth::Unknown(Unknown::Other(format!(
            "a rule tests the header `{name}`, which Envoy sets itself and no request states"
        )));
    }
    let values: Vec<&HeaderValue> = facts
        .headers
        .iter()
        .filter(|(own, _)| own == name)
        .map(|(_, v)| v)
        .collect();
    if facts.http2 && name == "cookie" && values.len() > 1 {
        return header_value(name, &headers::join_cookies(&values), pattern);
    }
    if values.len() > 1 && headers::are_joined(name) {
        return header_value(name, &headers::join_values(&values), pattern);
    }
    // Before Envoy tested each value it made one text of them for the test, also of empty ones.
    if values.len() > 1 && facts.target.joins_repeated_headers() {
        let texts = values.iter().map(|value| match value {
            HeaderValue::Text(text) => Some(text.as_str()),
            HeaderValue::Token(_) | HeaderValue::Opaque => None,
        });
        return match texts.collect::<Option<Vec<&str>>>() {
            Some(texts) => Truth::of(pattern.matches_present(&texts.join(","))),
            None => Truth::Unknown(Unknown::Other(format!(
                "a rule tests the text of the header `{name}`, which holds a token given by its claims"
            ))),
        };
    }
    Truth::any(values.into_iter().map(|value| header_value(name, value, pattern)))
}

fn header_value(name: &str, value: &HeaderValue, pattern: &StringMatch) -> Truth {
    match (value, pattern) {
        (HeaderValue::Text(text), pattern) => Truth::of(pattern.matches_present(text)),
        (_, StringMatch::Present) => Truth::Yes,
        (HeaderValue::Token(start), StringMatch::Prefix(prefix)) if start.starts_with(prefix.as_str()) => Truth::Yes,
        (HeaderValue::Token(start), StringMatch::Prefix(prefix) | StringMatch::Exact(prefix))
            if !prefix.starts_with(start.as_str()) =>
        {
            Truth::No
        }
        (HeaderValue::Token(_) | HeaderValue::Opaque, _) => Truth::Unknown(Unknown::Other(format!(
            "a rule tests the text of the header `{name}`, which a token given by its claims does not have"
        ))),
    }
}

fn claim<'f>(facts: &'f Facts, path: &[String]) -> Option<&'f Json> {
    let (first, rest) = path.split_first()?;
    let mut value = facts.claims.as_ref()?.get(first)?;
    for name in rest {
        let Json::Object(object) = value else { return None };
        value = object.get(name)?;
    }
    Some(value)
}

/// A legacy release makes only the first audience known, if it is asked for as `request.auth.audiences`.
fn claim_holds(facts: &Facts, path: &[String], pattern: &StringMatch) -> Truth {
    let Some(claim) = claim(facts, path) else {
        return Truth::No;
    };
    let any = claim_matches(Some(claim), pattern);
    if let (true, [name], Json::List(items)) = (facts.target.is_legacy(), path, claim)
        && name == "aud"
        && claim_matches(items.first(), pattern) != any
    {
        let why = "which of several audiences a rule sees in Istio 1.4 is not judged";
        return Truth::Unknown(Unknown::Other(why.to_owned()));
    }
    Truth::of(any)
}

/// A string, or one of a list.
fn claim_matches(claim: Option<&Json>, pattern: &StringMatch) -> bool {
    let text = |text: &str| match pattern {
        // Of an absent star an exact empty text is left.
        StringMatch::Exact(exact) => exact == text,
        pattern => pattern.matches(text),
    };
    match claim {
        Some(Json::String(it)) => text(it),
        Some(Json::List(items)) => items.iter().any(|item| matches!(item, Json::String(it) if text(it))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_template_takes_a_star_depends_on_the_release() {
        let test = Test {
            positive: vec![Matcher::Path(PathMatch::parse("/a/{*}"))],
            negative: Vec::new(),
        };
        let said = |release: &str, path: &str| {
            let facts = Facts {
                path: path.to_owned(),
                ..Facts::nothing(Target::parse(release).unwrap())
            };
            holds(&test, &facts)
        };
        assert_eq!(said("istio-1.27", "/a/*"), Truth::Yes);
        assert_eq!(said("istio-1.26", "/a/b"), Truth::Yes);
        assert_eq!(said("istio-1.26", "/b/*"), Truth::No);
        assert!(matches!(said("istio-1.26", "/a/*"), Truth::Unknown(_)));
    }
}
