//! WHEN: tests of headers and filter metadata.

use chumsky::prelude::*;

use super::input::{Concept, Cursor, Expected, Extra, Grammar, Input, Oops, index, kw, sign, spanned};
use super::values::{first_index, value, values};
use crate::diagnostics::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{Comparison, Cond, CondKind, CondSubject, Op};
use crate::syntax::errors;
use crate::syntax::keywords::Kw;
use crate::syntax::lexer::TokenKind;

/// An operator and its values.
pub(crate) fn comparison<'t>() -> Grammar<'t, Comparison> {
    let op = custom(|cursor: &mut Cursor<'t, '_>| {
        let found = cursor.peek();
        let op = found.and_then(|token| match (token.kind, token.kw) {
            (TokenKind::Equal, _) => Some(Op::Equal),
            (TokenKind::NotEqual, _) => Some(Op::NotEqual),
            (_, Some(Kw::Has)) => Some(Op::Has),
            (_, Some(Kw::Lacks)) => Some(Op::Lacks),
            (_, Some(Kw::Present)) => Some(Op::Present),
            (_, Some(Kw::Absent)) => Some(Op::Absent),
            _ => None,
        });
        match op {
            Some(op) => {
                cursor.skip();
                Ok(op)
            }
            None => Err(Oops::expected(index(found), Expected::concept(Concept::Comparison))),
        }
    });
    let values = values().boxed();
    let of = move |op: Op, cursor: &mut Cursor<'t, '_>| match op {
        Op::Equal | Op::NotEqual | Op::Has | Op::Lacks => cursor.parse(&values),
        Op::Present | Op::Absent => Ok(Vec::new()),
    };
    let op = spanned(op).boxed();
    custom(move |cursor: &mut Cursor<'t, '_>| {
        let (op, op_span) = cursor.parse(&op)?;
        let values = of(op, cursor)?;
        Ok(Comparison { op, op_span, values })
    })
    .boxed()
}

/// `htest {and htest}` or `htest {or htest}`.
pub(crate) fn cond<'t>(text: &'t str) -> Grammar<'t, Cond> {
    recursive(|cond| {
        let group = cond
            .delimited_by(sign(TokenKind::OpenParen), sign(TokenKind::CloseParen))
            .map(|cond| CondKind::Group(Box::new(cond)))
            .boxed();
        let key = value()
            .delimited_by(sign(TokenKind::OpenBracket), sign(TokenKind::CloseBracket))
            .boxed();
        let header = kw(Kw::Header).ignore_then(key.clone()).map(CondSubject::Header);
        let filter = kw(Kw::Filter)
            .ignore_then(key.clone())
            .then(key)
            .map(|(filter, key)| CondSubject::Filter(filter, key));
        let test = header
            .or(filter)
            .then(comparison())
            .map(|(subject, comparison)| CondKind::Test { subject, comparison })
            .boxed();
        let leaf = custom(move |cursor: &mut Cursor<'t, '_>| {
            let found = cursor.peek();
            match found {
                Some(token) if token.kind == TokenKind::OpenParen => cursor.parse(&group),
                Some(token) if matches!(token.kw, Some(Kw::Header | Kw::Filter)) => cursor.parse(&test),
                _ => Err(Oops::expected(index(found), Expected::concept(Concept::Condition))),
            }
        });
        let leaf = spanned(leaf).map(|(kind, span)| Cond { kind, span }).boxed();
        let joint = choice((kw(Kw::And).to(true), kw(Kw::Or).to(false)));
        let rest = spanned(joint).then(leaf.clone()).repeated().collect::<Vec<_>>();
        leaf.then(rest).validate(move |(first, rest), extra, emitter| {
            let (cond, problem) = join(text, first, rest);
            if let Some(problem) = problem {
                emitter.emit(Oops::finding(first_index(extra.slice()), problem));
            }
            cond
        })
    })
    .boxed()
}

fn join(text: &str, first: Cond, rest: Vec<((bool, Span), Cond)>) -> (Cond, Option<Diagnostic>) {
    let Some(((conjunction, _), _)) = rest.first() else {
        return (first, None);
    };
    let conjunction = *conjunction;
    let parts: Vec<Span> = std::iter::once(first.span)
        .chain(rest.iter().map(|(_, cond)| cond.span))
        .collect();
    let signs: Vec<(&str, Span)> = rest
        .iter()
        .map(|((and, span), _)| (if *and { "and" } else { "or" }, *span))
        .collect();
    let mixed = rest.iter().any(|((and, _), _)| *and != conjunction);
    let problem = mixed.then(|| errors::mixed_operators(text, &parts, &signs));
    let span = parts.iter().fold(first.span, |span, part| span.to(*part));
    let all: Vec<Cond> = std::iter::once(first)
        .chain(rest.into_iter().map(|(_, cond)| cond))
        .collect();
    let kind = if conjunction {
        CondKind::And(all)
    } else {
        CondKind::Or(all)
    };
    (Cond { kind, span }, problem)
}

/// `["when" cond]`.
pub(crate) fn when<'t>(
    cond: &Grammar<'t, Cond>,
) -> impl Parser<'t, Input<'t>, Option<Cond>, Extra> + Clone + 't + use<'t> {
    kw(Kw::When).ignore_then(cond.clone()).or_not()
}
