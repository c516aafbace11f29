//! Programs of the Mesh language out of nothing, over every construct that emits rules, for the pods of a world.

use std::fmt::Write as _;

use serde_json::Value;

use super::facts::Fact;
use super::policies::AUTHORIZERS;
use crate::envoy::Pod;
use crate::generate::Die;

/// A program for these pods, in a mesh of these settings. Not all of its lines need be correct.
pub(super) fn program(pods: &[Pod], settings: &Value, die: &mut Die) -> String {
    let mut out = String::new();
    mesh(settings, die, &mut out);
    issuers(die, &mut out);
    let _ = writeln!(out, "identity some-peers = {}", die.one(PEERS));
    let _ = writeln!(out, "identity some-networks = peer-ip {}", values(Fact::PeerIp, die));
    let _ = writeln!(out, "operation some-calls = {} or {}", terms(die), terms(die));
    let _ = writeln!(out, "operation asked-so = {} when {}", terms(die), condition(die));
    out.push_str("template twice(name) {\n");
    rule(die, &mut out, "    ");
    rule(die, &mut out, "    ");
    out.push_str("}\n");
    for namespace in ["foo", "bar"] {
        let _ = writeln!(out, "namespace {namespace} {{");
        wide(die, &mut out);
        for pod in pods.iter().filter(|pod| pod.namespace == namespace) {
            workload(pod, die, &mut out);
        }
        out.push_str("}\n");
    }
    out
}

fn mesh(settings: &Value, die: &mut Die, out: &mut String) {
    let text = |pointer: &str| settings.pointer(pointer).and_then(Value::as_str);
    let first = |pointer: &str| settings.pointer(pointer)?.get(0)?.as_str();
    out.push_str("mesh {\n    workload-label app\n");
    let normalization = text("/pathNormalization/normalization").filter(|option| *option != "DEFAULT");
    let facts = [
        ("trust-domain", text("/trustDomain").map(str::to_owned)),
        ("aliases", first("/trustDomainAliases").map(str::to_owned)),
        ("trusts", first("/caCertificates/0/trustDomains").map(str::to_owned)),
        (
            "normalization",
            normalization.map(|option| option.to_lowercase().replace('_', "-")),
        ),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            let _ = writeln!(out, "    {name} {value}");
        }
    }
    if settings.get("extensionProviders").is_some() {
        out.push_str("    provider by-grpc grpc\n    provider by-http http\n");
    }
    if die.once_in(2) {
        let _ = writeln!(out, "    mtls {}", die.one(MODES));
    }
    if die.once_in(4) {
        tokens(die, out);
    }
    if die.once_in(3) {
        rule(die, out, "    ");
    }
    out.push_str("}\n");
}

const MODES: &[&str] = &["strict", "permissive", "disable", "inherit"];

fn issuers(die: &mut Die, out: &mut String) {
    for (name, iss) in [("idp", "https://idp.test"), ("plain", "plain")] {
        let keys = die.one(&["main", "main", "other"]);
        let _ = write!(out, "issuer {name} {{ iss {iss} jwks \"${{jwks:{keys}}}\"");
        let more: &[(usize, &str)] = &[
            (4, " audiences shop, \"https://api.test/\""),
            (5, " from header x-token \"Tok \", param tok"),
            (6, " from cookie sess, header authorization \"Bearer \""),
            (4, " forward"),
            (4, " claim-headers x-claim=groups"),
            (3, " claims groups list"),
            (5, " claims groups words"),
        ];
        for (times, text) in more {
            let twice = text.starts_with(" from") && out.lines().last().is_some_and(|line| line.contains(" from "))
                || text.starts_with(" claims") && out.lines().last().is_some_and(|line| line.contains(" claims "));
            if die.once_in(*times) && !twice {
                out.push_str(text);
            }
        }
        out.push_str(" }\n");
    }
}

/// What the identity of peers stands for.
const PEERS: &[&str] = &[
    "ns foo",
    "sa foo/web, bar/batch",
    "principal *b",
    "outsider",
    "ns f* of *",
];

