//! What the combinators work on: tokens without comments, and an error that is cheap to make and to merge.
//!
//! A parser of alternatives fails far more often than it reports. So an error is a position and two sets of bits;
//! its words are found in [`super::explain`], once, when it is reported.

use chumsky::error::{Error, LabelError};
use chumsky::extra;
use chumsky::prelude::*;
use chumsky::util::MaybeRef;

use crate::diagnostics::Diagnostic;
use crate::source::Span;
use crate::syntax::keywords::Kw;
use crate::syntax::lexer::TokenKind;

/// A token as the grammar sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tok<'t> {
    pub kind: TokenKind,
    /// The keyword that a bare word spells.
    pub kw: Option<Kw>,
    pub text: &'t str,
    pub span: Span,
    /// Its place in the list.
    pub index: u32,
    /// Of a bracket: the place of the one that it belongs to.
    pub partner: Option<u32>,
    /// Whether it is the first of its line.
    pub line_start: bool,
    /// Where its line begins, in bytes from the left margin.
    pub column: u32,
}

pub(crate) type Input<'t> = &'t [Tok<'t>];
pub(crate) type Extra = extra::Err<Oops>;
/// A parser behind a pointer: every section of the grammar ends in one, which keeps types and compile time short.
pub(crate) type Grammar<'t, O> = Boxed<'t, 't, Input<'t>, O, Extra>;
pub(crate) type Cursor<'t, 'p> = chumsky::input::InputRef<'t, 'p, Input<'t>, Extra>;

/// What the grammar can wait for, besides a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Concept {
    Item,
    IssuerItem,
    DestinationItem,
    SubsetItem,
    TlsItem,
    RequestLine,
    ClientLine,
    Caller,
    Operation,
    Condition,
    ClaimTest,
    Comparison,
    Value,
    Protocol,
    ClaimType,
    Outcome,
    Name,
    SimpleName,
    Reference,
    Issuer,
    Method,
    Path,
    String,
    Json,
    JsonKey,
    Pair,
    Equal,
    NotEqual,
    And,
    Comma,
    Colon,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    End,
}

impl Concept {
    pub(crate) const ALL: [Self; 38] = [
        Self::Item,
        Self::IssuerItem,
        Self::DestinationItem,
        Self::SubsetItem,
        Self::TlsItem,
        Self::RequestLine,
        Self::ClientLine,
        Self::Caller,
        Self::Operation,
        Self::Condition,
        Self::ClaimTest,
        Self::Comparison,
        Self::Value,
        Self::Protocol,
        Self::ClaimType,
        Self::Outcome,
        Self::Name,
        Self::SimpleName,
        Self::Reference,
        Self::Issuer,
        Self::Method,
        Self::Path,
        Self::String,
        Self::Json,
        Self::JsonKey,
        Self::Pair,
        Self::Equal,
        Self::NotEqual,
        Self::And,
        Self::Comma,
        Self::Colon,
        Self::OpenParen,
        Self::CloseParen,
        Self::OpenBrace,
        Self::CloseBrace,
        Self::OpenBracket,
        Self::CloseBracket,
        Self::End,
    ];
}

/// A set of what would have been right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    concepts: u64,
    keywords: u128,
}

impl Expected {
    pub(crate) const fn concept(concept: Concept) -> Self {
        Self {
            concepts: 1 << concept as u8,
            keywords: 0,
        }
    }

    pub(crate) const fn keyword(kw: Kw) -> Self {
        Self {
            concepts: 0,
            keywords: 1 << kw as u8,
        }
    }

    pub(crate) fn has(self, concept: Concept) -> bool {
        self.concepts & (1 << concept as u8) != 0
    }

    pub(crate) fn has_keyword(self, kw: Kw) -> bool {
        self.keywords & (1 << kw as u8) != 0
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            concepts: self.concepts | other.concepts,
            keywords: self.keywords | other.keywords,
        }
    }

    pub(crate) fn keywords(self) -> impl Iterator<Item = Kw> {
        (0..crate::syntax::keywords::COUNT)
            .filter(move |number| self.keywords & (1 << number) != 0)
            .filter_map(Kw::numbered)
    }
}

/// Why a parser stopped.
#[derive(Clone, Debug)]
pub(crate) struct Oops {
    /// The index of the token that did not fit.
    pub at: u32,
    pub expected: Expected,
    /// A finding in words of its own.
    pub finding: Option<Box<Diagnostic>>,
}

