//! Of tokens.

use super::*;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(in super::super) fn token_optional(span: Span, place: &str, witness: &str) -> Diagnostic {
    let message = format!("tokens are checked and none is asked for: {witness} is admitted at {place} without one");
    Diagnostic::new(&TOKEN_OPTIONAL, span, message)
        .help("refuse requests without a token (DENY with `notRequestPrincipals: [\"*\"]`), or admit by tokens only")
}

pub(in super::super) fn any_audience(span: Span, issuer: Option<&str>) -> Diagnostic {
    let of = issuer.map(|issuer| format!(" of `{issuer}`")).unwrap_or_default();
    let message = format!("a token{of} is taken whomever it was made for");
    Diagnostic::new(&ANY_AUDIENCE, span, message).help("list the `audiences` that are yours")
}

pub(in super::super) fn issuer_twice(span: Span, first: Span, issuer: &str, place: &str) -> Diagnostic {
    let message = format!("`{issuer}` has other keys elsewhere, and at {place} tokens of either are taken");
    Diagnostic::new(&ISSUER_TWICE, span, message)
        .secondary(first, "the other keys are here")
        .help("keep one rule for an issuer")
}

pub(in super::super) fn token_never_read(span: Span, place: &str, refuses: bool) -> Diagnostic {
    let message = if refuses {
        format!("nothing reads tokens at {place}, so this rule refuses every request")
    } else {
        format!("nothing reads tokens at {place}, so this rule matches no request")
    };
    Diagnostic::new(&TOKEN_NEVER_READ, span, message)
        .help("add a RequestAuthentication for the same workloads, or `accept` the issuer there")
}

pub(in super::super) fn unknown_issuer(span: Span, value: &str, issuer: &str, near: Option<&str>) -> Diagnostic {
    let message = if value == issuer {
        format!("no token of `{issuer}` is taken here")
    } else {
        format!(
            "`{value}` means the issuer `{issuer}`, what stands before the last `/`, and no token of it is taken here"
        )
    };
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name an issuer of the RequestAuthentication, or test the claim `iss`".to_owned(),
    };
    Diagnostic::new(&UNKNOWN_ISSUER, span, message).help(help)
}

pub(in super::super) fn keys_in_clear(span: Span, uri: &str) -> Diagnostic {
    let message = format!("the keys of this issuer come from `{uri}`, where anybody on the way can put others");
    Diagnostic::new(&KEYS_IN_CLEAR, span, message).help("fetch them by https")
}

pub(in super::super) fn token_taken(span: Span, gateway: &str, behind: &str) -> Diagnostic {
    let message = format!("{gateway} takes the token out of the request, and {behind} asks for it");
    Diagnostic::new(&TOKEN_TAKEN, span, message).help("write `forwardOriginalToken: true`, or `forward` at the issuer")
}
