//! Declarations, blocks, facts and rules.

use chumsky::prelude::*;

use super::input::{Concept, Cursor, Expected, Extra, Grammar, Input, Oops, kw, list, sign, spanned, token};
use super::recover::{Statement, Table, braces, headed, statement};
use super::rules::{self, Expressions};
use super::values::{arg, args, first_index, name, one_of, pairs, params, reference, simple, to_value, value, values};
use super::{destination, issuer, test};
use crate::syntax::ast::{
    Fact, Item, ItemKind, Legacy, ListFact, MetadataKind, Pair, PortMap, SingleFact, Target, TargetKind, UseName, Value,
};
use crate::syntax::errors;
use crate::syntax::keywords::{self, Kw};
use crate::syntax::lexer::TokenKind;

/// The items of a file; `text` is the whole of it.
pub(crate) fn items<'t>(text: &'t str) -> Grammar<'t, Vec<Item>> {
    let expressions = Expressions::new(text);
    let item = recursive(|item| {
        let block = braces(item);
        statement(table(&expressions, &block)).map(to_item)
    });
    item.repeated().collect().boxed()
}

fn to_item(statement: Statement<'_, ItemKind>) -> Item {
    Item {
        doc: Vec::new(),
        span: statement.span(),
        keyword: statement.taken.first().map(|token| token.span).unwrap_or_default(),
        kind: statement.kind.unwrap_or(ItemKind::Bad),
    }
}

type Block<'t> = Grammar<'t, Vec<Item>>;

fn table<'t>(expressions: &Expressions<'t>, block: &Block<'t>) -> Table<'t, ItemKind> {
    let mut table = Table::new(Concept::Item);
    declarations(&mut table, expressions, block);
    blocks(&mut table, block);
    facts(&mut table);
    rules::add(&mut table, expressions);
    table.add(Kw::Destination, destination::destination());
    for word in [Kw::Never, Kw::Always] {
        table.add(word, test::invariant(expressions));
    }
    table.add(Kw::Test, test::test(expressions));
    table
}

fn declarations<'t>(table: &mut Table<'t, ItemKind>, expressions: &Expressions<'t>, block: &Block<'t>) {
    let use_name = name()
        .then(kw(Kw::As).ignore_then(name()).or_not())
        .map(|(name, alias)| UseName { name, alias });
    table.add(
        Kw::Use,
        kw(Kw::Use)
            .ignore_then(value())
            .then(list(use_name).delimited_by(sign(TokenKind::OpenParen), sign(TokenKind::CloseParen)))
            .map(|(path, names)| ItemKind::Use { path, names }),
    );
    table.add(
        Kw::Param,
        kw(Kw::Param)
            .ignore_then(simple())
            .then(sign(TokenKind::Equal).ignore_then(arg()).or_not())
            .map(|(name, default)| ItemKind::Param { name, default }),
    );
    table.add(Kw::Issuer, issuer::issuer());
    table.add(
        Kw::Identity,
        kw(Kw::Identity)
            .ignore_then(name())
            .then_ignore(sign(TokenKind::Equal))
            .then(expressions.who.clone())
            .map(|(name, who)| ItemKind::Identity { name, who }),
    );
    table.add(
        Kw::Operation,
        kw(Kw::Operation)
            .ignore_then(name())
            .then_ignore(sign(TokenKind::Equal))
            .then(expressions.what.clone())
            .then(super::cond::when(&expressions.cond))
            .map(|((name, what), when)| ItemKind::Operation { name, what, when }),
    );
    let template = kw(Kw::Template).ignore_then(name()).then(params());
    table.add(
        Kw::Template,
        headed(template, block.clone()).map(|read| match read {
            Some(((name, params), items)) => ItemKind::Template { name, params, items },
            None => ItemKind::Bad,
        }),
    );
    table.add(
        Kw::Apply,
        kw(Kw::Apply)
            .ignore_then(reference(Concept::Reference))
            .then(args())
            .map(|(template, args)| ItemKind::Apply { template, args }),
    );
}

fn blocks<'t>(table: &mut Table<'t, ItemKind>, block: &Block<'t>) {
    table.add(
        Kw::Mesh,
        headed(kw(Kw::Mesh), block.clone()).map(|read| match read {
            Some((_, items)) => ItemKind::Mesh { items },
            None => ItemKind::Bad,
        }),
    );
    table.add(
        Kw::Namespace,
        headed(kw(Kw::Namespace).ignore_then(value()), block.clone()).map(|read| match read {
            Some((name, items)) => ItemKind::Namespace { name, items },
            None => ItemKind::Bad,
        }),
    );
    table.add(
        Kw::Object,
        headed(kw(Kw::Object).ignore_then(value()), block.clone()).map(|read| match read {
            Some((name, items)) => ItemKind::Object { name, items },
            None => ItemKind::Bad,
        }),
    );
    let scope = headed(targets(), block.clone())
        .map(|read| match read {
            Some((targets, items)) => ItemKind::Scope { targets, items },
            None => ItemKind::Bad,
        })
        .boxed();
    for word in [Kw::Workload, Kw::ServiceEntry, Kw::Gateway, Kw::Waypoint] {
        table.add(word, scope.clone());
    }
    // `service` is a fact in a workload, and a block elsewhere: what follows its name tells.
    let fact = service();
    table.add(
        Kw::Service,
        custom(move |cursor: &mut Cursor<'t, '_>| {
            let before = cursor.save();
            cursor.skip();
            cursor.skip();
            let next = cursor.peek();
            cursor.rewind(before);
            match next.map(|next| next.kind) {
                Some(TokenKind::OpenBrace | TokenKind::Comma) => cursor.parse(&scope),
                _ => cursor.parse(&fact),
            }
        }),
    );
}

