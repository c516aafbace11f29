//! Requests that aim at the edges of rules: at a value that a rule writes, at its neighbours, at the empty and the absent.

use std::net::{IpAddr, Ipv6Addr};

use serde_json::{Value, json};

use super::facts::{CONDITIONS, Fact, OPERATION, SOURCE, add_claims};
use super::policies::AUTHORIZERS;
use crate::envoy::Pod;
use crate::envoy::request::{Decision, Place, REFUSED, Request, Signed, Version};
use crate::generate::Die;

/// What a rule says: facts with the patterns of their lists.
type Wishes<'o> = Vec<(Fact, Vec<&'o str>)>;

/// So many connections are made to a pod, with so many requests each.
const CONNECTIONS: usize = 12;
const REQUESTS: usize = 9;
/// Connections have these in turn.
const VERSIONS: [Version; 4] = [Version::Http1, Version::Http2, Version::Http1, Version::Grpc];

/// Requests to a pod. `objects` are those that may be meant for it, `domains` the trust domains of peers.
pub(super) fn requests(pod: &Pod, objects: &[Value], domains: &[String], die: &mut Die) -> Vec<Request> {
    let rules: Vec<Wishes<'_>> = objects.iter().flat_map(wishes).collect();
    let places: Vec<Place> = objects.iter().flat_map(places).collect();
    let mut all = Vec::new();
    for nth in 0..CONNECTIONS {
        let aimed = rules.get(die.below(rules.len().max(1)));
        let connection = connection(pod, aimed, domains, die);
        let raw = connection.port == 5000 || (connection.port != 80 && die.once_in(3));
        if raw {
            all.push(connection);
            continue;
        }
        let version = VERSIONS.get(nth % VERSIONS.len()).copied().unwrap_or_default();
        for _ in 0..REQUESTS {
            let aimed = if die.once_in(3) {
                rules.get(die.below(rules.len().max(1)))
            } else {
                aimed
            };
            let mut request = http(&connection, aimed, &places, pod, die);
            if request.is_plain() {
                request.version = version;
            }
            all.push(request);
        }
    }
    all
}

/// The same between addresses of IPv6.
pub(super) fn over_ipv6(requests: &mut [Request]) {
    for request in requests {
        if let IpAddr::V4(source) = request.source {
            let [first, second, third, fourth] = source.octets().map(u16::from);
            let network = if first == 10 { 0xdb8 } else { 0xdb9 };
            request.source = Ipv6Addr::new(0x2001, network, second, 0, 0, 0, third, fourth).into();
        }
        request.destination = request.destination.filter(IpAddr::is_ipv6);
    }
}

/// Says what authorizers answer: all of them the same.
pub(super) fn add_answers(requests: &mut [Request], die: &mut Die) {
    for request in requests {
        let refused = if request.path.is_some() && request.port == 80 {
            die.once_in(3)
        } else {
            // Of a connection they know the address alone, and where no protocol is declared TLS may be taken as bytes.
            if request.path.is_none() && request.source.is_ipv4() && die.once_in(3) {
                request.source = REFUSED;
            }
            request.source == REFUSED
        };
        let decision = if refused { Decision::Deny } else { Decision::Allow };
        let all = AUTHORIZERS.iter().map(|name| ((*name).to_owned(), decision));
        request.answers = all.collect();
    }
}

fn of_connection(fact: Fact) -> bool {
    matches!(
        fact,
        Fact::Principal
            | Fact::Namespace
            | Fact::Account
            | Fact::TrustDomain
            | Fact::PeerIp
            | Fact::Port
            | Fact::DestinationIp
            | Fact::Sni
    )
}

/// Who calls what from where, as a rule would have it; the rest at random.
fn connection(pod: &Pod, aimed: Option<&Wishes<'_>>, domains: &[String], die: &mut Die) -> Request {
    let mut request = Request {
        to: pod.to_string(),
        port: die.pick(&[80, 80, 80, 80, 80, 5000, 5000, 7000, 7000, 9999]),
        ..Request::default()
    };
    if !die.once_in(3) {
        let domain = domains
            .get(die.below(domains.len()))
            .map(String::as_str)
            .unwrap_or_default();
        let namespace = die.one(&["foo", "foo", "bar", "foo-1"]);
        let account = die.one(&["web", "web", "batch", "web.v1"]);
        request.peer = Some(format!("{domain}/ns/{namespace}/sa/{account}"));
    }
    for (fact, patterns) in aimed.into_iter().flatten() {
        if of_connection(*fact) && !die.once_in(5) {
            let value = fact.value(die.one(patterns), die);
            // Of ports a pod serves every one, but most rules are about few.
            if *fact != Fact::Port || die.once_in(2) {
                fact.set(value, &mut request, &pod.namespace, die);
            }
        }
    }
    if request.peer.is_none() {
        request.sni = None;
    }
    // A loopback of its own port: Istio forbids it.
    if request.port == 15_006 || request.port == 0 {
        request.port = 80;
    }
    request
}