impl Oops {
    pub(crate) fn expected(at: u32, expected: Expected) -> Self {
        Self {
            at,
            expected,
            finding: None,
        }
    }

    pub(crate) fn finding(at: u32, finding: Diagnostic) -> Self {
        Self {
            at,
            expected: Expected::default(),
            finding: Some(Box::new(finding)),
        }
    }
}

impl<'t> Error<'t, Input<'t>> for Oops {
    /// The one that got further speaks; of two at one place, words of its own before a list.
    fn merge(self, other: Self) -> Self {
        match self.at.cmp(&other.at) {
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Equal => Self {
                at: self.at,
                expected: self.expected.union(other.expected),
                finding: self.finding.or(other.finding),
            },
        }
    }
}

impl<'t, L> LabelError<'t, Input<'t>, L> for Oops {
    /// Only chumsky's own primitives come here, and only `end` of them is used.
    fn expected_found<E: IntoIterator<Item = L>>(
        _expected: E,
        found: Option<MaybeRef<'t, Tok<'t>>>,
        _span: SimpleSpan,
    ) -> Self {
        let at = found.map_or(u32::MAX, |token| token.index);
        Self::expected(at, Expected::concept(Concept::End))
    }
}

/// One token that `fits`, or an error that asks for `expected`.
pub(crate) fn token<'t>(
    expected: Expected,
    fits: impl Fn(&Tok<'t>) -> bool + 't,
) -> impl Parser<'t, Input<'t>, Tok<'t>, Extra> + Clone + 't
where
{
    let fits = std::rc::Rc::new(fits);
    custom(move |cursor: &mut Cursor<'t, '_>| match cursor.peek() {
        Some(found) if fits(&found) => {
            cursor.skip();
            Ok(found)
        }
        found => Err(Oops::expected(index(found), expected)),
    })
}

/// The place of a token, or of the end.
pub(crate) fn index(token: Option<Tok<'_>>) -> u32 {
    token.map_or(u32::MAX, |token| token.index)
}

/// The keyword as a bare word.
pub(crate) fn kw<'t>(kw: Kw) -> impl Parser<'t, Input<'t>, Tok<'t>, Extra> + Copy + 't {
    custom(move |cursor: &mut Cursor<'t, '_>| match cursor.peek() {
        Some(found) if found.kw == Some(kw) => {
            cursor.skip();
            Ok(found)
        }
        found => Err(Oops::expected(index(found), Expected::keyword(kw))),
    })
}

/// A sign.
pub(crate) fn sign<'t>(kind: TokenKind) -> impl Parser<'t, Input<'t>, Tok<'t>, Extra> + Copy + 't {
    let concept = match kind {
        TokenKind::Equal => Concept::Equal,
        TokenKind::NotEqual => Concept::NotEqual,
        TokenKind::And => Concept::And,
        TokenKind::Comma => Concept::Comma,
        TokenKind::Colon => Concept::Colon,
        TokenKind::OpenParen => Concept::OpenParen,
        TokenKind::CloseParen => Concept::CloseParen,
        TokenKind::OpenBrace => Concept::OpenBrace,
        TokenKind::CloseBrace => Concept::CloseBrace,
        TokenKind::OpenBracket => Concept::OpenBracket,
        TokenKind::CloseBracket => Concept::CloseBracket,
        _ => Concept::Value,
    };
    custom(move |cursor: &mut Cursor<'t, '_>| match cursor.peek() {
        Some(found) if found.kind == kind => {
            cursor.skip();
            Ok(found)
        }
        found => Err(Oops::expected(index(found), Expected::concept(concept))),
    })
}

/// The range of the tokens that a parser took.
pub(crate) fn span_of(taken: Input<'_>) -> Span {
    match (taken.first(), taken.last()) {
        (Some(first), Some(last)) => first.span.to(last.span),
        _ => Span::default(),
    }
}

/// `of` with the range that it took.
pub(crate) fn spanned<'t, O: 't>(
    of: impl Parser<'t, Input<'t>, O, Extra> + Clone + 't,
) -> impl Parser<'t, Input<'t>, (O, Span), Extra> + Clone + 't {
    of.map_with(|out, extra| (out, span_of(extra.slice())))
}

/// `item {"," item}`.
pub(crate) fn list<'t, O: 't>(
    item: impl Parser<'t, Input<'t>, O, Extra> + Clone + 't,
) -> impl Parser<'t, Input<'t>, Vec<O>, Extra> + Clone + 't {
    item.separated_by(sign(TokenKind::Comma)).at_least(1).collect()
}
