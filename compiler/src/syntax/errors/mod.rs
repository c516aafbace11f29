//! Every syntax error: its code, its page, and the one place that words it.

mod brackets;
mod expressions;
mod text;
mod words;

pub(crate) use brackets::*;
pub(crate) use expressions::*;
pub(crate) use text::*;
pub(crate) use words::*;

use crate::diagnostics::{Code, Diagnostic};

/// Declares the codes of this stage, each with the page beside this file.
macro_rules! codes {
    ($($name:ident $id:literal $kebab:literal $page:literal $summary:literal;)*) => {
        $(
            pub(crate) static $name: Code = Code {
                id: $id,
                name: $kebab,
                severity: crate::diagnostics::Severity::Error,
                summary: $summary,
                page: include_str!($page),
            };
        )*

        /// The codes of this stage, in order.
        pub static CODES: &[&Code] = &[$(&$name,)*];
    };
}

codes! {
    UNEXPECTED_TEXT "E0100" "unexpected-text" "unexpected_text.md"
        "The text does not go on as the grammar says.";
    UNKNOWN_ITEM "E0101" "unknown-item" "unknown_item.md"
        "A word starts no item of this block.";
    UNQUOTED_TEXT "E0102" "unquoted-text" "unquoted_text.md"
        "A bare word holds a character that no bare word may.";
    UNEXPECTED_CHARACTER "E0103" "unexpected-character" "unexpected_character.md"
        "A character means nothing in the language, or is not seen by a reader.";
    UNTERMINATED_STRING "E0104" "unterminated-string" "unterminated_string.md"
        "A string has no closing quote.";
    BAD_ESCAPE "E0105" "bad-escape" "bad_escape.md"
        "A backslash or `${` in a string says nothing.";
    UNCLOSED_BRACE "E0106" "unclosed-brace" "unclosed_brace.md"
        "A block is never closed.";
    STRAY_BRACE "E0107" "stray-brace" "stray_brace.md"
        "A closing brace closes nothing.";
    NESTED_TOO_DEEP "E0108" "nested-too-deep" "nested_too_deep.md"
        "Brackets and blocks nest deeper than 64.";
    MISSING_CALLER "E0109" "missing-caller" "missing_caller.md"
        "A rule does not say whom it is about.";
    MISSING_TO "E0110" "missing-to" "missing_to.md"
        "A rule does not say what it is about.";
    MIXED_OPERATORS "E0111" "mixed-operators" "mixed_operators.md"
        "Two different operators stand side by side without parentheses.";
    BARE_WHERE "E0112" "bare-where" "bare_where.md"
        "A `where` stands inside a longer expression without parentheses, or after a list.";
    REPEATED_TERM "E0113" "repeated-term" "repeated_term.md"
        "One kind of term stands twice side by side.";
    MIXED_LIST "E0114" "mixed-list" "mixed_list.md"
        "A comma joins things of different kinds.";
    RESERVED_WORD "E0115" "reserved-word" "reserved_word.md"
        "A keyword stands where a name must.";
    BAD_NAME "E0116" "bad-name" "bad_name.md"
        "A word cannot be a name.";
    BAD_SUPPRESSION "E0117" "bad-suppression" "bad_suppression.md"
        "A comment for meshc is not written as it must be.";
    EMPTY_LIST "E0118" "empty-list" "empty_list.md"
        "A list holds nothing.";
    UNKNOWN_WORD "E0119" "unknown-word" "unknown_word.md"
        "A word is none of those that may stand here.";
    MISSING_VALUE "E0120" "missing-value" "missing_value.md"
        "A keyword was read as the value of the keyword before it.";
    WORKLOAD_IN_LIST "E0121" "workload-in-list" "workload_in_list.md"
        "A block is for several workloads.";
    FILE_TOO_LARGE "E0122" "file-too-large" "file_too_large.md"
        "A file is larger than 4 GiB.";
    TOO_MANY_ERRORS "E0123" "too-many-errors" "too_many_errors.md"
        "A file has more syntax errors than are shown.";
}

/// Whether the error is about one text and leaves what stands around it as it was meant.
pub(crate) fn spoils_only_itself(error: &Diagnostic) -> bool {
    [
        &UNQUOTED_TEXT,
        &BAD_ESCAPE,
        &BAD_SUPPRESSION,
        &EMPTY_LIST,
        &UNKNOWN_WORD,
    ]
    .iter()
    .any(|code| code.id == error.code.id)
}
