//! The one question behind all others: is a box inside the union of others?
//!
//! Most queries end before the search: a few broad boxes are tried first, an index leaves out what cannot meet the box,
//! one box may hold it alone, and a value that no candidate names makes all of them that name a value there idle. What is
//! left is a small problem of its own, over the classes that its candidates can tell apart: a short search settles most,
//! and a SAT solver those that are entangled.
//! Bounds count steps, never time, so that the same input has the same answer on every machine.

mod index;
mod least;
mod local;
mod sat;
mod search;
mod unnamed;

use std::sync::Arc;

use super::MAX_RULES;
use super::cube::{Cube, Dim, Literal};
use super::sets::Set;
use super::space::{MAX_CUBES, Space};
use index::Index;
use local::Problem;
use sat::{Formula, Solved};
use search::Found;
use unnamed::Unnamed;

/// A box of a list of boxes, by its number.
pub(crate) type BoxId = u32;

/// Steps of one search; what they do not settle is asked of the solver.
const STEPS_OF_A_SEARCH: u64 = 20_000;
/// What a conflict of the solver costs, in steps.
const STEPS_OF_A_CONFLICT: u64 = 32;
/// So many boxes are looked at in a step before there is a search.
const CANDIDATES_OF_A_STEP: usize = 16;
/// Steps of one list of boxes, all questions together.
const STEPS_OF_A_POOL: u64 = 8_000_000;

/// So many of the boxes that leave most free are tried first.
const BROAD: usize = 48;

/// What is known of a box and a union.
#[derive(Clone, Debug)]
pub(crate) enum Cover {
    /// These boxes hold all of it. One of them may not be needed.
    By(Vec<BoxId>),
    /// Nothing of this box, which is a part of it, is in the union.
    Free(Cube),
    /// A bound came first.
    Undecided,
}

/// How much work is left before questions end undecided.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    left: u64,
    /// Steps of one search.
    search: u64,
    /// The last question that ended so.
    pub(crate) ended: Option<Ended>,
}

/// Why a question ended undecided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ended {
    pub(crate) bound: Bound,
    /// The dimensions in which most can be told apart.
    pub(crate) dims: Vec<Dim>,
}

/// What ends a question undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bound {
    /// Of one question.
    Question,
    /// Of all questions about a place.
    Pool,
    /// A rule is not taken apart into so many boxes.
    Boxes,
    /// So many rules are judged at all places together.
    Rules,
}

impl Bound {
    /// As a sentence.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Question => format!(
                "one question takes more than {STEPS_OF_A_SEARCH} steps of the search and {} conflicts of the solver",
                sat::CONFLICTS_OF_A_QUERY
            ),
            Self::Pool => format!("all questions about the place take more than {STEPS_OF_A_POOL} steps together"),
            Self::Boxes => format!("its lists make more than {MAX_CUBES} combinations"),
            Self::Rules => format!("there are more than {MAX_RULES} rules at all places together"),
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            left: STEPS_OF_A_POOL,
            search: STEPS_OF_A_SEARCH,
            ended: None,
        }
    }
}

impl Pool {
    /// One of which no search takes a step, so that the solver is asked everything.
    #[cfg(test)]
    pub(crate) fn of_the_solver() -> Self {
        Self {
            search: 0,
            ..Self::default()
        }
    }

    /// Takes so many steps; `false` if there are no more.
    fn take(&mut self, steps: usize) -> bool {
        let steps = steps as u64;
        let enough = self.left >= steps;
        self.spend(steps);
        enough
    }

    const fn spend(&mut self, steps: u64) {
        self.left = self.left.saturating_sub(steps);
    }

    /// A part of it for one search, of which the rest is to be given back.
    fn part(&mut self) -> Self {
        let left = self.left.min(self.search);
        self.spend(left);
        Self {
            left,
            search: 0,
            ended: None,
        }
    }

    fn undecided(&mut self, dims: Vec<Dim>) -> Cover {
        let bound = if self.left == 0 { Bound::Pool } else { Bound::Question };
        self.ended = Some(Ended { bound, dims });
        Cover::Undecided
    }
}

/// Boxes that may cover others, each with its owner.
#[derive(Debug)]
pub(crate) struct Boxes {
    space: Arc<Space>,
    cubes: Vec<Cube>,
    owners: Vec<u32>,
    broad: Vec<BoxId>,
    index: Index,
    unnamed: Unnamed,
}

