//! Tests and invariants.

use chumsky::prelude::*;

use super::cond::when;
use super::input::{Concept, Cursor, Expected, Extra, Grammar, Input, Oops, Tok, index, kw, sign, spanned};
use super::recover::{Table, braces, headed, statement};
use super::rules::Expressions;
use super::values::{one_of, reference, string, to_value, value, value_as, values};
use crate::source::Span;
use crate::syntax::ast::{
    ClientLine, Extra as TestExtra, ExtraKind, Invariant, InvariantKind, ItemKind, Json, JsonKind, RequestLine, Test,
    TestBody, TokenState, Value,
};
use crate::syntax::keywords::{self, Kw};
use crate::syntax::lexer::TokenKind;

/// `never|always WHO to WHAT [when COND] at V,…`.
pub(crate) fn invariant<'t>(expressions: &Expressions<'t>) -> Grammar<'t, ItemKind> {
    let kind = choice((
        kw(Kw::Never).to(InvariantKind::Never),
        kw(Kw::Always).to(InvariantKind::Always),
    ));
    kind.then(expressions.who.clone())
        .then_ignore(kw(Kw::To))
        .then(expressions.what.clone())
        .then(when(&expressions.cond))
        .then_ignore(kw(Kw::At))
        .then(values())
        .map(|((((kind, who), what), when), at)| {
            ItemKind::Invariant(Invariant {
                kind,
                who,
                what,
                when,
                at,
            })
        })
        .boxed()
}

enum Head {
    At { pod: Option<Span>, target: Value },
    From(Value),
}

enum Lines {
    Requests(Vec<RequestLine>),
    Clients(Vec<ClientLine>),
}

/// `test "…" at [pod] T { … }` or `test "…" from W { … }`.
pub(crate) fn test<'t>(expressions: &Expressions<'t>) -> Grammar<'t, ItemKind> {
    // `pod` before the block is the name of the target.
    let pod = custom(|cursor: &mut Cursor<'t, '_>| {
        let before = cursor.save();
        let word = cursor.next();
        let named = cursor.peek().is_some_and(|next| next.kind != TokenKind::OpenBrace);
        match word.filter(|word| word.kw == Some(Kw::Pod) && named) {
            Some(word) => Ok(Some(word.span)),
            None => {
                cursor.rewind(before);
                Ok(None)
            }
        }
    });
    let at = kw(Kw::Test)
        .ignore_then(string())
        .then(choice((
            kw(Kw::At)
                .ignore_then(pod.then(value()))
                .map(|(pod, target)| Head::At { pod, target }),
            kw(Kw::From).ignore_then(value()).map(Head::From),
        )))
        .boxed();
    // The same head leads to two kinds of block; which one, is known before it is read.
    let requests = headed(at.clone(), request_lines(expressions).map(Lines::Requests).boxed());
    let clients = headed(at, client_lines().map(Lines::Clients).boxed());
    custom(move |cursor: &mut Cursor<'t, '_>| {
        let before = cursor.save();
        cursor.skip();
        cursor.skip();
        let from = cursor.peek().is_some_and(|token| token.kw == Some(Kw::From));
        cursor.rewind(before);
        cursor.parse(if from { &clients } else { &requests })
    })
    .map(|read| read.map_or(ItemKind::Bad, |((name, head), lines)| to_test(name, head, lines)))
    .boxed()
}

fn to_test(name: Value, head: Head, lines: Lines) -> ItemKind {
    let body = match (head, lines) {
        (Head::At { pod, target }, Lines::Requests(lines)) => TestBody::At { pod, target, lines },
        (Head::From(workload), Lines::Clients(lines)) => TestBody::From { workload, lines },
        _ => return ItemKind::Bad,
    };
    ItemKind::Test(Test { name, body })
}

fn request_lines<'t>(expressions: &Expressions<'t>) -> Grammar<'t, Vec<RequestLine>> {
    let line = expressions
        .who
        .clone()
        .then(extra().repeated().collect::<Vec<_>>())
        .then_ignore(kw(Kw::To))
        .then(expressions.what.clone())
        .then_ignore(kw(Kw::Expect))
        .then(one_of(Concept::Outcome, keywords::OUTCOMES));
    let mut table = Table::new(Concept::RequestLine);
    table.otherwise(line);
    braces(statement(table).map(|statement| {
        let span = statement.span();
        let (((who, extras), what), expect) = statement.kind?;
        Some(RequestLine {
            who,
            extras,
            what,
            expect,
            span,
        })
    }))
    .map(|lines| lines.into_iter().flatten().collect())
    .boxed()
}

