//! Findings that somebody has looked at and accepts, by comments in texts and manifests.

use std::ops::Range;

use super::errors;
use crate::backends::yaml::comments::comments;
use crate::catalogue;
use crate::diagnostics::{Code, Diagnostic, Diagnostics, Severity};
use crate::source::{FileId, Span};
use crate::syntax::Parsed;
use crate::syntax::suppress::{self, Suppression as Said};

/// One accepted finding.
#[derive(Clone, Debug)]
pub(super) struct Suppression {
    pub(super) comment: Span,
    pub(super) code: &'static Code,
    /// The item that follows; without one nothing is suppressed.
    item: Option<Span>,
}

impl Suppression {
    /// Whether it is for this finding.
    pub(super) fn covers(&self, d: &Diagnostic) -> bool {
        let at = d.primary.span;
        let inside = |item: Span| at.file == item.file && item.start <= at.start && at.start <= item.end;
        d.code.id == self.code.id && self.item.is_some_and(inside)
    }
}

/// The suppressions of a file, in order, without those of findings that do not exist or cannot be suppressed.
pub(super) fn read(parsed: &Parsed, acc: &mut Diagnostics) -> Vec<Suppression> {
    judged(&parsed.suppressions, acc)
}

/// The suppressions of a manifest: each is for the document, list item or key that follows its comment.
pub(super) fn of_manifest(file: FileId, text: &str, acc: &mut Diagnostics) -> Vec<Suppression> {
    let span = |range: Range<usize>| {
        let at = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Span::new(file, at(range.start), at(range.end))
    };
    let mut found = Vec::new();
    for comment in comments(text, suppress::WORD) {
        let said = text.get(comment.range.clone()).unwrap_or_default();
        let target = comment.target.map(span);
        found.extend(suppress::of_comment(said, span(comment.range), target, acc));
    }
    judged(&found, acc)
}

fn judged(suppressions: &[Said], acc: &mut Diagnostics) -> Vec<Suppression> {
    let mut out = Vec::new();
    for suppression in suppressions {
        let (name, span) = (suppression.code.text.as_str(), suppression.code.span);
        match catalogue::find(name) {
            None => acc.push(errors::unknown_finding(span, name, catalogue::nearest_name(name))),
            Some(code) if code.severity == Severity::Error => acc.push(errors::fixed_level(span, name)),
            Some(code) => out.push(Suppression {
                comment: suppression.span,
                code,
                item: suppression.target,
            }),
        }
    }
    out
}
