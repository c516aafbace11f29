//! Values, names, and the lists of them.

use chumsky::prelude::*;

use super::input::{Concept, Cursor, Expected, Extra, Grammar, Input, Oops, Tok, index, list, sign, spanned, token};
use crate::source::Span;
use crate::syntax::ast::{Arg, Name, NamedArg, Pair, Param, ParamKind, Piece, Value, ValueForm};
use crate::syntax::keywords::{self, Kw};
use crate::syntax::lexer::TokenKind;
use crate::syntax::{errors, strings};

/// A word, a string or `${param}`: in this position every word is a value.
pub(crate) fn value<'t>() -> impl Parser<'t, Input<'t>, Value, Extra> + Copy + 't {
    value_as(Concept::Value)
}

/// A value that the messages call something else.
pub(crate) fn value_as<'t>(concept: Concept) -> impl Parser<'t, Input<'t>, Value, Extra> + Copy + 't {
    custom(move |cursor: &mut Cursor<'t, '_>| {
        let found = cursor.peek();
        match found.and_then(|token| to_value(&token)) {
            Some(value) => {
                cursor.skip();
                Ok(value)
            }
            None => Err(Oops::expected(index(found), Expected::concept(concept))),
        }
    })
}

/// `"…"`.
pub(crate) fn string<'t>() -> impl Parser<'t, Input<'t>, Value, Extra> + Clone + 't {
    token(Expected::concept(Concept::String), |t| {
        matches!(t.kind, TokenKind::String | TokenKind::Raw | TokenKind::Glued)
    })
    .map(|t| to_value(&t).unwrap_or_else(|| word_value(t.text, t.span)))
}

pub(crate) fn word_value(text: &str, span: Span) -> Value {
    Value {
        form: ValueForm::Word,
        pieces: vec![Piece::Text(text.to_owned())],
        span,
    }
}

/// The value that a token says.
pub(crate) fn to_value(token: &Tok<'_>) -> Option<Value> {
    let inner = |quotes: u32, form: ValueForm| {
        let length = quotes as usize;
        let inner = token
            .text
            .get(length..token.text.len().saturating_sub(length))
            .unwrap_or_default();
        let pieces = match form {
            ValueForm::Quoted => strings::pieces(token.span.file, token.span.start + quotes, inner),
            ValueForm::Word | ValueForm::Raw | ValueForm::Param => vec![Piece::Text(inner.to_owned())],
        };
        Value {
            form,
            pieces,
            span: token.span,
        }
    };
    match token.kind {
        TokenKind::Word => Some(word_value(token.text, token.span)),
        TokenKind::String => Some(inner(1, ValueForm::Quoted)),
        TokenKind::Raw => Some(inner(3, ValueForm::Raw)),
        TokenKind::Glued => Some(Value {
            form: ValueForm::Quoted,
            pieces: vec![Piece::Text(token.text.trim_matches(['"', '\'']).to_owned())],
            span: token.span,
        }),
        TokenKind::Param => {
            let name = token
                .text
                .get(2..token.text.len().saturating_sub(1))
                .unwrap_or_default();
            let span = Span {
                start: token.span.start + 2,
                end: token.span.end - 1,
                ..token.span
            };
            Some(Value {
                form: ValueForm::Param,
                pieces: vec![Piece::Param(Name {
                    text: name.to_owned(),
                    span,
                })],
                span: token.span,
            })
        }
        TokenKind::Equal
        | TokenKind::NotEqual
        | TokenKind::And
        | TokenKind::Comma
        | TokenKind::Colon
        | TokenKind::OpenParen
        | TokenKind::CloseParen
        | TokenKind::OpenBrace
        | TokenKind::CloseBrace
        | TokenKind::OpenBracket
        | TokenKind::CloseBracket
        | TokenKind::Comment
        | TokenKind::Doc
        | TokenKind::Suppression
        | TokenKind::Unknown => None,
    }
}

pub(crate) fn to_name(token: Tok<'_>) -> Name {
    Name {
        text: token.text.to_owned(),
        span: token.span,
    }
}

/// `V,…`.
pub(crate) fn values<'t>() -> impl Parser<'t, Input<'t>, Vec<Value>, Extra> + Clone + 't {
    list(value())
}

