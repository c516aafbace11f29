//! What the tree knows and the printer needs: blocks and their lines, where a line may break, where no blank stands,
//! and which tokens say nothing.

mod expressions;
mod items;

use std::collections::BTreeMap;

use crate::source::Span;
use crate::syntax::ast::{Arg, Name, NamedArg, Pair, Param, Piece, Value, ValueForm};
use crate::syntax::lexer::{Token, TokenKind};
use crate::syntax::{Parsed, is_bare_word};

/// One item, line or setting, by its first and last token.
#[derive(Debug)]
pub(super) struct Node {
    pub first: usize,
    pub last: usize,
    pub block: Option<Block>,
}

/// What stands between the braces at a node's end.
#[derive(Debug)]
pub(super) struct Block {
    pub open: usize,
    pub children: Vec<Node>,
}

/// Where a line may break, from the last resort to the best place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Break {
    /// Inside a list.
    List,
    /// Between terms, and before the smaller words.
    Term,
    /// Before `&` and `and`.
    And,
    /// Before the words that join the parts of a sentence.
    Word,
    /// Before each part of an item that is a list: where it takes more than a line, each part has its own.
    Part,
}

#[derive(Debug, Default)]
pub(super) struct Marks {
    pub nodes: Vec<Node>,
    pub breaks: BTreeMap<usize, Break>,
    /// Tokens with no blank before them, though their kind would have one.
    pub tight: BTreeMap<usize, ()>,
    /// Tokens in another form; an empty one is left out.
    pub texts: BTreeMap<usize, String>,
    /// Ranges of tokens side by side, in the order in which they stand now and should stand; inner ones first.
    pub orders: Vec<(std::ops::Range<usize>, Vec<std::ops::Range<usize>>)>,
}

pub(super) fn marks(text: &str, parsed: &Parsed) -> Marks {
    let mut marker = Marker {
        text,
        tokens: &parsed.tokens,
        marks: Marks::default(),
    };
    let nodes = marker.items(&parsed.file.items);
    marker.marks.nodes = nodes;
    marker.marks
}

struct Marker<'a> {
    text: &'a str,
    tokens: &'a [Token],
    marks: Marks,
}

impl Marker<'_> {
    // Places.

    /// The token that starts where a span does.
    pub(super) fn first(&self, span: Span) -> usize {
        self.tokens.partition_point(|token| token.span.start < span.start)
    }

    /// The token that ends where a span does.
    pub(super) fn last(&self, span: Span) -> usize {
        self.tokens
            .partition_point(|token| token.span.start < span.end)
            .saturating_sub(1)
    }

    pub(super) fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// The next token after a place that is no comment.
    pub(super) fn after(&self, at: usize) -> usize {
        let mut next = at + 1;
        while self.kind(next).is_some_and(TokenKind::is_trivia) {
            next += 1;
        }
        next
    }

    pub(super) fn before(&self, at: usize) -> usize {
        let mut before = at.saturating_sub(1);
        while before > 0 && self.kind(before).is_some_and(TokenKind::is_trivia) {
            before -= 1;
        }
        before
    }

    pub(super) fn break_at(&mut self, at: usize, quality: Break) {
        self.marks.breaks.insert(at, quality);
    }

    pub(super) fn break_after(&mut self, span: Span, quality: Break) {
        let at = self.after(self.last(span));
        self.break_at(at, quality);
    }

    pub(super) fn break_before(&mut self, span: Span, quality: Break) {
        let at = self.before(self.first(span));
        self.break_at(at, quality);
    }

    pub(super) fn tight(&mut self, at: usize) {
        self.marks.tight.insert(at, ());
    }

    pub(super) fn leaf(&self, span: Span) -> Node {
        Node {
            first: self.first(span),
            last: self.last(span),
            block: None,
        }
    }

    /// A node whose last token is the `}` of a block, if it has one.
    pub(super) fn braced(&self, span: Span, children: Vec<Node>) -> Node {
        let (first, last) = (self.first(span), self.last(span));
        let mut block = None;
        if self.kind(last) == Some(TokenKind::CloseBrace) {
            let mut depth = 0usize;
            let start = children.first().map_or(last, |child| child.first);
            for at in (first..=start).rev() {
                match self.kind(at) {
                    Some(TokenKind::CloseBrace) if at != last => depth += 1,
                    Some(TokenKind::OpenBrace) if depth == 0 => {
                        block = Some(at);
                        break;
                    }
                    Some(TokenKind::OpenBrace) => depth -= 1,
                    _ => {}
                }
            }
        }
        Node {
            first,
            last,
            block: block.map(|open| Block { open, children }),
        }
    }

    // Values.

    /// Drops the quotes where the bare word says the same.
    pub(super) fn value(&mut self, value: &Value) {
        self.value_if(value, |_| true);
    }

    pub(super) fn value_if(&mut self, value: &Value, fits: impl Fn(&str) -> bool) {
        if let Some(word) = bare(value).filter(|word| fits(word))
            && value.form == ValueForm::Quoted
        {
            let at = self.first(value.span);
            self.marks.texts.insert(at, word.to_owned());
        }
    }

    pub(super) fn values(&mut self, values: &[Value]) {
        for (number, value) in values.iter().enumerate() {
            self.value(value);
            if number > 0 {
                let at = self.first(value.span);
                self.break_at(at, Break::List);
            }
        }
    }

    /// The parts of an item that is nothing but a list.
    pub(super) fn parts(&mut self, parts: impl Iterator<Item = Span>) {
        for part in parts {
            let at = self.first(part);
            self.break_at(at, Break::Part);
        }
    }

    pub(super) fn names(&mut self, names: &[Name]) {
        for name in names.iter().skip(1) {
            let at = self.first(name.span);
            self.break_at(at, Break::List);
        }
    }

    pub(super) fn pairs(&mut self, pairs: &[Pair]) {
        for (number, pair) in pairs.iter().enumerate() {
            self.value(&pair.key);
            self.value(&pair.value);
            let (key, value) = (self.first(pair.key.span), self.first(pair.value.span));
            if number > 0 {
                self.break_at(key, Break::List);
            }
            self.tight(self.before(value));
            self.tight(value);
        }
    }

    pub(super) fn arg(&mut self, arg: &Arg) {
        match arg {
            Arg::One(value) => self.value(value),
            Arg::List(values, _) => self.values(values),
        }
    }

    pub(super) fn args(&mut self, name: &Name, args: &[NamedArg]) {
        if !args.is_empty() {
            self.tight(self.after(self.last(name.span)));
        }
        for (number, arg) in args.iter().enumerate() {
            if number > 0 {
                let at = self.first(arg.name.span);
                self.break_at(at, Break::List);
            }
            self.arg(&arg.arg);
        }
    }

    pub(super) fn params(&mut self, name: &Name, params: &[Param]) {
        if !params.is_empty() {
            self.tight(self.after(self.last(name.span)));
        }
        for param in params {
            if let Some(default) = &param.default {
                self.arg(default);
            }
        }
    }
}

/// The bare word that says the same as a value.
pub(super) fn bare(value: &Value) -> Option<&str> {
    match value.pieces.as_slice() {
        [Piece::Text(text)] if value.form == ValueForm::Word || is_bare_word(text) => Some(text),
        _ => None,
    }
}