/// What holds in a namespace.
fn wide(die: &mut Die, out: &mut String) {
    if die.once_in(4) {
        let _ = writeln!(out, "    mtls {}", die.one(MODES));
    }
    if die.once_in(8) {
        out.push_str("    default deny\n");
    }
    if die.once_in(4) {
        tokens(die, out);
    }
    if die.once_in(3) {
        rule(die, out, "    ");
    }
}

fn tokens(die: &mut Die, out: &mut String) {
    let issuers = die.one(&["idp", "idp", "plain", "idp, plain"]);
    let _ = match die.below(5) {
        0 | 1 => writeln!(out, "    accept {issuers}"),
        2 => writeln!(out, "    require {issuers}"),
        3 => writeln!(out, "    require {issuers} on {}", what(die)),
        _ => writeln!(out, "    require {issuers} except {}", what(die)),
    };
}

fn workload(pod: &Pod, die: &mut Die, out: &mut String) {
    let _ = writeln!(out, "    workload {} {{", pod.name);
    if die.once_in(2) {
        let tier = pod.labels.get("tier").map(String::as_str).unwrap_or_default();
        let _ = writeln!(out, "        select app={} tier={tier}", pod.name);
    }
    let _ = writeln!(out, "        account {}", pod.account());
    let _ = writeln!(out, "        service {} 80, 5000, 7000", pod.name);
    out.push_str("        ports 80 http, 5000 tcp\n");
    if die.once_in(4) {
        let _ = writeln!(out, "        mtls {}", die.one(MODES));
    }
    if die.once_in(4) {
        let port = die.one(Fact::Port.patterns());
        let _ = writeln!(out, "        mtls {} on port {port}", die.one(MODES));
    }
    if die.once_in(2) {
        tokens(die, out);
    }
    for _ in 0..1 + die.below(4) {
        rule(die, out, "        ");
    }
    if die.once_in(6) {
        out.push_str("        apply twice(name: a)\n");
    }
    if die.once_in(12) {
        let _ = writeln!(out, "        {}default deny", die.one(&["", "dry-run "]));
    }
    if die.once_in(5) {
        let _ = writeln!(out, "        object gathered-{} {{", pod.name);
        rule(die, out, "            ");
        out.push_str("        }\n");
    }
    out.push_str("    }\n");
}

fn rule(die: &mut Die, out: &mut String, indent: &str) {
    let actions = [
        "allow",
        "allow",
        "allow",
        "allow",
        "deny",
        "deny",
        "audit",
        "dry-run deny",
        "dry-run allow",
    ];
    if die.once_in(12) {
        let _ = write!(out, "{indent}ask {} about", die.one(AUTHORIZERS));
    } else {
        let _ = write!(out, "{indent}{}", die.one(&actions));
    }
    let _ = write!(out, " {} to {}", who(die), what(die));
    if die.once_in(4) {
        let _ = write!(out, " when {}", condition(die));
    }
    if die.once_in(8) {
        out.push_str(" including tcp");
    }
    out.push('\n');
}

fn who(die: &mut Die) -> String {
    match die.below(13) {
        0 | 1 => "anyone".to_owned(),
        2 => format!("{} or {}", peer(die), peer(die)),
        3 => format!("{} except {}", peer(die), peer(die)),
        4 => format!("{} & {}", peer(die), peer(die)),
        5 => format!("{} via {}", user(die), peer(die)),
        6 => format!("{} from {}", peer(die), network(die)),
        7 => format!("{} via {} from {}", user(die), peer(die), network(die)),
        8 => format!("anyone except {}", network(die)),
        9 => format!("{} or {}", user(die), peer(die)),
        10 => user(die),
        11 => network(die),
        _ => peer(die),
    }
}

fn peer(die: &mut Die) -> String {
    let of = die.one(&["", "", "", "", " of td9", " of *", " of td2"]);
    match die.below(11) {
        0 => "any-peer".to_owned(),
        1 => "outsider".to_owned(),
        2 | 3 => format!("ns {}{of}", values(Fact::Namespace, die)),
        4 | 5 => format!(
            "sa {}{of}",
            some(
                &["foo/web", "bar/batch", "foo/we*", "*/web", "foo/*", "bar/web.v1"],
                die
            )
        ),
        6 => format!("principal {}", values(Fact::Principal, die)),
        7 => format!("trust-domain {}", values(Fact::TrustDomain, die)),
        8 => "some-peers".to_owned(),
        _ => die.one(&["foo/w1", "foo/w2", "bar/w1", "bar/w3"]).to_owned(),
    }
}

