//! The facts of a request that can be changed one by one, and how far one request is from another.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::super::matching::{Facts, HeaderValue, Host, Peer};
use super::super::path::{self, Path};
use crate::policy::inventory::Normalization;
use crate::policy::request::{Caller, Json, Request, Token};
use crate::policy::tokens::{TokenText, TokenTexts};

/// A fact of a request. The order is that in which changes are looked for among those of one size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    Method,
    Path,
    Host,
    /// All values of a header; the name in lower case.
    Header(String),
    /// Who issued the token, whether it is good, and where it stands, with what every token of an issuer says.
    Token,
    /// A claim of the token, at the top.
    Claim(String),
    /// Whether there is mutual TLS, and as whom.
    Caller,
    Sni,
    /// What this authorizer says.
    Answer(String),
    /// The pod's port, with the Service port that leads to it.
    Port,
    PeerIp,
    ClientIp,
    DestinationIp,
}

/// A fact with a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Setting {
    Method(String),
    Path(String),
    Host(Option<String>),
    Header(String, Vec<String>),
    Token(Option<Token>),
    Claim(String, Option<Json>),
    Caller(Caller),
    Sni(Option<String>),
    Answer(String, bool),
    Port(u16, Option<u16>),
    PeerIp(IpAddr),
    ClientIp(IpAddr),
    DestinationIp(IpAddr),
}

/// The claims that come with a token of an issuer, so that they are no facts of their own where the token is another.
const OF_ISSUER: &[&str] = &["iss", "aud", "exp", "nbf", "iat"];

impl Setting {
    /// The request with this value.
    pub(super) fn applied(&self, request: &Request) -> Request {
        let mut request = request.clone();
        match self.clone() {
            Self::Method(method) => request.method = Some(method),
            Self::Path(path) => request.path = Some(path),
            Self::Host(host) => request.host = host,
            Self::Header(name, values) => {
                request.headers.retain(|(own, _)| *own != name);
                request
                    .headers
                    .extend(values.into_iter().map(|value| (name.clone(), value)));
            }
            Self::Token(token) => {
                let texts = request.texts.clone();
                request.headers.retain(|(_, value)| !is_token(&texts, value));
                request.tokens = token.into_iter().collect();
            }
            Self::Claim(name, value) => {
                if let Some(token) = request.tokens.first_mut() {
                    match value {
                        Some(value) => token.claims.insert(name, value),
                        None => token.claims.remove(&name),
                    };
                }
            }
            Self::Caller(caller) => request.caller = caller,
            Self::Sni(sni) => request.sni = sni,
            Self::Answer(provider, allow) => {
                request.answers.insert(provider, allow);
            }
            Self::Port(port, service_port) => (request.port, request.service_port) = (Some(port), service_port),
            Self::PeerIp(address) => request.peer_ip = Some(address),
            Self::ClientIp(address) => request.client_ip = Some(address),
            Self::DestinationIp(address) => request.destination_ip = Some(address),
        }
        request
    }

    /// Puts what an enforcer would see of it into `facts`, as far as it can be told without a judge.
    pub(super) fn show(&self, facts: &mut Facts, normalization: Normalization) {
        match self.clone() {
            Self::Method(method) => facts.method = method,
            Self::Path(sent) => {
                if let Path::Seen(seen) = path::normalize(&sent, normalization) {
                    facts.path = seen;
                }
            }
            Self::Host(host) => facts.host = host.map_or(Host::Unknown, Host::Is),
            Self::Header(name, values) => {
                let texts = values.into_iter().map(|value| (name.clone(), HeaderValue::Text(value)));
                facts.headers = texts.collect();
            }
            Self::Claim(name, value) => facts.claims = value.map(|value| BTreeMap::from([(name, value)])),
            Self::Caller(Caller::Principal(principal)) => facts.peer = Peer::Is(principal),
            Self::Caller(Caller::Outsider | Caller::Workload(_)) => facts.peer = Peer::Nobody,
            Self::Sni(sni) => facts.sni = sni.map(|sni| sni.to_ascii_lowercase()),
            Self::Port(port, _) => facts.port = Some(port),
            Self::PeerIp(address) => facts.peer_ip = Some(address),
            Self::ClientIp(address) => facts.client_ip = Some(address),
            Self::DestinationIp(address) => facts.destination_ip = Some(address),
            Self::Token(_) | Self::Answer(..) => {}
        }
    }

