//! Problems that are too entangled for the search, asked of a SAT solver. The only user of `batsat`.
//!
//! The classes of a fact with one value are a chain: the k-th variable says that the value comes behind the k-th class, so
//! a range of classes is two literals. A fact with many values has a variable for each class, which says that there is
//! such a value. A candidate is the clause that one thing that it asks fails, and it holds only where the candidate is
//! selected: the selections that the solver cannot hold together are a core.

use std::collections::HashMap;

use batsat::{Callbacks, ClauseKind, Lit, Solver, SolverInterface, SolverOpts, lbool};

use super::local::{Ask, Mask, Problem, Slot, members};
use super::{Pool, STEPS_OF_A_CONFLICT};

/// Conflicts of one question that end it undecided.
pub(super) const CONFLICTS_OF_A_QUERY: u64 = 20_000;

/// What became of a question.
pub(super) enum Solved {
    /// Of those that were selected these are enough, by their numbers.
    Core(Vec<usize>),
    Free(Vec<Slot>),
    Undecided,
}

/// A problem in clauses, to be asked about any of its candidates.
pub(super) struct Formula<'p> {
    problem: &'p Problem,
    solver: Solver<Budget>,
    columns: Vec<Column>,
    /// What says that no value is in a set, by the dimension and the set.
    outside: HashMap<(usize, &'p Mask), Lit>,
    selectors: Vec<Lit>,
}

/// The variables of a dimension.
enum Column {
    /// Whether the value comes behind each class but the last.
    Chain(Vec<Lit>),
    /// Whether there is a value of each class.
    Many(Vec<Lit>),
}

/// Ends the solver after so many conflicts.
#[derive(Default)]
struct Budget {
    conflicts: u64,
    most: u64,
}

impl Callbacks for Budget {
    fn on_new_clause(&mut self, _: &[Lit], kind: ClauseKind) {
        self.conflicts += u64::from(kind == ClauseKind::Learnt);
    }

    fn stop(&self) -> bool {
        self.conflicts >= self.most
    }
}

impl<'p> Formula<'p> {
    /// A problem in which candidates are selected by the number that each has in `groups`, which are below `count`.
    pub(super) fn new(problem: &'p Problem, groups: &[usize], count: usize) -> Self {
        let mut formula = Self {
            problem,
            solver: Solver::new(SolverOpts::default(), Budget::default()),
            columns: Vec::new(),
            outside: HashMap::new(),
            selectors: Vec::new(),
        };
        for (dim, slot) in problem.start.iter().enumerate() {
            let column = formula.column(slot, problem.classes(dim));
            formula.columns.push(column);
        }
        formula.selectors = (0..count).map(|_| formula.variable()).collect();
        for (candidate, group) in problem.candidates.iter().zip(groups) {
            let Some(selector) = formula.selectors.get(*group).copied() else {
                continue;
            };
            let mut clause = vec![!selector];
            for (dim, ask) in &candidate.asks {
                formula.fails(*dim, ask, &mut clause);
            }
            formula.solver.add_clause_reuse(&mut clause);
        }
        formula
    }

    /// Whether the candidates of these groups leave a point.
    pub(super) fn solve(&mut self, groups: impl Iterator<Item = usize>, pool: &mut Pool) -> Solved {
        let selected: Vec<Lit> = groups.filter_map(|group| self.selectors.get(group).copied()).collect();
        if !pool.take(selected.len() + 1) {
            return Solved::Undecided;
        }
        let before = self.solver.cb().conflicts;
        self.solver.cb_mut().most = before + CONFLICTS_OF_A_QUERY.min(pool.left / STEPS_OF_A_CONFLICT);
        let found = self.solver.solve_limited(&selected);
        let spent = self.solver.cb().conflicts - before;
        pool.spend(spent * STEPS_OF_A_CONFLICT);
        if found == lbool::TRUE {
            return Solved::Free(self.slots());
        }
        if found == lbool::FALSE {
            let selectors = self.selectors.iter().enumerate();
            let core = selectors.filter(|(_, selector)| self.solver.unsat_core_contains_var(selector.var()));
            return Solved::Core(core.map(|(group, _)| group).collect());
        }
        Solved::Undecided
    }

