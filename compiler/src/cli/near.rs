//! The nearest miss of a refused request, for people and as JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::verdicts;
use crate::policy::evaluate::nearest::{Fact, NearestMiss, header_values};
use crate::policy::inventory::{Inventory, Protocol};
use crate::policy::request::{Caller, Destination, Json, Request, Token, TokenState};
use crate::source::SourceMap;

/// The nearest miss in a sentence; the facts are called as requests call them.
pub(super) fn sentence(sources: &SourceMap, inventory: &Inventory, miss: &NearestMiss) -> String {
    let changes: Vec<String> = miss
        .changes
        .iter()
        .map(|fact| {
            let name = name(fact);
            let (from, to) = (shown(inventory, fact, &miss.from), shown(inventory, fact, &miss.to));
            match (from, to) {
                (None, Some(to)) => format!("with {name} {to}"),
                (Some(from), Some(to)) => format!("with {name} {to} instead of {from}"),
                (_, None) => format!("without {name}"),
            }
        })
        .collect();
    let changes = match changes.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        all => all.concat(),
    };
    let by = match &miss.by {
        Some(reason) => format!("is admitted by {}", verdicts::reason(sources, reason)),
        None => "is admitted, as nothing stands in its way".to_owned(),
    };
    let doubt = if miss.is_exact {
        ""
    } else {
        "; a smaller change is not ruled out"
    };
    format!("nearest miss: the same request {changes} {by}{doubt}")
}

fn name(fact: &Fact) -> String {
    match fact {
        Fact::Header(name) => format!("`header {name}`"),
        Fact::Claim(name) => format!("`claim {name}`"),
        Fact::Answer(provider) => format!("`answer {provider}`"),
        fact => format!("`{}`", key(fact)),
    }
}

/// The key of requests that holds a fact.
const fn key(fact: &Fact) -> &'static str {
    match fact {
        Fact::Method => "method",
        Fact::Path => "path",
        Fact::Host => "host",
        Fact::Header(_) => "headers",
        Fact::Token => "token",
        Fact::Claim(_) => "claims",
        Fact::Caller => "from",
        Fact::Sni => "sni",
        Fact::Answer(_) => "answers",
        Fact::Port => "port",
        Fact::PeerIp => "peer-ip",
        Fact::ClientIp => "client-ip",
        Fact::DestinationIp => "dest-ip",
    }
}

/// The value of a fact for a person.
fn shown(inventory: &Inventory, fact: &Fact, request: &Request) -> Option<String> {
    match (fact, value(inventory, fact, request)) {
        (_, Value::Null) => None,
        (Fact::Caller, Value::Object(caller)) => caller.get("principal").and_then(Value::as_str).map(str::to_owned),
        (Fact::Token, Value::String(_)) => Some("the one that is sent".to_owned()),
        (Fact::Token, token) => {
            let text = |key: &str| token.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            Some(format!("{} of {}", text("state"), text("issuer")))
        }
        (Fact::Header(_), Value::Array(values)) => {
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            Some(values.join(", "))
        }
        (Fact::Port, port) => Some(match request.service_port {
            Some(service_port) => format!("{port} (Service port {service_port})"),
            None => port.to_string(),
        }),
        (_, Value::String(text)) if text.is_empty() => Some("\"\"".to_owned()),
        (_, Value::String(text)) => Some(text),
        (_, value) => Some(value.to_string()),
    }
}

/// The value of a fact as requests write it; null where it is not there.
fn value(inventory: &Inventory, fact: &Fact, request: &Request) -> Value {
    match fact {
        Fact::Method => json!(request.method.as_deref().unwrap_or("GET")),
        Fact::Path => json!(request.path.as_deref().unwrap_or("/")),
        Fact::Host => json!(request.host),
        Fact::Header(name) => match header_values(request, name) {
            values if values.is_empty() => Value::Null,
            values => json!(values),
        },
        Fact::Token => match request.tokens.first() {
            Some(token) => {
                // Other claims are facts of their own.
                let mut object = token_object(token);
                object.remove("claims");
                Value::Object(object)
            }
            None => {
                let sent = |text: &&String| request.headers.iter().any(|(_, value)| value.contains(text.as_str()));
                json!(request.texts.read.keys().find(sent))
            }
        },
        Fact::Claim(name) => {
            let claims = request.tokens.first().map(|token| &token.claims);
            claims.and_then(|claims| claims.get(name)).map_or(Value::Null, plain)
        }
        Fact::Caller => caller(inventory, &request.caller),
        Fact::Sni => json!(request.sni),
        Fact::Answer(provider) => json!(request.answers.get(provider).copied().map(word_of_answer)),
        Fact::Port => json!(request.port),
        Fact::PeerIp => json!(request.peer_ip),
        Fact::ClientIp => json!(request.client_ip),
        Fact::DestinationIp => json!(request.destination_ip),
    }
}

