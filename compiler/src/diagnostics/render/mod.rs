//! Findings as text: for a terminal, for programs, for code scanning, for GitHub's checks.
//!
//! A renderer translates and never decides: order, levels and suppression are settled before it is called.

mod github;
mod human;
mod json;
mod sarif;

use super::Diagnostic;
use crate::source::{SourceMap, Span, Unit};

pub use human::{Style, human};

pub use github::github;
pub use json::json;
pub(crate) use json::value as json_value;
pub use sarif::sarif;

/// A span as reports give it: lines and columns from 1, columns in Unicode characters.
struct Place<'a> {
    file: &'a str,
    start: (u32, u32),
    end: (u32, u32),
}

impl<'a> Place<'a> {
    fn of(sources: &'a SourceMap, span: Span) -> Self {
        let (start, end) = sources.positions(span, Unit::Character);
        Self {
            file: sources.path(span.file),
            start: (start.line + 1, start.column + 1),
            end: (end.line + 1, end.column + 1),
        }
    }
}

/// The remark on a finding that does not arise in every environment of the project.
pub(crate) fn environments_note(diagnostic: &Diagnostic) -> Option<String> {
    match diagnostic.environments.as_slice() {
        [] => None,
        [one] => Some(format!("only in environment `{one}`")),
        many => Some(format!("only in environments `{}`", many.join("`, `"))),
    }
}

#[cfg(test)]
mod tests;
