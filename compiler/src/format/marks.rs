//! What the tree knows and the printer needs: blocks and their lines, where a line may break, where no blank stands,
//! and which tokens say nothing.

use std::collections::BTreeMap;

use crate::source::Span;
use crate::syntax::ast::{
    Arg, Body, Claim, Comparison, Cond, CondKind, CondSubject, Destination, DestinationItem, DestinationItemKind,
    ExtraKind, Fact, Field, Issuer, IssuerItemKind, Item, ItemKind, Legacy, Name, NamedArg, Pair, Param, Piece, Rule,
    RuleKind, Term, TermKind, Test, TestBody, Tls, TlsItemKind, TokenPlace, Value, ValueForm, What, WhatKind, Who,
    WhoKind,
};
use crate::syntax::lexer::{Token, TokenKind};
use crate::syntax::{Parsed, is_bare_word, is_method};

/// One item, line or setting, by its first and last token.
#[derive(Debug)]
pub(super) struct Node {
    pub first: usize,
    pub last: usize,
    pub block: Option<Block>,
}

/// What stands between the braces at a node's end.
#[derive(Debug)]
pub(super) struct Block {
    pub open: usize,
    pub children: Vec<Node>,
}

/// Where a line may break, from the last resort to the best place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Break {
    /// Inside a list.
    List,
    /// Between terms, and before the smaller words.
    Term,
    /// Before `&` and `and`.
    And,
    /// Before the words that join the parts of a sentence.
    Word,
}

#[derive(Debug, Default)]
pub(super) struct Marks {
    pub nodes: Vec<Node>,
    pub breaks: BTreeMap<usize, Break>,
    /// Tokens with no blank before them, though their kind would have one.
    pub tight: BTreeMap<usize, ()>,
    /// Tokens in another form; an empty one is left out.
    pub texts: BTreeMap<usize, String>,
    /// Ranges of tokens side by side, in the order in which they stand now and should stand; inner ones first.
    pub orders: Vec<(std::ops::Range<usize>, Vec<std::ops::Range<usize>>)>,
}

pub(super) fn marks(text: &str, parsed: &Parsed) -> Marks {
    let mut marker = Marker {
        text,
        tokens: &parsed.tokens,
        marks: Marks::default(),
    };
    let nodes = marker.items(&parsed.file.items);
    marker.marks.nodes = nodes;
    marker.marks
}

struct Marker<'a> {
    text: &'a str,
    tokens: &'a [Token],
    marks: Marks,
}

