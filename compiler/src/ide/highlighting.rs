//! What each word is that the text alone does not tell: names by what they are declared as, and the words that items
//! begin with.

use std::path::Path;

use super::analysis::{Analysis, range};
use super::document::Document;
use super::{TextRange, items};
use crate::hir::NameKind;
use crate::syntax::ast::{Item, ItemKind};
use crate::syntax::lexer::TokenKind;

/// A piece of text that is drawn in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlighted {
    pub range: TextRange,
    pub kind: HighlightKind,
    pub declares: bool,
    /// Of the standard library.
    pub is_std: bool,
}

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HighlightKind {
    Keyword,
    Comment,
    Text,
    Namespace,
    Workload,
    Identity,
    Issuer,
    Operation,
    Template,
    Param,
    Provider,
}

/// The pieces of a text in order; none overlaps another, and none goes over a line.
pub(super) fn highlighting(analysis: &Analysis, document: &Document, path: &Path) -> Vec<Highlighted> {
    let mut found = Vec::new();
    keywords(&document.parsed().file.items, &mut found);
    for token in &document.parsed().tokens {
        let kind = match token.kind {
            TokenKind::Comment | TokenKind::Doc | TokenKind::Suppression => HighlightKind::Comment,
            // What stands in a string may be a name of its own.
            TokenKind::Raw => HighlightKind::Text,
            TokenKind::Param => HighlightKind::Param,
            _ => continue,
        };
        found.push(plain(range(token.span), kind));
    }
    let sources = analysis.outcome.as_ref().map(|outcome| &outcome.sources);
    if let (Some(file), Some(sources)) = (analysis.file(path), sources) {
        for name in analysis.names.in_file(file) {
            let Some(declaration) = analysis.names.declaration(name.declaration) else {
                continue;
            };
            found.push(Highlighted {
                range: range(name.span),
                kind: kind(declaration.kind),
                declares: name.declares,
                is_std: sources.get(declaration.span.file).is_some_and(|file| file.is_std),
            });
        }
    }
    found.sort_by_key(|piece| (piece.range.start, piece.range.end, piece.kind));
    // `${name}` is a parameter as a whole, and its name is one in it.
    let mut end = 0;
    found.retain(|piece| {
        let keep = piece.range.start >= end && !piece.range.is_empty();
        if keep {
            end = piece.range.end;
        }
        keep
    });
    let text = document.text();
    found.into_iter().flat_map(|piece| lines(text, &piece)).collect()
}

const fn plain(range: TextRange, kind: HighlightKind) -> Highlighted {
    Highlighted {
        range,
        kind,
        declares: false,
        is_std: false,
    }
}

fn keywords(list: &[Item], found: &mut Vec<Highlighted>) {
    for item in list {
        if !matches!(item.kind, ItemKind::Bad) {
            found.push(plain(range(item.keyword), HighlightKind::Keyword));
        }
        keywords(items::inner(item), found);
    }
}

/// A piece for each of its lines: not every editor can draw one over several.
fn lines(text: &str, piece: &Highlighted) -> Vec<Highlighted> {
    let inside = text
        .get(piece.range.start as usize..piece.range.end as usize)
        .unwrap_or_default();
    let mut start = piece.range.start;
    let mut out = Vec::new();
    for line in inside.split_inclusive('\n') {
        let end = start + u32::try_from(line.trim_end_matches(['\r', '\n']).len()).unwrap_or(0);
        if end > start {
            out.push(Highlighted {
                range: start..end,
                ..piece.clone()
            });
        }
        start += u32::try_from(line.len()).unwrap_or(0);
    }
    out
}

const fn kind(kind: NameKind) -> HighlightKind {
    match kind {
        NameKind::Namespace => HighlightKind::Namespace,
        NameKind::Workload | NameKind::Gateway | NameKind::Waypoint => HighlightKind::Workload,
        NameKind::Identity => HighlightKind::Identity,
        NameKind::Issuer => HighlightKind::Issuer,
        NameKind::Operation => HighlightKind::Operation,
        NameKind::Template => HighlightKind::Template,
        NameKind::Param | NameKind::Argument => HighlightKind::Param,
        NameKind::Provider => HighlightKind::Provider,
    }
}
