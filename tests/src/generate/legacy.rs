//! Programs for Istio 1.4, whose authentication API was another one.

use std::fmt::Write as _;

use super::{Die, text};

/// The program of this seed for Istio 1.4.
#[must_use]
pub fn program(seed: u64) -> String {
    let mut die = Die::new(seed);
    let mut out = String::from("mesh {\n    root istio-system\n");
    if die.once_in(3) {
        out.push_str("    client-tls explicit\n");
    }
    wide(&mut die, &mut out);
    out.push_str("}\n");
    for (name, more) in [("corp", ""), ("partner", " audiences app"), ("inline", "")] {
        let keys = match name {
            "inline" => "jwks \"{\\\"keys\\\": []}\"".to_owned(),
            _ => format!("jwks-uri https://{name}.example.com/keys"),
        };
        let _ = writeln!(
            out,
            "issuer {name} {{ iss https://{name}.example.com {keys}{more} forward"
        );
        if die.once_in(3) {
            let _ = writeln!(
                out,
                "    from {}",
                die.one(&["header x-token", "header X-Goog-Assertion", "param token"])
            );
        }
        out.push_str("}\n");
    }
    for (namespace, workloads) in [("shop", &["web", "api", "queue"][..]), ("data", &["db"])] {
        let _ = writeln!(out, "namespace {namespace} {{");
        if die.once_in(2) {
            wide(&mut die, &mut out);
        }
        for name in workloads {
            workload(&mut die, &mut out, name);
        }
        out.push_str("}\n");
    }
    out
}

/// What holds for a mesh or a namespace.
fn wide(die: &mut Die, out: &mut String) {
    if !die.once_in(3) {
        let _ = writeln!(out, "    mtls {}", die.one(MODES));
    }
    // What is demanded here meets what workloads demand, and the legacy API cannot say both.
    if die.once_in(12) {
        token(die, out);
    }
}

const MODES: &[&str] = &["strict", "permissive", "disable"];

fn workload(die: &mut Die, out: &mut String, name: &str) {
    let _ = writeln!(
        out,
        "    workload {name} {{\n    select app={name}\n    account {name}\n    service {name} 80:8080, 9090\n    ports 8080 http, 9090 http"
    );
    let gathered = die.once_in(3);
    if gathered {
        let _ = writeln!(out, "    object {name}-{} {{", die.one(&["a", "b"]));
    }
    let mode = die.one(&["strict", "permissive", "disable", ""]);
    if !mode.is_empty() {
        let _ = writeln!(out, "    mtls {mode}");
    }
    if die.once_in(5) && !gathered {
        let _ = writeln!(out, "    mtls {} on port 9090", die.one(MODES));
    }
    let asks = die.once_in(2);
    if asks {
        token(die, out);
    }
    let mut items = vec!["peer-token inline"];
    if ["strict", "permissive"].contains(&mode) {
        items.extend(["peer-optional", "allow-tls"]);
    }
    if asks {
        items.push("bind-peer");
    }
    for item in items {
        if die.once_in(5) {
            let _ = writeln!(out, "    legacy {item}");
        }
    }
    if gathered {
        out.push_str("    }\n");
    }
    if die.once_in(3) {
        let caller = die.one(&["shop/web", "any-peer", "ns data", "corp"]);
        let _ = writeln!(
            out,
            "    allow {caller} to {}",
            die.one(&["GET", "/a/*", "any", "port 8080"])
        );
    }
    out.push_str("    }\n");
}

fn token(die: &mut Die, out: &mut String) {
    let issuers = die.one(&["corp", "corp", "partner", "corp, partner"]);
    if die.once_in(4) {
        let _ = writeln!(out, "    accept {issuers}");
        return;
    }
    let _ = write!(out, "    require {issuers}");
    for part in ["on", "except"] {
        if die.once_in(2) {
            let _ = write!(out, " {part} {}", path(die));
        }
    }
    out.push('\n');
}

fn path(die: &mut Die) -> String {
    match die.below(3) {
        0 => format!("path-regex {}", text(die)),
        1 => format!("path {}", text(die)),
        _ => die.some(&["/", "/a", "/a/*", "/b/*", "/user-agent", "/012"]),
    }
}
