//! Ways through the tree of a text.

use crate::source::Span;
use crate::syntax::ast::{Item, ItemKind, Name, Piece, Value};

/// The items in an item.
pub(super) fn inner(item: &Item) -> &[Item] {
    match &item.kind {
        ItemKind::Template { items, .. }
        | ItemKind::Mesh { items }
        | ItemKind::Namespace { items, .. }
        | ItemKind::Scope { items, .. }
        | ItemKind::Object { items, .. } => items,
        ItemKind::Use { .. }
        | ItemKind::Param { .. }
        | ItemKind::Issuer(_)
        | ItemKind::Identity { .. }
        | ItemKind::Operation { .. }
        | ItemKind::Apply { .. }
        | ItemKind::Metadata { .. }
        | ItemKind::Legacy(_)
        | ItemKind::Fact(_)
        | ItemKind::Rule(_)
        | ItemKind::Destination(_)
        | ItemKind::Invariant(_)
        | ItemKind::Test(_)
        | ItemKind::Bad => &[],
    }
}

/// The items around an offset, the outermost first.
pub(super) fn around(items: &[Item], offset: u32) -> Vec<&Item> {
    let mut found = Vec::new();
    let mut items = items;
    while let Some(item) = items.iter().find(|item| holds(item.span, offset)) {
        found.push(item);
        items = inner(item);
    }
    found
}

/// The item whose declared name stands at a place.
pub(super) fn declared_at(items: &[Item], name: Span) -> Option<&Item> {
    let around = around(items, name.start);
    around.into_iter().rev().find(|item| {
        let own = named(item).map(|(span, _)| span);
        own.is_some_and(|own| own.start <= name.start && name.end <= own.end)
    })
}

/// The place and text of the name that an item declares or opens.
pub(super) fn named(item: &Item) -> Option<(Span, String)> {
    let of_name = |name: &Name| Some((name.span, name.text.clone()));
    match &item.kind {
        ItemKind::Param { name, .. }
        | ItemKind::Identity { name, .. }
        | ItemKind::Operation { name, .. }
        | ItemKind::Template { name, .. } => of_name(name),
        ItemKind::Issuer(issuer) => of_name(&issuer.name),
        ItemKind::Namespace { name, .. } | ItemKind::Object { name, .. } => Some((name.span, text(name))),
        ItemKind::Test(test) => Some((test.name.span, text(&test.name))),
        ItemKind::Destination(destination) => Some((destination.host.span, text(&destination.host))),
        ItemKind::Scope { targets, .. } => {
            let first = targets.first()?;
            let names: Vec<String> = targets.iter().map(|target| text(&target.name)).collect();
            Some((first.name.span, names.join(", ")))
        }
        ItemKind::Use { path, .. } => Some((path.span, text(path))),
        ItemKind::Apply { template, .. } => of_name(template),
        ItemKind::Mesh { .. }
        | ItemKind::Metadata { .. }
        | ItemKind::Legacy(_)
        | ItemKind::Fact(_)
        | ItemKind::Rule(_)
        | ItemKind::Invariant(_)
        | ItemKind::Bad => None,
    }
}

/// A value as it is written, parameters as `${name}`.
pub(super) fn text(value: &Value) -> String {
    let pieces = value.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::LiteralStar => "*".to_owned(),
        Piece::Param(name) => format!("${{{}}}", name.text),
    });
    pieces.collect()
}

const fn holds(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}
