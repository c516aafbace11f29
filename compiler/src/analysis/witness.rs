//! A request of a box, as plain as the box leaves it, and what the evaluator says to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::atoms::{Dimension, Fact, HOST, Value};
use super::cover::Pool;
use super::cube::{Cube, Literal};
use super::gate::{Covered, Gate, RuleAt};
use super::place::Place;
use super::sets::Set;
use crate::policy::request::{Answer, Caller, Json, Place as TokenPlace, Request, Token, TokenState};

/// Methods from the plainest on.
const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
/// So many identities are looked at for one of the own trust domain.
const MAX_IDENTITIES: usize = 64;
/// Of addresses for documentation.
const PLAIN_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A request that matches a rule and lies in a box of it, with its answer; `None` if none could be made that the evaluator
/// says matches.
pub(crate) fn of_rule(place: &Place<'_>, gate: &Gate<'_>, rule: &RuleAt<'_>, cube: &Cube) -> Option<(Request, Answer)> {
    // What cannot happen shows nothing.
    let nothing = |_| false;
    let Covered::Free(possible) = gate.covered(std::slice::from_ref(cube), &nothing, false, &mut Pool::default())
    else {
        return None;
    };
    let request = request(place, gate, &possible)?;
    let (answer, matched) = place.judge.matched(&request, (rule.policy.source, rule.rule.index))?;
    matched.then_some((request, answer))
}

/// A request in a box of a gate; `None` if it says something that no request can state.
pub(crate) fn request(place: &Place<'_>, gate: &Gate<'_>, cube: &Cube) -> Option<Request> {
    let mut request = Request::new(place.destination()?, Caller::Outsider);
    request.http = Some(gate.http);
    request.port = place.plain_port(gate.http);
    if place.is_waypoint() {
        // Plaintext goes past it.
        request.caller = Caller::Principal(plain_identity(place));
    }
    let mut token: Option<BTreeMap<String, Json>> = None;
    let choose = Choose { place };
    for (dim, dimension) in gate.space.dimensions().iter().enumerate() {
        let literal = cube.get(dim);
        if dimension.many {
            let needs: &[_] = match literal {
                Some(Literal::Many { needs, .. }) => needs,
                _ => &[],
            };
            for need in needs {
                let Value::Text(text) = dimension.value(need.first()?)? else {
                    return None;
                };
                put(&mut request, &mut token, &dimension.fact, text)?;
            }
            continue;
        }
        let all;
        let set: &Set = match literal {
            Some(Literal::In(set)) => set,
            _ => {
                all = dimension.all();
                &all
            }
        };
        let value = choose.value(dimension, set)?;
        state(&mut request, &mut token, &dimension.fact, value);
        if place.is_waypoint() && dimension.fact == Fact::Port {
            // It sees the Service's.
            request.service_port = request.port.take();
        }
    }
    if let Some(claims) = token {
        request.tokens.push(signed(place, claims)?);
    }
    Some(request)
}

/// What plain requests say.
struct Choose<'a> {
    place: &'a Place<'a>,
}

impl Choose<'_> {
    /// A value of the set, the plainest that is known.
    fn value(&self, dimension: &Dimension, set: &Set) -> Option<Value> {
        let plain = self.plain(&dimension.fact).into_iter();
        let mut plain = plain.filter(|value| dimension.locate(value).is_some_and(|atom| set.contains(atom)));
        if let Some(value) = plain.next() {
            return Some(value);
        }
        if dimension.fact == Fact::Peer {
            return self.identity(dimension, set);
        }
        dimension.value(set.first()?)
    }

    fn plain(&self, fact: &Fact) -> Vec<Value> {
        let text = |text: &&str| Value::Text((*text).to_owned());
        match fact {
            Fact::Peer if self.place.is_waypoint() => vec![Value::Text(plain_identity(self.place))],
            Fact::Peer | Fact::Sni | Fact::Subject => vec![Value::Absent],
            Fact::Issuer => {
                let issuers = self
                    .place
                    .effective()
                    .tokens
                    .iter()
                    .filter_map(|token| token.rule.issuer.clone());
                std::iter::once(Value::Absent).chain(issuers.map(Value::Text)).collect()
            }
            Fact::Method => METHODS.iter().map(text).collect(),
            Fact::Path => vec![Value::Text("/".to_owned())],
            Fact::PeerIp if self.place.is_waypoint() => vec![Value::Absent],
            Fact::PeerIp | Fact::ClientIp | Fact::DestinationIp => vec![Value::Address(PLAIN_ADDRESS)],
            Fact::Port => {
                let ports = self.place.ports().chain([80, 8080, 9000]);
                ports.map(Value::Port).collect()
            }
            Fact::Host => vec![Value::Text("app.example.com".to_owned())],
            Fact::Header(name) if name == HOST => vec![Value::Text("app.example.com".to_owned())],
            Fact::Header(_) => vec![Value::Absent],
            Fact::Claim(_) | Fact::Unstated => Vec::new(),
        }
    }

    /// An identity of the set that the mesh accepts, if there is one among the first.
    fn identity(&self, dimension: &Dimension, set: &Set) -> Option<Value> {
        let mesh = &self.place.judge.inventory().mesh;
        let mut first = None;
        for atom in set.atoms().take(MAX_IDENTITIES) {
            let Some(Value::Text(identity)) = dimension.value(atom) else {
                continue;
            };
            let (domain, rest) = identity.split_once('/').unwrap_or((&identity, ""));
            if mesh.accepts(domain) {
                return Some(Value::Text(identity));
            }
            // Where any trust domain will do, that of the mesh will.
            let own = Value::Text(format!("{}/{rest}", mesh.trust_domain));
            if dimension.locate(&own).is_some_and(|atom| set.contains(atom)) {
                return Some(own);
            }
            first.get_or_insert(Value::Text(identity));
        }
        first
    }
}

