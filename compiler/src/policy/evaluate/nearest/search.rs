//! The search: for changes of one fact, of two, and so on, each time from what refuses the request.

use std::collections::BTreeSet;

use super::super::{Judge, principal};
use super::blame::{Branches, Refused};
use super::facts::{Fact, Setting, changes};
use super::values::Values;
use crate::policy::request::{Caller, Destination, Outcome, Request};

/// More facts than that are never changed.
const MOST_CHANGES: usize = 6;
/// For changes of one size so many steps are made: the evaluator is asked, and the ALLOW rules are looked through.
const STEPS: usize = 40_000;
/// So many ALLOW rules are looked at in one step.
const RULES_A_STEP: usize = 50;

struct Search<'a, 'p> {
    judge: &'a Judge<'p>,
    original: &'a Request,
    values: &'a Values,
    /// The caller with mutual TLS, where it is a workload.
    own: Option<&'a Setting>,
    /// The requests that were taken apart already.
    seen: BTreeSet<String>,
    steps: usize,
    /// Whether changes of more facts are worth a look.
    is_cut: bool,
}

/// The admitted request with the fewest changes, and whether it is proved that there are no fewer.
pub(super) fn search(judge: &Judge<'_>, original: &Request) -> Option<(Request, bool)> {
    let composed;
    let kept = match original.to {
        Destination::Known(index) => judge.nearest.get(index),
        Destination::Pod { .. } => None,
    };
    let values = match kept {
        Some(kept) => kept.get_or_init(|| Values::new(judge, &original.to)),
        None => {
            composed = Values::new(judge, &original.to);
            &composed
        }
    };
    let own = match original.caller {
        Caller::Workload(index) => judge.inventory.workloads.get(index).and_then(|it| it.account.as_ref()),
        Caller::Outsider | Caller::Principal(_) => None,
    };
    let own = own.map(|account| Setting::Caller(Caller::Principal(principal(account, judge.inventory))));
    let mut is_exact = true;
    for most in 1..=MOST_CHANGES {
        let mut search = Search {
            judge,
            original,
            values,
            own: own.as_ref(),
            seen: BTreeSet::new(),
            steps: STEPS,
            is_cut: false,
        };
        if let Some(found) = search.at(original, &BTreeSet::new(), most, 0) {
            return Some((found, is_exact));
        }
        let exhausted = search.steps == 0;
        // The triggers of legacy policies, which tell paths apart, are not among the values.
        is_exact &= !exhausted && !judge.target.is_legacy();
        if !search.is_cut && !exhausted {
            return None;
        }
    }
    None
}

impl Search<'_, '_> {
    /// Looks from a request in which some facts are settled; `cost` of them are changed.
    fn at(&mut self, request: &Request, changed: &BTreeSet<Fact>, most: usize, cost: usize) -> Option<Request> {
        let step = 1 + self.values.allow_rules / RULES_A_STEP;
        self.steps = self.steps.saturating_sub(step);
        if self.steps == 0 {
            return None;
        }
        let refused = Refused {
            values: self.values,
            own: self.own,
            request,
            changed,
            left: most - cost,
        };
        // With a token come claims that are no change of their own.
        let is_last = cost == most && !changed.contains(&Fact::Token);
        let mut branches: Option<Branches> = None;
        let answer = self.judge.observed(request, &mut |effective, facts, judged| {
            if judged.answer.outcome != Outcome::Ok && branches.is_none() && !is_last {
                branches = Some(refused.by_enforcer(effective, facts, judged));
            }
        });
        match &answer {
            Ok(answer) if answer.outcome == Outcome::Ok => return Some(request.clone()),
            _ if is_last => {
                self.is_cut = true;
                return None;
            }
            _ => {}
        }
        let branches = match answer {
            // What the filter of a legacy release saw is not observed.
            Ok(_) if self.judge.target.is_legacy() => refused.unknown(),
            Ok(answer) => branches.unwrap_or_else(|| refused.on_the_way(answer.stage)),
            Err(_) => refused.unknown(),
        };
        self.is_cut |= branches.is_cut;
        for branch in branches.list {
            let mut changed = changed.clone();
            changed.insert(branch.fact);
            for setting in branch.settings {
                let next = setting.applied(request);
                if changes(request, &next).is_empty() {
                    continue;
                }
                let cost = changes(self.original, &next).len();
                if cost > most {
                    self.is_cut = true;
                    continue;
                }
                if cost < most && !self.seen.insert(format!("{changed:?}{next:?}")) {
                    continue;
                }
                if let Some(found) = self.at(&next, &changed, most, cost) {
                    return Some(found);
                }
                if self.steps == 0 {
                    return None;
                }
            }
        }
        None
    }
}
