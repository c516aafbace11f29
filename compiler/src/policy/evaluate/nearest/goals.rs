//! What the ALLOW rules of an enforcer want, taken apart once and asked for each refused request.
//!
//! A goal is a list of tests of which all must hold: one of each clause of a rule. Rules share most of their tests, so
//! each test is kept and asked once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::super::matching::{self, Facts, Truth};
use super::facts::Fact;
use super::subject::Subject;
use crate::policy::effective::Policy;
use crate::policy::effective::rules::Test;

/// A rule is taken apart into at most so many goals.
const MAX_GOALS_A_RULE: usize = 4_096;

/// The goals of the ALLOW rules of an enforcer.
#[derive(Debug)]
pub(crate) struct Goals {
    tests: Vec<Test>,
    /// What each test is about, as an index into the subjects.
    about: Vec<usize>,
    subjects: Vec<Subject>,
    all: Vec<Goal>,
    /// The tests of one goal after the other, by their indices.
    wanted: Vec<usize>,
    /// Whether no rule was left out.
    pub(super) is_complete: bool,
}

#[derive(Debug)]
struct Goal {
    is_dry_run: bool,
    /// Where its tests stand.
    wanted: Range<usize>,
}

/// Facts that must be changed, and the goals that then are left to be met.
pub(super) type Needs = Vec<(BTreeSet<Fact>, Vec<usize>)>;

/// The sets of facts of which one must be changed for a test to hold; `None`: that is open.
pub(super) type Ways = Option<Vec<BTreeSet<Fact>>>;

impl Goals {
    /// Takes the rules of ALLOW policies apart, those for requests or for connections.
    pub(crate) fn new(policies: &[Policy], http: bool) -> Self {
        let mut goals = Self {
            tests: Vec::new(),
            about: Vec::new(),
            subjects: Vec::new(),
            all: Vec::new(),
            wanted: Vec::new(),
            is_complete: true,
        };
        let mut known: HashMap<&Test, usize> = HashMap::new();
        for policy in policies {
            for rule in policy.rules(http) {
                let Some(boxes) = rule.boxes(MAX_GOALS_A_RULE) else {
                    goals.is_complete = false;
                    continue;
                };
                for tests in boxes {
                    let number = |test| *known.entry(test).or_insert_with(|| goals.file(test));
                    let tests: Vec<usize> = tests.into_iter().map(number).collect();
                    let start = goals.wanted.len();
                    goals.wanted.extend(tests);
                    goals.all.push(Goal {
                        is_dry_run: policy.dry_run,
                        wanted: start..goals.wanted.len(),
                    });
                }
            }
        }
        goals
    }

    fn file(&mut self, test: &Test) -> usize {
        let subject = Subject::of(test);
        let known = self.subjects.iter().position(|own| *own == subject);
        self.about.push(known.unwrap_or(self.subjects.len()));
        if known.is_none() {
            self.subjects.push(subject);
        }
        self.tests.push(test.clone());
        self.tests.len() - 1
    }

    /// The tests of a goal.
    pub(super) fn tests(&self, goal: usize) -> impl Iterator<Item = &Test> {
        let wanted = self.all.get(goal).map_or(&[][..], |goal| self.wanted(goal));
        wanted.iter().filter_map(|at| self.tests.get(*at))
    }

    /// The tests of a goal, by their indices.
    fn wanted(&self, goal: &Goal) -> &[usize] {
        self.wanted.get(goal.wanted.clone()).unwrap_or_default()
    }

    /// The goals by the facts that must be changed for them to be met, and that no other change spares.
    pub(super) fn needs(&self, facts: &Facts, dry_run: bool, ways: impl Fn(&Subject) -> Ways) -> Needs {
        let mut known: Vec<Fact> = Vec::new();
        // Facts beyond the bits of a word are found to be missing later, one by one.
        let mut bits = |facts: &BTreeSet<Fact>| -> u64 {
            let mut set = 0;
            for fact in facts {
                let at = known.iter().position(|own| own == fact).unwrap_or_else(|| {
                    known.push(fact.clone());
                    known.len() - 1
                });
                set |= 1u64.checked_shl(u32::try_from(at).unwrap_or(u32::MAX)).unwrap_or(0);
            }
            set
        };
        let ways: Vec<Option<Vec<u64>>> = self
            .subjects
            .iter()
            .map(|subject| ways(subject).map(|ways| ways.iter().map(&mut bits).collect()))
            .collect();
        // What each test needs, if anything.
        let lacks: Vec<Option<&[u64]>> = self
            .tests
            .iter()
            .zip(&self.about)
            .map(|(test, about)| {
                let ways = ways.get(*about)?.as_deref()?;
                (!matches!(matching::holds(test, facts), Truth::Yes)).then_some(ways)
            })
            .collect();
        let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (at, goal) in self.all.iter().enumerate() {
            if goal.is_dry_run && !dry_run {
                continue;
            }
            let (mut sure, mut open) = (0, Vec::new());
            let mut can_be_met = true;
            for ways in self.wanted(goal).iter().filter_map(|at| *lacks.get(*at)?) {
                match ways {
                    [] => can_be_met = false,
                    [only] => sure |= only,
                    ways => open.push(ways),
                }
            }
            if !can_be_met {
                continue;
            }
            if open.is_empty() {
                groups.entry(sure).or_default().push(at);
                continue;
            }
            let mut sets = vec![sure];
            for ways in open {
                sets = sets
                    .iter()
                    .flat_map(|set| ways.iter().map(move |way| set | way))
                    .collect();
            }
            sets.sort_unstable();
            sets.dedup();
            for set in sets {
                groups.entry(set).or_default().push(at);
            }
        }
        let named = |set: u64| {
            let of_set = known
                .iter()
                .enumerate()
                .filter(|(at, _)| *at < 64 && set & (1 << at) != 0);
            of_set.map(|(_, fact)| fact.clone()).collect()
        };
        groups.into_iter().map(|(set, goals)| (named(set), goals)).collect()
    }
}
