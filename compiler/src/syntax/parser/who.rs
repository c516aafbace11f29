//! WHO: callers, and what joins them.

use chumsky::prelude::*;

use super::cond::comparison;
use super::input::{Concept, Cursor, Expected, Extra, Grammar, Input, Oops, Tok, index, kw, list, sign, spanned};
use super::recover::fail;
use super::values::{first_index, reference, value, value_as, values};
use crate::diagnostics::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{CallerKind, Claim, ClaimTest, Who, WhoKind};
use crate::syntax::errors;
use crate::syntax::keywords::Kw;
use crate::syntax::lexer::TokenKind;

/// What stands between two callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    Or,
    Except,
    And,
    Via,
    From,
}

impl Joint {
    fn text(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::Except => "except",
            Self::And => "&",
            Self::Via => "via",
            Self::From => "from",
        }
    }
}

/// An expression of callers; `text` is the whole file, for messages that show a form.
pub(crate) fn who<'t>(text: &'t str) -> Grammar<'t, Who> {
    recursive(|who| {
        let caller = caller(who.boxed());
        let joint = choice((
            kw(Kw::Or).to(Joint::Or),
            kw(Kw::Except).to(Joint::Except),
            sign(TokenKind::And).to(Joint::And),
            kw(Kw::Via).to(Joint::Via),
            kw(Kw::From).to(Joint::From),
        ));
        let rest = spanned(joint).then(caller.clone()).repeated().collect::<Vec<_>>();
        let chain = caller.then(rest).boxed();
        custom(move |cursor: &mut Cursor<'t, '_>| {
            let (first, rest) = cursor.parse(&chain)?;
            let next = cursor.peek();
            if let Some(problem) = tests_in_chain(&first, &rest, next) {
                return cursor.parse(fail(Oops::finding(index(next), problem)));
            }
            let (who, problem) = join(text, first, rest);
            if let Some(problem) = problem {
                cursor.emit(Oops::finding(index(next), problem));
            }
            Ok(who)
        })
    })
    .boxed()
}

type Joined = ((Joint, Span), Who);

/// `corp where a = b or c = d`: what follows the `or` is a claim test, and no caller.
fn tests_in_chain(first: &Who, rest: &[Joined], next: Option<Tok<'_>>) -> Option<Diagnostic> {
    let ((_, joint), last) = rest.last()?;
    let compares = next.is_some_and(|next| {
        matches!(
            next.kind,
            TokenKind::Equal | TokenKind::NotEqual | TokenKind::OpenBracket
        ) || matches!(next.kw, Some(Kw::Has | Kw::Lacks | Kw::Present | Kw::Absent))
    });
    let bare = |who: &Who| matches!(who.kind, WhoKind::Where { .. });
    let tested = bare(first) || rest.iter().any(|(_, who)| bare(who));
    (compares && tested && !bare(last)).then(|| errors::alternative_tests(*joint))
}

/// The tree of a chain. One that can be read in two ways is reported, and read from the left.
fn join(text: &str, first: Who, rest: Vec<Joined>) -> (Who, Option<Diagnostic>) {
    let mut problem = None;
    let joints: Vec<Joint> = rest.iter().map(|((joint, _), _)| *joint).collect();
    let one_kind = joints.windows(2).all(|pair| pair.first() == pair.last());
    let chain = match joints.as_slice() {
        [Joint::Via, Joint::From] => true,
        [Joint::Except | Joint::Via | Joint::From, _, ..] => false,
        _ => one_kind,
    };
    if !chain {
        let parts: Vec<Span> = std::iter::once(first.span)
            .chain(rest.iter().map(|(_, who)| who.span))
            .collect();
        let signs: Vec<(&str, Span)> = rest.iter().map(|((joint, span), _)| (joint.text(), *span)).collect();
        problem = Some(errors::mixed_operators(text, &parts, &signs));
    }
    if problem.is_none() && !rest.is_empty() {
        let bare = std::iter::once(&first)
            .chain(rest.iter().map(|(_, who)| who))
            .find(|who| matches!(who.kind, WhoKind::Where { .. }));
        problem = bare.map(|who| errors::bare_where(text, who.span));
    }
    let mut who = first;
    for ((joint, _), next) in rest {
        let span = who.span.to(next.span);
        let kind = match joint {
            Joint::Or => match who.kind {
                WhoKind::Or(mut parts) => {
                    parts.push(next);
                    WhoKind::Or(parts)
                }
                kind => WhoKind::Or(vec![Who { kind, span: who.span }, next]),
            },
            Joint::And => match who.kind {
                WhoKind::And(mut parts) => {
                    parts.push(next);
                    WhoKind::And(parts)
                }
                kind => WhoKind::And(vec![Who { kind, span: who.span }, next]),
            },
            Joint::Except => WhoKind::Except(Box::new(who), Box::new(next)),
            Joint::Via => WhoKind::Via {
                user: Box::new(who),
                peer: Box::new(next),
            },
            Joint::From => WhoKind::From {
                who: Box::new(who),
                network: Box::new(next),
            },
        };
        who = Who { kind, span };
    }
    (who, problem)
}

