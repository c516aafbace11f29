//! A request as a line of a `test`.

use crate::policy::NamedIssuer;
use crate::policy::inventory::Inventory;
use crate::policy::request::{Caller, Destination, Json, Request, Token, TokenState};

/// Where a test stands, and its line up to `expect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestLine {
    /// What follows `at`.
    pub place: String,
    pub line: String,
}

/// `None` for what no test says: pods that no block describes, two addresses at once, tokens of issuers that only
/// manifests name.
#[must_use]
pub fn test_line(inventory: &Inventory, issuers: &[NamedIssuer], request: &Request) -> Option<TestLine> {
    let Destination::Known(at) = &request.to else {
        return None;
    };
    let name = |index: usize| {
        let workload = inventory.workloads.get(index)?;
        Some(format!("{}/{}", workload.namespace, workload.name))
    };
    let mut line = match &request.caller {
        Caller::Principal(identity) => format!("principal {}", written(identity)),
        Caller::Workload(index) => name(*index)?,
        Caller::Outsider => "outsider".to_owned(),
    };
    match (request.peer_ip, request.client_ip) {
        (Some(peer), Some(client)) if peer != client => return None,
        (Some(address), _) => line.push_str(&format!(" from peer-ip {address}")),
        (None, Some(address)) => line.push_str(&format!(" from client-ip {address}")),
        (None, None) => {}
    }
    for token in &request.tokens {
        line.push_str(&with_token(issuers, token)?);
    }
    for (name, value) in &request.headers {
        line.push_str(&format!(" with header [{}] = {}", written(name), written(value)));
    }
    for (provider, allowed) in &request.answers {
        let word = if *allowed { "allow" } else { "deny" };
        line.push_str(&format!(" with answer {} {word}", written(provider)));
    }
    if request.dry_run {
        line.push_str(" with dry-run");
    }
    let terms = terms(request);
    let what = if terms.is_empty() {
        "any".to_owned()
    } else {
        terms.join(" ")
    };
    let pod = if request.pod { "pod " } else { "" };
    Some(TestLine {
        place: format!("{pod}{}", name(*at)?),
        line: format!("{line} to {what}"),
    })
}

/// The facts of a request, as they are written.
fn terms(request: &Request) -> Vec<String> {
    // What makes it one of HTTP.
    let (method, path) = if request.http == Some(true) {
        (Some("GET"), Some("/"))
    } else {
        (None, None)
    };
    let method = request.method.as_deref().or(method).map(|method| {
        if !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            method.to_owned()
        } else {
            format!("method {}", written(method))
        }
    });
    let keyed = |key: &str, value: Option<String>| value.map(|value| format!("{key} {value}"));
    let text = |text: &Option<String>| text.as_deref().map(written);
    let terms = [
        method,
        request.path.as_deref().or(path).map(written),
        keyed("host", text(&request.host)),
        keyed("port", request.port.map(|port| port.to_string())),
        keyed("sni", text(&request.sni)),
        keyed("dest-ip", request.destination_ip.map(|address| address.to_string())),
    ];
    terms.into_iter().flatten().collect()
}

/// A token by its issuer's declaration, with the claims that an issuer does not give by itself.
fn with_token(issuers: &[NamedIssuer], token: &Token) -> Option<String> {
    let of_token = |it: &&NamedIssuer| (&it.keys, &it.issuer) == (&token.keys, &token.issuer);
    let issuer = issuers.iter().find(of_token)?;
    let given = |name: &str, value: &Json| match (name, value, &token.issuer) {
        ("iss", Json::String(iss), Some(own)) => iss == own,
        _ => false,
    };
    let claims = token.claims.iter().filter(|(name, value)| !given(name, value));
    let claims: Vec<String> = claims
        .map(|(name, value)| format!("{}: {}", in_quotes(name), json(value)))
        .collect();
    let state = match token.state {
        TokenState::Valid => "",
        TokenState::Expired => " expired",
        TokenState::Forged => " forged",
    };
    let claims = match claims.as_slice() {
        [] => String::new(),
        some => format!(" {{ {} }}", some.join(", ")),
    };
    Some(format!(" with token {}{state}{claims}", issuer.name))
}

fn json(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(it) => it.to_string(),
        Json::Number(it) => it.to_string(),
        Json::String(text) => in_quotes(text),
        Json::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
        Json::Object(object) => {
            let pairs = object
                .iter()
                .map(|(name, value)| format!("{}: {}", in_quotes(name), json(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A value of the language: bare where that can be.
fn written(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    in_quotes(text)
}

fn in_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.replace("${", "$${").chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '*' => quoted.push_str("\\*"),
            c if c.is_ascii_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
