//! RequestAuthentication: where keys come from and where tokens stand.

use super::{errors, key_sets, selection, uris};
use crate::backends::yaml::tree::{Node, Value};
use crate::diagnostics::Diagnostics;

pub(super) fn check(spec: &Node, acc: &mut Diagnostics) {
    selection::check(spec, acc);
    for rule in spec.items_of("jwtRules") {
        if matches!(rule.value, Value::Map(_)) {
            jwt_rule(rule, acc);
        }
    }
}

fn jwt_rule(rule: &Node, acc: &mut Diagnostics) {
    let mut keys = ["jwksUri", "jwks_uri", "jwks"]
        .into_iter()
        .filter_map(|field| rule.entry(field));
    if let Some(first) = keys.next() {
        for other in keys {
            acc.push(errors::exclusive(
                other.key_span,
                first.key_span,
                &first.key,
                &other.key,
            ));
        }
    }
    let has = |field| rule.entry(field).is_some();
    if !has("issuer") && !has("jwksUri") && !has("jwks_uri") {
        acc.push(errors::no_issuer(rule.span));
    }
    for field in ["jwksUri", "jwks_uri"] {
        if let Some(node) = rule.get(field)
            && let Some(uri) = node.text().filter(|uri| !uri.is_empty())
            && let Some(wrong) = uris::wrong(uri)
        {
            acc.push(errors::bad_key_uri(node.span, uri, wrong));
        }
    }
    if let Some(node) = rule.get("jwks")
        && let Some(text) = node.text().filter(|text| !text.is_empty())
    {
        match key_sets::read(text) {
            Err(wrong) => acc.push(errors::bad_key_set(node.span, &wrong)),
            Ok(private) => private
                .into_iter()
                .for_each(|index| acc.push(errors::private_key(node.span, index))),
        }
    }
    for place in rule.items_of("outputClaimToHeaders") {
        if let Some(node) = place.get("header")
            && let Some(header) = node.text().filter(|header| !header.is_empty())
            && !header
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        {
            acc.push(errors::bad_header_name(node.span, header));
        }
    }
}