/// Whether a word is `[a-z][a-z0-9_-]*`.
pub(crate) fn is_simple(word: &str) -> bool {
    let first = word.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    first
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// Whether a word is a NAME or `ns/name`.
pub(crate) fn is_reference(token: &Tok<'_>) -> bool {
    if token.kind != TokenKind::Word {
        return false;
    }
    match token.text.split_once('/') {
        Some((namespace, name)) => {
            let part = |part: &str, signs: &[u8]| {
                let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || signs.contains(&b);
                !part.is_empty() && part.bytes().all(letter)
            };
            part(namespace, b"-_") && part(name, b"-_.")
        }
        None => is_simple(token.text) && !keywords::is_reserved(token.text),
    }
}

/// A name that is declared here: no keyword.
pub(crate) fn name<'t>() -> impl Parser<'t, Input<'t>, Name, Extra> + Clone + 't {
    token(Expected::concept(Concept::Name), |t| {
        t.kind == TokenKind::Word && is_simple(t.text) && !keywords::is_reserved(t.text)
    })
    .map(to_name)
}

/// A name that stands where no keyword can, so that keywords are free.
pub(crate) fn simple<'t>() -> impl Parser<'t, Input<'t>, Name, Extra> + Clone + 't {
    token(Expected::concept(Concept::SimpleName), |t| {
        t.kind == TokenKind::Word && is_simple(t.text)
    })
    .map(to_name)
}

/// NAME or `ns/name`.
pub(crate) fn reference<'t>(concept: Concept) -> impl Parser<'t, Input<'t>, Name, Extra> + Clone + 't {
    token(Expected::concept(concept), is_reference).map(to_name)
}

/// A word of a closed set. Another word is reported and kept.
pub(crate) fn one_of<'t>(
    concept: Concept,
    set: &'static [&'static str],
) -> impl Parser<'t, Input<'t>, Name, Extra> + Clone + 't {
    let fits = |t: &Tok<'t>| t.kind == TokenKind::Word && !(t.line_start && t.kw.is_some_and(Kw::starts_item));
    token(Expected::concept(concept), fits).validate(move |found, _, emitter| {
        if !set.contains(&found.text) {
            let what = match concept {
                Concept::Protocol => "protocol",
                Concept::ClaimType => "type of a claim",
                _ => "outcome",
            };
            emitter.emit(Oops::finding(
                found.index,
                errors::unknown_word(found.span, found.text, what, set),
            ));
        }
        to_name(found)
    })
}

/// `key=value {key=value}`.
pub(crate) fn pairs<'t>() -> impl Parser<'t, Input<'t>, Vec<Pair>, Extra> + Clone + 't {
    let pair = value_as(Concept::Pair)
        .then_ignore(sign(TokenKind::Equal))
        .then(value())
        .map(|(key, value)| Pair { key, value });
    // Any word may be a key, the next item's keyword too: only the `=` tells.
    let more = custom(|cursor: &mut Cursor<'t, '_>| {
        let before = cursor.save();
        let key = cursor.next();
        let equal = cursor.peek();
        cursor.rewind(before);
        match equal {
            Some(equal) if equal.kind == TokenKind::Equal => Ok(()),
            _ => Err(Oops::expected(index(key), Expected::concept(Concept::Pair))),
        }
    });
    pair.then(more.ignore_then(pair).repeated().collect::<Vec<_>>())
        .map(|(first, mut rest)| {
            rest.insert(0, first);
            rest
        })
}

/// V or `[V, …]`.
pub(crate) fn arg<'t>() -> Grammar<'t, Arg> {
    let many = spanned(
        list(value())
            .or_not()
            .delimited_by(sign(TokenKind::OpenBracket), sign(TokenKind::CloseBracket)),
    )
    .validate(|(values, span), extra, emitter| {
        if values.is_none() {
            emitter.emit(Oops::finding(first_index(extra.slice()), errors::empty_list(span)));
        }
        Arg::List(values.unwrap_or_default(), span)
    });
    many.or(value().map(Arg::One)).boxed()
}

pub(crate) fn first_index(taken: Input<'_>) -> u32 {
    taken.first().map_or(u32::MAX, |token| token.index)
}

/// `(name: arg, …)`, or nothing.
pub(crate) fn args<'t>() -> Grammar<'t, Vec<NamedArg>> {
    let named = simple()
        .then_ignore(sign(TokenKind::Colon))
        .then(arg())
        .map(|(name, arg)| NamedArg { name, arg });
    list(named)
        .delimited_by(sign(TokenKind::OpenParen), sign(TokenKind::CloseParen))
        .or_not()
        .map(Option::unwrap_or_default)
        .boxed()
}

/// `([identity|operation|issuer] name = default, …)`, or nothing.
pub(crate) fn params<'t>() -> Grammar<'t, Vec<Param>> {
    // `identity` alone is a parameter of that name.
    let kind = custom(|cursor: &mut Cursor<'t, '_>| {
        let before = cursor.save();
        let kind = cursor.next();
        let next = cursor.peek();
        let named = next.is_some_and(|next| next.kind == TokenKind::Word);
        match kind.and_then(|kind| kind.kw) {
            Some(Kw::Identity) if named => Ok(ParamKind::Identity),
            Some(Kw::Operation) if named => Ok(ParamKind::Operation),
            Some(Kw::Issuer) if named => Ok(ParamKind::Issuer),
            _ => {
                cursor.rewind(before);
                Ok(ParamKind::Value)
            }
        }
    });
    let param = kind
        .then(simple())
        .then(sign(TokenKind::Equal).ignore_then(arg()).or_not())
        .map(|((kind, name), default)| Param { kind, name, default });
    list(param)
        .delimited_by(sign(TokenKind::OpenParen), sign(TokenKind::CloseParen))
        .or_not()
        .map(Option::unwrap_or_default)
        .boxed()
}
