//! From what the stages report to what the user is told: environments joined, suppressions and levels applied.

use std::collections::{BTreeMap, BTreeSet};

use super::errors;
use super::follow_ups;
use super::levels::Levels;
use super::suppress::Suppression;
use super::texts::Texts;
use crate::analysis::{self, composed};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::source::{FileId, Span};
use crate::syntax;

/// What makes two findings one.
type Key = (Span, &'static str, String);

/// The findings of a run while it goes on.
pub(super) struct Findings<'a> {
    environments: &'a [Option<String>],
    /// How many of the environments are judged already.
    judged: usize,
    /// Those that hold whatever the environment.
    common: Vec<Diagnostic>,
    by_key: BTreeMap<Key, (Diagnostic, Vec<usize>)>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(common: Diagnostics, environments: &'a [Option<String>]) -> Self {
        Self {
            environments,
            judged: 0,
            common: common.into_sorted(),
            by_key: BTreeMap::new(),
        }
    }

    /// Adds what the next environment brings.
    pub(super) fn add(&mut self, findings: Diagnostics) {
        for d in findings.into_sorted() {
            let key = (d.primary.span, d.code.id, d.message.clone());
            let (_, environments) = self.by_key.entry(key).or_insert_with(|| (d, Vec::new()));
            environments.push(self.judged);
        }
        self.judged += 1;
    }

    /// The findings that remain. `all` says that every environment was judged, so that a suppression without use is
    /// known to have none.
    ///
    /// `manifests` are the suppressions of those, `texts` has its own.
    pub(super) fn judge(self, levels: &Levels, texts: &Texts, manifests: &[Suppression], all: bool) -> Vec<Diagnostic> {
        let suppressions = || texts.suppressions().chain(manifests);
        let mut acc = Diagnostics::default();
        let mut list = self.common;
        let unread = list
            .iter()
            .filter(|d| syntax::errors::CODES.iter().any(|code| code.id == d.code.id));
        let spoilt: Vec<Span> = unread
            .filter_map(|d| {
                if syntax::errors::spoils_only_itself(d) {
                    Some(d.primary.span)
                } else {
                    texts.spoilt(d.primary.span)
                }
            })
            .collect();
        let is_bad = |d: &&Diagnostic| d.code.id == errors::NOT_UTF8.id;
        let damaged: BTreeSet<FileId> = list.iter().filter(is_bad).map(|d| d.primary.span.file).collect();
        for (mut d, environments) in self.by_key.into_values() {
            // What a file with bad bytes means is not known.
            if follow_ups::lies_in(d.primary.span, &spoilt) || damaged.contains(&d.primary.span.file) {
                continue;
            }
            if environments.len() < self.environments.len() {
                let names = environments.iter().filter_map(|index| self.environments.get(*index));
                d.environments = names.map(|name| name.clone().unwrap_or_default()).collect();
            }
            list.push(d);
        }
        let mut uses = vec![false; suppressions().count()];
        for d in list {
            if d.severity < Severity::Error {
                let hit = suppressions().zip(&mut uses).find(|(s, _)| s.covers(&d));
                if let Some((_, used)) = hit {
                    *used = true;
                    continue;
                }
            }
            if let Some(d) = levels.apply(d) {
                acc.push(d);
            }
        }
        // With an error composed policies are not looked at, so what is suppressed of them is not known.
        let looked = !acc.has_errors();
        for (suppression, used) in suppressions().zip(uses) {
            let known = looked
                || ![analysis::errors::CODES, composed::errors::CODES]
                    .concat()
                    .iter()
                    .any(|code| code.id == suppression.code.id);
            if all && !used && known {
                let d = errors::unused_suppression(suppression.comment, suppression.code.name);
                if let Some(d) = levels.apply(d) {
                    acc.push(d);
                }
            }
        }
        acc.into_sorted()
    }
}
