//! A counterexample as a curl line and as a test.

use super::super::sentences::Counterexample;
use crate::policy::NamedIssuer;
use crate::policy::inventory::{Inventory, Protocol};
use crate::policy::request::{Caller, Destination, Json, Request, Token, TokenState};

/// As a curl line; `None` for what curl does not send.
pub(super) fn curl(inventory: &Inventory, request: &Request) -> Option<String> {
    if request.http != Some(true) || request.sni.is_some() {
        return None;
    }
    let port = request.port?;
    let Destination::Known(index) = &request.to else {
        return None;
    };
    let service = inventory
        .services
        .iter()
        .find(|service| service.workloads.contains(index));
    let (host, port) = match service {
        Some(service) => {
            let port = service.ports.iter().find(|(_, pod)| *pod == port)?.0;
            (service.host(&inventory.mesh.domain), port)
        }
        None => ("POD_ADDRESS".to_owned(), port),
    };
    let workload = inventory.workloads.get(*index)?;
    let tls = matches!(
        workload.ports.get(&request.port?),
        Some(Protocol::Https | Protocol::HttpsMutual)
    );
    let scheme = if tls { "https" } else { "http" };
    let mut line = format!("curl -i -X {}", quoted(request.method.as_deref().unwrap_or("GET")));
    if let Some(own) = &request.host {
        line.push_str(&format!(" -H {}", quoted(&format!("Host: {own}"))));
    }
    for (name, value) in &request.headers {
        line.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
    }
    if !request.tokens.is_empty() {
        line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    }
    let path = request.path.as_deref().unwrap_or("/");
    line.push_str(&format!(" {}", quoted(&format!("{scheme}://{host}:{port}{path}"))));
    Some(line)
}

/// As the shell reads it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// As a test of what must be answered; `None` for what no test says: pods that no block describes, two addresses at once,
/// tokens of issuers that only manifests name.
pub(super) fn test(
    inventory: &Inventory,
    issuers: &[NamedIssuer],
    always: bool,
    example: &Counterexample,
) -> Option<String> {
    let request = &example.request;
    let Destination::Known(index) = &request.to else {
        return None;
    };
    let workload = inventory.workloads.get(*index)?;
    let mut line = match &request.caller {
        Caller::Principal(identity) => format!("principal {}", written(identity)),
        Caller::Outsider | Caller::Workload(_) => "outsider".to_owned(),
    };
    if let Some(address) = request.peer_ip {
        line.push_str(&format!(" from peer-ip {address}"));
    }
    if let Some(address) = request.client_ip {
        if request.peer_ip.is_some() {
            return None;
        }
        line.push_str(&format!(" from client-ip {address}"));
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
    line.push_str(" to");
    let http = request.http == Some(true);
    if http {
        let method = request.method.as_deref().unwrap_or("GET");
        if method.chars().all(|c| c.is_ascii_uppercase()) {
            line.push_str(&format!(" {method}"));
        } else {
            line.push_str(&format!(" method {}", written(method)));
        }
        let path = request.path.as_deref().unwrap_or("/");
        line.push_str(&format!(" {}", written(path)));
        if let Some(host) = &request.host {
            line.push_str(&format!(" host {}", written(host)));
        }
    }
    if let Some(port) = request.port {
        line.push_str(&format!(" port {port}"));
    }
    if let Some(sni) = &request.sni {
        line.push_str(&format!(" sni {}", written(sni)));
    }
    if let Some(address) = request.destination_ip {
        line.push_str(&format!(" dest-ip {address}"));
    }
    let expected = match (always, http) {
        (true, _) => "200",
        (false, true) => "403",
        (false, false) => "reset",
    };
    let (namespace, name) = (&workload.namespace, &workload.name);
    Some(format!(
        "test \"{} is kept\" at {namespace}/{name} {{ {line} expect {expected} }}",
        if always {
            "what always passes"
        } else {
            "what never passes"
        }
    ))
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