fn client_lines<'t>() -> Grammar<'t, Vec<ClientLine>> {
    let line = kw(Kw::To)
        .ignore_then(kw(Kw::Host))
        .ignore_then(value())
        .then(kw(Kw::Port).ignore_then(value()).or_not())
        .then_ignore(kw(Kw::Expect))
        .then(one_of(Concept::Outcome, keywords::CLIENT_OUTCOMES));
    let mut table = Table::new(Concept::ClientLine);
    table.add(Kw::To, line);
    braces(statement(table).map(|statement| {
        let span = statement.span();
        let ((host, port), expect) = statement.kind?;
        Some(ClientLine {
            host,
            port,
            expect,
            span,
        })
    }))
    .map(|lines| lines.into_iter().flatten().collect())
    .boxed()
}

/// `with …`.
fn extra<'t>() -> impl Parser<'t, Input<'t>, TestExtra, Extra> + Clone + 't {
    let state = choice((
        kw(Kw::Expired).to(TokenState::Expired),
        kw(Kw::Forged).to(TokenState::Forged),
    ));
    let claims = claims();
    let real = string().map(ExtraKind::RealToken);
    let made = reference(Concept::Issuer)
        .then(state.or_not())
        .then(claims)
        .map(|((issuer, state), claims)| ExtraKind::Token { issuer, state, claims });
    let token = kw(Kw::Token).ignore_then(real.or(made));
    let header = kw(Kw::Header)
        .ignore_then(value().delimited_by(sign(TokenKind::OpenBracket), sign(TokenKind::CloseBracket)))
        .then_ignore(sign(TokenKind::Equal))
        .then(value())
        .map(|(name, value)| ExtraKind::Header { name, value });
    let verdict = choice((kw(Kw::Allow).to(true), kw(Kw::Deny).to(false)));
    let answer = kw(Kw::Answer)
        .ignore_then(value())
        .then(verdict)
        .map(|(provider, allow)| ExtraKind::Answer { provider, allow });
    let dry_run = kw(Kw::DryRun).to(ExtraKind::DryRun);
    spanned(kw(Kw::With).ignore_then(choice((token, header, answer, dry_run))))
        .map(|(kind, span)| TestExtra { kind, span })
        .boxed()
}

/// The claims of a token are an object, or left out.
fn claims<'t>() -> Grammar<'t, Option<Json>> {
    let json = json();
    custom(move |cursor: &mut Cursor<'t, '_>| match cursor.peek() {
        Some(token) if token.kind == TokenKind::OpenBrace => cursor.parse(&json).map(Some),
        _ => Ok(None),
    })
    .boxed()
}

fn json<'t>() -> Grammar<'t, Json> {
    recursive(|json| {
        let comma = sign(TokenKind::Comma);
        let items = json
            .clone()
            .separated_by(comma)
            .collect::<Vec<_>>()
            .delimited_by(sign(TokenKind::OpenBracket), sign(TokenKind::CloseBracket))
            .map(JsonKind::List)
            .boxed();
        let entries = value_as(Concept::JsonKey)
            .then_ignore(sign(TokenKind::Colon))
            .then(json)
            .separated_by(comma)
            .collect::<Vec<_>>()
            .delimited_by(sign(TokenKind::OpenBrace), sign(TokenKind::CloseBrace))
            .map(JsonKind::Object)
            .boxed();
        let value = custom(move |cursor: &mut Cursor<'t, '_>| {
            let found = cursor.peek();
            let Some(token) = found else {
                return Err(Oops::expected(index(found), Expected::concept(Concept::Json)));
            };
            match token.kind {
                TokenKind::OpenBracket => cursor.parse(&items),
                TokenKind::OpenBrace => cursor.parse(&entries),
                _ => match scalar(&token) {
                    Some(scalar) => {
                        cursor.skip();
                        Ok(scalar)
                    }
                    None => Err(Oops::expected(token.index, Expected::concept(Concept::Json))),
                },
            }
        });
        spanned(value).map(|(kind, span)| Json { kind, span })
    })
    .boxed()
}

/// A bare `true`, `false`, `null` or number has that type; every other value is a string.
fn scalar(token: &Tok<'_>) -> Option<JsonKind> {
    let bare = token.kind == TokenKind::Word;
    match token.text {
        "null" if bare => Some(JsonKind::Null),
        "true" if bare => Some(JsonKind::Bool(true)),
        "false" if bare => Some(JsonKind::Bool(false)),
        number if bare && is_number(number) => Some(JsonKind::Number(number.to_owned())),
        _ => to_value(token).map(JsonKind::String),
    }
}

/// Whether a word is a number of JSON.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix('-').unwrap_or(exponent);
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && digits(fraction) && digits(exponent)
}