    /// Whether the request has this value without doubt.
    pub(super) fn is_of(&self, request: &Request) -> bool {
        match self {
            Self::Method(method) => request.method.as_ref() == Some(method),
            Self::Path(path) => request.path.as_ref() == Some(path),
            Self::Host(host) => request.host == *host,
            Self::Caller(caller) => request.caller == *caller,
            Self::Sni(sni) => request.sni == *sni,
            Self::Answer(provider, allow) => request.answers.get(provider) == Some(allow),
            Self::Port(port, service) => (request.port, request.service_port) == (Some(*port), *service),
            Self::PeerIp(address) => request.peer_ip == Some(*address),
            Self::ClientIp(address) => request.client_ip == Some(*address),
            Self::DestinationIp(address) => request.destination_ip == Some(*address),
            Self::Header(..) | Self::Token(_) | Self::Claim(..) => false,
        }
    }
}

/// The facts in which two requests to one place differ.
///
/// A token that another issuer made, or that stands elsewhere, is one fact, with `iss`, `aud` and its times; each other
/// claim is a fact of its own.
#[must_use]
pub fn changes(from: &Request, to: &Request) -> Vec<Fact> {
    let mut facts = BTreeSet::new();
    let method = |request: &Request| request.method.clone().unwrap_or_else(|| "GET".to_owned());
    let path = |request: &Request| request.path.clone().unwrap_or_else(|| "/".to_owned());
    let simple = [
        (method(from) != method(to), Fact::Method),
        (path(from) != path(to), Fact::Path),
        (from.host != to.host, Fact::Host),
        (from.caller != to.caller, Fact::Caller),
        (from.sni != to.sni, Fact::Sni),
        ((from.port, from.service_port) != (to.port, to.service_port), Fact::Port),
        (from.peer_ip != to.peer_ip, Fact::PeerIp),
        (from.client_ip != to.client_ip, Fact::ClientIp),
        (from.destination_ip != to.destination_ip, Fact::DestinationIp),
    ];
    facts.extend(simple.into_iter().filter(|(differs, _)| *differs).map(|(_, fact)| fact));
    for (name, _) in from.headers.iter().chain(&to.headers) {
        let (before, after) = (values(from, name), values(to, name));
        if before != after {
            let without = |values: Vec<&str>| -> Vec<String> {
                let others = values.into_iter().filter(|value| !is_token(&from.texts, value));
                others.map(str::to_owned).collect()
            };
            // A token as text is no header like others.
            if before.iter().any(|value| is_token(&from.texts, value))
                && !after.iter().any(|value| is_token(&from.texts, value))
            {
                facts.insert(Fact::Token);
            }
            if without(before) != without(after) {
                facts.insert(Fact::Header(name.clone()));
            }
        }
    }
    for provider in from.answers.keys().chain(to.answers.keys()) {
        if from.answers.get(provider) != to.answers.get(provider) {
            facts.insert(Fact::Answer(provider.clone()));
        }
    }
    tokens(from, to, &mut facts);
    facts.into_iter().collect()
}

/// The values of a header.
#[must_use]
pub fn values<'r>(request: &'r Request, name: &str) -> Vec<&'r str> {
    let values = request.headers.iter().filter(|(own, _)| own == name);
    values.map(|(_, value)| value.as_str()).collect()
}

fn tokens(from: &Request, to: &Request, facts: &mut BTreeSet<Fact>) {
    let (before, after) = (from.tokens.first(), to.tokens.first());
    let made = |token: &Token| {
        (
            token.keys.clone(),
            token.issuer.clone(),
            token.state,
            token.place.clone(),
        )
    };
    let other = before.map(made) != after.map(made) || from.tokens.len() != to.tokens.len();
    if other {
        facts.insert(Fact::Token);
    }
    // What goes with a token is no change besides it.
    let Some(after) = after else { return };
    let none = BTreeMap::new();
    let old = claims(from).unwrap_or(&none);
    for name in old.keys().chain(after.claims.keys()) {
        if old.get(name) != after.claims.get(name) && !(other && OF_ISSUER.contains(&name.as_str())) {
            facts.insert(Fact::Claim(name.clone()));
        }
    }
}

/// Whether a header's value holds a token as text.
fn is_token(texts: &TokenTexts, value: &str) -> bool {
    texts
        .read
        .keys()
        .any(|text| !text.is_empty() && value.contains(text.as_str()))
}

/// What the request's token says, be it given by its claims or as text.
pub(super) fn claims(request: &Request) -> Option<&BTreeMap<String, Json>> {
    let given = request.tokens.first().map(|token| &token.claims);
    given.or_else(|| {
        let written = request.headers.iter().any(|(_, value)| is_token(&request.texts, value));
        request
            .texts
            .read
            .values()
            .filter(|_| written)
            .find_map(|text| match text.as_ref() {
                TokenText::Read { claims, .. } => Some(claims),
                TokenText::Malformed(_) => None,
            })
    })
}

/// Whether a claim comes with the token of an issuer.
pub(super) fn is_of_issuer(name: &str) -> bool {
    OF_ISSUER.contains(&name)
}
