//! Tokens: their issuer and its keys, where they stand, and on which paths they are asked for.

use std::collections::BTreeMap;

use super::errors;
use super::message::Message;
use crate::backends::istio::import::errors as shared;
use crate::backends::istio::import::{key_sets, uris};
use crate::backends::yaml::tree::Node;
use crate::diagnostics::Diagnostics;
use crate::policy::Keys;
use crate::policy::legacy::{AuthenticationPolicy, Jwt, PeerMethod, StringMatch, TriggerRule};
use crate::source::Span;

const FIELDS: [&str; 7] = [
    "issuer",
    "audiences",
    "jwksUri",
    "jwks",
    "jwtHeaders",
    "jwtParams",
    "triggerRules",
];

/// On which paths a token is asked for.
pub(super) struct Triggers {
    /// Where they are written.
    pub(super) place: Option<Span>,
    pub(super) rules: Vec<TriggerRule>,
}

/// Reads a `jwt`.
pub(super) fn read(node: &Node, acc: &mut Diagnostics) -> Option<(Jwt, Triggers)> {
    let jwt = Message::open(node, "jwt", &FIELDS, acc)?;
    let (issuer, span) = match jwt.field("issuer") {
        Some(_) => jwt.text("issuer", acc)?,
        None => ("", jwt.span),
    };
    if issuer.is_empty() {
        acc.push(errors::no_issuer(span));
    }
    let triggers = Triggers {
        place: jwt.field("triggerRules").map(|field| field.key_span),
        rules: jwt
            .list("triggerRules", acc)
            .iter()
            .filter_map(|item| trigger(item, acc))
            .collect(),
    };
    let jwt = Jwt {
        issuer: issuer.to_owned(),
        keys: keys(&jwt, acc),
        audiences: full_texts(&jwt, "audiences", acc),
        headers: full_texts(&jwt, "jwtHeaders", acc),
        params: full_texts(&jwt, "jwtParams", acc),
        origin: span,
    };
    Some((jwt, triggers))
}

fn keys(jwt: &Message<'_>, acc: &mut Diagnostics) -> Keys {
    let full = |text: &Option<(&str, Span)>| text.is_some_and(|(text, _)| !text.is_empty());
    let uri = jwt.text("jwksUri", acc).filter(|text| full(&Some(*text)));
    let set = jwt.text("jwks", acc).filter(|text| full(&Some(*text)));
    if let Some((uri, span)) = uri
        && let Some(wrong) = uris::wrong(uri)
    {
        acc.push(errors::bad_key_uri(span, uri, wrong));
    }
    if let Some((set, span)) = set {
        match key_sets::read(set) {
            Err(wrong) => acc.push(errors::bad_key_set(span, &wrong)),
            Ok(private) => private
                .into_iter()
                .for_each(|index| acc.push(shared::private_key(span, index))),
        }
        if let Some(field) = jwt.field("jwksUri").filter(|_| uri.is_some()) {
            acc.push(errors::idle(field.key_span, "jwksUri", "the keys of `jwks` are taken"));
        }
        return Keys::Inline(set.to_owned());
    }
    uri.map_or(Keys::Discovery, |(uri, _)| Keys::Uri(uri.to_owned()))
}

/// The texts of a list, none of which may be empty.
fn full_texts(jwt: &Message<'_>, name: &str, acc: &mut Diagnostics) -> Vec<String> {
    let texts = jwt.texts(name, acc);
    for (text, span) in &texts {
        if text.is_empty() {
            acc.push(errors::empty_text(*span, name));
        }
    }
    texts.into_iter().map(|(text, _)| text.to_owned()).collect()
}

fn trigger(node: &Node, acc: &mut Diagnostics) -> Option<TriggerRule> {
    let rule = Message::open(node, "triggerRules", &["excludedPaths", "includedPaths"], acc)?;
    let mut paths = |field: &str| {
        let items = rule.list(field, acc).iter();
        items.filter_map(|item| path(item, field, acc)).collect()
    };
    Some(TriggerRule {
        excluded: paths("excludedPaths"),
        included: paths("includedPaths"),
    })
}

fn path(node: &Node, list: &str, acc: &mut Diagnostics) -> Option<StringMatch> {
    const WAYS: [&str; 4] = ["exact", "prefix", "suffix", "regex"];
    let path = Message::open(node, list, &WAYS, acc)?;
    let mut said = WAYS.into_iter().filter_map(|way| Some((way, path.field(way)?)));
    let Some((way, field)) = said.next() else {
        acc.push(errors::empty_path(path.span));
        return None;
    };
    for (other, second) in said {
        acc.push(shared::exclusive(second.key_span, field.key_span, way, other));
    }
    let text = path.text(way, acc)?.0.to_owned();
    Some(match way {
        "exact" => StringMatch::Exact(text),
        "prefix" => StringMatch::Prefix(text),
        "suffix" => StringMatch::Suffix(text),
        _ => StringMatch::Regex(text),
    })
}

/// An issuer may be there once, and its keys must come from somewhere.
pub(super) fn check_issuers(policy: &AuthenticationPolicy, acc: &mut Diagnostics) {
    let peers = policy.peers.iter().filter_map(|method| match method {
        PeerMethod::Jwt(jwt) => Some(jwt),
        PeerMethod::Mtls { .. } => None,
    });
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let tokens = peers.chain(policy.origins.iter().map(|origin| &origin.jwt));
    for jwt in tokens.filter(|jwt| !jwt.issuer.is_empty()) {
        match seen.get(jwt.issuer.as_str()) {
            Some(first) => acc.push(errors::issuer_twice(jwt.origin, *first, &jwt.issuer)),
            None => {
                seen.insert(&jwt.issuer, jwt.origin);
            }
        }
        if jwt.keys == Keys::Discovery && policy.meta.namespace.is_none() {
            acc.push(errors::mesh_without_keys(jwt.origin, &jwt.issuer));
        }
    }
}