/// The nearest miss as answers hold it.
pub(super) fn object(sources: &SourceMap, inventory: &Inventory, miss: Option<&NearestMiss>) -> Value {
    let Some(miss) = miss else { return Value::Null };
    let change = |fact: &Fact| {
        let mut change = json!({
            "fact": key(fact),
            "from": value(inventory, fact, &miss.from),
            "to": value(inventory, fact, &miss.to),
        });
        if let (Fact::Header(name) | Fact::Claim(name) | Fact::Answer(name), Some(change)) =
            (fact, change.as_object_mut())
        {
            change.insert("name".to_owned(), json!(name));
        }
        change
    };
    json!({
        "changes": miss.changes.iter().map(change).collect::<Vec<_>>(),
        "request": request(inventory, &miss.to),
        "by": miss.by.as_ref().map(|reason| verdicts::reason_object(sources, reason)),
        "exact": miss.is_exact,
    })
}

/// A request in the form that `meshc eval` reads.
fn request(inventory: &Inventory, request: &Request) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            object.insert(key.to_owned(), value);
        }
    };
    put("at", destination(inventory, &request.to));
    put("pod", if request.pod { json!(true) } else { Value::Null });
    for fact in [
        Fact::Caller,
        Fact::Port,
        Fact::PeerIp,
        Fact::ClientIp,
        Fact::DestinationIp,
        Fact::Sni,
        Fact::Host,
    ] {
        put(key(&fact), value(inventory, &fact, request));
    }
    put("service-port", json!(request.service_port));
    put(
        "protocol",
        json!(request.http.map(|http| if http { "http" } else { "tcp" })),
    );
    put("method", json!(request.method));
    put("path", json!(request.path));
    let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in &request.headers {
        headers.entry(name).or_default().push(value);
    }
    put(
        "headers",
        if headers.is_empty() {
            Value::Null
        } else {
            json!(headers)
        },
    );
    let token = request.tokens.first().map(token_object);
    put("token", token.map_or(Value::Null, Value::Object));
    let answers = request.answers.iter();
    let answers: BTreeMap<&str, &str> = answers
        .map(|(provider, allowed)| (provider.as_str(), word_of_answer(*allowed)))
        .collect();
    put(
        "answers",
        if answers.is_empty() {
            Value::Null
        } else {
            json!(answers)
        },
    );
    put("dry-run", if request.dry_run { json!(true) } else { Value::Null });
    put("now", json!(request.now));
    Value::Object(object)
}

fn destination(inventory: &Inventory, to: &Destination) -> Value {
    match to {
        Destination::Known(index) => workload(inventory, *index),
        Destination::Pod {
            namespace,
            labels,
            ports,
        } => {
            let ports: BTreeMap<String, &str> = ports
                .iter()
                .map(|(port, protocol)| {
                    let word = match protocol {
                        Protocol::Http | Protocol::Https | Protocol::HttpsMutual => "http",
                        Protocol::Tcp => "tcp",
                        Protocol::Tls => "tls",
                        Protocol::Unproxied => "unproxied",
                    };
                    (port.to_string(), word)
                })
                .collect();
            json!({ "namespace": namespace, "labels": labels, "ports": ports })
        }
    }
}

fn caller(inventory: &Inventory, caller: &Caller) -> Value {
    match caller {
        Caller::Outsider => json!("outsider"),
        Caller::Principal(principal) => json!({ "principal": principal }),
        Caller::Workload(index) => workload(inventory, *index),
    }
}

fn workload(inventory: &Inventory, index: usize) -> Value {
    let workload = inventory.workloads.get(index);
    json!(workload.map(|workload| format!("{}/{}", workload.namespace, workload.name)))
}

fn token_object(token: &Token) -> Map<String, Value> {
    let state = match token.state {
        TokenState::Valid => "valid",
        TokenState::Expired => "expired",
        TokenState::Forged => "forged",
    };
    let iss = match token.claims.get("iss") {
        Some(Json::String(iss)) => Some(iss),
        _ => None,
    };
    let issuer = token.issuer.as_ref().or(iss);
    let claims = plain(&Json::Object(token.claims.clone()));
    let pairs = [("issuer", json!(issuer)), ("claims", claims), ("state", json!(state))];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

const fn word_of_answer(allowed: bool) -> &'static str {
    if allowed { "allow" } else { "deny" }
}

/// A claim as JSON text has it; whole numbers without a point.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only numbers that are whole and small are cut"
)]
pub(super) fn plain(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(it) => json!(it),
        Json::Number(it) if it.fract() == 0.0 && it.abs() < 9e15 => json!(*it as i64),
        Json::Number(it) => json!(it),
        Json::String(it) => json!(it),
        Json::List(items) => Value::Array(items.iter().map(plain).collect()),
        Json::Object(object) => Value::Object(
            object
                .iter()
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect(),
        ),
    }
}
