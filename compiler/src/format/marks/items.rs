//! Marks of items and the lines of their blocks.

use super::{Break, Marker, Node};
use crate::source::Span;
use crate::syntax::ast::{
    Body, Destination, DestinationItem, DestinationItemKind, ExtraKind, Fact, Issuer, IssuerItemKind, Item, ItemKind,
    Legacy, Rule, RuleKind, Term, TermKind, Test, TestBody, Tls, TlsItemKind, TokenPlace, Value, What, WhatKind,
    WhoKind,
};

impl Marker<'_> {
    pub(super) fn items(&mut self, items: &[Item]) -> Vec<Node> {
        items.iter().map(|item| self.item(item)).collect()
    }

    fn item(&mut self, item: &Item) -> Node {
        let span = item.span;
        match &item.kind {
            ItemKind::Use { path, names } => {
                self.value(path);
                for name in names.iter().skip(1) {
                    let at = self.first(name.name.span);
                    self.break_at(at, Break::List);
                }
            }
            ItemKind::Param { default, .. } => {
                if let Some(default) = default {
                    self.arg(default);
                }
            }
            ItemKind::Issuer(issuer) => return self.issuer(span, issuer),
            ItemKind::Identity { who, .. } => {
                self.who(who);
                if let WhoKind::Literal { values, of, .. } = &who.kind
                    && of.is_empty()
                {
                    self.parts(values.iter().map(|value| value.span));
                }
            }
            ItemKind::Operation { what, when, .. } => {
                self.what(what);
                self.when(when.as_ref());
                if let WhatKind::Terms(terms) = &what.kind
                    && let [
                        Term {
                            kind:
                                TermKind::Field {
                                    values, keyword: true, ..
                                },
                            ..
                        },
                    ] = terms.as_slice()
                    && when.is_none()
                {
                    self.parts(values.iter().map(|value| value.span));
                }
            }
            ItemKind::Template { name, params, items } => {
                self.params(name, params);
                let children = self.items(items);
                return self.braced(span, children);
            }
            ItemKind::Apply { template, args } => self.args(template, args),
            ItemKind::Mesh { items } => {
                let children = self.items(items);
                return self.braced(span, children);
            }
            ItemKind::Namespace { name, items } | ItemKind::Object { name, items } => {
                self.value(name);
                let children = self.items(items);
                return self.braced(span, children);
            }
            ItemKind::Scope { targets, items } => {
                for (number, target) in targets.iter().enumerate() {
                    self.value(&target.name);
                    if number > 0 {
                        let at = self.first(target.span);
                        self.break_at(at, Break::List);
                    }
                }
                let children = self.items(items);
                return self.braced(span, children);
            }
            ItemKind::Metadata { pairs, .. } => self.pairs(pairs),
            ItemKind::Legacy(legacy) => {
                if let Legacy::PeerToken(names) = legacy {
                    self.names(names);
                }
            }
            ItemKind::Fact(fact) => self.fact(fact),
            ItemKind::Rule(rule) => self.rule(rule),
            ItemKind::Destination(destination) => return self.destination(span, destination),
            ItemKind::Invariant(invariant) => {
                self.who(&invariant.who);
                self.break_after(invariant.who.span, Break::Word);
                self.what(&invariant.what);
                self.when(invariant.when.as_ref());
                self.values(&invariant.at);
                if let Some(first) = invariant.at.first() {
                    self.break_before(first.span, Break::Term);
                }
            }
            ItemKind::Test(test) => return self.test(span, test),
            ItemKind::Bad => {}
        }
        self.leaf(span)
    }

    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Select(pairs) => self.pairs(pairs),
            Fact::Ports(ports) => {
                ports.iter().for_each(|(port, _)| self.value(port));
                self.parts(ports.iter().map(|(port, _)| port.span));
            }
            Fact::Service { name, ports, .. } => {
                self.value(name);
                for (number, port) in ports.iter().enumerate() {
                    self.value_if(&port.text, |word| word.starts_with(|c: char| c.is_ascii_digit()));
                    if number > 0 {
                        let at = self.first(port.text.span);
                        self.break_at(at, Break::List);
                    }
                }
            }
            Fact::Provider { name, .. } => self.value(name),
            Fact::List { values, .. } => self.list(values),
            Fact::Single { value, .. } => self.value(value),
        }
    }

    fn list(&mut self, values: &[Value]) {
        values.iter().for_each(|value| self.value(value));
        self.parts(values.iter().map(|value| value.span));
    }

    fn rule(&mut self, rule: &Rule) {
        match &rule.kind {
            RuleKind::Access { body, .. } => self.body(body),
            RuleKind::Ask { provider, body } => {
                self.value(provider);
                self.body(body);
            }
            RuleKind::DefaultDeny { .. } => {}
            RuleKind::Mtls { mode, ports } => {
                self.value(mode);
                self.values(ports);
            }
            RuleKind::Accept { issuers, on } => {
                self.names(issuers);
                self.bound(on.as_ref(), Break::Term);
            }
            RuleKind::Require { issuers, on, except } => {
                self.names(issuers);
                self.bound(on.as_ref(), Break::Term);
                self.bound(except.as_ref(), Break::Word);
            }
        }
        self.as_name(rule.as_name.as_ref());
    }

    fn bound(&mut self, what: Option<&What>, quality: Break) {
        if let Some(what) = what {
            self.break_before(what.span, quality);
            self.what(what);
        }
    }

    fn as_name(&mut self, name: Option<&Value>) {
        if let Some(name) = name {
            self.break_before(name.span, Break::Word);
            self.value(name);
        }
    }

    fn body(&mut self, body: &Body) {
        self.who(&body.who);
        self.break_after(body.who.span, Break::Word);
        self.what(&body.what);
        self.when(body.when.as_ref());
        if let Some(words) = body.including_tcp {
            let at = self.first(words);
            self.break_at(at, Break::Term);
        }
    }

    fn issuer(&mut self, span: Span, issuer: &Issuer) -> Node {
        self.params(&issuer.name, &issuer.params);
        if let Some(base) = &issuer.base {
            self.args(&base.name, &base.args);
        }
        let mut children = Vec::new();
        for item in &issuer.items {
            match &item.kind {
                IssuerItemKind::Single { value, .. } => self.value(value),
                IssuerItemKind::Audiences(values) => self.list(values),
                IssuerItemKind::From(places) => self.places(places),
                IssuerItemKind::Forward | IssuerItemKind::Bad => {}
                IssuerItemKind::Claims(claims) => {
                    claims.iter().for_each(|(claim, _)| self.claim(claim));
                    self.parts(claims.iter().map(|(claim, _)| claim.span));
                }
                IssuerItemKind::ClaimHeaders(pairs) => self.pairs(pairs),
            }
            children.push(self.leaf(item.span));
        }
        self.braced(span, children)
    }

    /// The prefix of a header stays a string: only a string can stand there.
    fn places(&mut self, places: &[TokenPlace]) {
        for place in places {
            self.value(&place.name);
            // Before the word `header`, `param` or `cookie`.
            self.break_before(place.name.span, Break::Part);
        }
    }

    fn destination(&mut self, span: Span, destination: &Destination) -> Node {
        self.value(&destination.host);
        self.as_name(destination.as_name.as_ref());
        let children = self.destination_items(&destination.items);
        self.braced(span, children)
    }

    fn destination_items(&mut self, items: &[DestinationItem]) -> Vec<Node> {
        let mut nodes = Vec::new();
        for item in items {
            let node = match &item.kind {
                DestinationItemKind::Tls(tls) => self.tls(item.span, tls),
                DestinationItemKind::Subset { name, items } => {
                    self.value(name);
                    let children = self.destination_items(items);
                    self.braced(item.span, children)
                }
                DestinationItemKind::Select(pairs)
                | DestinationItemKind::Clients(pairs)
                | DestinationItemKind::Metadata { pairs, .. } => {
                    self.pairs(pairs);
                    self.leaf(item.span)
                }
                DestinationItemKind::ExportTo(values) => {
                    self.list(values);
                    self.leaf(item.span)
                }
                DestinationItemKind::Bad => self.leaf(item.span),
            };
            nodes.push(node);
        }
        nodes
    }

    fn tls(&mut self, span: Span, tls: &Tls) -> Node {
        self.value(&tls.mode);
        self.values(&tls.ports);
        let mut children = Vec::new();
        for item in &tls.items {
            match &item.kind {
                TlsItemKind::Single { value, .. } => self.value(value),
                TlsItemKind::San(values) => self.list(values),
                TlsItemKind::SkipVerify | TlsItemKind::Bad => {}
            }
            children.push(self.leaf(item.span));
        }
        self.braced(span, children)
    }

    fn test(&mut self, span: Span, test: &Test) -> Node {
        let mut children = Vec::new();
        match &test.body {
            TestBody::At { target, lines, .. } => {
                self.value(target);
                for line in lines {
                    self.who(&line.who);
                    for extra in &line.extras {
                        let at = self.first(extra.span);
                        self.break_at(at, Break::Word);
                        self.extra(&extra.kind);
                    }
                    self.break_before(line.what.span, Break::Word);
                    self.what(&line.what);
                    self.break_before(line.expect.span, Break::Term);
                    children.push(self.leaf(line.span));
                }
            }
            TestBody::From { workload, lines } => {
                self.value(workload);
                for line in lines {
                    self.value(&line.host);
                    if let Some(port) = &line.port {
                        self.value(port);
                    }
                    children.push(self.leaf(line.span));
                }
            }
        }
        self.braced(span, children)
    }

    /// Real tokens are strings, and so are those of JSON, where a bare word may have another type.
    fn extra(&mut self, kind: &ExtraKind) {
        match kind {
            ExtraKind::RealToken(_) | ExtraKind::Token { .. } | ExtraKind::DryRun => {}
            ExtraKind::Header { name, value } => {
                self.value(name);
                self.value(value);
            }
            ExtraKind::Answer { provider, .. } => self.value(provider),
        }
    }
}