impl Marker<'_> {
    // Places.

    /// The token that starts where a span does.
    fn first(&self, span: Span) -> usize {
        self.tokens.partition_point(|token| token.span.start < span.start)
    }

    /// The token that ends where a span does.
    fn last(&self, span: Span) -> usize {
        self.tokens
            .partition_point(|token| token.span.start < span.end)
            .saturating_sub(1)
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// The next token after a place that is no comment.
    fn after(&self, at: usize) -> usize {
        let mut next = at + 1;
        while self.kind(next).is_some_and(TokenKind::is_trivia) {
            next += 1;
        }
        next
    }

    fn before(&self, at: usize) -> usize {
        let mut before = at.saturating_sub(1);
        while before > 0 && self.kind(before).is_some_and(TokenKind::is_trivia) {
            before -= 1;
        }
        before
    }

    fn break_at(&mut self, at: usize, quality: Break) {
        self.marks.breaks.insert(at, quality);
    }

    fn break_after(&mut self, span: Span, quality: Break) {
        let at = self.after(self.last(span));
        self.break_at(at, quality);
    }

    fn break_before(&mut self, span: Span, quality: Break) {
        let at = self.before(self.first(span));
        self.break_at(at, quality);
    }

    fn tight(&mut self, at: usize) {
        self.marks.tight.insert(at, ());
    }

    fn leaf(&self, span: Span) -> Node {
        Node {
            first: self.first(span),
            last: self.last(span),
            block: None,
        }
    }

    /// A node whose last token is the `}` of a block, if it has one.
    fn braced(&self, span: Span, children: Vec<Node>) -> Node {
        let (first, last) = (self.first(span), self.last(span));
        let mut block = None;
        if self.kind(last) == Some(TokenKind::CloseBrace) {
            let mut depth = 0usize;
            let start = children.first().map_or(last, |child| child.first);
            for at in (first..=start).rev() {
                match self.kind(at) {
                    Some(TokenKind::CloseBrace) if at != last => depth += 1,
                    Some(TokenKind::OpenBrace) if depth == 0 => {
                        block = Some(at);
                        break;
                    }
                    Some(TokenKind::OpenBrace) => depth -= 1,
                    _ => {}
                }
            }
        }
        Node {
            first,
            last,
            block: block.map(|open| Block { open, children }),
        }
    }

    // Values.

    /// Drops the quotes where the bare word says the same.
    fn value(&mut self, value: &Value) {
        self.value_if(value, |_| true);
    }

    fn value_if(&mut self, value: &Value, fits: impl Fn(&str) -> bool) {
        if let Some(word) = bare(value).filter(|word| fits(word))
            && value.form == ValueForm::Quoted
        {
            let at = self.first(value.span);
            self.marks.texts.insert(at, word.to_owned());
        }
    }

    fn values(&mut self, values: &[Value]) {
        for (number, value) in values.iter().enumerate() {
            self.value(value);
            if number > 0 {
                let at = self.first(value.span);
                self.break_at(at, Break::List);
            }
        }
    }

    fn names(&mut self, names: &[Name]) {
        for name in names.iter().skip(1) {
            let at = self.first(name.span);
            self.break_at(at, Break::List);
        }
    }

    fn pairs(&mut self, pairs: &[Pair]) {
        for (number, pair) in pairs.iter().enumerate() {
            self.value(&pair.key);
            self.value(&pair.value);
            let (key, value) = (self.first(pair.key.span), self.first(pair.value.span));
            if number > 0 {
                self.break_at(key, Break::List);
            }
            self.tight(self.before(value));
            self.tight(value);
        }
    }

    fn arg(&mut self, arg: &Arg) {
        match arg {
            Arg::One(value) => self.value(value),
            Arg::List(values, _) => self.values(values),
        }
    }

    fn args(&mut self, name: &Name, args: &[NamedArg]) {
        if !args.is_empty() {
            self.tight(self.after(self.last(name.span)));
        }
        for (number, arg) in args.iter().enumerate() {
            if number > 0 {
                let at = self.first(arg.name.span);
                self.break_at(at, Break::List);
            }
            self.arg(&arg.arg);
        }
    }

    fn params(&mut self, name: &Name, params: &[Param]) {
        if !params.is_empty() {
            self.tight(self.after(self.last(name.span)));
        }
        for param in params {
            if let Some(default) = &param.default {
                self.arg(default);
            }
        }
    }

    // Expressions.

    fn joined(&mut self, parts: impl Iterator<Item = Span>, quality: Break) {
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                self.break_after(part, quality);
            }
        }
    }

    fn who(&mut self, who: &Who) {
        match &who.kind {
            WhoKind::Anyone | WhoKind::AnyPeer | WhoKind::Outsider | WhoKind::Token => {}
            WhoKind::Names(names) => self.names(names),
            WhoKind::Where { subject, tests } => {
                self.who(subject);
                self.joined(tests.iter().map(|test| test.span), Break::And);
                for test in tests {
                    self.claim(&test.claim);
                    self.comparison(&test.comparison);
                }
            }
            WhoKind::Literal { values, of, .. } => {
                self.values(values);
                self.values(of);
            }
            WhoKind::Or(parts) => {
                self.joined(parts.iter().map(|part| part.span), Break::Word);
                parts.iter().for_each(|part| self.who(part));
            }
            WhoKind::And(parts) => {
                self.joined(parts.iter().map(|part| part.span), Break::And);
                parts.iter().for_each(|part| self.who(part));
            }
            WhoKind::Except(a, b) | WhoKind::Via { user: a, peer: b } | WhoKind::From { who: a, network: b } => {
                self.break_after(a.span, Break::Word);
                self.who(a);
                self.who(b);
            }
            WhoKind::Group(who) => self.who(who),
        }
    }

    fn claim(&mut self, claim: &Claim) {
        for part in &claim.path {
            self.value(part);
        }
    }

    fn comparison(&mut self, comparison: &Comparison) {
        self.values(&comparison.values);
    }

    fn what(&mut self, what: &What) {
        match &what.kind {
            WhatKind::Any => {}
            WhatKind::Terms(terms) => {
                for (number, term) in terms.iter().enumerate() {
                    self.term(term);
                    if number > 0 {
                        let at = self.first(term.span);
                        self.break_at(at, Break::Term);
                    }
                }
                self.order(terms);
            }
            WhatKind::Or(parts) => {
                self.joined(parts.iter().map(|part| part.span), Break::Word);
                parts.iter().for_each(|part| self.what(part));
            }
            WhatKind::Except(a, b) => {
                self.break_after(a.span, Break::Word);
                self.what(a);
                self.what(b);
            }
        }
    }

    fn term(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Field { field, values, keyword } => {
                let spoken = match field {
                    Field::Method => values.iter().all(|value| bare(value).is_some_and(is_method)),
                    Field::Path => values.iter().all(|value| self.is_path(value)),
                    Field::PathRegex
                    | Field::Grpc
                    | Field::Host
                    | Field::Authority
                    | Field::Port
                    | Field::Sni
                    | Field::DestIp => false,
                };
                if *keyword && spoken {
                    let at = self.first(term.span);
                    self.marks.texts.insert(at, String::new());
                }
                self.values(values);
            }
            TermKind::Names(names) => self.names(names),
            TermKind::Group(what) => self.what(what),
        }
    }

    /// Whether a value, as it will be printed, is a PATH without its keyword.
    fn is_path(&self, value: &Value) -> bool {
        match bare(value) {
            Some(word) => word.starts_with('/'),
            None => {
                let text = self.text.get(value.span.range()).unwrap_or_default();
                value.form == ValueForm::Quoted && text.starts_with("\"/")
            }
        }
    }

    /// Puts terms side by side in the order of the style, unless a comment stands between them.
    fn order(&mut self, terms: &[Term]) {
        let ranges: Vec<_> = terms
            .iter()
            .map(|term| self.first(term.span)..self.last(term.span) + 1)
            .collect();
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
            return;
        };
        let whole = first.start..last.end;
        let mut sorted: Vec<_> = terms.iter().map(rank).zip(ranges).collect();
        let comments = self
            .tokens
            .get(whole.clone())
            .unwrap_or_default()
            .iter()
            .any(|token| token.kind.is_trivia());
        if comments || sorted.is_sorted_by_key(|(rank, _)| *rank) {
            return;
        }
        sorted.sort_by_key(|(rank, _)| *rank);
        self.marks
            .orders
            .push((whole, sorted.into_iter().map(|(_, range)| range).collect()));
    }

    fn cond(&mut self, cond: &Cond) {
        match &cond.kind {
            CondKind::Test { subject, comparison } => {
                match subject {
                    CondSubject::Header(name) => self.value(name),
                    CondSubject::Filter(filter, key) => {
                        self.value(filter);
                        self.value(key);
                    }
                }
                self.comparison(comparison);
            }
            CondKind::And(parts) => {
                self.joined(parts.iter().map(|part| part.span), Break::And);
                parts.iter().for_each(|part| self.cond(part));
            }
            CondKind::Or(parts) => {
                self.joined(parts.iter().map(|part| part.span), Break::Word);
                parts.iter().for_each(|part| self.cond(part));
            }
            CondKind::Group(cond) => self.cond(cond),
        }
    }

    fn when(&mut self, when: Option<&Cond>) {
        if let Some(cond) = when {
            self.break_before(cond.span, Break::Word);
            self.cond(cond);
        }
    }

    // Items.

    fn items(&mut self, items: &[Item]) -> Vec<Node> {
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
            ItemKind::Identity { who, .. } => self.who(who),
            ItemKind::Operation { what, when, .. } => {
                self.what(what);
                self.when(when.as_ref());
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
                for (number, (port, _)) in ports.iter().enumerate() {
                    self.value(port);
                    if number > 0 {
                        let at = self.first(port.span);
                        self.break_at(at, Break::List);
                    }
                }
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
            Fact::List { values, .. } => self.values(values),
            Fact::Single { value, .. } => self.value(value),
        }
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
                IssuerItemKind::Audiences(values) => self.values(values),
                IssuerItemKind::From(places) => self.places(places),
                IssuerItemKind::Forward | IssuerItemKind::Bad => {}
                IssuerItemKind::Claims(claims) => {
                    for (number, (claim, _)) in claims.iter().enumerate() {
                        self.claim(claim);
                        if number > 0 {
                            let at = self.first(claim.span);
                            self.break_at(at, Break::List);
                        }
                    }
                }
                IssuerItemKind::ClaimHeaders(pairs) => self.pairs(pairs),
            }
            children.push(self.leaf(item.span));
        }
        self.braced(span, children)
    }

    /// The prefix of a header stays a string: only a string can stand there.
    fn places(&mut self, places: &[TokenPlace]) {
        for (number, place) in places.iter().enumerate() {
            self.value(&place.name);
            if number > 0 {
                // Before the word `header`, `param` or `cookie`.
                self.break_before(place.name.span, Break::List);
            }
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
                    self.values(values);
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
                TlsItemKind::San(values) => self.values(values),
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

/// The bare word that says the same as a value.
fn bare(value: &Value) -> Option<&str> {
    match value.pieces.as_slice() {
        [Piece::Text(text)] if value.form == ValueForm::Word || is_bare_word(text) => Some(text),
        _ => None,
    }
}

/// The place of a term in the style. Names come first; a group stands where its content would.
fn rank(term: &Term) -> usize {
    match &term.kind {
        TermKind::Names(_) => 0,
        TermKind::Field { field, .. } => match field {
            Field::Method => 2,
            Field::Path => 3,
            Field::PathRegex => 4,
            Field::Grpc => 5,
            Field::Host => 6,
            Field::Authority => 7,
            Field::Port => 8,
            Field::Sni => 9,
            Field::DestIp => 10,
        },
        TermKind::Group(what) => match &what.kind {
            WhatKind::Terms(terms) => match terms.as_slice() {
                [only] => rank(only),
                _ => 1,
            },
            WhatKind::Any | WhatKind::Or(_) | WhatKind::Except(..) => 1,
        },
    }
}
