//! Tests of lexer, parser and messages together.

mod messages;
mod pages;
mod robust;
pub(crate) mod samples;
mod tokens;
mod trees;

use std::fmt::Write as _;

use super::{Parsed, parse};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::source::FileId;

/// Parses a text and returns what was found, in order.
pub(crate) fn read(text: &str) -> (Parsed, Vec<Diagnostic>) {
    let mut acc = Diagnostics::default();
    let parsed = parse(FileId(0), text, &mut acc);
    (parsed, acc.into_sorted())
}

/// The findings, one a line with its helps: `line:column id message`.
pub(crate) fn findings(text: &str) -> String {
    let mut out = String::new();
    for found in read(text).1 {
        let before = &text[..found.primary.span.start as usize];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
        let marked = &text[found.primary.span.range()];
        writeln!(
            out,
            "{line}:{column} {} {} [{}]",
            found.code.id,
            found.message,
            marked.replace('\n', "⏎")
        )
        .unwrap();
        for help in &found.help {
            writeln!(out, "    help: {help}").unwrap();
        }
    }
    out
}
