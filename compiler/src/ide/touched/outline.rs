//! What of a text others can see: everything but the access rules and tests in it.

use crate::source::Span;
use crate::syntax::ast::{Fact, Item, ItemKind, Piece, Rule, RuleKind, SingleFact, TargetKind, Value};
use crate::syntax::lexer::Token;

/// A file as far as it matters to others.
pub(super) struct Outline {
    /// The namespaces that it opens.
    pub(super) namespaces: Vec<String>,
    /// There is nothing in it but namespaces and tests.
    pub(super) is_local: bool,
    /// There is a gateway in it, or there may be one.
    pub(super) has_gateway: bool,
    /// There is nothing in it whose findings rest on the rules of several namespaces.
    pub(super) is_simple: bool,
}

pub(super) fn outline(items: &[Item]) -> Outline {
    let mut outline = Outline {
        namespaces: Vec::new(),
        is_local: true,
        has_gateway: false,
        is_simple: true,
    };
    for item in items {
        match &item.kind {
            ItemKind::Namespace { name, items } => {
                match plain(name) {
                    Some(name) => outline.namespaces.push(name.to_owned()),
                    None => outline.is_simple = false,
                }
                outline.has_gateway |= has_gateway(items);
                // A template of a namespace is applied elsewhere, with names that are bare here.
                let has_template = items.iter().any(|item| matches!(item.kind, ItemKind::Template { .. }));
                outline.is_simple &= !has_template && items.iter().all(is_simple);
            }
            ItemKind::Test(_) => {}
            ItemKind::Mesh { items } => {
                outline.is_local = false;
                let only_facts = |item: &Item| match &item.kind {
                    ItemKind::Rule(rule) => is_mtls(rule),
                    ItemKind::Fact(_) | ItemKind::Metadata { .. } => is_simple(item),
                    _ => false,
                };
                outline.is_simple &= items.iter().all(only_facts);
            }
            ItemKind::Invariant(_) => outline.is_simple = false,
            _ => {
                outline.is_local = false;
                outline.is_simple &= is_simple(item);
            }
        }
    }
    outline
}

/// The text of a value without parameters.
fn plain(value: &Value) -> Option<&str> {
    match value.pieces.as_slice() {
        [Piece::Text(text)] => Some(text),
        _ => None,
    }
}

fn is_simple(item: &Item) -> bool {
    match &item.kind {
        ItemKind::Template { items, .. } | ItemKind::Object { items, .. } => items.iter().all(is_simple),
        ItemKind::Scope { targets, items } => {
            let pods = |kind| matches!(kind, TargetKind::Workload | TargetKind::Gateway);
            targets.iter().all(|target| pods(target.kind)) && items.iter().all(is_simple)
        }
        // What clients say meets what servers say, wherever they are; and so do waypoints and what is behind them.
        ItemKind::Destination(_) | ItemKind::Legacy(_) | ItemKind::Invariant(_) | ItemKind::Bad => false,
        ItemKind::Fact(Fact::Service { headless, .. }) => headless.is_none(),
        ItemKind::Fact(Fact::Single { key, .. }) => !matches!(
            key,
            SingleFact::Dataplane | SingleFact::UseWaypoint | SingleFact::AutoMtls | SingleFact::ClientTls
        ),
        _ => true,
    }
}

const fn is_mtls(rule: &Rule) -> bool {
    matches!(rule.kind, RuleKind::Mtls { .. })
}

/// Modes, and which tokens are read: what is found of them rests on what others say of the same.
const fn is_seen(rule: &Rule) -> bool {
    matches!(
        rule.kind,
        RuleKind::Mtls { .. } | RuleKind::Accept { .. } | RuleKind::Require { .. }
    )
}

/// Whether there is a gateway in a block, behind which are pods of any namespace.
fn has_gateway(items: &[Item]) -> bool {
    items.iter().any(|item| match &item.kind {
        ItemKind::Scope { targets, .. } => targets.iter().any(|target| target.kind == TargetKind::Gateway),
        ItemKind::Apply { .. } => true,
        _ => false,
    })
}

/// The places of the access rules and tests of a text, and of what could not be read, in order.
pub(super) fn inner_parts(items: &[Item]) -> Vec<Span> {
    let mut found = Vec::new();
    collect(items, &mut found);
    found
}

fn collect(items: &[Item], found: &mut Vec<Span>) {
    for item in items {
        match &item.kind {
            ItemKind::Rule(rule) if is_seen(rule) => {}
            ItemKind::Rule(_) | ItemKind::Test(_) | ItemKind::Bad => found.push(item.span),
            ItemKind::Namespace { items, .. } | ItemKind::Scope { items, .. } | ItemKind::Object { items, .. } => {
                collect(items, found);
            }
            _ => {}
        }
    }
}

/// A text with blanks instead of its rules, tests and the comments on lines of their own, every other byte in its place.
pub(super) fn blanked(text: &str, items: &[Item]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut blank = |start: usize, end: usize| {
        let inside = bytes.get_mut(start..end).into_iter().flatten();
        inside.filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    };
    for span in inner_parts(items) {
        blank(span.start as usize, span.end as usize);
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('#') {
            blank(start, start + line.len());
        }
        start += line.len();
    }
    // Whole characters were replaced, each by blanks.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The tokens that others can see.
pub(super) fn visible(items: &[Item], tokens: &[Token]) -> Vec<Span> {
    let parts = inner_parts(items);
    let mut parts = parts.iter().peekable();
    let mut found = Vec::new();
    for token in tokens.iter().filter(|token| !token.kind.is_trivia()) {
        while parts.next_if(|part| part.end <= token.span.start).is_some() {}
        if parts.peek().is_none_or(|part| token.span.start < part.start) {
            found.push(token.span);
        }
    }
    found
}

/// The words of a text that could be names of namespaces.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-')
        .filter(|word| !word.is_empty())
}
