//! Single facts as Envoy matches them (`pilot/pkg/security/authz/model`, `pilot/pkg/security/authz/matcher`).

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::policy::effective::rules::Matcher;
use crate::policy::effective::strings::{DomainMatch, PathMatch, PeerMatch, Piece, StringMatch};

const TOKENS: &str = "envoy.filters.http.jwt_authn";

/// A matcher that stands for itself; `None` for those of ztunnel and of legacy releases.
pub(super) fn value(matcher: &Matcher) -> Option<Value> {
    Some(match matcher {
        Matcher::Peer(pattern) => authenticated(peer(pattern)),
        Matcher::ZtunnelPrincipal(_)
        | Matcher::ZtunnelNamespace(_)
        | Matcher::ZtunnelAccount { .. }
        | Matcher::BoundPrincipal(_) => return None,
        Matcher::RequestPrincipal(iss, sub) => {
            let part = |claim: &str, pattern| {
                in_metadata(TOKENS, &["payload", claim], json!({ "stringMatch": string(pattern) }))
            };
            json!({ "andIds": { "ids": [part("iss", iss), part("sub", sub)] } })
        }
        Matcher::PeerIp(net) => json!({ "directRemoteIp": network(net) }),
        Matcher::ClientIp(net) => json!({ "remoteIp": network(net) }),
        Matcher::DestinationIp(net) => json!({ "destinationIp": network(net) }),
        Matcher::Host(pattern) => header(":authority", pattern, true),
        Matcher::Method(pattern) => header(":method", pattern, false),
        Matcher::Header(name, pattern) => header(name, pattern, false),
        Matcher::Path(PathMatch::Plain(pattern)) => json!({ "urlPath": { "path": string(pattern) } }),
        Matcher::Path(PathMatch::Template(pieces)) => json!({
            "uriTemplate": {
                "name": "uri-template",
                "typedConfig": {
                    "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
                    "pathTemplate": template(pieces),
                },
            },
        }),
        Matcher::Port(port) => json!({ "destinationPort": port }),
        Matcher::Sni(pattern) => json!({ "requestedServerName": string(pattern) }),
        Matcher::Claim(path, _) => claim(path, std::slice::from_ref(matcher)),
        Matcher::Metadata { filter, key, .. } => metadata(filter, key, std::slice::from_ref(matcher)),
    })
}

/// Values of one claim: it may be a text, or a list of which one item is enough.
pub(super) fn claim(path: &[String], values: &[Matcher]) -> Value {
    let any = any_string(values);
    let path: Vec<&str> = std::iter::once("payload")
        .chain(path.iter().map(String::as_str))
        .collect();
    let value = json!({ "orMatch": { "valueMatchers": [{ "listMatch": { "oneOf": any } }, any] } });
    in_metadata(TOKENS, &path, value)
}

/// Values of what a filter says of a request.
pub(super) fn metadata(filter: &str, key: &str, values: &[Matcher]) -> Value {
    in_metadata(filter, &[key], any_string(values))
}

fn any_string(values: &[Matcher]) -> Value {
    let patterns = values.iter().filter_map(|value| match value {
        Matcher::Claim(_, pattern) | Matcher::Metadata { pattern, .. } => {
            Some(json!({ "stringMatch": string(pattern) }))
        }
        _ => None,
    });
    let mut patterns: Vec<Value> = patterns.collect();
    match (patterns.pop(), patterns.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            patterns.extend(last);
            json!({ "orMatch": { "valueMatchers": patterns } })
        }
    }
}

fn in_metadata(filter: &str, path: &[&str], value: Value) -> Value {
    let path: Vec<Value> = path.iter().map(|key| json!({ "key": key })).collect();
    json!({ "metadata": { "filter": filter, "path": path, "value": value } })
}

fn authenticated(name: Value) -> Value {
    json!({ "authenticated": { "principalName": name } })
}

fn regex(regex: impl Into<String>) -> Value {
    json!({ "safeRegex": { "regex": regex.into() } })
}

fn string(pattern: &StringMatch) -> Value {
    match pattern {
        StringMatch::Present => regex(".+"),
        StringMatch::Suffix(text) => json!({ "suffix": text }),
        StringMatch::Prefix(text) => json!({ "prefix": text }),
        StringMatch::Exact(text) => json!({ "exact": text }),
    }
}

/// A header need only be there for `*`, be it empty.
fn header(name: &str, pattern: &StringMatch, ignore_case: bool) -> Value {
    if *pattern == StringMatch::Present {
        return json!({ "header": { "name": name, "presentMatch": true } });
    }
    let mut string = string(pattern);
    if let (true, Some(string)) = (ignore_case, string.as_object_mut()) {
        string.insert("ignoreCase".to_owned(), json!(true));
    }
    json!({ "header": { "name": name, "stringMatch": string } })
}

/// The identity with its `spiffe://`.
fn peer(pattern: &PeerMatch) -> Value {
    match pattern {
        PeerMatch::Principal(StringMatch::Present) => regex(".+"),
        PeerMatch::Principal(StringMatch::Exact(text)) => json!({ "exact": format!("spiffe://{text}") }),
        PeerMatch::Principal(StringMatch::Prefix(text)) => json!({ "prefix": format!("spiffe://{text}") }),
        PeerMatch::Principal(StringMatch::Suffix(text)) => regex(format!("spiffe://.*{}", quoted(text))),
        PeerMatch::Namespace(pieces) => {
            let pieces: Vec<String> = pieces.iter().map(|piece| quoted(piece)).collect();
            regex(format!(".*{}.*", pieces.join(".*")))
        }
        PeerMatch::ServiceAccount { namespace, name } => regex(format!(
            "spiffe://.+/ns/{}/(.+/|)sa/{}(/.+)?",
            quoted(namespace),
            quoted(name)
        )),
        PeerMatch::TrustDomain(DomainMatch::Any) => json!({ "prefix": "spiffe://" }),
        PeerMatch::TrustDomain(DomainMatch::Exact(domain)) => json!({ "prefix": format!("spiffe://{domain}/") }),
        PeerMatch::TrustDomain(DomainMatch::Star(before, after)) => {
            regex(format!("spiffe://{}[^/]*{}/.*", quoted(before), quoted(after)))
        }
    }
}

/// A text in which no sign has a meaning of its own, as Go's `regexp.QuoteMeta` writes it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn network(net: &IpNet) -> Value {
    json!({ "addressPrefix": net.addr().to_string(), "prefixLen": net.prefix_len() })
}

fn template(pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Segment => "*".to_owned(),
        Piece::Rest => "**".to_owned(),
    };
    pieces.iter().map(piece).collect()
}
