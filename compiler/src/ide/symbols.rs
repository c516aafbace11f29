//! The outline of a text.

use super::analysis::range;
use super::document::Document;
use super::{TextRange, items};
use crate::syntax::ast::{Item, ItemKind, RuleKind, TargetKind};

/// An entry of an outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub name: String,
    pub kind: SymbolKind,
    /// All of it.
    pub range: TextRange,
    /// Its name, or its keyword.
    pub selection: TextRange,
    pub children: Vec<Symbol>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SymbolKind {
    Mesh,
    Namespace,
    Workload,
    Service,
    Gateway,
    Object,
    Issuer,
    Identity,
    Operation,
    Template,
    Param,
    Destination,
    Rule,
    Invariant,
    Test,
}

/// The declarations, blocks and rules of a text.
pub(super) fn symbols(document: &Document) -> Vec<Symbol> {
    of_items(&document.parsed().file.items, document.text())
}

fn of_items(list: &[Item], text: &str) -> Vec<Symbol> {
    list.iter().filter_map(|item| symbol(item, text)).collect()
}

fn symbol(item: &Item, text: &str) -> Option<Symbol> {
    let kind = kind(item)?;
    let named = items::named(item);
    let selection = named.as_ref().map_or(item.keyword, |(span, _)| *span);
    let name = match (named, kind) {
        (_, SymbolKind::Rule | SymbolKind::Invariant) => line(item, text),
        (Some((_, name)), _) if !name.trim().is_empty() => name,
        _ => line(item, text),
    };
    Some(Symbol {
        name,
        kind,
        range: range(item.span),
        selection: range(selection),
        children: of_items(items::inner(item), text),
    })
}

const fn kind(item: &Item) -> Option<SymbolKind> {
    Some(match &item.kind {
        ItemKind::Mesh { .. } => SymbolKind::Mesh,
        ItemKind::Namespace { .. } => SymbolKind::Namespace,
        ItemKind::Scope { targets, .. } => match targets.as_slice() {
            [first, ..] => match first.kind {
                TargetKind::Workload => SymbolKind::Workload,
                TargetKind::Service | TargetKind::ServiceEntry => SymbolKind::Service,
                TargetKind::Gateway | TargetKind::Waypoint => SymbolKind::Gateway,
            },
            [] => return None,
        },
        ItemKind::Object { .. } => SymbolKind::Object,
        ItemKind::Issuer(_) => SymbolKind::Issuer,
        ItemKind::Identity { .. } => SymbolKind::Identity,
        ItemKind::Operation { .. } => SymbolKind::Operation,
        ItemKind::Template { .. } => SymbolKind::Template,
        ItemKind::Param { .. } => SymbolKind::Param,
        ItemKind::Destination(_) => SymbolKind::Destination,
        ItemKind::Rule(rule) => match rule.kind {
            RuleKind::Access { .. }
            | RuleKind::Ask { .. }
            | RuleKind::DefaultDeny { .. }
            | RuleKind::Mtls { .. }
            | RuleKind::Accept { .. }
            | RuleKind::Require { .. } => SymbolKind::Rule,
        },
        ItemKind::Apply { .. } => SymbolKind::Rule,
        ItemKind::Invariant(_) => SymbolKind::Invariant,
        ItemKind::Test(_) => SymbolKind::Test,
        ItemKind::Use { .. } | ItemKind::Metadata { .. } | ItemKind::Legacy(_) | ItemKind::Fact(_) | ItemKind::Bad => {
            return None;
        }
    })
}

/// The item as one line.
fn line(item: &Item, text: &str) -> String {
    let written = text.get(item.span.range()).unwrap_or_default();
    let words: Vec<&str> = written.split_whitespace().collect();
    words.join(" ")
}
