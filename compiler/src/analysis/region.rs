//! The requests that a rule matches, as boxes: of each clause one list of tests, which is for each fact what is asked of it.
//!
//! A box is empty if what it asks of one fact cannot hold together. Facts are taken as independent of each other, and a
//! pattern that [`atoms`] cannot cut is left out; both only make a box larger, so that an empty one is empty indeed.

use std::collections::{BTreeMap, BTreeSet};

use super::atoms::{self, Fact};
use crate::policy::Target;
use crate::policy::effective::rules::{CompiledRule, Test};

/// So many boxes of a rule are looked at before it counts as one that can match.
const MAX_BOXES: usize = 256;

/// The facts of which a rule asks what cannot hold together, in words; `None` if it can match, or if that is not known.
pub(super) fn contradiction(rule: &CompiledRule, target: Target) -> Option<BTreeSet<String>> {
    let mut facts = BTreeSet::new();
    for tests in rule.boxes(MAX_BOXES)? {
        facts.insert(emptied_by(&tests, target)?);
    }
    Some(facts)
}

/// The fact that makes a box empty, in words.
fn emptied_by(tests: &[&Test], target: Target) -> Option<String> {
    let mut by_fact: BTreeMap<Fact<'_>, Vec<&Test>> = BTreeMap::new();
    for test in tests {
        let matcher = test.positive.first().or(test.negative.first());
        if let Some(fact) = matcher.and_then(atoms::fact) {
            by_fact.entry(fact).or_default().push(test);
        }
    }
    let mut empty = by_fact
        .into_iter()
        .filter(|(fact, tests)| !atoms::can_hold(fact, tests, target));
    empty.next().map(|(fact, _)| fact.words())
}
