//! One message for one mistake: what later stages say of an item that could not be read is about what the parser made
//! of it, and not about what its author meant.

use crate::diagnostics::Diagnostics;
use crate::source::{SourceMap, Span};
use crate::syntax::ast::{Item, ItemKind};

/// The innermost item that a syntax error is in, or right behind. `None` where that is a block, whose other items are
/// as they were meant.
pub(super) fn spoilt(items: &[Item], error: Span) -> Option<Span> {
    let before = |item: &&Item| item.span.file == error.file && item.span.start <= error.start;
    let item = items.iter().rfind(before)?;
    match &item.kind {
        ItemKind::Mesh { items }
        | ItemKind::Namespace { items, .. }
        | ItemKind::Scope { items, .. }
        | ItemKind::Object { items, .. }
        | ItemKind::Template { items, .. } => spoilt(items, error),
        _ => Some(item.span),
    }
}

/// Whether a place lies in one of the items.
pub(super) fn lies_in(place: Span, items: &[Span]) -> bool {
    items
        .iter()
        .any(|item| item.file == place.file && item.start <= place.start && place.end <= item.end)
}

/// What the parser says of a file that is not UTF-8, without what it says of the signs that stand for its bad bytes.
pub(super) fn beside_bad_bytes(findings: Diagnostics, sources: &SourceMap) -> Diagnostics {
    let mut kept = Diagnostics::default();
    for finding in findings.into_sorted() {
        if !sources
            .slice(finding.primary.span)
            .contains(char::REPLACEMENT_CHARACTER)
        {
            kept.push(finding);
        }
    }
    kept
}
