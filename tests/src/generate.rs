//! Programs out of nothing: each seed is one. They say things that nobody would think of together, and most are correct.

pub mod legacy;

use std::fmt::Write as _;

use crate::hostile;

/// A die that always falls the same way for the same seed (SplitMix64).
pub struct Die(u64);

impl Die {
    /// A die for this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end).unwrap_or(1)).unwrap_or(0)
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    /// One of these values.
    pub fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    /// One to three of these, as a comma list.
    fn some(&mut self, of: &[&str]) -> String {
        let count = 1 + self.below(3);
        let mut chosen: Vec<_> = (0..count).map(|_| self.one(of)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen.join(", ")
    }
}

/// The program of this seed.
#[must_use]
pub fn program(seed: u64) -> String {
    let mut die = Die::new(seed);
    let mut out = String::new();
    mesh(&mut die, &mut out);
    out.push_str("issuer corp {\n    iss https://id.example.com\n    jwks-uri https://id.example.com/keys\n");
    out.push_str("    claims groups list, tenant string\n}\nissuer other { iss \"https://o.example/a b\" }\n");
    for (name, workloads) in NAMESPACES {
        namespace(&mut die, &mut out, name, workloads);
    }
    out
}

const NAMESPACES: &[(&str, &[&str])] = &[("shop", &["web", "api", "queue"]), ("data", &["db"])];

fn mesh(die: &mut Die, out: &mut String) {
    out.push_str("mesh {\n    root istio-system\n    workload-label app\n    provider ext http\n");
    if die.once_in(3) {
        out.push_str("    trusts partner.example\n");
    }
    if die.once_in(4) {
        out.push_str("    aliases old.local\n");
    }
    if die.once_in(2) {
        let _ = writeln!(out, "    mtls {}", die.one(MODES));
    }
    if die.once_in(15) {
        out.push_str("    dataplane ambient\n    waypoint * { default deny }\n");
    }
    if die.once_in(5) {
        rules(die, out, &["deny", "allow"]);
    }
    out.push_str("}\n");
}

const MODES: &[&str] = &["strict", "permissive", "disable", "strict", "inherit"];

fn namespace(die: &mut Die, out: &mut String, name: &str, workloads: &[&str]) {
    if die.once_in(3) {
        let _ = writeln!(
            out,
            "## What {name} is for: \"{}\".",
            die.one(&["everything", "it's *", "a: b # c", "{}"])
        );
    }
    let _ = writeln!(out, "namespace {name} {{");
    if die.once_in(3) {
        out.push_str("    default deny\n");
    }
    if die.once_in(4) {
        let _ = writeln!(out, "    mtls {}", die.one(MODES));
    }
    for (port, workload) in (8080..).zip(workloads) {
        let _ = writeln!(out, "    workload {workload} {{\n    account {workload}");
        let _ = writeln!(
            out,
            "    ports {port} http, {} tcp\n    service {workload} 80:{port}",
            port + 1000
        );
        if die.once_in(3) {
            let _ = writeln!(out, "    mtls {} on port {port}", die.one(&["permissive", "disable"]));
        }
        if die.once_in(2) {
            let _ = writeln!(
                out,
                "    {} corp{}",
                die.one(&["accept", "require"]),
                die.one(&["", ", other"])
            );
        }
        rules(
            die,
            out,
            &["allow", "allow", "deny", "audit", "dry-run allow", "dry-run deny"],
        );
        out.push_str("    }\n");
    }
    others(die, out, name);
    out.push_str("}\n");
}

/// What stands in a namespace beside its workloads.
fn others(die: &mut Die, out: &mut String, name: &str) {
    if die.once_in(4) {
        let select = die.one(&["select istio=gw trusted-proxies 1", ""]);
        let _ = writeln!(out, "    gateway edge {{ {select} account edge ports 8443 https");
        let _ = writeln!(out, "    {} corp", die.one(&["accept", "require"]));
        rules(die, out, &["allow", "deny", "audit"]);
        out.push_str("    }\n");
    }
    if die.once_in(4) {
        let target = die.one(&[
            "waypoint way",
            "service front",
            "service front, service back",
            "service-entry out",
        ]);
        let _ = writeln!(out, "    {target} {{");
        if die.once_in(2) {
            out.push_str("    require corp\n");
        }
        rules(die, out, &["allow", "deny"]);
        out.push_str("    }\n");
    }
    if die.once_in(4) {
        let _ = writeln!(out, "    object gathered-{name} {{");
        out.push_str("    metadata annotation example.com/note=\"yes\" metadata label tier=\"1e3\"\n");
        let _ = writeln!(out, "    allow {} to {}\n    }}", peer(die), what(die));
    }
    if die.once_in(3) {
        let host = die.one(&["*.example.com", "api.shop.svc.cluster.local", "db.example.com"]);
        let mode = die.one(&["simple", "disable", "istio-mutual"]);
        let _ = writeln!(out, "    destination {host} {{ tls {mode}{} }}", destination(die, mode));
    }
}

fn destination(die: &mut Die, mode: &str) -> String {
    let mut more = String::new();
    if mode == "simple" && die.once_in(2) {
        let _ = write!(
            more,
            " {{ sni {} san {} }}",
            text(die),
            die.some(&["a.example", "b.example", "\"*.c\""])
        );
    }
    if die.once_in(3) {
        more.push_str(" tls disable on port 80, 8080");
    }
    if die.once_in(3) {
        let _ = write!(
            more,
            " subset v1 {{ select version=\"{}\" tls istio-mutual }}",
            die.one(&["1", "v1", "on"])
        );
    }
    if die.once_in(3) {
        let _ = write!(more, " {}", die.one(&["export-to .", "export-to *", "clients app=web"]));
    }
    more
}

fn rules(die: &mut Die, out: &mut String, actions: &[&str]) {
    for _ in 0..die.below(4) {
        let action = die.one(actions);
        let _ = write!(out, "    {action} {} to {}", who(die), what(die));
        if die.once_in(5) {
            let _ = write!(out, " when {}", condition(die));
        }
        out.push('\n');
    }
    if die.once_in(8) {
        let _ = writeln!(out, "    ask ext about anyone to {}", what(die));
    }
}

fn who(die: &mut Die) -> String {
    match die.below(9) {
        0 => "anyone".to_owned(),
        1 => format!("{} or {}", peer(die), peer(die)),
        2 => format!("{} except {}", peer(die), peer(die)),
        3 => format!("{} via {}", user(die), peer(die)),
        4 => format!("{} via {} from {}", user(die), peer(die), network(die)),
        5 => format!("anyone except {}", network(die)),
        6 => user(die),
        7 => network(die),
        _ => peer(die),
    }
}

fn peer(die: &mut Die) -> String {
    match die.below(8) {
        0 => "any-peer".to_owned(),
        1 => "outsider".to_owned(),
        2 => format!("ns {}", die.some(&["a", "b-*", "*-c", "data"])),
        3 => format!("sa {}", die.some(&["a/x", "a/y-*", "*/z", "data/db"])),
        4 => format!(
            "principal {}",
            die.some(&["cluster.local/ns/a/sa/b", "other/*", "*/sa/q"])
        ),
        5 => format!("sa a/x of {}", die.one(&["partner.example", "*"])),
        _ => die.some(&["shop/web", "shop/api", "data/db"]),
    }
}

fn user(die: &mut Die) -> String {
    match die.below(4) {
        0 => "token".to_owned(),
        1 => format!("(corp where groups {} {})", die.one(&["has", "lacks"]), text(die)),
        2 => format!("(corp where tenant {} {})", die.one(&["=", "!="]), text(die)),
        _ => die.one(&["corp", "other", "corp, other"]).to_owned(),
    }
}

fn network(die: &mut Die) -> String {
    let blocks = die.some(&["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1"]);
    format!("{} {blocks}", die.one(&["peer-ip", "client-ip"]))
}

fn what(die: &mut Die) -> String {
    match die.below(6) {
        0 => "any".to_owned(),
        1 => format!("{} or {}", terms(die), terms(die)),
        2 => format!("any except {}", terms(die)),
        _ => terms(die),
    }
}

fn terms(die: &mut Die) -> String {
    let mut terms = Vec::new();
    if die.once_in(2) {
        terms.push(die.some(&["GET", "POST", "PUT", "DELETE"]));
    }
    if die.once_in(2) {
        terms.push(die.some(&["/", "/a", "/a/*", "/x/{*}/y", "/z/{**}", "/012"]));
    }
    if die.once_in(5) {
        terms.push(format!(
            "host {}",
            die.some(&["a.example", "*.b.example", "c.example:8443"])
        ));
    }
    if die.once_in(6) {
        terms.push(format!("port {}", die.some(&["8080", "8081", "443"])));
    }
    if die.once_in(9) || terms.is_empty() {
        terms.push(format!("path {}", text(die)));
        terms.retain(|term| !term.starts_with('/'));
    }
    terms.join(" ")
}

fn condition(die: &mut Die) -> String {
    let header = die.one(&["x-a", "range", "X-Long-Name"]);
    match die.below(4) {
        0 => format!("header[{header}] {}", die.one(&["present", "absent"])),
        1 => format!("header[{header}] = {} and header[x-b] != {}", text(die), text(die)),
        _ => format!("header[{header}] {} {}", die.one(&["=", "!="]), text(die)),
    }
}

/// A string of the language, now and then a nasty one.
fn text(die: &mut Die) -> String {
    let mut value = die
        .one(&["a", "yes", "012", "1e3", "12:30", "null", "a b", "#x", "- a", "é"])
        .to_owned();
    if die.once_in(12) {
        let strings = hostile::strings();
        value = strings.get(die.below(strings.len())).cloned().unwrap_or_default();
    }
    let quoted = serde_json::Value::String(value).to_string();
    quoted.replace('*', "\\*").replace("${", "$${")
}
