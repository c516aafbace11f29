//! Rules: access, mTLS, tokens.

use chumsky::prelude::*;

use super::cond::{cond, when};
use super::input::{Concept, Extra, Grammar, Input, kw, list};
use super::items::as_name;
use super::recover::Table;
use super::values::{reference, value, values};
use super::what::{what, what_after};
use super::who::who;
use crate::syntax::ast::{AccessAction, Body, Cond, ItemKind, Rule, RuleKind, Value, What, Who};
use crate::syntax::keywords::Kw;

/// The grammars of expressions, built once a file.
pub(crate) struct Expressions<'t> {
    pub who: Grammar<'t, Who>,
    pub what: Grammar<'t, What>,
    pub cond: Grammar<'t, Cond>,
}

impl<'t> Expressions<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            who: who(text),
            what: what(text),
            cond: cond(text),
        }
    }
}

pub(crate) fn add<'t>(table: &mut Table<'t, ItemKind>, expressions: &Expressions<'t>) {
    let body = body(expressions);
    let action = choice((
        kw(Kw::Allow).to(AccessAction::Allow),
        kw(Kw::Deny).to(AccessAction::Deny),
        kw(Kw::Audit).to(AccessAction::Audit),
    ));
    let access = action.then(body.clone()).boxed();
    let plain = access.clone().map(|(action, body)| RuleKind::Access {
        dry_run: None,
        action,
        body,
    });
    let plain = named(plain);
    for word in [Kw::Allow, Kw::Deny, Kw::Audit] {
        table.add(word, plain.clone());
    }
    let default = kw(Kw::Default).ignore_then(kw(Kw::Deny)).boxed();
    table.add(
        Kw::Default,
        named(default.clone().map(|_| RuleKind::DefaultDeny { dry_run: None })),
    );
    let tried = kw(Kw::DryRun)
        .then(choice((access.map(Some), default.to(None))))
        .map(|(word, access)| match access {
            Some((action, body)) => RuleKind::Access {
                dry_run: Some(word.span),
                action,
                body,
            },
            None => RuleKind::DefaultDeny {
                dry_run: Some(word.span),
            },
        });
    table.add(Kw::DryRun, named(tried));
    table.add(
        Kw::Ask,
        named(
            kw(Kw::Ask)
                .ignore_then(value())
                .then_ignore(kw(Kw::About))
                .then(body)
                .map(|(provider, body)| RuleKind::Ask { provider, body }),
        ),
    );
    table.add(
        Kw::Mtls,
        named(
            kw(Kw::Mtls)
                .ignore_then(value())
                .then(on_ports())
                .map(|(mode, ports)| RuleKind::Mtls { mode, ports }),
        ),
    );
    let issuers = list(reference(Concept::Issuer)).boxed();
    table.add(
        Kw::Accept,
        named(
            kw(Kw::Accept)
                .ignore_then(issuers.clone())
                .then(what_after(Kw::On, &expressions.what).or_not())
                .map(|(issuers, on)| RuleKind::Accept { issuers, on }),
        ),
    );
    let bounds = choice((
        what_after(Kw::On, &expressions.what).map(|what| (Some(what), None)),
        what_after(Kw::Except, &expressions.what).map(|what| (None, Some(what))),
    ));
    table.add(
        Kw::Require,
        named(
            kw(Kw::Require)
                .ignore_then(issuers)
                .then(bounds.or_not().map(Option::unwrap_or_default))
                .map(|(issuers, (on, except))| RuleKind::Require { issuers, on, except }),
        ),
    );
}

/// `["on" "port" V,…]`.
pub(crate) fn on_ports<'t>() -> impl Parser<'t, Input<'t>, Vec<Value>, Extra> + Clone + 't {
    kw(Kw::On)
        .ignore_then(kw(Kw::Port))
        .ignore_then(values())
        .or_not()
        .map(Option::unwrap_or_default)
}

fn named<'t>(kind: impl Parser<'t, Input<'t>, RuleKind, Extra> + Clone + 't) -> Grammar<'t, ItemKind> {
    kind.then(as_name())
        .map(|(kind, as_name)| ItemKind::Rule(Rule { kind, as_name }))
        .boxed()
}

/// WHO to WHAT `[when COND] [including tcp]`.
fn body<'t>(expressions: &Expressions<'t>) -> Grammar<'t, Body> {
    let including = kw(Kw::Including)
        .then(kw(Kw::Tcp))
        .map(|(first, last)| first.span.to(last.span));
    expressions
        .who
        .clone()
        .then_ignore(kw(Kw::To))
        .then(expressions.what.clone())
        .then(when(&expressions.cond))
        .then(including.or_not())
        .map(|(((who, what), when), including_tcp)| Body {
            who,
            what,
            when,
            including_tcp,
        })
        .boxed()
}
