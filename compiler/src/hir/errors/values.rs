//! Values: of the wrong form, empty, or a list where one is needed.

use super::*;
use crate::diagnostics::suggest::nearest;
use crate::diagnostics::{Applicability, Diagnostic, Fix};
use crate::source::Span;
use crate::syntax::ast::Name;

pub(in crate::hir) fn list_for_one(name: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(
        &LIST_FOR_ONE,
        span,
        format!("the parameter `{}` is a list, and one value is needed here", name.text),
    )
    .help("use a parameter with one value, or write the parameter where a list may stand")
}

pub(in crate::hir) fn empty_test(name: &str, span: Span) -> Diagnostic {
    let message = format!("the test \"{name}\" has no line, so it holds whatever the policy says");
    Diagnostic::new(&EMPTY_VALUE, span, message).help("ask something in it: `CALLER to REQUEST expect OUTCOME`")
}

pub(in crate::hir) fn empty_list(span: Span) -> Diagnostic {
    Diagnostic::new(
        &EMPTY_VALUE,
        span,
        "a list must not be empty: to Istio an empty list means anyone",
    )
    .help("give it a value, or leave out what it would restrict and say so")
}

pub(in crate::hir) fn empty_value(what: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&EMPTY_VALUE, span, format!("{what} must not be empty"))
}

pub(in crate::hir) fn unknown_word<'w>(
    text: &str,
    span: Span,
    what: &str,
    words: impl Iterator<Item = &'w str>,
) -> Diagnostic {
    let words: Vec<&str> = words.collect();
    let diagnostic = Diagnostic::new(&UNKNOWN_WORD, span, format!("`{text}` is not {what}"));
    let list = words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
    let diagnostic = diagnostic.help(format!("write one of {list}"));
    // Where a parameter brought the word, its use is not what is wrong.
    let spelt_here = span.range().len() == text.len();
    match nearest(text, words.iter().copied()).filter(|_| spelt_here) {
        Some(near) => diagnostic.fix(Fix::replace(
            format!("write `{near}`"),
            span,
            near,
            Applicability::Suggestion,
        )),
        None => diagnostic,
    }
}

pub(in crate::hir) fn invalid_port(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_PORT, span, format!("`{text}` is no port")).help("write a number from 1 to 65535")
}

pub(in crate::hir) fn invalid_number(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_SETTING, span, format!("`{text}` is no number")).help("write a whole number, such as `1`")
}

pub(in crate::hir) fn invalid_address(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_ADDRESS,
        span,
        format!("`{text}` is neither an address nor a network"),
    )
    .help("write an address such as `10.0.0.1`, or a network such as `10.0.0.0/8` or `2001:db8::/32`")
}

pub(in crate::hir) fn invalid_name(text: &str, span: Span, what: &str, dots: bool) -> Diagnostic {
    let rule = if dots {
        "lower-case letters, digits, `-` and `.` between them, at most 253 characters"
    } else {
        "lower-case letters, digits and `-` between them, at most 63 characters"
    };
    Diagnostic::new(&INVALID_NAME, span, format!("`{text}` cannot be the name of {what}")).help(format!("use {rule}"))
}

pub(in crate::hir) fn invalid_label(text: &str, span: Span, part: &str) -> Diagnostic {
    let rule = match part {
        "key" => "a name of at most 63 characters, and before it, if any, a domain and a slash",
        _ => "at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
    };
    Diagnostic::new(
        &INVALID_LABEL,
        span,
        format!("`{text}` cannot be the {part} of a label"),
    )
    .help(format!("use {rule}"))
}

pub(in crate::hir) fn reserved_key(key: &str, span: Span) -> Diagnostic {
    let message = format!("`{key}` is written by the compiler itself");
    let help = match key {
        "istio.io/dry-run" => "write `dry-run` before the rule",
        "kubernetes.io/description" => "write a doc comment: `## …`",
        _ => "leave it out",
    };
    Diagnostic::new(&RESERVED_NAME, span, message).help(help)
}

pub(in crate::hir) fn misplaced_star(text: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        &MISPLACED_STAR,
        span,
        format!("Istio would take a star of `{text}` literally"),
    );
    let diagnostic = diagnostic.help("put one star at the beginning or at the end, or write `*` alone");
    if text.starts_with('/') {
        diagnostic.help("for one segment of a path write `{*}`, for any rest of it `{**}`")
    } else {
        diagnostic.help("quote the text and write `\\*` if a literal star is meant")
    }
}

pub(in crate::hir) fn literal_star_at_edge(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &LITERAL_STAR,
        span,
        format!("Istio has no way to take the star of `{text}` literally here"),
    )
    .help("match more, with a wildcard, or leave the value out")
}

pub(in crate::hir) fn invalid_path_template(text: &str, span: Span, why: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_PATH_TEMPLATE,
        span,
        format!("`{text}` is no path that a proxy takes: {why}"),
    )
    .help("write whole segments: `/a/{*}/b` for one segment, `/a/{**}` for any rest")
}

pub(in crate::hir) fn bracket_in_key(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_SETTING,
        span,
        format!("Istio cannot name `{text}`: brackets are its own sign"),
    )
}

pub(in crate::hir) fn invalid_header(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_SETTING,
        span,
        format!("`{text}` cannot be the name of a header"),
    )
    .help("use letters, digits, `-` and `_`")
}

pub(in crate::hir) fn filter_name(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_SETTING,
        span,
        format!("`{text}` is no filter whose metadata Istio reads"),
    )
    .help("write a name that starts with `envoy.filters.`")
}

pub(in crate::hir) fn grpc_form(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_SETTING, span, format!("`{text}` is no gRPC method"))
        .help("write `package.Service/Method`, or `package.Service/*` for all of a service")
}

pub(in crate::hir) fn invalid_host(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_SETTING,
        span,
        format!("`{text}` is no host that a DestinationRule takes"),
    )
    .help("write a DNS name such as `web.shop.svc.cluster.local`; a star stands only in its first label, and no port")
}

pub(in crate::hir) fn invalid_trust_domain(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_IDENTITY, span, format!("`{text}` is no trust domain"))
        .help("write `principal` for a whole identity, `sa` or `ns` for a part of it")
}

pub(in crate::hir) fn spiffe_prefix(text: &str, span: Span) -> Diagnostic {
    let rest = text.trim_start_matches("spiffe://");
    Diagnostic::new(
        &INVALID_IDENTITY,
        span,
        "Istio's principals are written without `spiffe://`, so this matches nobody",
    )
    .help(format!("write `{rest}`"))
    .fix(Fix::replace(
        format!("write `{rest}`"),
        span,
        rest,
        Applicability::Automatic,
    ))
}
