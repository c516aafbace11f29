//! Marks inside WHO, WHAT and WHEN.

use super::{Break, Marker, bare};
use crate::source::Span;
use crate::syntax::ast::{
    Claim, Comparison, Cond, CondKind, CondSubject, Field, Term, TermKind, Value, ValueForm, What, WhatKind, Who,
    WhoKind,
};
use crate::syntax::is_method;

impl Marker<'_> {
    pub(super) fn joined(&mut self, parts: impl Iterator<Item = Span>, quality: Break) {
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                self.break_after(part, quality);
            }
        }
    }

    pub(super) fn who(&mut self, who: &Who) {
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

    pub(super) fn claim(&mut self, claim: &Claim) {
        for part in &claim.path {
            self.value(part);
        }
    }

    pub(super) fn comparison(&mut self, comparison: &Comparison) {
        self.values(&comparison.values);
    }

    pub(super) fn what(&mut self, what: &What) {
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

    pub(super) fn term(&mut self, term: &Term) {
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
    pub(super) fn is_path(&self, value: &Value) -> bool {
        match bare(value) {
            Some(word) => word.starts_with('/'),
            None => {
                let text = self.text.get(value.span.range()).unwrap_or_default();
                value.form == ValueForm::Quoted && text.starts_with("\"/")
            }
        }
    }

    /// Puts terms side by side in the order of the style, unless a comment stands between them.
    pub(super) fn order(&mut self, terms: &[Term]) {
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

    pub(super) fn cond(&mut self, cond: &Cond) {
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

    pub(super) fn when(&mut self, when: Option<&Cond>) {
        if let Some(cond) = when {
            self.break_before(cond.span, Break::Word);
            self.cond(cond);
        }
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