impl Boxes {
    /// Boxes of a space, each with the number of its owner.
    pub(crate) fn new(space: Arc<Space>, boxes: Vec<(Cube, u32)>) -> Self {
        let (cubes, owners): (Vec<Cube>, Vec<u32>) = boxes.into_iter().unzip();
        let mut broad: Vec<(f64, BoxId)> = cubes.iter().map(|cube| narrowness(&space, cube)).zip(0..).collect();
        broad.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        broad.truncate(BROAD);
        Self {
            index: Index::new(&space, &cubes),
            unnamed: Unnamed::new(&space, &cubes),
            broad: broad.into_iter().map(|(_, id)| id).collect(),
            cubes,
            owners,
            space,
        }
    }

    pub(crate) fn cube(&self, id: BoxId) -> Option<&Cube> {
        self.cubes.get(id as usize)
    }

    pub(crate) fn owner(&self, id: BoxId) -> Option<u32> {
        self.owners.get(id as usize).copied()
    }

    /// The boxes of these owners that meet a box, in order.
    pub(crate) fn meeting(&self, cube: &Cube, takes: &dyn Fn(u32) -> bool) -> Vec<BoxId> {
        self.near(cube, &[], takes)
    }

    fn near(&self, cube: &Cube, unnamed: &[Dim], takes: &dyn Fn(u32) -> bool) -> Vec<BoxId> {
        let near = self.index.candidates(cube, unnamed);
        near.filter(|id| self.owner(*id).is_some_and(takes) && self.cube(*id).is_some_and(|other| other.meets(cube)))
            .collect()
    }

    /// Whether a box is inside the union of the boxes of these owners.
    pub(crate) fn cover(&self, target: &Cube, takes: &dyn Fn(u32) -> bool, pool: &mut Pool) -> Cover {
        let holds = |id: &&BoxId| {
            self.owner(**id).is_some_and(takes) && self.cube(**id).is_some_and(|cube| target.is_within(cube))
        };
        if let Some(id) = self.broad.iter().find(holds) {
            return Cover::By(vec![*id]);
        }
        let (mut rest, unnamed) = self.unnamed.narrow(target);
        let mut candidates = self.near(&rest, &unnamed, takes);
        if !pool.take(candidates.len() / CANDIDATES_OF_A_STEP + 1) {
            return pool.undecided(Vec::new());
        }
        // One that says nothing of what was moved holds all of the box if it holds the part.
        if let Some(id) = candidates.iter().find(holds) {
            return Cover::By(vec![*id]);
        }
        while let Some((dim, literal)) = self.generic(&rest, &candidates) {
            rest = rest.with(dim, Some(literal));
            let before = candidates.len();
            candidates.retain(|id| self.cube(*id).is_some_and(|cube| cube.meets(&rest)));
            if candidates.len() == before {
                break;
            }
        }
        if candidates.is_empty() {
            return Cover::Free(rest);
        }
        let others: Vec<(BoxId, &Cube)> = candidates
            .iter()
            .filter_map(|id| Some((*id, self.cube(*id)?)))
            .collect();
        self.solve(&rest, &others, pool)
    }

    /// The problem that is left of a question.
    fn solve(&self, target: &Cube, candidates: &[(BoxId, &Cube)], pool: &mut Pool) -> Cover {
        let problem = Problem::new(&self.space, target, candidates);
        let mut part = pool.part();
        let found = search::search(&problem, &mut part);
        pool.left += part.left;
        match found {
            Found::Core(mut core) => {
                core.sort_unstable();
                core.dedup();
                return Cover::By(core);
            }
            Found::Free(slots) => return Cover::Free(problem.cube(target, &slots)),
            Found::Nothing => {}
        }
        let groups: Vec<usize> = (0..candidates.len()).collect();
        let mut formula = Formula::new(&problem, &groups, groups.len());
        match formula.solve(groups.iter().copied(), pool) {
            Solved::Core(core) => {
                let ids = core.into_iter().filter_map(|at| candidates.get(at));
                Cover::By(ids.map(|(id, _)| *id).collect())
            }
            Solved::Free(slots) => Cover::Free(problem.cube(target, &slots)),
            Solved::Undecided => pool.undecided(problem.largest()),
        }
    }

