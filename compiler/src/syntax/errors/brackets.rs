//! Braces and nesting.

use super::{NESTED_TOO_DEEP, STRAY_BRACE, UNCLOSED_BRACE};
use crate::diagnostics::{Applicability, Diagnostic, Fix};
use crate::source::Span;

pub(crate) fn unclosed_brace(brace: Span, head: Span, end: Span) -> Diagnostic {
    let found = Diagnostic::new(&UNCLOSED_BRACE, brace, "this block is never closed")
        .secondary(end, "a `}` for it seems to be missing here")
        .help("close it with `}`");
    if head == brace {
        found
    } else {
        found.secondary(head, "the block")
    }
}

pub(crate) fn stray_brace(span: Span) -> Diagnostic {
    Diagnostic::new(&STRAY_BRACE, span, "this `}` closes nothing")
        .help("remove it, or open the block that it was meant to close")
        .fix(Fix::replace("remove the `}`", span, "", Applicability::Suggestion))
}

pub(crate) fn nested_too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(
        &NESTED_TOO_DEEP,
        span,
        "brackets and blocks nest at most 64 deep, and this is the 65th",
    )
    .help("give a part of the expression a name with `identity` or `operation`")
}
