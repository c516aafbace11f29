//! The search: for a set of facts to change and a goal for each enforcer on the way, by the size of the set.
//!
//! A refusal says in which facts every request that is admitted must differ further, so each failed trial leads to larger
//! sets, and no set that could do is left out. The first trial that the evaluator admits has the fewest changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::{Judge, principal};
use super::facts::{Fact, Setting, changes};
use super::goals::{Goals, Needs};
use super::subject::{Subject, View};
use super::values::Values;
use crate::policy::effective::rules::Test;
use crate::policy::effective::{Effective, Policy};
use crate::policy::request::{Answer, Caller, Destination, Outcome, Request, Stage};

/// More facts than that are never changed.
const MOST_CHANGES: usize = 6;
/// For changes of one size so many requests are put to the evaluator.
const STEPS: usize = 20_000;

/// An enforcer that sees requests, or else connections, and the goals of its ALLOW rules.
type Door = ((usize, bool), Arc<Goals>);

/// Facts to change, and what is to be met. Tasks are taken up in their order.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Task {
    size: usize,
    facts: BTreeSet<Fact>,
    /// Doors, each with the goal that is to be met there.
    aims: Vec<(usize, usize)>,
    /// The door that has several goals, of which each is tried.
    door: Option<usize>,
}

struct Search<'a, 'p> {
    judge: &'a Judge<'p>,
    original: &'a Request,
    values: &'a Values,
    /// The caller with mutual TLS, where it is a workload.
    own: Option<Setting>,
    doors: Vec<Door>,
    agenda: BTreeMap<Task, Vec<usize>>,
    steps: usize,
    /// Sets of this size were not all tried.
    doubt: usize,
}

/// A task with one goal for each door, at work.
struct Trial<'t> {
    facts: Vec<&'t Fact>,
    task: &'t Task,
    tests: Vec<&'t Test>,
    /// What is known of doors without a goal.
    needs: BTreeMap<(usize, bool), Needs>,
    /// The refusals that were followed up.
    followed: BTreeSet<(usize, bool, BTreeSet<Fact>)>,
}

/// The admitted request with the fewest changes, and whether it is proved that there are no fewer.
pub(super) fn search(judge: &Judge<'_>, original: &Request) -> Option<(Request, bool)> {
    let composed;
    let kept = match original.to {
        Destination::Known(index) => judge.nearest.get(index),
        Destination::Pod { .. } => None,
    };
    let values = match kept {
        Some(kept) => &**kept.get_or_init(|| Box::new(Values::new(judge, &original.to))),
        None => {
            composed = Values::new(judge, &original.to);
            &composed
        }
    };
    let own = match original.caller {
        Caller::Workload(index) => judge.inventory.workloads.get(index).and_then(|it| it.account.as_ref()),
        Caller::Outsider | Caller::Principal(_) => None,
    };
    let search = Search {
        judge,
        original,
        values,
        own: own.map(|account| Setting::Caller(Caller::Principal(principal(account, judge.inventory)))),
        doors: Vec::new(),
        agenda: BTreeMap::from([(Task::default(), Vec::new())]),
        steps: STEPS,
        // The triggers of legacy policies, which tell paths apart, are not among the values.
        doubt: if judge.target.is_legacy() { 1 } else { usize::MAX },
    };
    search.run()
}

impl Search<'_, '_> {
    fn run(mut self) -> Option<(Request, bool)> {
        let mut size = 0;
        while let Some((task, mut goals)) = self.agenda.pop_first() {
            if task.size > size {
                size = task.size;
                self.steps = STEPS;
            }
            goals.sort_unstable();
            goals.dedup();
            let goals = goals.into_iter().map(Some).chain(task.door.is_none().then_some(None));
            for goal in goals {
                let mut task = task.clone();
                task.aims.extend(task.door.take().zip(goal));
                let found = self.attempt(&task);
                if found.is_some() {
                    return found.map(|found| (found, size <= self.doubt));
                }
                if self.steps == 0 {
                    self.doubt = self.doubt.min(size);
                    break;
                }
            }
        }
        None
    }

    fn attempt(&mut self, task: &Task) -> Option<Request> {
        let aims = task.aims.iter();
        let held: Vec<(Arc<Goals>, usize)> = aims
            .filter_map(|(door, goal)| self.doors.get(*door).map(|(_, goals)| (Arc::clone(goals), *goal)))
            .collect();
        let mut trial = Trial {
            facts: task.facts.iter().collect(),
            task,
            tests: held.iter().flat_map(|(goals, goal)| goals.tests(*goal)).collect(),
            needs: BTreeMap::new(),
            followed: BTreeSet::new(),
        };
        self.assign(&mut trial, self.original, 0)
    }

    /// Tries all values of the facts from this one on.
    fn assign(&mut self, trial: &mut Trial<'_>, request: &Request, at: usize) -> Option<Request> {
        let Some(fact) = trial.facts.get(at).copied() else {
            return self.ask(trial, request);
        };
        let choice = self.values.settings(fact, request, &trial.tests, self.own.as_ref());
        if !choice.is_complete {
            self.doubt = self.doubt.min(trial.task.size);
        }
        for setting in choice.settings {
            let found = self.assign(trial, &setting.applied(request), at + 1);
            if found.is_some() || self.steps == 0 {
                return found;
            }
        }
        None
    }

