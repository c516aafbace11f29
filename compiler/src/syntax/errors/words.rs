//! Words that stand where others must.

use super::{BAD_NAME, MISSING_VALUE, RESERVED_WORD, UNEXPECTED_TEXT, UNKNOWN_ITEM, UNKNOWN_WORD};
use crate::diagnostics::suggest::nearest;
use crate::diagnostics::{Applicability, Diagnostic, Fix};
use crate::source::Span;

fn instead(found: Diagnostic, span: Span, word: Option<&str>) -> Diagnostic {
    let Some(word) = word else { return found };
    found.help(format!("write `{word}` if that is meant")).fix(Fix::replace(
        format!("write `{word}`"),
        span,
        word,
        Applicability::Automatic,
    ))
}

/// `after` is what stands before, ready to be shown; `near` the right word that it resembles.
pub(crate) fn unexpected_text(
    at: Span,
    expected: &str,
    after: Option<String>,
    found: &str,
    near: Option<&str>,
) -> Diagnostic {
    let after = after.map(|after| format!(" after `{after}`")).unwrap_or_default();
    let diagnostic = Diagnostic::new(
        &UNEXPECTED_TEXT,
        at,
        format!("expected {expected}{after}, found {found}"),
    );
    instead(diagnostic, at, near)
}

pub(crate) fn unknown_item(at: Span, word: &str, block: &str, near: Option<&str>, all: Option<&[&str]>) -> Diagnostic {
    let found = Diagnostic::new(&UNKNOWN_ITEM, at, format!("`{word}` starts no {block}"));
    match (near, all) {
        (None, Some(all)) => found.help(format!("write one of {}", listed(all))),
        _ => instead(found, at, near),
    }
}

fn listed(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

pub(crate) fn reserved_word(at: Span, word: &str, what: &str, declared: bool) -> Diagnostic {
    let found = Diagnostic::new(
        &RESERVED_WORD,
        at,
        format!("`{word}` is a keyword and cannot stand for {what}"),
    );
    if declared {
        found.help("choose another name")
    } else {
        found.help(format!(
            "write one of that name with its namespace, such as `default/{word}`"
        ))
    }
}

pub(crate) fn bad_name(at: Span, word: &str, what: &str, help: Option<String>) -> Diagnostic {
    Diagnostic::new(&BAD_NAME, at, format!("`{word}` cannot be the name of {what}")).maybe_help(help)
}

pub(crate) fn unknown_word(at: Span, word: &str, what: &str, set: &[&str]) -> Diagnostic {
    let found = Diagnostic::new(&UNKNOWN_WORD, at, format!("`{word}` is no {what}"))
        .help(format!("write one of {}", listed(set)));
    match nearest(word, set.iter().copied()) {
        Some(near) => found.fix(Fix::replace(
            format!("write `{near}`"),
            at,
            near,
            Applicability::Automatic,
        )),
        None => found,
    }
}

pub(crate) fn missing_value(keyword: Span, word: &str, taken: Span, value: &str) -> Diagnostic {
    Diagnostic::new(
        &MISSING_VALUE,
        keyword,
        format!("`{word}` has no value: the `{value}` after it was read as one"),
    )
    .secondary(taken, "read as a value, because any word may be one")
    .help(format!("write the value of `{word}`"))
}

pub(crate) fn trailing_comma(found: Diagnostic, comma: Span) -> Diagnostic {
    found
        .help("remove the comma before it")
        .fix(Fix::replace("remove the comma", comma, "", Applicability::Automatic))
}

pub(crate) fn missing_where(at: Span, caller: &str, claim: &str) -> Diagnostic {
    let before = Span { end: at.start, ..at };
    Diagnostic::new(
        &UNEXPECTED_TEXT,
        at,
        format!("expected `to` after `{caller}`, found the claim test of `{claim}`"),
    )
    .help("write `where` before a claim test")
    .fix(Fix::replace(
        "write `where`",
        before,
        "where ",
        Applicability::Suggestion,
    ))
}