fn plain_identity(place: &Place<'_>) -> String {
    format!("{}/ns/default/sa/default", place.judge.inventory().mesh.trust_domain)
}

/// States the one value of a fact.
fn state(request: &mut Request, token: &mut Option<BTreeMap<String, Json>>, fact: &Fact, value: Value) {
    match (fact, value) {
        (Fact::Peer, Value::Text(identity)) => request.caller = Caller::Principal(identity),
        (Fact::PeerIp, Value::Address(address)) => request.peer_ip = Some(address),
        (Fact::ClientIp, Value::Address(address)) => request.client_ip = Some(address),
        (Fact::DestinationIp, Value::Address(address)) => request.destination_ip = Some(address),
        (Fact::Port, Value::Port(port)) => request.port = Some(port),
        (Fact::Sni, Value::Text(text)) => request.sni = Some(text),
        (Fact::Host, Value::Text(text)) => request.host = Some(text),
        (Fact::Method, Value::Text(text)) => request.method = Some(text),
        (Fact::Path, Value::Text(text)) => request.path = Some(text),
        (Fact::Header(name), Value::Text(text)) if name == HOST => request.host = Some(text),
        (Fact::Header(name), Value::Text(text)) => request.headers.push((name.clone(), text)),
        (Fact::Issuer, Value::Text(text)) => add_claim(token, &["iss".to_owned()], text),
        (Fact::Subject, Value::Text(text)) => add_claim(token, &["sub".to_owned()], text),
        _ => {}
    }
}

/// Adds one of many values; `None` if no request states it.
fn put(request: &mut Request, token: &mut Option<BTreeMap<String, Json>>, fact: &Fact, text: String) -> Option<()> {
    match fact {
        Fact::Header(name) => request.headers.push((name.clone(), text)),
        Fact::Claim(path) => add_claim(token, path, text),
        _ => return None,
    }
    Some(())
}

/// A second value makes a list of a claim.
fn add_claim(token: &mut Option<BTreeMap<String, Json>>, path: &[String], text: String) {
    let Some((last, outer)) = path.split_last() else { return };
    let mut claims = token.get_or_insert_default();
    for name in outer {
        let inner = claims
            .entry(name.clone())
            .or_insert_with(|| Json::Object(BTreeMap::new()));
        let Json::Object(inner) = inner else { return };
        claims = inner;
    }
    let text = Json::String(text);
    match claims.get_mut(last) {
        Some(Json::List(values)) => values.push(text),
        Some(value) => *value = Json::List(vec![value.clone(), text]),
        None => {
            claims.insert(last.clone(), text);
        }
    }
}

/// A good token with these claims, of an issuer that is accepted at the place.
fn signed(place: &Place<'_>, mut claims: BTreeMap<String, Json>) -> Option<Token> {
    let iss = match claims.get("iss") {
        Some(Json::String(iss)) => Some(iss.clone()),
        _ => None,
    };
    let mut rules = place.effective().tokens.iter().map(|token| &token.rule);
    let rule = rules.find(|rule| rule.issuer.is_none() || rule.issuer == iss)?;
    if let (Some(audience), false) = (rule.audiences.first(), claims.contains_key("aud")) {
        claims.insert("aud".to_owned(), Json::String(audience.clone()));
    }
    Some(Token {
        keys: rule.keys.clone(),
        issuer: rule.issuer.clone(),
        claims,
        state: TokenState::Valid,
        place: token_place(place, rule.issuer.as_ref()),
    })
}

/// Where the issuer's tokens are looked for first.
fn token_place(place: &Place<'_>, issuer: Option<&String>) -> TokenPlace {
    let mut rules = place.effective().tokens.iter();
    let rule = rules.find(|token| token.rule.issuer.as_ref() == issuer);
    rule.and_then(|rule| rule.places.first().cloned())
        .unwrap_or_else(TokenPlace::bearer)
}

/// A request in words, to be shown behind "for example".
pub(crate) fn words(request: &Request) -> String {
    let mut words = match request.http {
        Some(false) => "a connection".to_owned(),
        _ => format!(
            "{} {}",
            request.method.as_deref().unwrap_or("GET"),
            request.path.as_deref().unwrap_or("/")
        ),
    };
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push_str(&format!(", {name} {value}"));
        }
    };
    add("host", request.host.clone());
    add(
        "port",
        request.port.or(request.service_port).map(|port| port.to_string()),
    );
    add(
        "from",
        Some(match &request.caller {
            Caller::Principal(identity) => identity.clone(),
            Caller::Outsider | Caller::Workload(_) => "a caller without an identity".to_owned(),
        }),
    );
    add("peer address", request.peer_ip.map(|ip| ip.to_string()));
    add("client address", request.client_ip.map(|ip| ip.to_string()));
    add("destination address", request.destination_ip.map(|ip| ip.to_string()));
    add("SNI", request.sni.clone());
    for (name, value) in &request.headers {
        add("header", Some(format!("{name}: {value}")));
    }
    for token in &request.tokens {
        add("with a token of", token.issuer.clone());
        for (name, value) in token.claims.iter().filter(|(name, _)| *name != "iss") {
            add("claim", Some(format!("{name}: {}", claim_words(value))));
        }
    }
    words
}

fn claim_words(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::List(items) => items.iter().map(claim_words).collect::<Vec<_>>().join(" and "),
        Json::Object(object) => {
            let pairs = object
                .iter()
                .map(|(name, value)| format!("{name}: {}", claim_words(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => "…".to_owned(),
    }
}
