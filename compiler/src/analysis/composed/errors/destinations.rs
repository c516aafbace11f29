//! Of the client's TLS.

use std::collections::BTreeSet;

use super::*;
use crate::diagnostics::Diagnostic;
use crate::policy::TlsMode;
use crate::policy::request::Reason;
use crate::source::Span;

/// The first of some names, and how many more there are.
fn some(names: &BTreeSet<String>) -> String {
    let first = names.first().map_or("", String::as_str);
    match names.len() {
        0 | 1 => first.to_owned(),
        len => format!("{first} and {} more", len - 1),
    }
}

pub(in super::super) fn tls_misfit(
    because: &[Reason],
    why: &str,
    outcome: &str,
    (clients, services): (&BTreeSet<String>, &BTreeSet<String>),
) -> Option<Diagnostic> {
    let (first, rest) = because.split_first()?;
    let outcome = if outcome == "reset" {
        "is reset".to_owned()
    } else {
        format!("ends in {outcome}")
    };
    let message = format!("{} to {} {outcome}: {why}", some(clients), some(services));
    let d = Diagnostic::new(&TLS_MISFIT, first.origin, message);
    let d = rest.iter().fold(d, |d, reason| {
        d.secondary(reason.origin, "the server's mode is set here")
    });
    Some(d.help("make both halves say the same, or leave `tls` out so that the proxies agree by themselves"))
}

pub(in super::super) fn port_drops_tls(span: Span, ports: &[u16], mode: TlsMode) -> Diagnostic {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let word = match mode {
        TlsMode::Disable => "DISABLE",
        TlsMode::Simple => "SIMPLE",
        TlsMode::Mutual => "MUTUAL",
        TlsMode::IstioMutual => "ISTIO_MUTUAL",
    };
    let message = format!(
        "settings of a port replace those of the host, so port {} is without its {word}",
        ports.join(", ")
    );
    Diagnostic::new(&PORT_DROPS_TLS, span, message).help("repeat `tls` in the settings of the port")
}

pub(in super::super) fn credential_unused(span: Span, host: &str) -> Diagnostic {
    let message = format!("only gateways fetch `credentialName`: sidecars speak plaintext to `{host}`");
    Diagnostic::new(&CREDENTIAL_UNUSED, span, message)
        .help("add a `workloadSelector`, or let an egress gateway speak TLS")
}

pub(in super::super) fn unverified_server(span: Span, skipped: bool) -> Diagnostic {
    let message = if skipped {
        "the server's certificate is not looked at (`insecureSkipVerify`)"
    } else {
        "nothing says who must have signed the server's certificate, or whose it must be"
    };
    Diagnostic::new(&UNVERIFIED_SERVER, span, message)
        .help("name `caCertificates` or `credentialName`, and `subjectAltNames`")
}

pub(in super::super) fn subset_tls(span: Span, subset: &str) -> Diagnostic {
    let message = format!("the TLS of the subset `{subset}` holds only for traffic that a VirtualService sends to it");
    Diagnostic::new(&SUBSET_TLS, span, message)
        .help("put it into the `trafficPolicy` of the host, if all traffic is meant")
}

pub(in super::super) fn misplaced_destination(span: Span, home: &str, owner: &str) -> Diagnostic {
    let message = format!(
        "clients look in their own namespace, in `{owner}` and in the root namespace: in `{home}` only its own clients find this"
    );
    Diagnostic::new(&MISPLACED_DESTINATION, span, message).help(format!("put it into `{owner}`"))
}

pub(in super::super) fn hides_tls(span: Span, hidden: Span, home: &str) -> Diagnostic {
    let message = format!("for clients in `{home}` this replaces the service's own rule whole, its TLS too");
    Diagnostic::new(&HIDES_TLS, span, message)
        .secondary(hidden, "the TLS that is left out")
        .help("repeat `tls` here")
}

pub(in super::super) fn unknown_host(span: Span, host: &str, full: &str, meant: &str) -> Diagnostic {
    let message = format!("`{host}` means `{full}`, and the Service of that name is `{meant}`");
    Diagnostic::new(&UNKNOWN_HOST, span, message).help(format!("write `{meant}`"))
}
