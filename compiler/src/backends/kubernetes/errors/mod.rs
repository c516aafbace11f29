//! What can be wrong with facts: its code, its page, and the one place that words it.

use crate::diagnostics::Diagnostic;
use crate::diagnostics::code::codes;
use crate::source::Span;

codes! {
    CONTRADICTED_FACT Error "E0540" "contradicted-fact" "contradicted_fact.md"
        "A manifest contradicts a fact that the program states.";
    UNREAD_FACT Warning "W0541" "unread-fact" "unread_fact.md"
        "A manifest says a fact in a form that a cluster does not take.";
}

/// Whether a finding says that a manifest contradicts the program.
#[must_use]
pub fn is_contradiction(finding: &Diagnostic) -> bool {
    finding.code.id == CONTRADICTED_FACT.id
}

/// `what` says the fact, with its subject; `said` and `other` are its two values.
pub(super) fn contradicted_fact(place: Span, what: &str, said: &str, (manifest, other): (Span, &str)) -> Diagnostic {
    Diagnostic::new(
        &CONTRADICTED_FACT,
        place,
        format!("{what} is {said} here, but {other} in a manifest"),
    )
    .secondary(manifest, "the manifest says so here")
    .help("correct the one that is wrong: every answer rests on this fact")
}

pub(super) fn unread_fact(span: Span, field: &str, wanted: &str) -> Diagnostic {
    Diagnostic::new(
        &UNREAD_FACT,
        span,
        format!("`{field}` must be {wanted}, so the fact that it says is left out"),
    )
}

pub(super) fn unread_settings(span: Span, field: &str) -> Diagnostic {
    Diagnostic::new(
        &UNREAD_FACT,
        span,
        format!("the text of `{field}` is not YAML, so the facts that it says are left out"),
    )
}
