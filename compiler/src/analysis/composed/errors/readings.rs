//! Of values, and of how rules are read.

use super::*;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(in super::super) fn odd_value(span: Span, what: &str, value: &str, why: &str) -> Diagnostic {
    let message = format!("no request has the {what} `{value}`: {why}");
    let help = match what {
        "principal" => "write `cluster.local/ns/NAMESPACE/sa/ACCOUNT`, or use `namespaces` and `serviceAccounts`",
        "path" => "write a path, one with `*` at its end, or a template such as `/a/{*}/b`",
        "claim" => "test a claim that is a text, or leave the times of a token to the proxy",
        _ => "write the value as requests have it, with one `*` at one end at most",
    };
    Diagnostic::new(&ODD_VALUE, span, message).help(help)
}

pub(in super::super) fn odd_method(span: Span, method: &str, near: Option<&str>) -> Diagnostic {
    let message = format!("`{method}` is no method of HTTP, and methods are compared letter by letter");
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a call of gRPC is a POST to `/package.Service/Method`, so test the path".to_owned(),
    };
    Diagnostic::new(&ODD_METHOD, span, message).help(help)
}

pub(in super::super) fn split_rule(span: Span, first: Span) -> Diagnostic {
    let message = "this and the rule before it are two rules, and a request needs to match only one of them";
    Diagnostic::new(&SPLIT_RULE, span, message)
        .secondary(first, "the other rule")
        .help("if both were meant to hold, write `from` and `to` in one list item, with one dash")
}

pub(in super::super) fn joint_exceptions(span: Span, passes: &str, refused: &str, place: &str) -> Diagnostic {
    let message = format!("one exception is enough to pass: {passes} is admitted at {place}, and {refused} is not");
    Diagnostic::new(&JOINT_EXCEPTIONS, span, message).help("write a rule for each thing that is forbidden by itself")
}

pub(in super::super) fn loose_deny(span: Span, path: &str, passing: &[&String], place: &str) -> Diagnostic {
    let passing: Vec<String> = passing.iter().map(|path| format!("`{path}`")).collect();
    let message = format!("`{path}` is refused and {} admitted at {place}", passing.join(", "));
    Diagnostic::new(&LOOSE_DENY, span, message)
        .help("if the application takes them for the same, admit by a list of paths instead of refusing some")
}

pub(in super::super) fn host_spelling(span: Span, host: &str, other: &str, deny: bool, place: &str) -> Diagnostic {
    let message = if deny {
        format!("the host `{host}` is refused at {place}, and the same host as `{other}` is admitted")
    } else {
        format!("the host `{host}` is admitted at {place}, and the same host as `{other}` is refused")
    };
    let help = if other.starts_with(&format!("{host}:")) {
        format!("write `{host}:*` as well")
    } else {
        format!("write `{other}` as well, or select the workload and leave the host out")
    };
    Diagnostic::new(&HOST_SPELLING, span, message).help(help)
}

pub(in super::super) fn client_set_header(span: Span, header: &str, witness: &str, place: &str) -> Diagnostic {
    let message = format!("every caller can set the header `{header}`: {witness} is admitted at {place}");
    Diagnostic::new(&CLIENT_SET_HEADER, span, message).help("ask for an identity or a token besides")
}

pub(in super::super) fn dotted_claim(span: Span, key: &str, name: &str) -> Diagnostic {
    let nested: String = name.split('.').map(|part| format!("[{part}]")).collect();
    let message = format!("`{key}` is the claim whose name is `{name}`, and leads into no object");
    Diagnostic::new(&DOTTED_CLAIM, span, message).help(format!("for a claim in a claim, write `{nested}`"))
}