fn http(connection: &Request, aimed: Option<&Wishes<'_>>, places: &[Place], pod: &Pod, die: &mut Die) -> Request {
    let mut request = connection.clone();
    request.path = Some(die.one(&["/", "/a", "/a/b", "/admin", "/a/b/c", "/x"]).to_owned());
    for (fact, patterns) in aimed.into_iter().flatten() {
        if !of_connection(*fact) && !die.once_in(6) {
            let value = fact.value(die.one(patterns), die);
            fact.set(value, &mut request, &pod.namespace, die);
        }
    }
    // One more fact that nobody asked for.
    if die.once_in(3) {
        let other = [
            Fact::Method,
            Fact::Host,
            Fact::Header("x-a"),
            Fact::Header("x-claim"),
            Fact::Claim(&["groups"]),
            Fact::RequestPrincipal,
            Fact::ClientIp,
        ];
        let fact = die.pick(&other);
        let value = fact.value(die.one(fact.patterns()), die);
        fact.set(value, &mut request, &pod.namespace, die);
    }
    if die.once_in(5) {
        request.path = request.path.map(|path| odd(&path, die));
    }
    if !places.is_empty() && die.once_in(3) {
        add_claims(&mut request, json!({}));
    }
    if let Some(token) = request.tokens.first_mut() {
        if !places.is_empty() && die.once_in(2) {
            token.place = places.get(die.below(places.len())).cloned().unwrap_or_default();
        }
        if die.once_in(6) {
            token.keys = "other".to_owned();
        }
        if die.once_in(8) {
            token.signed = Signed::Forged;
        }
        match die.below(14) {
            0 => token.expires = Some(-3600),
            1 => token.expires = Some(-20),
            2 => token.not_before = Some(3600),
            3 => token.not_before = Some(20),
            4 => drop(token.claims.remove("sub")),
            5 => drop(token.claims.remove("iss")),
            6 => drop(token.claims.insert("aud".to_owned(), "shop".into())),
            _ => {}
        }
    }
    match die.below(20) {
        0 => request.headers.push("authorization: Bearer abc".to_owned()),
        1 => request.headers.push("authorization: Basic Zm9v".to_owned()),
        2 => request.headers.push("x-a: ".to_owned()),
        3 => request.headers.push("X-A: v".to_owned()),
        4 => request.headers.push("x-claim: forged".to_owned()),
        5 if die.once_in(2) => {
            "OPTIONS".clone_into(&mut request.method);
            request.headers.push("origin: http://a.test".to_owned());
            request.headers.push("access-control-request-method: GET".to_owned());
        }
        6 => request.headers.push("accept: v".to_owned()),
        7 => request.headers.push("accept: ".to_owned()),
        8 => request.headers.push("X-Forwarded-For: nobody".to_owned()),
        9 => request.headers.push("authorization: ".to_owned()),
        _ => {}
    }
    request
}

/// The same path for some, another for others.
fn odd(path: &str, die: &mut Die) -> String {
    let rest = path.strip_prefix('/').unwrap_or(path);
    match die.below(15) {
        0 => format!("/x/../{rest}"),
        1 => format!("//{rest}"),
        2 => format!("/./{rest}"),
        3 => format!("/%61{}", rest.get(1..).unwrap_or_default()),
        4 => format!("/x/%2e%2e/{rest}"),
        5 => format!("/x%2f..%2f{rest}"),
        6 => format!("{path}/"),
        7 => format!("{path}?a=/admin"),
        8 => format!("{path}#a"),
        9 => path.replace('/', "\\").replacen('\\', "/", 1),
        10 => path.replacen('a', "%41", 1),
        11 => format!("/%2F{rest}"),
        12 => format!("{path}%00"),
        13 => path.replacen('a', "*", 1),
        _ => format!("{path};x=1"),
    }
}

/// What the rules of an object would have of a request.
fn wishes(object: &Value) -> Vec<Wishes<'_>> {
    let rules = object
        .pointer("/spec/rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    rules
        .map(|rule| {
            let mut wishes = Wishes::new();
            for (list, inner, table) in [("from", "source", SOURCE), ("to", "operation", OPERATION)] {
                // One entry is enough; each has its turn by the die that chooses the pattern.
                for entry in rule.get(list).and_then(Value::as_array).into_iter().flatten() {
                    for (positive, negative, fact) in table {
                        for name in [positive, negative] {
                            let patterns = entry.get(inner).and_then(|entry| entry.get(*name));
                            wishes.extend(texts(patterns).map(|texts| (*fact, texts)));
                        }
                    }
                }
            }
            for condition in rule.get("when").and_then(Value::as_array).into_iter().flatten() {
                let key = condition.get("key").and_then(Value::as_str);
                let Some((_, fact)) = CONDITIONS.iter().find(|(own, _)| Some(*own) == key) else {
                    continue;
                };
                for name in ["values", "notValues"] {
                    wishes.extend(texts(condition.get(name)).map(|texts| (*fact, texts)));
                }
            }
            wishes
        })
        .collect()
}

fn texts(list: Option<&Value>) -> Option<Vec<&str>> {
    Some(list?.as_array()?.iter().filter_map(Value::as_str).collect())
}

/// Where a RequestAuthentication looks for tokens.
fn places(object: &Value) -> Vec<Place> {
    let mut places = Vec::new();
    for rule in object
        .pointer("/spec/jwtRules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let items = |name: &str| rule.get(name).and_then(Value::as_array).into_iter().flatten();
        for header in items("fromHeaders") {
            let text = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            places.push(Place::Header(text("name"), text("prefix")));
        }
        let texts = |name| items(name).filter_map(Value::as_str).map(str::to_owned);
        places.extend(texts("fromParams").map(Place::Param));
        places.extend(texts("fromCookies").map(Place::Cookie));
        places.push(Place::Param("access_token".to_owned()));
        places.push(Place::default());
    }
    places
}