    /// A dimension, and what to ask there so that each candidate that names a value of it is left out.
    ///
    /// A request outside all candidates stays outside if it is moved there; and if the moved one is inside of one, that
    /// asks nothing there, and holds the other too.
    fn generic(&self, target: &Cube, candidates: &[BoxId]) -> Option<(Dim, Literal)> {
        let mut dims: Vec<Dim> = Vec::new();
        let literals = || {
            candidates
                .iter()
                .filter_map(|id| self.cube(*id))
                .flat_map(|cube| cube.literals())
        };
        for (dim, _) in literals() {
            if !dims.contains(dim) {
                dims.push(*dim);
            }
        }
        dims.sort_unstable();
        dims.into_iter().find_map(|dim| {
            let own = target.get(dim);
            let named = || candidates.iter().filter_map(|id| self.cube(*id)?.get(dim));
            let dimension = self.space.dimension(dim)?;
            if dimension.many {
                let literal = generic_many(own, named())?;
                return Some((dim, literal));
            }
            let all;
            let own = match own {
                Some(Literal::In(set)) => set,
                _ => {
                    all = Arc::new(dimension.all());
                    &all
                }
            };
            let in_set = |literal: &Literal, atom| matches!(literal, Literal::In(set) if set.contains(atom));
            let firsts = own.ranges().iter().take(8).map(|(start, _)| *start);
            let first = firsts
                .into_iter()
                .find(|atom| !named().any(|literal| in_set(literal, *atom)));
            if let Some(atom) = first {
                return Some((dim, Literal::In(Arc::new(Set::from_atoms([atom].into_iter())))));
            }
            let union = named().flat_map(|literal| match literal {
                Literal::In(set) => set.ranges(),
                Literal::Many { .. } => &[],
            });
            let left = own.minus(&Set::from_ranges(union.copied().collect()));
            (!left.is_empty()).then(|| (dim, Literal::In(Arc::new(left))))
        })
    }
}

/// For a fact with many values: no value that a candidate needs, or one of each kind that a candidate forbids.
fn generic_many<'c>(own: Option<&Literal>, named: impl Iterator<Item = &'c Literal> + Clone) -> Option<Literal> {
    let (own_needs, own_forbid) = match own {
        Some(Literal::Many { needs, forbid }) => (needs.as_slice(), Arc::clone(forbid)),
        _ => (&[][..], Arc::default()),
    };
    let needs = named.clone().flat_map(|literal| match literal {
        Literal::Many { needs, .. } => needs.as_slice(),
        Literal::In(_) => &[],
    });
    let forbids = named.filter_map(|literal| match literal {
        Literal::Many { forbid, .. } if !forbid.is_within(&own_forbid) => Some(forbid),
        _ => None,
    });
    let mut needed = needs.flat_map(|set| set.ranges().to_vec()).peekable();
    let mut forbidden = forbids.peekable();
    match (needed.peek().is_some(), forbidden.peek().is_some()) {
        (true, false) => {
            let forbid = own_forbid.or(&Set::from_ranges(needed.collect()));
            let left: Vec<Arc<Set>> = own_needs.iter().map(|need| Arc::new(need.minus(&forbid))).collect();
            let possible = left.iter().all(|need| !need.is_empty());
            possible.then(|| Literal::Many {
                needs: left,
                forbid: Arc::new(forbid),
            })
        }
        (false, true) => {
            let mut needs = own_needs.to_vec();
            needs.extend(forbidden.map(|forbid| Arc::new(forbid.minus(&own_forbid))));
            Some(Literal::Many {
                needs,
                forbid: own_forbid,
            })
        }
        _ => None,
    }
}

/// The less a box leaves free, the larger.
fn narrowness(space: &Space, cube: &Cube) -> f64 {
    let narrow = cube.literals().iter().map(|(dim, literal)| match literal {
        Literal::In(set) => {
            let size = space.dimension(*dim).map_or(1, |dimension| dimension.size);
            1.0 + f64::from(size).ln() - (set.count() as f64).max(1.0).ln()
        }
        Literal::Many { needs, .. } => 2.0 + needs.len() as f64,
    });
    narrow.sum()
}