fn targets<'t>() -> impl Parser<'t, Input<'t>, Vec<Target>, Extra> + Clone + 't {
    let kind = choice((
        kw(Kw::Workload).to(TargetKind::Workload),
        kw(Kw::Service).to(TargetKind::Service),
        kw(Kw::ServiceEntry).to(TargetKind::ServiceEntry),
        kw(Kw::Gateway).to(TargetKind::Gateway),
        kw(Kw::Waypoint).to(TargetKind::Waypoint),
    ));
    let target = spanned(kind.then(value())).map(|((kind, name), span)| Target { kind, name, span });
    list(target).validate(|targets, extra, emitter| {
        let workload = targets.iter().find(|target| target.kind == TargetKind::Workload);
        if let Some(workload) = workload.filter(|_| targets.len() > 1) {
            emitter.emit(Oops::finding(
                first_index(extra.slice()),
                errors::workload_in_list(workload.span),
            ));
        }
        targets
    })
}

/// `service V [MAP,…] [headless]`.
fn service<'t>() -> Grammar<'t, ItemKind> {
    let map = token(Expected::concept(Concept::Value), |t| match t.kind {
        TokenKind::Word => t.text.bytes().next().is_some_and(|b| b.is_ascii_digit()),
        TokenKind::Param | TokenKind::String => true,
        _ => false,
    })
    .map(|t| PortMap {
        text: to_value(&t).unwrap_or_else(|| super::values::word_value(t.text, t.span)),
    });
    kw(Kw::Service)
        .ignore_then(value())
        .then(list(map).or_not().map(Option::unwrap_or_default))
        .then(kw(Kw::Headless).or_not())
        .map(|((name, ports), headless)| {
            ItemKind::Fact(Fact::Service {
                name,
                ports,
                headless: headless.map(|t| t.span),
            })
        })
        .boxed()
}

fn facts(table: &mut Table<'_, ItemKind>) {
    table.add(
        Kw::Select,
        kw(Kw::Select)
            .ignore_then(pairs())
            .map(|pairs| ItemKind::Fact(Fact::Select(pairs))),
    );
    table.add(
        Kw::Ports,
        kw(Kw::Ports)
            .ignore_then(list(value().then(one_of(Concept::Protocol, keywords::PROTOCOLS))))
            .map(|ports| ItemKind::Fact(Fact::Ports(ports))),
    );
    table.add(
        Kw::Provider,
        kw(Kw::Provider)
            .ignore_then(value())
            .then(one_of(Concept::Protocol, keywords::PROVIDER_PROTOCOLS))
            .then(kw(Kw::FailOpen).or_not())
            .map(|((name, protocol), fail_open)| {
                ItemKind::Fact(Fact::Provider {
                    name,
                    protocol,
                    fail_open: fail_open.map(|t| t.span),
                })
            }),
    );
    for (word, key) in [(Kw::Aliases, ListFact::Aliases), (Kw::Trusts, ListFact::Trusts)] {
        table.add(
            word,
            kw(word)
                .ignore_then(values())
                .map(move |values| ItemKind::Fact(Fact::List { key, values })),
        );
    }
    for (word, key) in [
        (Kw::Account, SingleFact::Account),
        (Kw::Dataplane, SingleFact::Dataplane),
        (Kw::UseWaypoint, SingleFact::UseWaypoint),
        (Kw::TrustedProxies, SingleFact::TrustedProxies),
        (Kw::Root, SingleFact::Root),
        (Kw::Domain, SingleFact::Domain),
        (Kw::TrustDomain, SingleFact::TrustDomain),
        (Kw::WorkloadLabel, SingleFact::WorkloadLabel),
        (Kw::Normalization, SingleFact::Normalization),
        (Kw::AutoMtls, SingleFact::AutoMtls),
        (Kw::ClientTls, SingleFact::ClientTls),
    ] {
        table.add(
            word,
            kw(word)
                .ignore_then(value())
                .map(move |value| ItemKind::Fact(Fact::Single { key, value })),
        );
    }
    table.add(
        Kw::Metadata,
        metadata().map(|(kind, pairs)| ItemKind::Metadata { kind, pairs }),
    );
    let legacy = choice((
        kw(Kw::PeerOptional).to(Legacy::PeerOptional),
        kw(Kw::AllowTls).to(Legacy::AllowTls),
        kw(Kw::BindPeer).to(Legacy::BindPeer),
        kw(Kw::PeerToken)
            .ignore_then(list(reference(Concept::Issuer)))
            .map(Legacy::PeerToken),
    ));
    table.add(Kw::Legacy, kw(Kw::Legacy).ignore_then(legacy).map(ItemKind::Legacy));
}

/// `metadata (label|annotation) pair {pair}`.
pub(crate) fn metadata<'t>() -> impl Parser<'t, Input<'t>, (MetadataKind, Vec<Pair>), Extra> + Clone + 't {
    let kind = choice((
        kw(Kw::Label).to(MetadataKind::Label),
        kw(Kw::Annotation).to(MetadataKind::Annotation),
    ));
    kw(Kw::Metadata).ignore_then(kind).then(pairs())
}

/// `["as" V]`.
pub(crate) fn as_name<'t>() -> impl Parser<'t, Input<'t>, Option<Value>, Extra> + Clone + 't {
    kw(Kw::As).ignore_then(value()).or_not()
}
