//! WHAT: operations, and what joins them.

use chumsky::prelude::*;

use super::input::{
    Concept, Cursor, Expected, Extra, Grammar, Input, Oops, Tok, index, kw, list, sign, spanned, token,
};
use super::values::{first_index, is_reference, reference, to_value, values, word_value};
use crate::diagnostics::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{Field, Term, TermKind, Value, What, WhatKind};
use crate::syntax::errors;
use crate::syntax::keywords::Kw;
use crate::syntax::lexer::TokenKind;

/// An expression of operations; `text` is the whole file, for messages that show a form.
pub(crate) fn what<'t>(text: &'t str) -> Grammar<'t, What> {
    recursive(|what| {
        let any = kw(Kw::Any).to(WhatKind::Any);
        let terms = term(what.boxed())
            .repeated()
            .at_least(1)
            .collect::<Vec<_>>()
            .validate(|terms, extra, emitter| {
                if let Some(problem) = repeated(&terms) {
                    emitter.emit(Oops::finding(first_index(extra.slice()), problem));
                }
                WhatKind::Terms(terms)
            });
        let operand = spanned(any.or(terms)).map(|(kind, span)| What { kind, span }).boxed();
        let joint = choice((kw(Kw::Or).to(true), kw(Kw::Except).to(false)));
        let rest = spanned(joint).then(operand.clone()).repeated().collect::<Vec<_>>();
        operand.then(rest).validate(move |(first, rest), extra, emitter| {
            let (what, problem) = join(text, first, rest);
            if let Some(problem) = problem {
                emitter.emit(Oops::finding(first_index(extra.slice()), problem));
            }
            what
        })
    })
    .boxed()
}

/// The tree of a chain. One that can be read in two ways is reported, and read from the left.
fn join(text: &str, first: What, rest: Vec<((bool, Span), What)>) -> (What, Option<Diagnostic>) {
    let all_or = rest.iter().all(|((or, _), _)| *or);
    let problem = (!all_or && rest.len() > 1).then(|| {
        let parts: Vec<Span> = std::iter::once(first.span)
            .chain(rest.iter().map(|(_, what)| what.span))
            .collect();
        let signs: Vec<(&str, Span)> = rest
            .iter()
            .map(|((or, span), _)| (if *or { "or" } else { "except" }, *span))
            .collect();
        errors::mixed_operators(text, &parts, &signs)
    });
    let mut what = first;
    for ((or, _), next) in rest {
        let span = what.span.to(next.span);
        let kind = match (or, what.kind) {
            (true, WhatKind::Or(mut parts)) => {
                parts.push(next);
                WhatKind::Or(parts)
            }
            (true, kind) => WhatKind::Or(vec![What { kind, span: what.span }, next]),
            (false, kind) => WhatKind::Except(Box::new(What { kind, span: what.span }), Box::new(next)),
        };
        what = What { kind, span };
    }
    (what, problem)
}

/// The kind of a term that stands once; groups may stand beside each other.
fn class(term: &Term) -> Option<&'static str> {
    match &term.kind {
        TermKind::Field { field, .. } => Some(field_word(*field)),
        TermKind::Names(_) => Some("operation"),
        TermKind::Group(_) => None,
    }
}

/// The word that introduces a field.
pub(crate) fn field_word(field: Field) -> &'static str {
    match field {
        Field::Method => "method",
        Field::Path => "path",
        Field::PathRegex => "path-regex",
        Field::Grpc => "grpc",
        Field::Host => "host",
        Field::Authority => "authority",
        Field::Port => "port",
        Field::Sni => "sni",
        Field::DestIp => "dest-ip",
    }
}

fn repeated(terms: &[Term]) -> Option<Diagnostic> {
    terms.iter().enumerate().find_map(|(at, term)| {
        let class = class(term)?;
        let earlier = terms.iter().take(at).find(|other| self::class(other) == Some(class))?;
        Some(errors::repeated_term(class, earlier.span, term.span))
    })
}

/// Whether a bare word is a METHOD.
#[must_use]
pub fn is_method(word: &str) -> bool {
    let first = word.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    first
        && word
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// Whether a word or string is a PATH.
fn is_path(token: &Tok<'_>) -> bool {
    match token.kind {
        TokenKind::Word => token.text.starts_with('/'),
        TokenKind::String => token.text.starts_with("\"/"),
        TokenKind::Glued => token.text.trim_start_matches(['"', '\'']).starts_with('/'),
        _ => false,
    }
}

fn field_of(kw: Kw) -> Option<Field> {
    match kw {
        Kw::Method => Some(Field::Method),
        Kw::Path => Some(Field::Path),
        Kw::PathRegex => Some(Field::PathRegex),
        Kw::Grpc => Some(Field::Grpc),
        Kw::Host => Some(Field::Host),
        Kw::Authority => Some(Field::Authority),
        Kw::Port => Some(Field::Port),
        Kw::Sni => Some(Field::Sni),
        Kw::DestIp => Some(Field::DestIp),
        _ => None,
    }
}

fn term<'t>(what: Grammar<'t, What>) -> Grammar<'t, Term> {
    let bare = |field: Field, concept: Concept, fits: fn(&Tok<'t>) -> bool| {
        list(token(Expected::concept(concept), fits).map(|t| bare_value(&t)))
            .map(move |values| TermKind::Field {
                field,
                values,
                keyword: false,
            })
            .boxed()
    };
    let method = bare(Field::Method, Concept::Method, |t| {
        t.kind == TokenKind::Word && is_method(t.text)
    });
    let path = bare(Field::Path, Concept::Path, is_path);
    let names = list(reference(Concept::Operation)).map(TermKind::Names).boxed();
    let group = what
        .delimited_by(sign(TokenKind::OpenParen), sign(TokenKind::CloseParen))
        .map(|what| TermKind::Group(Box::new(what)))
        .boxed();
    let values = values().boxed();
    let term = custom(move |cursor: &mut Cursor<'t, '_>| {
        let found = cursor.peek();
        let Some(token) = found else {
            return Err(Oops::expected(index(found), Expected::concept(Concept::Operation)));
        };
        if let Some(field) = token.kw.and_then(field_of) {
            cursor.skip();
            let values = cursor.parse(&values)?;
            return Ok(TermKind::Field {
                field,
                values,
                keyword: true,
            });
        }
        match token.kind {
            TokenKind::OpenParen => cursor.parse(&group),
            TokenKind::Word if is_method(token.text) => cursor.parse(&method),
            _ if is_path(&token) => cursor.parse(&path),
            _ if is_reference(&token) => cursor.parse(&names),
            _ => Err(Oops::expected(token.index, Expected::concept(Concept::Operation))),
        }
    });
    spanned(term).map(|(kind, span)| Term { kind, span }).boxed()
}

fn bare_value(token: &Tok<'_>) -> Value {
    to_value(token).unwrap_or_else(|| word_value(token.text, token.span))
}

/// `["on" what]` and the like: a whole WHAT after a word.
pub(crate) fn what_after<'t>(
    word: Kw,
    what: &Grammar<'t, What>,
) -> impl Parser<'t, Input<'t>, What, Extra> + Clone + 't + use<'t> {
    kw(word).ignore_then(what.clone())
}