    fn variable(&mut self) -> Lit {
        Lit::new(self.solver.new_var_default(), true)
    }

    fn column(&mut self, slot: &Slot, classes: usize) -> Column {
        match slot {
            Slot::In(_) => {
                let chain: Vec<Lit> = (1..classes).map(|_| self.variable()).collect();
                for (near, far) in chain.iter().zip(chain.iter().skip(1)) {
                    self.solver.add_clause_reuse(&mut vec![!*far, *near]);
                }
                Column::Chain(chain)
            }
            Slot::Many { needs, .. } => {
                let values: Vec<Lit> = (0..classes).map(|_| self.variable()).collect();
                for need in needs {
                    let some = members(need).filter_map(|class| values.get(class).copied());
                    self.solver.add_clause_reuse(&mut some.collect());
                }
                Column::Many(values)
            }
        }
    }

    /// Adds to a clause what makes one thing that a candidate asks fail.
    fn fails(&mut self, dim: usize, ask: &'p Ask, clause: &mut Vec<Lit>) {
        let (Ask::In(mask) | Ask::Need(mask) | Ask::Forbid(mask)) = ask;
        match (self.columns.get(dim), ask) {
            (Some(Column::Chain(chain)), _) => {
                let ranges = ranges(mask);
                let behind = |(start, end): &(usize, usize)| {
                    let before = start.checked_sub(1).and_then(|at| chain.get(at)).map(|lit| !*lit);
                    let after = end.checked_sub(1).and_then(|at| chain.get(at)).copied();
                    before.into_iter().chain(after).collect::<Vec<Lit>>()
                };
                let parts: Vec<Vec<Lit>> = ranges.iter().map(behind).collect();
                self.all(dim, mask, parts, clause);
            }
            (Some(Column::Many(values)), Ask::Forbid(_)) => {
                clause.extend(members(mask).filter_map(|class| values.get(class)));
            }
            (Some(Column::Many(values)), _) => {
                let none = members(mask).filter_map(|class| Some(vec![!*values.get(class)?]));
                let parts = none.collect();
                self.all(dim, mask, parts, clause);
            }
            (None, _) => {}
        }
    }

    /// Adds that all these clauses hold: one as it is, more behind a variable of their own.
    fn all(&mut self, dim: usize, mask: &'p Mask, mut parts: Vec<Vec<Lit>>, clause: &mut Vec<Lit>) {
        if parts.len() == 1 {
            clause.extend(parts.pop().unwrap_or_default());
            return;
        }
        if let Some(known) = self.outside.get(&(dim, mask)) {
            clause.push(*known);
            return;
        }
        let all = self.variable();
        for mut part in parts {
            part.push(!all);
            self.solver.add_clause_reuse(&mut part);
        }
        self.outside.insert((dim, mask), all);
        clause.push(all);
    }

    /// The point that the solver found.
    fn slots(&self) -> Vec<Slot> {
        let holds = |lit: &Lit| self.solver.value_lit(*lit) == lbool::TRUE;
        let slot = |(dim, column): (usize, &Column)| {
            let mask = |classes: &mut dyn Iterator<Item = usize>| self.problem.mask(dim, classes);
            match column {
                Column::Chain(chain) => {
                    let class = chain.iter().take_while(|lit| holds(lit)).count();
                    Slot::In(mask(&mut std::iter::once(class)))
                }
                Column::Many(values) => {
                    let present = |wanted: bool| {
                        let classes = values.iter().enumerate().filter(move |(_, lit)| holds(lit) == wanted);
                        classes.map(|(class, _)| class)
                    };
                    Slot::Many {
                        needs: present(true).map(|class| mask(&mut std::iter::once(class))).collect(),
                        forbid: mask(&mut present(false)),
                    }
                }
            }
        };
        self.columns.iter().enumerate().map(slot).collect()
    }
}

/// The ranges of a set of classes, half open.
fn ranges(mask: &Mask) -> Vec<(usize, usize)> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for class in members(mask) {
        match ranges.last_mut() {
            Some(last) if last.1 == class => last.1 += 1,
            _ => ranges.push((class, class + 1)),
        }
    }
    ranges
}
