//! The one question behind all others: is a box inside the union of others?
//!
//! Most queries end before the search: a few broad boxes are tried first, an index leaves out what cannot meet the box,
//! one box may hold it alone, and a value that no candidate names makes all of them that name a value there idle. What is
//! left is a small problem of its own, over the classes that its candidates can tell apart.
//! Bounds count steps, never time, so that the same input has the same answer on every machine.

mod index;
mod local;
mod search;

use std::sync::Arc;

use super::cube::{Cube, Dim, Literal};
use super::sets::Set;
use super::space::Space;
use index::Index;

/// A box of a list of boxes, by its number.
pub(crate) type BoxId = u32;

/// Steps of one query that end it undecided.
pub(crate) const STEPS_OF_A_QUERY: u64 = 40_000;
/// Steps of one list of boxes, all queries together.
pub(crate) const STEPS_OF_A_POOL: u64 = 8_000_000;

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

/// How much work is left before queries end undecided.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    left: u64,
}

impl Default for Pool {
    fn default() -> Self {
        Self { left: STEPS_OF_A_POOL }
    }
}

impl Pool {
    /// Takes so many steps; `false` if there are no more.
    fn take(&mut self, steps: usize) -> bool {
        let steps = steps as u64;
        let enough = self.left >= steps;
        self.left = self.left.saturating_sub(steps);
        enough
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
        let near = self.index.candidates(cube);
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
        let mut candidates = self.meeting(target, takes);
        if !pool.take(candidates.len() + 1) {
            return Cover::Undecided;
        }
        if let Some(id) = candidates.iter().find(holds) {
            return Cover::By(vec![*id]);
        }
        let mut rest = target.clone();
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
        let mut own = Pool {
            left: pool.left.min(STEPS_OF_A_QUERY),
        };
        let before = own.left;
        let cover = search::cover(&self.space, &rest, &others, &mut own);
        pool.left = pool.left.saturating_sub(before - own.left);
        cover
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
