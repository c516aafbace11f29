//! What holds of every request: what rules match, who decides, and the findings that follow.
//!
//! # How it works
//! Each fact of a request is a dimension (`atoms`), cut into classes of values that no pattern of the rules under study
//! tells apart. A rule is a union of boxes (`cube`) in the `space` of all dimensions, and every question is a cover
//! (`cover`): is a box inside the union of others? The answer is a core that holds it, a box inside it that is free, or
//! that a bound came first; what is undecided is never reported as proved.
//!
//! # How to ask
//! `place::places` lists where policy is enforced. `Place::gates` opens its gates, one for
//! requests and one for connections, each with a `space`, the rules in force there as
//! `owners` of boxes in the order of evaluation, and what cannot happen there as owners too.
//! `Gate::covered` is the question; impossible requests count as covered always.
//! Rules that are asked about and not in force, such as those of an invariant, are handed to `gates` so that the space
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
mod place;
pub mod request_data;
mod sets;
mod space;
mod verdict;
mod witness;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::Diagnostics;
use crate::policy::evaluate::Judge;
use crate::policy::inventory::Inventory;
use crate::policy::{PolicySet, Target};
use crate::source::Span;
use place::Place;
use verdict::Verdict;

/// Of places with more rules than this together some are left undecided.
const MAX_RULES: usize = 1_000_000;

/// The analysis of one policy: its places can be judged independently of each other.
#[derive(Debug)]
pub struct Analysis<'p> {
    judge: Judge<'p>,
}

/// A place where policy is enforced, to be judged.
#[derive(Debug)]
pub struct Task<'a> {
    place: Place<'a>,
    /// There is too much to judge before it.
    left_out: bool,
}

/// What was found at one place.
#[derive(Debug)]
pub struct Found {
    verdicts: BTreeMap<Span, Verdict>,
}

impl<'p> Analysis<'p> {
    /// Ready to be carried out.
    #[must_use]
    pub fn new(policies: &'p PolicySet, inventory: &'p Inventory, target: Target) -> Self {
        Self {
            judge: Judge::new(policies, inventory, target),
        }
    }

    /// What there is to do, each by itself. Of places with the same content there is one.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task<'_>> {
        let mut seen = BTreeSet::new();
        let places = place::places(&self.judge).into_iter();
        let mut rules = 0;
        let task = |place| {
            rules += Place::rules(&place).count();
            Task {
                left_out: rules > MAX_RULES,
                place,
            }
        };
        places.filter(|place| seen.insert(place.content())).map(task).collect()
    }

    /// Reports what holds at all places, each declaration once.
    pub fn report(&self, found: Vec<Found>, acc: &mut Diagnostics) {
        let mut all: BTreeMap<Span, Verdict> = BTreeMap::new();
        for (origin, verdict) in found.into_iter().flat_map(|found| found.verdicts) {
            let before = all.remove(&origin);
            let verdict = match before {
                Some(before) => before.and(verdict),
                None => verdict,
            };
            all.insert(origin, verdict);
        }
        for (origin, verdict) in all {
            match verdict {
                // What else was found at the place says why.
                Verdict::Dead(_) if acc.warn_at(origin) => {}
                Verdict::Dead(dead) => acc.push(errors::dead_rule(origin, &dead)),
                Verdict::Decided(decided) if decided.earlier => acc.push(errors::shadowed_rule(origin, &decided)),
                Verdict::Decided(decided) => acc.push(errors::redundant_rule(origin, &decided)),
                Verdict::Alive => {}
            }
        }
    }
}

impl Task<'_> {
    /// Judges the place.
    #[must_use]
    pub fn run(&self) -> Found {
        let undecided = || self.place.rules().map(|rule| (rule.origin, Verdict::Alive)).collect();
        Found {
            verdicts: if self.left_out {
                undecided()
            } else {
                verdict::verdicts(&self.place)
            },
        }
    }
}

#[cfg(test)]
mod tests;
