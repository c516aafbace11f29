//! Of what is spoken on a port.

use std::collections::BTreeSet;

use super::*;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(in super::super) fn closed_port(span: Span, ports: &[String]) -> Diagnostic {
    let more = match ports.len() {
        0 | 1 => String::new(),
        len => format!(", and to {} more", len - 1),
    };
    let first = ports.first().map_or("", String::as_str);
    let message = format!("since this policy no rule admits anybody to {first}{more}");
    Diagnostic::new(&CLOSED_PORT, span, message).help("add an ALLOW rule for what is meant to stay open there")
}

pub(in super::super) fn allow_on_tcp(span: Span, ports: &BTreeSet<u16>, place: &str) -> Diagnostic {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let message = format!(
        "this rule admits nobody: port {} of {place} speaks TCP, where a rule about HTTP is left out",
        ports.join(", ")
    );
    Diagnostic::new(&HTTP_ON_TCP, span, message).help("ask for identities, addresses or server names only")
}

pub(in super::super) fn deny_on_tcp(span: Span, closed: &[String]) -> Diagnostic {
    let more = match closed.len() {
        0 | 1 => String::new(),
        len => format!(" and {} more", len - 1),
    };
    let first = closed.first().map_or("", String::as_str);
    let message = format!(
        "this rule refuses every connection to {first}{more}, because there is no HTTP there to tell them apart"
    );
    Diagnostic::new(&HTTP_ON_TCP, span, message).help("name the HTTP ports that are meant in `to.operation.ports`")
}

pub(in super::super) fn unknown_protocol(span: Span, port: &str, more: usize, said: Span) -> Diagnostic {
    let more = if more == 0 {
        String::new()
    } else {
        format!(", and of {more} more")
    };
    let message = format!(
        "nobody names the protocol of {port}{more}, so whether this rule holds there depends on the first bytes"
    );
    Diagnostic::new(&UNKNOWN_PROTOCOL, span, message)
        .secondary(said, "this port")
        .help("name the port of the Service `http-…`, or write `appProtocol: http`")
}
