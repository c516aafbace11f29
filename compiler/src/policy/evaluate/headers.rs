//! Headers as Envoy keeps them: of some it makes one value when it reads a request, and some it sets itself.

use std::net::IpAddr;

use super::matching::HeaderValue;
use crate::policy::request::{Request, Unknown};

/// Headers that Envoy sets, changes or takes out itself.
const OF_ENVOY: &[&str] = &[
    ":path",
    ":scheme",
    "connection",
    "expect",
    "forwarded",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

/// Headers that Envoy has a place of its own for, where each value is added behind a comma.
///
/// Seen at Envoy 1.40 with HTTP/1, of 250 names that were tried; the values of all others stay apart, those of `cookie`
/// too. Names that [`is_set_by_envoy`] knows are left out.
const JOINED: &[&str] = &[
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authorization",
    "cache-control",
    "cdn-loop",
    "content-encoding",
    "content-type",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "referer",
    "user-agent",
    "x-client-trace-id",
];

/// Whether no request can say what rules see of a header.
pub(crate) fn is_set_by_envoy(name: &str) -> bool {
    OF_ENVOY.contains(&name) || name.starts_with("x-envoy-") || name.starts_with("x-b3-")
}

/// Whether the values of a header are one by the time that anybody looks at it.
pub(crate) fn are_joined(name: &str) -> bool {
    JOINED.contains(&name)
}

/// One text of several, as Envoy joins them: an empty one leaves no trace.
pub(crate) fn join<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let said: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    said.join(",")
}

/// The same of values of which some may be tokens.
pub(crate) fn join_values(values: &[&HeaderValue]) -> HeaderValue {
    let mut texts = Vec::new();
    for value in values {
        match value {
            HeaderValue::Text(text) => texts.push(text.as_str()),
            HeaderValue::Token(start) => {
                texts.push(start);
                let before = join(texts);
                // Without a prefix the token follows the comma at once.
                let comma = start.is_empty() && !before.is_empty();
                return HeaderValue::Token(if comma { format!("{before},") } else { before });
            }
            HeaderValue::Opaque => return HeaderValue::Opaque,
        }
    }
    HeaderValue::Text(join(texts))
}

/// The cookies of a request over HTTP/2, which Envoy makes one value of.
pub(crate) fn join_cookies(values: &[&HeaderValue]) -> HeaderValue {
    let mut joined = String::new();
    for value in values {
        if !joined.is_empty() {
            joined.push_str("; ");
        }
        match value {
            HeaderValue::Text(text) => joined.push_str(text),
            // Behind a token nothing is known.
            HeaderValue::Token(start) => return HeaderValue::Token(joined + start),
            HeaderValue::Opaque => return HeaderValue::Opaque,
        }
    }
    HeaderValue::Text(joined)
}

/// The client's address as Envoy finds it: what is said, else X-Forwarded-For, else the peer.
///
/// `gateway` is the number of proxies that a gateway trusts.
pub(crate) fn client_address(request: &Request, http: bool, gateway: Option<u32>) -> Result<Option<IpAddr>, Unknown> {
    if request.client_ip.is_some() {
        return Ok(request.client_ip);
    }
    let forwarded: Vec<&str> = request
        .headers
        .iter()
        .filter(|(name, value)| name == "x-forwarded-for" && http && !value.trim().is_empty())
        .flat_map(|(_, value)| value.split(','))
        .map(|entry| entry.trim_matches([' ', '\t']))
        .collect();
    let from_right = match gateway {
        // A gateway believes nobody but its trusted proxies.
        Some(0) => return Ok(request.peer_ip),
        Some(proxies) => usize::try_from(proxies).unwrap_or(usize::MAX),
        None => 1,
    };
    if forwarded.is_empty() {
        // Behind trusted proxies there is a header, which was left out.
        return Ok(request.peer_ip.filter(|_| gateway.is_none()));
    }
    let Some(entry) = forwarded.len().checked_sub(from_right).and_then(|at| forwarded.get(at)) else {
        return Ok(request.peer_ip);
    };
    match entry.parse() {
        Ok(address) => Ok(Some(address)),
        Err(_) if entry.contains('%') => Err(Unknown::Other(format!(
            "what Envoy makes of the zone of `{entry}` in X-Forwarded-For is not judged"
        ))),
        // What is no address is as good as no header.
        Err(_) => Ok(request.peer_ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_joined_to_the_first_token() {
        let text = |text: &str| HeaderValue::Text(text.to_owned());
        let token = |start: &str| HeaderValue::Token(start.to_owned());
        let table = [
            (vec![text("a"), text(""), text("b")], text("a,b")),
            (vec![text(""), text("")], text("")),
            (vec![text("a"), token("Bearer "), text("b")], token("a,Bearer ")),
            (vec![text(""), token("Bearer ")], token("Bearer ")),
            (vec![text("a"), token("")], token("a,")),
            (vec![token(""), text("a")], token("")),
            (vec![text("a"), HeaderValue::Opaque], HeaderValue::Opaque),
        ];
        for (values, joined) in table {
            let values: Vec<&HeaderValue> = values.iter().collect();
            assert_eq!(join_values(&values), joined, "{values:?}");
        }
    }
}
