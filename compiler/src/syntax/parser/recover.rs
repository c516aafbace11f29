//! How the parser goes on after a mistake: it reports it, steps over the rest of the statement, and keeps all others.
//!
//! Statements of every kind of block go through [`statements`], so one broken line never hides the next, and a block
//! whose head is broken is still read for the mistakes inside it.

use chumsky::prelude::*;

use super::input::{Concept, Cursor, Expected, Extra, Grammar, Input, Oops, Tok, index, span_of};
use crate::source::Span;
use crate::syntax::keywords::{COUNT, Kw};
use crate::syntax::lexer::TokenKind;

/// The parsers of the statements of a block, by their first word.
pub(crate) struct Table<'t, O> {
    by_keyword: Vec<Option<Grammar<'t, O>>>,
    /// For statements that begin with no keyword of their own.
    otherwise: Option<Grammar<'t, O>>,
    expected: Concept,
}

impl<'t, O: 't> Table<'t, O> {
    pub(crate) fn new(expected: Concept) -> Self {
        Self {
            by_keyword: (0..COUNT).map(|_| None).collect(),
            otherwise: None,
            expected,
        }
    }

    pub(crate) fn add(&mut self, kw: Kw, parser: impl Parser<'t, Input<'t>, O, Extra> + Clone + 't) {
        if let Some(slot) = self.by_keyword.get_mut(kw as usize) {
            *slot = Some(parser.boxed());
        }
    }

    pub(crate) fn otherwise(&mut self, parser: impl Parser<'t, Input<'t>, O, Extra> + Clone + 't) {
        self.otherwise = Some(parser.boxed());
    }

    fn find(&self, token: &Tok<'t>) -> Option<&Grammar<'t, O>> {
        token
            .kw
            .and_then(|kw| self.by_keyword.get(kw as usize))
            .and_then(Option::as_ref)
            .or(self.otherwise.as_ref())
    }
}

/// What a statement became.
pub(crate) struct Statement<'t, O> {
    /// None if it was broken.
    pub kind: Option<O>,
    pub taken: Input<'t>,
}

impl<O> Statement<'_, O> {
    pub(crate) fn span(&self) -> Span {
        span_of(self.taken)
    }
}

/// One statement of a block, broken or not. It ends at `}` and at the end of the text.
pub(crate) fn statement<'t, O: 't>(table: Table<'t, O>) -> Grammar<'t, Statement<'t, O>> {
    custom(move |cursor: &mut Cursor<'t, '_>| {
        let start = cursor.cursor();
        let expected = Oops::expected(index(cursor.peek()), Expected::concept(table.expected));
        let first = match cursor.peek() {
            None => return Err(expected),
            Some(token) if token.kind == TokenKind::CloseBrace => return Err(expected),
            Some(token) => token,
        };
        let before = cursor.save();
        let parsed = match table.find(&first) {
            Some(parser) => cursor.parse(parser),
            // Through `parse`, so that what could have gone on before this token is merged into the error.
            None => cursor.parse(fail(expected)),
        };
        let kind = match parsed {
            Ok(kind) => Some(kind),
            Err(error) => {
                cursor.rewind(before);
                cursor.emit(error);
                skip(cursor, &table);
                None
            }
        };
        Ok(Statement {
            kind,
            taken: cursor.slice_since(&start..),
        })
    })
    .boxed()
}

/// Fails at this place, with what is known of it already merged in.
pub(crate) fn fail<'t, O: 't>(error: Oops) -> impl Parser<'t, Input<'t>, O, Extra> + Clone + 't {
    custom(move |_: &mut Cursor<'t, '_>| Err(error.clone()))
}

/// Steps over a broken statement: to a line that starts another one, or to the end of the block.
fn skip<'t, O: 't>(cursor: &mut Cursor<'t, '_>, table: &Table<'t, O>) {
    let Some(first) = cursor.peek() else { return };
    while let Some(token) = cursor.peek() {
        // A line that is indented no more than the broken statement is likely one of its own, misspelt too.
        let outside = first.line_start && token.column <= first.column && token.kind == TokenKind::Word;
        let next = token.index != first.index && token.line_start && (outside || starts(&token, table));
        if token.kind == TokenKind::CloseBrace || next {
            return;
        }
        cursor.skip();
        if let Some(partner) = token.partner.filter(|partner| *partner > token.index) {
            while cursor.peek().is_some_and(|inside| inside.index <= partner) {
                cursor.skip();
            }
        }
    }
}

fn starts<'t, O: 't>(token: &Tok<'t>, table: &Table<'t, O>) -> bool {
    if table.otherwise.is_some() {
        // Any line may start a statement, save one that plainly goes on.
        return token.kind == TokenKind::Word
            && !matches!(
                token.kw,
                Some(
                    Kw::To
                        | Kw::With
                        | Kw::Expect
                        | Kw::Via
                        | Kw::From
                        | Kw::Or
                        | Kw::Except
                        | Kw::And
                        | Kw::When
                        | Kw::Where
                        | Kw::Of
                        | Kw::Port
                )
            )
            || token.kind == TokenKind::OpenParen
            || token
                .kw
                .is_some_and(|kw| table.by_keyword.get(kw as usize).is_some_and(Option::is_some));
    }
    token.kw.is_some_and(Kw::starts_item)
        || token
            .kw
            .is_some_and(|kw| table.by_keyword.get(kw as usize).is_some_and(Option::is_some))
}

/// `{` statements `}`.
pub(crate) fn braces<'t, O: 't>(statement: impl Parser<'t, Input<'t>, O, Extra> + Clone + 't) -> Grammar<'t, Vec<O>> {
    statement
        .repeated()
        .collect()
        .delimited_by(
            super::input::sign(TokenKind::OpenBrace),
            super::input::sign(TokenKind::CloseBrace),
        )
        .boxed()
}

/// A statement with a block: where its head is broken, the mistake is reported and the block read all the same, for
/// the mistakes inside it.
pub(crate) fn headed<'t, H: 't, B: 't>(
    head: impl Parser<'t, Input<'t>, H, Extra> + Clone + 't,
    block: Grammar<'t, B>,
) -> Grammar<'t, Option<(H, B)>> {
    let head = head.boxed();
    custom(move |cursor: &mut Cursor<'t, '_>| {
        let before = cursor.save();
        let broken = match cursor.parse(&head) {
            Ok(head) => match cursor.peek() {
                Some(token) if token.kind == TokenKind::OpenBrace => {
                    let block = cursor.parse(&block)?;
                    return Ok(Some((head, block)));
                }
                found => {
                    let expected = Oops::expected(index(found), Expected::concept(Concept::OpenBrace));
                    match cursor.parse(fail::<()>(expected.clone())) {
                        Ok(()) => expected,
                        Err(error) => error,
                    }
                }
            },
            Err(error) => error,
        };
        cursor.rewind(before);
        let start = cursor.save();
        let mut first = true;
        while let Some(token) = cursor.peek() {
            match token.kind {
                TokenKind::OpenBrace if token.partner.is_some() => {
                    cursor.emit(broken);
                    return cursor.parse(&block).map(|_| None);
                }
                TokenKind::CloseBrace => break,
                _ if !first && token.line_start && token.kw.is_some_and(Kw::starts_item) => break,
                _ => cursor.skip(),
            }
            first = false;
        }
        cursor.rewind(start);
        Err(broken)
    })
    .boxed()
}