fn user(die: &mut Die) -> String {
    match die.below(7) {
        0 => "token".to_owned(),
        1 => format!("request-principal {}", values(Fact::RequestPrincipal, die)),
        2 => format!("(idp where {} and {})", claim(die), claim(die)),
        3 | 4 => format!("({} where {})", die.one(&["idp", "plain", "token"]), claim(die)),
        _ => die.one(&["idp", "plain", "idp, plain"]).to_owned(),
    }
}

fn claim(die: &mut Die) -> String {
    let (name, fact) = match die.below(7) {
        0 => ("sub", Fact::Claim(&["sub"])),
        1 => ("aud", Fact::Audience),
        2 => ("azp", Fact::Presenter),
        3 => ("scope", Fact::Claim(&["scope"])),
        4 => ("deep[er]", Fact::Claim(&["deep", "er"])),
        _ => ("groups", Fact::Claim(&["groups"])),
    };
    match die.below(6) {
        0 => format!("{name} {}", die.one(&["present", "absent"])),
        _ => format!(
            "{name} {} {}",
            die.one(&["=", "=", "!=", "has", "has", "lacks"]),
            values(fact, die)
        ),
    }
}

fn network(die: &mut Die) -> String {
    match die.below(5) {
        0 => "some-networks".to_owned(),
        1 | 2 => format!("client-ip {}", values(Fact::ClientIp, die)),
        _ => format!("peer-ip {}", values(Fact::PeerIp, die)),
    }
}

fn what(die: &mut Die) -> String {
    match die.below(9) {
        0 | 1 => "any".to_owned(),
        2 => format!("{} or {}", terms(die), terms(die)),
        3 => format!("any except {}", terms(die)),
        4 => format!("{} except {}", terms(die), terms(die)),
        5 => format!("any except ({} or {})", terms(die), terms(die)),
        6 => die.one(&["some-calls", "asked-so"]).to_owned(),
        _ => terms(die),
    }
}

fn terms(die: &mut Die) -> String {
    let mut terms = Vec::new();
    for _ in 0..1 + die.below(5) / 3 {
        terms.push(match die.below(10) {
            0 | 1 => format!("method {}", values(Fact::Method, die)),
            2..=4 => format!("path {}", values(Fact::Path, die)),
            5 => format!("host {}", values(Fact::Host, die)),
            6 => format!("authority {}", values(Fact::Host, die)),
            7 => format!("port {}", values(Fact::Port, die)),
            8 => format!("sni {}", values(Fact::Sni, die)),
            _ => match die.below(3) {
                0 => format!("grpc {}", some(&["p.S/M", "p.S/*", "p.*"], die)),
                1 => format!("dest-ip {}", values(Fact::DestinationIp, die)),
                _ => die.one(&["GET", "POST, PUT", "GET, HEAD"]).to_owned(),
            },
        });
    }
    terms.join(" ")
}

fn condition(die: &mut Die) -> String {
    let one = |die: &mut Die| {
        let name = die.one(&["x-a", "X-B", "x-claim", "authorization"]);
        match die.below(5) {
            0 => format!("header[{name}] {}", die.one(&["present", "absent"])),
            _ => format!(
                "header[{name}] {} {}",
                die.one(&["=", "=", "!="]),
                values(Fact::Header("x-a"), die)
            ),
        }
    };
    let first = one(die);
    match die.below(4) {
        0 => format!("{first} {} {}", die.one(&["and", "or"]), one(die)),
        _ => first,
    }
}

/// One to three values of a fact.
fn values(fact: Fact, die: &mut Die) -> String {
    some(fact.patterns(), die)
}

fn some(of: &[&str], die: &mut Die) -> String {
    let count = die.pick(&[1, 1, 1, 2, 3]);
    // The language has no empty values.
    let one = |_| Some(die.one(of)).filter(|text| !text.is_empty()).unwrap_or("*");
    let mut chosen: Vec<String> = (0..count).map(one).map(|text| Value::from(text).to_string()).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen.join(", ")
}
