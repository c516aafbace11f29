//! A request as the object that `spec/eval-request.schema.json` describes.

use std::collections::BTreeMap;

use crate::diagnostics::Data;
use crate::policy::inventory::{Inventory, Protocol};
use crate::policy::request::{Caller, Destination, Json, Request, Token, TokenState};

/// The whole request.
#[must_use]
pub fn data(inventory: &Inventory, request: &Request) -> Data {
    let mut object = Vec::new();
    let mut put = |key: &str, value: Data| {
        if value != Data::Null {
            object.push((key.to_owned(), value));
        }
    };
    put("at", destination(inventory, &request.to));
    put("pod", flag(request.pod));
    put("from", caller(inventory, &request.caller));
    put("port", number(request.port));
    put("peer-ip", text(request.peer_ip.as_ref()));
    put("client-ip", text(request.client_ip.as_ref()));
    put("dest-ip", text(request.destination_ip.as_ref()));
    put("sni", text(request.sni.as_ref()));
    put("host", text(request.host.as_ref()));
    put("service-port", number(request.service_port));
    put("protocol", text(protocol(request)));
    put("method", text(request.method.as_ref()));
    put("path", text(request.path.as_ref()));
    let mut headers: BTreeMap<&str, Vec<Data>> = BTreeMap::new();
    for (name, value) in &request.headers {
        headers.entry(name).or_default().push(Data::Text(value.clone()));
    }
    put(
        "headers",
        map(headers.into_iter().map(|(name, values)| (name, Data::List(values)))),
    );
    put("token", request.tokens.first().map_or(Data::Null, token));
    let answers = request.answers.iter();
    let answers = answers.map(|(name, allowed)| (name.as_str(), Data::Text(word_of_answer(*allowed).to_owned())));
    put("answers", map(answers));
    put("dry-run", flag(request.dry_run));
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are small")]
    put("now", request.now.map_or(Data::Null, |now| Data::Number(now as f64)));
    Data::Object(object)
}

fn protocol(request: &Request) -> Option<&'static str> {
    match request.http {
        Some(false) => Some("tcp"),
        _ if request.http2 => Some("http2"),
        Some(true) => Some("http"),
        None => None,
    }
}

/// As answers of authorizers are written.
pub(crate) const fn word_of_answer(allowed: bool) -> &'static str {
    if allowed { "allow" } else { "deny" }
}

fn destination(inventory: &Inventory, to: &Destination) -> Data {
    match to {
        Destination::Known(index) => workload(inventory, *index),
        Destination::Pod {
            namespace,
            labels,
            ports,
        } => {
            let labels = labels
                .iter()
                .map(|(name, value)| (name.clone(), Data::Text(value.clone())));
            let ports = ports.iter().map(|(port, protocol)| {
                let word = match protocol {
                    Protocol::Http | Protocol::Https | Protocol::HttpsMutual => "http",
                    Protocol::Tcp => "tcp",
                    Protocol::Tls => "tls",
                    Protocol::Unproxied => "unproxied",
                };
                (port.to_string(), Data::Text(word.to_owned()))
            });
            Data::Object(vec![
                ("namespace".to_owned(), Data::Text(namespace.clone())),
                ("labels".to_owned(), Data::Object(labels.collect())),
                ("ports".to_owned(), Data::Object(ports.collect())),
            ])
        }
    }
}

/// Who makes a request.
pub(crate) fn caller(inventory: &Inventory, caller: &Caller) -> Data {
    match caller {
        Caller::Outsider => Data::Text("outsider".to_owned()),
        Caller::Principal(principal) => Data::Object(vec![("principal".to_owned(), Data::Text(principal.clone()))]),
        Caller::Workload(index) => workload(inventory, *index),
    }
}

fn workload(inventory: &Inventory, index: usize) -> Data {
    let workload = inventory.workloads.get(index);
    text(workload.map(|workload| format!("{}/{}", workload.namespace, workload.name)))
}

/// A token by what it says.
pub(crate) fn token(token: &Token) -> Data {
    let state = match token.state {
        TokenState::Valid => "valid",
        TokenState::Expired => "expired",
        TokenState::Forged => "forged",
    };
    let iss = match token.claims.get("iss") {
        Some(Json::String(iss)) => Some(iss),
        _ => None,
    };
    Data::Object(vec![
        ("issuer".to_owned(), text(token.issuer.as_ref().or(iss))),
        ("claims".to_owned(), claim(&Json::Object(token.claims.clone()))),
        ("state".to_owned(), Data::Text(state.to_owned())),
    ])
}

/// What a claim says.
pub(crate) fn claim(value: &Json) -> Data {
    match value {
        Json::Null => Data::Null,
        Json::Bool(it) => Data::Flag(*it),
        Json::Number(it) => Data::Number(*it),
        Json::String(it) => Data::Text(it.clone()),
        Json::List(items) => Data::List(items.iter().map(claim).collect()),
        Json::Object(object) => Data::Object(
            object
                .iter()
                .map(|(name, value)| (name.clone(), claim(value)))
                .collect(),
        ),
    }
}

fn text<T: ToString>(value: Option<T>) -> Data {
    value.map_or(Data::Null, |value| Data::Text(value.to_string()))
}

fn number(value: Option<u16>) -> Data {
    value.map_or(Data::Null, |value| Data::Number(f64::from(value)))
}

const fn flag(value: bool) -> Data {
    if value { Data::Flag(true) } else { Data::Null }
}

fn map<'k>(pairs: impl Iterator<Item = (&'k str, Data)>) -> Data {
    let pairs: Vec<(String, Data)> = pairs.map(|(key, value)| (key.to_owned(), value)).collect();
    if pairs.is_empty() {
        Data::Null
    } else {
        Data::Object(pairs)
    }
}