    /// Puts a request to the evaluator, and if it is refused, notes in what further facts others must differ.
    fn ask(&mut self, trial: &mut Trial<'_>, request: &Request) -> Option<Request> {
        self.steps = self.steps.saturating_sub(1);
        let (values, doors) = (self.values, &mut self.doors);
        let mut refusal = None;
        let answer = self.judge.observed(request, &mut |effective, facts, judged| {
            if judged.answer.outcome != Outcome::Ok && refusal.is_none() {
                let view = View { values, request, facts };
                refusal = Some(trial.refusal(doors, &view, effective, &judged.answer));
            }
        });
        match (answer, refusal) {
            (Ok(answer), _) if answer.outcome == Outcome::Ok => {
                let is_small = changes(self.original, request).len() <= trial.task.size;
                return is_small.then(|| request.clone());
            }
            (Ok(_), Some(refusal)) => self.follow(trial, refusal),
            (answer, _) => {
                let further = match answer.map(|answer| answer.stage) {
                    Ok(Some(Stage::Http)) => {
                        let headers = request.headers.iter().map(|(name, _)| Fact::Header(name.clone()));
                        let others = [Fact::Method, Fact::Path, Fact::Host, Fact::Caller, Fact::Port];
                        headers.chain(others).collect()
                    }
                    Ok(_) => BTreeSet::from([Fact::Caller, Fact::Port]),
                    // Where there is no answer, anything can lead to one.
                    Err(_) => values.facts(request, &trial.tests),
                };
                self.change(trial.task, &further);
            }
        }
        None
    }

    /// Notes the tasks that a refusal by an enforcer leaves.
    fn follow(&mut self, trial: &mut Trial<'_>, refusal: Refusal) {
        let task = trial.task;
        let further: BTreeSet<Fact> = refusal.because.difference(&task.facts).cloned().collect();
        let is_unmet = refusal.stage == Some(Stage::Allow);
        if !trial.followed.insert((refusal.door, is_unmet, further.clone())) {
            return;
        }
        if !refusal.is_aimed {
            self.change(task, &refusal.elsewhere);
        }
        if !refusal.is_open {
            self.change(task, &further);
            return;
        }
        if self
            .doors
            .get(refusal.door)
            .is_some_and(|(_, goals)| !goals.is_complete)
        {
            self.doubt = self.doubt.min(task.size);
        }
        for (needed, goals) in trial.needs.get(&refusal.needs).into_iter().flatten() {
            let facts = &task.facts | needed;
            // What is refused besides must differ in one of these facts too.
            if is_unmet || !facts.is_disjoint(&further) {
                self.note(task, facts, Some(refusal.door), goals);
                continue;
            }
            for fact in &further {
                let mut facts = facts.clone();
                facts.insert(fact.clone());
                self.note(task, facts, Some(refusal.door), goals);
            }
        }
    }

    /// Notes a task for each of these facts besides those that are changed.
    fn change(&mut self, task: &Task, further: &BTreeSet<Fact>) {
        for fact in further.difference(&task.facts) {
            let mut facts = task.facts.clone();
            facts.insert(fact.clone());
            self.note(task, facts, None, &[]);
        }
    }

    fn note(&mut self, task: &Task, facts: BTreeSet<Fact>, door: Option<usize>, goals: &[usize]) {
        if facts.len() <= MOST_CHANGES {
            let task = Task {
                size: facts.len(),
                facts,
                aims: task.aims.clone(),
                door,
            };
            self.agenda.entry(task).or_default().extend_from_slice(goals);
        }
    }
}

/// What is known of a refusal by an enforcer.
struct Refusal {
    door: usize,
    stage: Option<Stage>,
    /// Whether a goal is to be met there.
    is_aimed: bool,
    /// Whether there are goals of which none was chosen.
    is_open: bool,
    /// Where what is needed there stands.
    needs: (usize, bool),
    /// A request that is admitted there differs in one of these facts.
    because: BTreeSet<Fact>,
    /// With these changed, others may judge.
    elsewhere: BTreeSet<Fact>,
}

impl Trial<'_> {
    fn refusal(&mut self, doors: &mut Vec<Door>, view: &View<'_>, effective: &Effective, answer: &Answer) -> Refusal {
        let (http, request) = (view.facts.http, view.request);
        // A pod that no block describes has one enforcer, which may be composed anew for each request.
        let id = match request.to {
            Destination::Known(_) => std::ptr::from_ref(effective).addr(),
            Destination::Pod { .. } => 0,
        };
        let known = doors.iter().position(|(own, _)| *own == (id, http));
        let door = known.unwrap_or_else(|| {
            doors.push(((id, http), Arc::clone(effective.allow.goals(http))));
            doors.len() - 1
        });
        let goals = doors.get(door).map(|(_, goals)| goals);
        let aim = self.task.aims.iter().find(|(own, _)| *own == door);
        let wanted = aim
            .and_then(|(_, goal)| Some(goals?.tests(*goal)))
            .into_iter()
            .flatten();
        let enforced = |policy: &Policy| request.dry_run || !policy.dry_run;
        let is_open = aim.is_none() && effective.allow.policies.iter().any(enforced);
        // Before the filter of tokens no one knows what they say.
        let tokens_are_read = !matches!(answer.stage, Some(Stage::Jwt | Stage::Custom));
        let needs = (door, tokens_are_read);
        if is_open && let Some(goals) = goals {
            let ways = |subject: &Subject| view.ways(subject, &self.task.facts, tokens_are_read);
            let needed = || goals.needs(view.facts, request.dry_run, ways);
            self.needs.entry(needs).or_insert_with(needed);
        }
        let mut elsewhere = BTreeSet::from([Fact::Port]);
        if view.values.has_waypoint || !http {
            elsewhere.insert(Fact::Caller);
        }
        Refusal {
            door,
            stage: answer.stage,
            is_aimed: aim.is_some(),
            is_open,
            needs,
            because: view.because(effective, answer, wanted),
            elsewhere,
        }
    }
}