fn caller<'t>(who: Grammar<'t, Who>) -> Grammar<'t, Who> {
    let bare = choice((
        kw(Kw::Anyone).to(WhoKind::Anyone),
        kw(Kw::AnyPeer).to(WhoKind::AnyPeer),
        kw(Kw::Outsider).to(WhoKind::Outsider),
    ));
    let group = who
        .delimited_by(sign(TokenKind::OpenParen), sign(TokenKind::CloseParen))
        .map(|who| WhoKind::Group(Box::new(who)));

    // `of` belongs to accounts and namespaces alone.
    let of = kw(Kw::Of).ignore_then(values()).or_not().map(Option::unwrap_or_default);
    let account = choice((kw(Kw::Sa).to(CallerKind::Sa), kw(Kw::Ns).to(CallerKind::Ns)))
        .then(values())
        .then(of)
        .map(|((kind, values), of)| WhoKind::Literal { kind, values, of });
    let literal = choice((
        kw(Kw::Principal).to(CallerKind::Principal),
        kw(Kw::TrustDomain).to(CallerKind::TrustDomain),
        kw(Kw::RequestPrincipal).to(CallerKind::RequestPrincipal),
        kw(Kw::PeerIp).to(CallerKind::PeerIp),
        kw(Kw::ClientIp).to(CallerKind::ClientIp),
    ))
    .then(values())
    .map(|(kind, values)| WhoKind::Literal {
        kind,
        values,
        of: Vec::new(),
    });

    let subject = choice((
        kw(Kw::Token).to(WhoKind::Token),
        list(reference(Concept::Reference)).map(WhoKind::Names),
    ));
    let tests = claim_test().separated_by(kw(Kw::And)).at_least(1).collect::<Vec<_>>();
    let named = spanned(subject)
        .then(kw(Kw::Where).ignore_then(tests).or_not())
        .validate(|((kind, span), tests), extra, emitter| {
            let Some(tests) = tests else { return kind };
            if let WhoKind::Names(names) = &kind
                && names.len() > 1
            {
                emitter.emit(Oops::finding(
                    first_index(extra.slice()),
                    errors::where_after_list(span),
                ));
            }
            WhoKind::Where {
                subject: Box::new(Who { kind, span }),
                tests,
            }
        });

    // Each begins with a token of its own: whoever fits the first one speaks for the whole.
    let bare = bare.boxed();
    let group = group.boxed();
    let account = account.boxed();
    let literal = literal.boxed();
    let named = named.boxed();
    let any = custom(move |cursor: &mut Cursor<'t, '_>| {
        let found = cursor.peek();
        let Some(token) = found else {
            return Err(Oops::expected(index(found), Expected::concept(Concept::Caller)));
        };
        match token.kw {
            Some(Kw::Anyone | Kw::AnyPeer | Kw::Outsider) => cursor.parse(&bare),
            Some(Kw::Sa | Kw::Ns) => cursor.parse(&account),
            Some(Kw::Principal | Kw::TrustDomain | Kw::RequestPrincipal | Kw::PeerIp | Kw::ClientIp) => {
                cursor.parse(&literal)
            }
            Some(Kw::Token) => cursor.parse(&named),
            _ if token.kind == TokenKind::OpenParen => cursor.parse(&group),
            _ if super::values::is_reference(&token) => cursor.parse(&named),
            _ => Err(Oops::expected(token.index, Expected::concept(Concept::Caller))),
        }
    });
    spanned(any).map(|(kind, span)| Who { kind, span }).boxed()
}

/// `V {"[" V "]"}`.
pub(crate) fn claim<'t>() -> impl Parser<'t, Input<'t>, Claim, Extra> + Clone + 't {
    let step = value().delimited_by(sign(TokenKind::OpenBracket), sign(TokenKind::CloseBracket));
    spanned(value_as(Concept::ClaimTest).then(step.repeated().collect::<Vec<_>>())).map(|((first, mut path), span)| {
        path.insert(0, first);
        Claim { path, span }
    })
}

fn claim_test<'t>() -> impl Parser<'t, Input<'t>, ClaimTest, Extra> + Clone + 't {
    spanned(claim().then(comparison())).map(|((claim, comparison), span)| ClaimTest {
        claim,
        comparison,
        span,
    })
}
