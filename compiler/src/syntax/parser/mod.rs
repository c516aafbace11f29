//! Tokens to tree: the only door to `chumsky`. It never fails; what is broken becomes a diagnostic and `Bad`.
//!
//! One file for each section of the grammar. `recover` says how a mistake is stepped over, `explain` what is said
//! about it.

mod cond;
mod destination;
mod expected;
mod explain;
mod input;
mod issuer;
mod items;
mod prepare;
mod recover;
mod rules;
mod test;
mod values;
mod what;
mod who;

pub(crate) use expected::expected;
pub(crate) use input::{Concept, Expected};
pub use what::is_method;

use std::collections::BTreeMap;

use chumsky::prelude::*;

use super::ast::{self, Item, ItemKind};
use super::errors;
use super::lexer::{self, Token, TokenKind};
use super::suppress::{self, Suppression};
use crate::diagnostics::Diagnostics;
use crate::source::{FileId, Span};

/// Beyond this many syntax errors in one file the rest is only counted.
const MOST_ERRORS: usize = 100;

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub file: ast::File,
    /// All tokens, comments included.
    pub tokens: Vec<Token>,
    /// The `# meshc: allow(…)` comments.
    pub suppressions: Vec<Suppression>,
}

/// Reads a file. The tree is as whole as the text allows.
pub fn parse(id: FileId, text: &str, acc: &mut Diagnostics) -> Parsed {
    let mut found = Diagnostics::default();
    let tokens = lexer::lex(id, text, &mut found);
    let toks = prepare::prepare(text, &tokens, &mut found);
    let (items, oops) = items::items(text)
        .then_ignore(end())
        .parse(toks.as_slice())
        .into_output_errors();
    for oops in oops {
        if let Some(diagnostic) = explain::explain(oops, &toks, id) {
            found.push(diagnostic);
        }
    }
    let mut items = items.unwrap_or_default();
    attach_docs(&mut items, &mut docs(text, &tokens));
    let file = ast::File { id, items };
    let suppressions = suppress::suppressions(text, &tokens, &file, &mut found);
    report(found, acc);
    Parsed {
        file,
        tokens,
        suppressions,
    }
}

fn report(found: Diagnostics, acc: &mut Diagnostics) {
    let found = found.into_sorted();
    let more = found.len().saturating_sub(MOST_ERRORS);
    for (count, diagnostic) in found.into_iter().enumerate() {
        if count == MOST_ERRORS {
            acc.push(errors::too_many(diagnostic.primary.span, more));
            return;
        }
        acc.push(diagnostic);
    }
}

/// The doc comments before each token that has some, by where the token starts.
fn docs(text: &str, tokens: &[Token]) -> BTreeMap<u32, Vec<String>> {
    let mut docs = BTreeMap::new();
    let mut lines: Vec<String> = Vec::new();
    for token in tokens {
        if token.kind == TokenKind::Doc {
            let line = text
                .get(token.span.range())
                .unwrap_or_default()
                .trim_start_matches("##");
            lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned());
        } else if !token.kind.is_trivia() && !lines.is_empty() {
            docs.insert(token.span.start, std::mem::take(&mut lines));
        }
    }
    docs
}

fn attach_docs(items: &mut [Item], docs: &mut BTreeMap<u32, Vec<String>>) {
    if docs.is_empty() {
        return;
    }
    for item in items {
        item.doc = docs.remove(&item.span.start).unwrap_or_default();
        match &mut item.kind {
            ItemKind::Template { items, .. }
            | ItemKind::Mesh { items }
            | ItemKind::Namespace { items, .. }
            | ItemKind::Scope { items, .. }
            | ItemKind::Object { items, .. } => attach_docs(items, docs),
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
            | ItemKind::Bad => {}
        }
    }
}

/// The empty range at the end of the last token.
fn end_of(toks: &[input::Tok<'_>], file: FileId) -> Span {
    toks.last().map_or(Span::new(file, 0, 0), |token| token.span.after())
}
