//! What holds of every request: what rules match, who decides, and the findings that follow.
//!
//! # How it works
//! Each fact of a request is a dimension (`atoms`), cut into classes of values that no pattern of the rules under study
//! tells apart. A rule is a union of boxes (`cube`) in the `space` of all dimensions, and every question is a cover
//! (`cover`): is a box inside the union of others? The answer is a core that holds it, a box inside it that is free, or
//! that a bound came first; what is undecided is never reported as proved.
//!
//! # How to ask
//! `place::places` lists where policy is enforced. `Place::gate` opens one of its gates, that of
//! requests or that of connections, with a `space`, the rules in force there as
//! `owners` of boxes in the order of evaluation, and what cannot happen there as owners too.
//! `Gate::covered` is the question; impossible requests count as covered always.
//! Rules that are asked about and not in force, such as those of an invariant, are handed to `gate` so that the space
//! tells their values apart, and `Space::region` makes boxes of them.
//! `never X` holds at a gate if each box of X, cut with each ALLOW box that it meets, is covered by the DENY owners;
//! a free box of that query is a counterexample.
//!
//! # Why it is right
//! A space holds more requests than there can be, never fewer: facts are independent but for what `gate` calls
//! impossible, and a pattern that cannot be cut into classes is taken as a fact of its own. So a cover that is found is
//! one of all real requests.

mod atoms;
pub mod composed;
mod cover;
mod cube;
pub mod errors;
mod gate;
pub mod invariants;
mod place;
pub mod reach;
pub mod request_data;
mod sentences;
mod sets;
mod space;
pub mod test_line;
mod verdict;
mod witness;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::diagnostics::Diagnostics;
use crate::policy::evaluate::Judge;
use crate::source::Span;
use cover::Bound;
use place::Place;
use verdict::{Unproved, Verdict};

/// Of places with more rules than this together some are left undecided.
const MAX_RULES: usize = 1_000_000;

/// What becomes of each declaration of a policy.
#[derive(Debug)]
pub struct Analysis {
    verdicts: BTreeMap<Span, Verdict>,
}

/// A place where policy is enforced, to be judged.
#[derive(Debug)]
struct Task<'a> {
    place: Place<'a>,
    /// There is too much to judge before it.
    left_out: bool,
}

impl Analysis {
    /// Judges all places, each by itself.
    #[must_use]
    pub fn of(judge: &Judge<'_>) -> Self {
        let found: Vec<_> = tasks(judge).into_par_iter().map(|task| task.run()).collect();
        let mut verdicts: BTreeMap<Span, Verdict> = BTreeMap::new();
        for (origin, verdict) in found.into_iter().flatten() {
            match verdicts.entry(origin) {
                Entry::Vacant(entry) => {
                    entry.insert(verdict);
                }
                Entry::Occupied(mut entry) => {
                    let before = std::mem::replace(entry.get_mut(), Verdict::Alive);
                    entry.insert(before.and(verdict));
                }
            }
        }
        Self { verdicts }
    }

    /// Reports what holds at all places, each declaration once, after what else was found.
    pub fn report(self, acc: &mut Diagnostics) {
        let warned = acc.warned();
        // One reason is one finding.
        let mut undecided: BTreeMap<Unproved, Vec<Span>> = BTreeMap::new();
        for (origin, verdict) in self.verdicts {
            match verdict {
                // What else was found at the place says why.
                Verdict::Dead(_) if warned.contains(&origin) => {}
                Verdict::Dead(dead) => acc.push(errors::dead_rule(origin, &dead)),
                Verdict::Decided(decided) if decided.earlier => acc.push(errors::shadowed_rule(origin, &decided)),
                Verdict::Decided(decided) => acc.push(errors::redundant_rule(origin, &decided)),
                Verdict::Undecided(why) => undecided.entry(why).or_default().push(origin),
                Verdict::Alive => {}
            }
        }
        for (why, rules) in undecided {
            if let Some((first, others)) = rules.split_first() {
                acc.push(errors::undecided_rule(*first, others, &why));
            }
        }
    }
}

/// What there is to do. Of places with the same content there is one.
fn tasks<'j>(judge: &'j Judge<'j>) -> Vec<Task<'j>> {
    let places: Vec<_> = place::places(judge)
        .into_par_iter()
        .map(|place| (place.content(), place))
        .collect();
    let mut seen = BTreeSet::new();
    let mut rules = 0;
    let task = |place| {
        rules += Place::rules(&place).count();
        Task {
            left_out: rules > MAX_RULES,
            place,
        }
    };
    let distinct = places.into_iter();
    let distinct = distinct.filter_map(|(content, place)| seen.insert(content).then_some(place));
    distinct.map(task).collect()
}

impl Task<'_> {
    /// Judges the place.
    fn run(&self) -> BTreeMap<Span, Verdict> {
        if self.left_out {
            let why = Unproved {
                bound: Bound::Rules,
                facts: Vec::new(),
            };
            let rules = self.place.rules();
            rules
                .map(|rule| (rule.origin, Verdict::Undecided(why.clone())))
                .collect()
        } else {
            verdict::verdicts(&self.place)
        }
    }
}

#[cfg(test)]
mod tests;
