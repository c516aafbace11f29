//! The values of sources, operations and conditions.

use std::net::{IpAddr, Ipv6Addr};

use super::errors;
use super::schema::is_misspelt;
use crate::backends::yaml::tree::{Node, Value};
use crate::diagnostics::Diagnostics;

/// How the values of a list are checked; none may be empty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    Any,
    Addresses,
    Ports,
    Paths,
    Accounts,
    /// Trust domains of a source: without `/`.
    TrustDomains,
    /// One `*` at one end at most.
    Wildcards,
}

/// Checks the list in the field of this name.
pub(super) fn check(node: &Node, field: &str, values: Values, acc: &mut Diagnostics) {
    let count = node.items_of(field).len();
    if values == Values::Accounts
        && count > 16
        && let Some(entry) = node.entry(field)
    {
        acc.push(errors::too_many_accounts(entry.key_span, count));
    }
    for (text, item) in node.texts_of(field) {
        if text.is_empty() {
            acc.push(errors::empty_value(item.span, field));
        } else if let Some(wrong) = wrong(text, values) {
            acc.push(errors::bad_value(item.span, text, wrong));
        }
    }
}

/// What is wrong with a value, as the end of a sentence.
fn wrong(text: &str, values: Values) -> Option<&'static str> {
    match values {
        Values::Any => None,
        Values::Addresses => {
            (!is_address(text)).then_some("is neither an IP address nor a network such as `10.0.0.0/8`")
        }
        Values::Ports => (!is_port(text)).then_some("is no port from 0 to 65535"),
        Values::Paths => bad_path(text),
        Values::Accounts => bad_account(text),
        Values::TrustDomains => match bad_wildcard(text) {
            None if text.contains('/') => Some("has a `/`, and a trust domain has none"),
            wrong => wrong,
        },
        Values::Wildcards => bad_wildcard(text),
    }
}

fn is_address(text: &str) -> bool {
    let Some((address, bits)) = text.rsplit_once('/') else {
        return match text.split_once('%') {
            Some((address, zone)) => !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok(),
            None => text.parse::<IpAddr>().is_ok(),
        };
    };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    let digits = !bits.is_empty() && bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit());
    let canonical = bits == "0" || !bits.starts_with('0');
    digits && canonical && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
}

fn is_port(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let significant = text.trim_start_matches('0');
    digits && (significant.is_empty() || significant.parse::<u16>().is_ok())
}

fn bad_account(text: &str) -> Option<&'static str> {
    if text.contains('*') {
        return Some("has a `*`, and service accounts take no wildcards");
    }
    if text.len() > 320 {
        return Some("is longer than 320 characters");
    }
    match text.split_once('/') {
        Some((_, account)) if account.contains('/') => Some("is no account: write `NAMESPACE/ACCOUNT` or `ACCOUNT`"),
        Some((namespace, account)) if namespace.is_empty() || account.is_empty() => {
            Some("lacks the namespace or the account around its `/`")
        }
        _ => None,
    }
}

fn bad_wildcard(text: &str) -> Option<&'static str> {
    match text.matches('*').count() {
        0 => None,
        1 if text.starts_with('*') || text.ends_with('*') => None,
        1 => Some("has its `*` in the middle, and only one at the start or the end counts"),
        _ => Some("has more than one `*`"),
    }
}

fn bad_path(text: &str) -> Option<&'static str> {
    let template = text.contains("{*}") || text.contains("{**}");
    let mut ended = false;
    for segment in text.trim_matches('/').split('/') {
        match segment {
            "{*}" | "{**}" if ended => return Some("has an operator behind `{**}`"),
            "{*}" => {}
            "{**}" => ended = true,
            _ if segment.contains(['{', '}']) => return Some("has a brace that is no `{*}` or `{**}` between slashes"),
            _ if template && !is_literal(segment) => {
                return Some("has an empty segment, or one with a character that a template cannot have");
            }
            _ => {}
        }
    }
    None
}

fn is_literal(segment: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@=".contains(c);
    !segment.is_empty() && segment.chars().all(fits)
}

const HEADERS: &str = "request.headers";
const CLAIMS: &str = "request.auth.claims";

/// What a condition can ask for, without those with a name in brackets.
const ATTRIBUTES: [(&str, Values); 12] = [
    ("source.ip", Values::Addresses),
    ("remote.ip", Values::Addresses),
    ("source.namespace", Values::Any),
    ("source.serviceAccount", Values::Accounts),
    ("source.principal", Values::Any),
    ("source.trustDomain", Values::Wildcards),
    ("request.auth.principal", Values::Any),
    ("request.auth.audiences", Values::Any),
    ("request.auth.presenter", Values::Any),
    ("destination.ip", Values::Addresses),
    ("destination.port", Values::Ports),
    ("connection.sni", Values::Any),
];

const PEER: [&str; 4] = [
    "source.namespace",
    "source.serviceAccount",
    "source.trustDomain",
    "source.principal",
];

/// One of `when`.
pub(super) fn condition(condition: &Node, custom: bool, acc: &mut Diagnostics) {
    let Some(node) = condition.get("key") else { return };
    let Some(key) = node.text() else { return };
    if key.is_empty() {
        acc.push(errors::empty_key(node.span));
        return;
    }
    if custom && (PEER.contains(&key) || key.starts_with("request.auth.")) {
        acc.push(errors::unknown_to_custom(node.span, key));
    }
    let empty = |field| condition.items_of(field).is_empty();
    if empty("values") && empty("notValues") {
        if matches!(condition.value, Value::Map(_)) && !is_misspelt(condition, &["key", "values", "notValues"]) {
            acc.push(errors::empty_condition(condition.span, key));
        }
        return;
    }
    let values = attribute(key, node, acc);
    for field in ["values", "notValues"] {
        check(condition, field, values, acc);
    }
}

/// How the values of a key are checked; reports a key that is none.
fn attribute(key: &str, node: &Node, acc: &mut Diagnostics) -> Values {
    let bracketed = [HEADERS, CLAIMS, "experimental.envoy.filters."];
    if let Some(prefix) = bracketed.into_iter().find(|prefix| key.starts_with(prefix)) {
        // As Istio has it: something in brackets at the end.
        let open = key.find('[').unwrap_or(0);
        if !key.ends_with(']') || open == 0 || open + 2 >= key.len() {
            acc.push(errors::bad_bracket_key(node.span, key));
        } else if [HEADERS, CLAIMS].contains(&prefix) && open != prefix.len() {
            acc.push(errors::dropped_attribute(node.span, key, prefix));
        }
        return Values::Any;
    }
    if let Some((_, values)) = ATTRIBUTES.iter().find(|(name, _)| *name == key) {
        return *values;
    }
    if key == "destination.namespace" {
        acc.push(errors::old_attribute(
            node.span,
            key,
            "put the policy into the namespace instead",
        ));
    } else if key.starts_with("destination.labels") || ["destination.name", "destination.user"].contains(&key) {
        acc.push(errors::old_attribute(
            node.span,
            key,
            "select the workloads with `selector` instead",
        ));
    } else {
        acc.push(errors::unknown_attribute(
            node.span,
            key,
            ATTRIBUTES.iter().map(|(name, _)| *name),
        ));
    }
    Values::Any
}
