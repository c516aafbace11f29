//! The nearest miss of a refused request, for people, and its facts as data.

use super::verdicts;
use crate::analysis::request_data::{self, claim, token};
use crate::diagnostics::Data;
use crate::diagnostics::render::json_value;
use crate::policy::evaluate::nearest::{Fact, NearestMiss, header_values};
use crate::policy::inventory::Inventory;
use crate::policy::request::Request;
use crate::source::SourceMap;

/// The nearest miss in a sentence; the facts are called as requests call them.
#[must_use]
pub fn sentence(sources: &SourceMap, inventory: &Inventory, miss: &NearestMiss) -> String {
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
#[must_use]
pub const fn key(fact: &Fact) -> &'static str {
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
        (_, Data::Null) => None,
        (Fact::Caller, Data::Object(caller)) => text(&caller, "principal"),
        (Fact::Token, Data::Text(_)) => Some("the one that is sent".to_owned()),
        (Fact::Token, Data::Object(token)) => {
            let text = |key: &str| text(&token, key).unwrap_or_default();
            Some(format!("{} of {}", text("state"), text("issuer")))
        }
        (Fact::Header(_), Data::List(values)) => {
            let values = values.iter().filter_map(|value| match value {
                Data::Text(text) => Some(text.as_str()),
                _ => None,
            });
            Some(values.collect::<Vec<_>>().join(", "))
        }
        (Fact::Port, port) => Some(match request.service_port {
            Some(service_port) => format!("{} (Service port {service_port})", json_value(&port)),
            None => json_value(&port).to_string(),
        }),
        (_, Data::Text(text)) if text.is_empty() => Some("\"\"".to_owned()),
        (_, Data::Text(text)) => Some(text),
        (_, value) => Some(json_value(&value).to_string()),
    }
}

/// The text of a key.
fn text(object: &[(String, Data)], key: &str) -> Option<String> {
    object.iter().find_map(|(name, value)| match value {
        Data::Text(text) if name == key => Some(text.clone()),
        _ => None,
    })
}

/// The value of a fact as requests write it; null where it is not there.
#[must_use]
pub fn value(inventory: &Inventory, fact: &Fact, request: &Request) -> Data {
    let said = |text: Option<&String>| text.map_or(Data::Null, |text| Data::Text(text.clone()));
    let shown = |text: Option<String>| text.map_or(Data::Null, Data::Text);
    match fact {
        Fact::Method => Data::Text(request.method.as_deref().unwrap_or("GET").to_owned()),
        Fact::Path => Data::Text(request.path.as_deref().unwrap_or("/").to_owned()),
        Fact::Host => said(request.host.as_ref()),
        Fact::Header(name) => match header_values(request, name) {
            values if values.is_empty() => Data::Null,
            values => Data::List(values.iter().map(|value| Data::Text(value.to_string())).collect()),
        },
        Fact::Token => match request.tokens.first() {
            Some(sent) => match token(sent) {
                // Other claims are facts of their own.
                Data::Object(mut object) => {
                    object.retain(|(key, _)| key != "claims");
                    Data::Object(object)
                }
                other => other,
            },
            None => {
                let sent = |text: &&String| request.headers.iter().any(|(_, value)| value.contains(text.as_str()));
                said(request.texts.read.keys().find(sent))
            }
        },
        Fact::Claim(name) => {
            let claims = request.tokens.first().map(|token| &token.claims);
            claims.and_then(|claims| claims.get(name)).map_or(Data::Null, claim)
        }
        Fact::Caller => request_data::caller(inventory, &request.caller),
        Fact::Sni => said(request.sni.as_ref()),
        Fact::Answer(provider) => {
            let answer = request.answers.get(provider).copied();
            shown(answer.map(|allowed| request_data::word_of_answer(allowed).to_owned()))
        }
        Fact::Port => request.port.map_or(Data::Null, |port| Data::Number(f64::from(port))),
        Fact::PeerIp => shown(request.peer_ip.map(|ip| ip.to_string())),
        Fact::ClientIp => shown(request.client_ip.map(|ip| ip.to_string())),
        Fact::DestinationIp => shown(request.destination_ip.map(|ip| ip.to_string())),
    }
}
