//! Of modes, and of ages.

use super::*;
use crate::diagnostics::Diagnostic;
use crate::policy::effective::mtls::Said;
use crate::policy::{Meta, MtlsMode};

fn name(meta: &Meta) -> String {
    format!("`{}/{}`", meta.namespace.as_deref().unwrap_or_default(), meta.name)
}

pub(in super::super) fn oldest_wins(kind: &str, one: &Meta, other: &Meta) -> Diagnostic {
    let (winner, loser) = match (one.created, other.created) {
        (Some(a), Some(b)) if (b, &other.name) < (a, &one.name) => (other, one),
        _ => (one, other),
    };
    let known = one.created.is_some() && other.created.is_some();
    let message = if known {
        format!(
            "this {kind} is without effect where {} holds, only because it is newer",
            name(winner)
        )
    } else {
        format!(
            "this {kind} and {} are of one rank and say different things: the older one counts",
            name(winner)
        )
    };
    Diagnostic::new(&OLDEST_WINS, loser.origin, message)
        .secondary(winner.origin, "the other one is here")
        .help("say both in one object: a restored or re-created object is a newer one")
}

pub(in super::super) fn ignored_selector(meta: &Meta, root: &str) -> Diagnostic {
    let message = format!("Istio ignores a PeerAuthentication for selected pods in the root namespace `{root}`");
    Diagnostic::new(&IGNORED_SELECTOR, meta.origin, message).help("put it into the namespace of the pods")
}

pub(in super::super) fn accepts_plaintext(
    meta: &Meta,
    mode: MtlsMode,
    ports: &[u16],
    stricter: Option<&Said>,
) -> Diagnostic {
    let word = if mode == MtlsMode::Disable {
        "DISABLE"
    } else {
        "PERMISSIVE"
    };
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let place = if ports.is_empty() {
        String::new()
    } else {
        format!(" on port {}", ports.join(", "))
    };
    let message = match stricter {
        Some(said) => format!("{word}{place} weakens the STRICT of {}", said.by.object),
        None => format!("{word}{place} lets in callers without a certificate, from anywhere"),
    };
    let d = Diagnostic::new(&ACCEPTS_PLAINTEXT, meta.origin, message);
    match stricter {
        Some(said) => d.secondary(said.by.origin, "the wider mode is here"),
        None => d,
    }
    .help("write STRICT once every caller has a proxy")
}

pub(in super::super) fn inherits_nothing(meta: &Meta) -> Diagnostic {
    let message = "no mode is said here, and nothing wider says one: callers without a certificate are let in";
    Diagnostic::new(&ACCEPTS_PLAINTEXT, meta.origin, message).help("say the mode")
}
