//! The nearest miss of a refused request, for people and as JSON.

use serde_json::{Map, Value, json};

use super::verdicts;
use crate::analysis::request_data;
use crate::diagnostics::render::json_value;
use crate::policy::evaluate::nearest::{Fact, NearestMiss, header_values};
use crate::policy::inventory::Inventory;
use crate::policy::request::{Caller, Json, Request, Token};
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
        Fact::Answer(provider) => json!(request.answers.get(provider).copied().map(request_data::word_of_answer)),
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
    json_value(&request_data::data(inventory, request))
}

fn caller(inventory: &Inventory, caller: &Caller) -> Value {
    json_value(&request_data::caller(inventory, caller))
}

fn token_object(token: &Token) -> Map<String, Value> {
    match json_value(&request_data::token(token)) {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

pub(super) fn plain(claim: &Json) -> Value {
    json_value(&request_data::claim(claim))
}
