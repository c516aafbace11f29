//! Destinations: the client side of TLS.

use chumsky::prelude::*;

use super::input::{Concept, Grammar, kw};
use super::items::{as_name, metadata};
use super::recover::{Table, braces, headed, statement};
use super::rules::on_ports;
use super::values::{pairs, value, values};
use crate::syntax::ast::{
    Destination, DestinationItem, DestinationItemKind, ItemKind, Tls, TlsItem, TlsItemKind, TlsKey,
};
use crate::syntax::keywords::Kw;

/// `destination HOST as NAME { … }`.
pub(crate) fn destination<'t>() -> Grammar<'t, ItemKind> {
    let tls = tls();
    let mut items = Table::new(Concept::DestinationItem);
    items.add(Kw::Tls, tls.clone().map(DestinationItemKind::Tls));
    items.add(Kw::Subset, subset(&tls));
    items.add(
        Kw::ExportTo,
        kw(Kw::ExportTo)
            .ignore_then(values())
            .map(DestinationItemKind::ExportTo),
    );
    items.add(
        Kw::Clients,
        kw(Kw::Clients).ignore_then(pairs()).map(DestinationItemKind::Clients),
    );
    items.add(
        Kw::Metadata,
        metadata().map(|(kind, pairs)| DestinationItemKind::Metadata { kind, pairs }),
    );
    let head = kw(Kw::Destination).ignore_then(value()).then(as_name());
    headed(head, block(items))
        .map(|read| match read {
            Some(((host, as_name), items)) => ItemKind::Destination(Destination { host, as_name, items }),
            None => ItemKind::Bad,
        })
        .boxed()
}

fn block<'t>(items: Table<'t, DestinationItemKind>) -> Grammar<'t, Vec<DestinationItem>> {
    braces(statement(items).map(|statement| DestinationItem {
        span: statement.span(),
        kind: statement.kind.unwrap_or(DestinationItemKind::Bad),
    }))
}

fn subset<'t>(tls: &Grammar<'t, Tls>) -> Grammar<'t, DestinationItemKind> {
    let mut items = Table::new(Concept::SubsetItem);
    items.add(
        Kw::Select,
        kw(Kw::Select).ignore_then(pairs()).map(DestinationItemKind::Select),
    );
    items.add(Kw::Tls, tls.clone().map(DestinationItemKind::Tls));
    headed(kw(Kw::Subset).ignore_then(value()), block(items))
        .map(|read| match read {
            Some((name, items)) => DestinationItemKind::Subset { name, items },
            None => DestinationItemKind::Bad,
        })
        .boxed()
}

fn tls<'t>() -> Grammar<'t, Tls> {
    let mut items = Table::new(Concept::TlsItem);
    for (word, key) in [
        (Kw::ClientCertificate, TlsKey::ClientCertificate),
        (Kw::PrivateKey, TlsKey::PrivateKey),
        (Kw::CaCertificates, TlsKey::CaCertificates),
        (Kw::Crl, TlsKey::Crl),
        (Kw::Credential, TlsKey::Credential),
        (Kw::Sni, TlsKey::Sni),
    ] {
        items.add(
            word,
            kw(word)
                .ignore_then(value())
                .map(move |value| TlsItemKind::Single { key, value }),
        );
    }
    items.add(Kw::San, kw(Kw::San).ignore_then(values()).map(TlsItemKind::San));
    items.add(Kw::SkipVerify, kw(Kw::SkipVerify).to(TlsItemKind::SkipVerify));
    let block = braces(statement(items).map(|statement| TlsItem {
        span: statement.span(),
        kind: statement.kind.unwrap_or(TlsItemKind::Bad),
    }));
    kw(Kw::Tls)
        .ignore_then(value())
        .then(on_ports())
        .then(block.or_not().map(Option::unwrap_or_default))
        .map(|((mode, ports), items)| Tls { mode, ports, items })
        .boxed()
}
