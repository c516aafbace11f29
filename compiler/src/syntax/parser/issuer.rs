//! Issuers of tokens.

use chumsky::prelude::*;

use super::input::{Concept, Grammar, kw, list, sign};
use super::recover::{Table, braces, statement};
use super::values::{args, name, one_of, pairs, params, reference, string, value, values};
use super::who::claim;
use crate::syntax::ast::{Issuer, IssuerBase, IssuerItem, IssuerItemKind, IssuerKey, ItemKind, PlaceKind, TokenPlace};
use crate::syntax::keywords::{self, Kw};
use crate::syntax::lexer::TokenKind;

/// `issuer I(params) = base(args) { … }`.
pub(crate) fn issuer<'t>() -> Grammar<'t, ItemKind> {
    let base = sign(TokenKind::Equal)
        .ignore_then(reference(Concept::Issuer))
        .then(args())
        .map(|(name, args)| IssuerBase { name, args });
    let block = braces(statement(table()).map(|statement| IssuerItem {
        span: statement.span(),
        kind: statement.kind.unwrap_or(IssuerItemKind::Bad),
    }));
    kw(Kw::Issuer)
        .ignore_then(name())
        .then(params())
        .then(base.or_not())
        .then(block.or_not().map(Option::unwrap_or_default))
        .map(|(((name, params), base), items)| {
            ItemKind::Issuer(Issuer {
                name,
                params,
                base,
                items,
            })
        })
        .boxed()
}

fn table<'t>() -> Table<'t, IssuerItemKind> {
    let mut table = Table::new(Concept::IssuerItem);
    for (word, key) in [
        (Kw::Iss, IssuerKey::Iss),
        (Kw::JwksUri, IssuerKey::JwksUri),
        (Kw::Jwks, IssuerKey::Jwks),
        (Kw::PayloadHeader, IssuerKey::PayloadHeader),
        (Kw::Timeout, IssuerKey::Timeout),
        (Kw::Presence, IssuerKey::Presence),
    ] {
        table.add(
            word,
            kw(word)
                .ignore_then(value())
                .map(move |value| IssuerItemKind::Single { key, value }),
        );
    }
    table.add(
        Kw::Audiences,
        kw(Kw::Audiences).ignore_then(values()).map(IssuerItemKind::Audiences),
    );
    let header = kw(Kw::Header)
        .ignore_then(value())
        .then(string().or_not())
        .map(|(name, prefix)| TokenPlace {
            kind: PlaceKind::Header,
            name,
            prefix,
        });
    let other = choice((kw(Kw::Param).to(PlaceKind::Param), kw(Kw::Cookie).to(PlaceKind::Cookie)))
        .then(value())
        .map(|(kind, name)| TokenPlace {
            kind,
            name,
            prefix: None,
        });
    table.add(
        Kw::From,
        kw(Kw::From)
            .ignore_then(list(header.or(other)))
            .map(IssuerItemKind::From),
    );
    table.add(Kw::Forward, kw(Kw::Forward).to(IssuerItemKind::Forward));
    table.add(
        Kw::Claims,
        kw(Kw::Claims)
            .ignore_then(list(claim().then(one_of(Concept::ClaimType, keywords::CLAIM_TYPES))))
            .map(IssuerItemKind::Claims),
    );
    table.add(
        Kw::ClaimHeaders,
        kw(Kw::ClaimHeaders)
            .ignore_then(pairs())
            .map(IssuerItemKind::ClaimHeaders),
    );
    table
}
