//! What could be written at a place: the words that the grammar takes there, and the names that mean something there.

mod keywords;
mod library;
mod names;
mod values;

pub(super) use names::params_of;

use std::collections::BTreeSet;

use super::analysis::Analysis;
use super::document::Document;
use super::{Edit, TextRange, items};
use crate::syntax::ast::{Item, ItemKind, TargetKind};
use crate::syntax::lexer::{Token, TokenKind};
use crate::syntax::parser::{Concept, Expected, expected};

/// Something that could be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub label: String,
    pub kind: CompletionKind,
    /// One line about it.
    pub detail: Option<String>,
    /// What is written. In a snippet, `$1` and `${1:text}` are places to go to.
    pub insert: String,
    pub is_snippet: bool,
    /// What it takes the place of.
    pub range: TextRange,
    /// What else has to be written for it to be known, such as its `use`.
    pub also: Vec<Edit>,
    /// What [`Snapshot::documentation`](super::Snapshot::documentation) finds the rest by.
    pub key: Option<String>,
}

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CompletionKind {
    Keyword,
    Snippet,
    Value,
    Namespace,
    Workload,
    Identity,
    Issuer,
    Operation,
    Template,
    Param,
    Provider,
}

/// A place where something is to be completed.
pub(super) struct Place<'a> {
    pub(super) analysis: &'a Analysis,
    pub(super) document: &'a Document,
    /// The word that is being written.
    pub(super) range: TextRange,
    pub(super) expected: Expected,
    /// The tokens before it that the grammar sees.
    before: Vec<Token>,
    /// The blocks around it, the innermost last.
    around: Vec<&'a Item>,
}

/// What could be written at an offset of an open text.
pub(super) fn completions(analysis: &Analysis, document: &Document, offset: u32) -> Vec<Completion> {
    let Some(place) = Place::of(analysis, document, offset) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    place.keywords(&mut found);
    place.values(&mut found);
    place.names(&mut found);
    let mut seen = BTreeSet::new();
    found.retain(|completion| seen.insert((completion.label.clone(), completion.kind, completion.detail.clone())));
    found
}

/// The rest of what is to be said of a completion, as Markdown.
pub(super) fn documentation(analysis: &Analysis, key: &str) -> Option<String> {
    names::documentation(analysis, key).or_else(|| library::documentation(key))
}

impl<'a> Place<'a> {
    fn of(analysis: &'a Analysis, document: &'a Document, offset: u32) -> Option<Self> {
        let tokens = &document.parsed().tokens;
        let text = document.text();
        let inside = |token: &&Token| token.span.start < offset && offset <= token.span.end;
        let mut start = offset;
        if let Some(token) = tokens.iter().find(inside) {
            match token.kind {
                TokenKind::Comment | TokenKind::Doc | TokenKind::Suppression | TokenKind::Raw => return None,
                TokenKind::String => return None,
                TokenKind::Word | TokenKind::Glued => start = token.span.start,
                _ => {}
            }
        }
        let end = tokens
            .iter()
            .find(|token| token.kind == TokenKind::Word && token.span.start == start)
            .map_or(offset, |token| token.span.end);
        let before = tokens.iter().copied();
        let before: Vec<Token> = before
            .take_while(|token| token.span.start < start)
            .filter(|token| !token.kind.is_trivia())
            .collect();
        Some(Self {
            analysis,
            document,
            range: start..end,
            expected: expected(text.get(..start as usize)?),
            before,
            around: items::around(&document.parsed().file.items, offset),
        })
    }

    pub(super) fn has(&self, concept: Concept) -> bool {
        self.expected.has(concept)
    }

    /// The text of the token so many places back; 1 is the one right before.
    pub(super) fn back(&self, count: usize) -> &str {
        let token = self.before.len().checked_sub(count).and_then(|at| self.before.get(at));
        token.map_or("", |token| self.text(token))
    }

    fn text(&self, token: &Token) -> &str {
        self.document.text().get(token.span.range()).unwrap_or_default()
    }

    /// The word that the list or pair belongs to in which the place is: back over values, commas and what pairs are
    /// made of.
    pub(super) fn governor(&self) -> &str {
        let mut joined = true;
        for token in self.before.iter().rev() {
            match token.kind {
                TokenKind::Comma | TokenKind::Equal | TokenKind::Colon => joined = true,
                TokenKind::Word | TokenKind::String | TokenKind::Param if joined => {
                    let text = self.text(token);
                    if crate::syntax::keywords::is_reserved(text) {
                        return text;
                    }
                    joined = false;
                }
                TokenKind::Word => return self.text(token),
                _ => return "",
            }
        }
        ""
    }

    /// The kind of block that the place is in.
    pub(super) fn block(&self) -> Block {
        let start = self.range.start;
        let inside = |item: &&&Item| {
            let text = self.document.text().get(item.span.range()).unwrap_or_default();
            let opens = text.find('{').and_then(|at| u32::try_from(at).ok());
            opens.is_some_and(|at| item.span.start + at < start)
        };
        let blocks = self.around.iter().rev().filter(inside);
        let mut blocks = blocks.filter_map(|item| Block::of(item));
        blocks.next().unwrap_or(Block::Top)
    }

    /// The namespace that the place is in.
    pub(super) fn namespace(&self) -> Option<String> {
        self.around.iter().find_map(|item| match &item.kind {
            ItemKind::Namespace { name, .. } => Some(items::text(name)),
            _ => None,
        })
    }

    pub(super) fn offer(&self, label: impl Into<String>, kind: CompletionKind) -> Completion {
        let label = label.into();
        Completion {
            insert: label.clone(),
            label,
            kind,
            detail: None,
            is_snippet: false,
            range: self.range.clone(),
            also: Vec::new(),
            key: None,
        }
    }
}

/// The kinds of block that items stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Top,
    Mesh,
    Namespace,
    Workload,
    Gateway,
    Waypoint,
    Targets,
    Template,
    Object,
}

impl Block {
    fn of(item: &Item) -> Option<Self> {
        Some(match &item.kind {
            ItemKind::Mesh { .. } => Self::Mesh,
            ItemKind::Namespace { .. } => Self::Namespace,
            ItemKind::Template { .. } => Self::Template,
            ItemKind::Object { .. } => Self::Object,
            ItemKind::Scope { targets, .. } => match targets.first()?.kind {
                TargetKind::Workload => Self::Workload,
                TargetKind::Gateway => Self::Gateway,
                TargetKind::Waypoint => Self::Waypoint,
                TargetKind::Service | TargetKind::ServiceEntry => Self::Targets,
            },
            _ => return None,
        })
    }
}
