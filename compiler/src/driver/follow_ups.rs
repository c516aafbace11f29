//! One message for one mistake: what later stages say of an item that could not be read is about what the parser made
//! of it, and not about what its author meant.

use crate::source::Span;
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
