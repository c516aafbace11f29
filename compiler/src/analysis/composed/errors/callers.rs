//! Of callers.

use std::collections::BTreeSet;

use super::*;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(in super::super) fn any_trust_domain(span: Span, partner: &str, witness: &str, place: &str) -> Diagnostic {
    let message =
        format!("callers of `{partner}` are admitted too, by their names there: {witness} is admitted at {place}");
    Diagnostic::new(&ANY_TRUST_DOMAIN, span, message)
        .help("write `principals` with the trust domain, or `trustDomains` besides")
}

pub(in super::super) fn shared_account(span: Span, account: &str, holders: &BTreeSet<String>) -> Diagnostic {
    let holders: Vec<&str> = holders.iter().map(String::as_str).collect();
    let message = format!("the account `{account}` is that of {}", holders.join(", "));
    Diagnostic::new(&SHARED_ACCOUNT, span, message)
        .help("give each workload an account of its own, if not all of them are meant")
}

pub(in super::super) fn caller_is_gateway(span: Span, gateway: &str, place: &str) -> Diagnostic {
    let message = format!("whoever comes through {gateway} has its identity, so this admits them all to {place}");
    Diagnostic::new(&CALLER_IS_GATEWAY, span, message).help("ask for a token, a host or a path besides")
}

pub(in super::super) fn caller_outside_mesh(span: Span, account: &str, pods: &str) -> Diagnostic {
    let message = format!("the pods of the account `{account}`, such as {pods}, have no proxy, so they never show it");
    Diagnostic::new(&CALLER_OUTSIDE_MESH, span, message)
        .help("bring them into the mesh, or admit them by address on a port that takes plaintext")
}
