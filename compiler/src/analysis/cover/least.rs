//! Covers without what they do not need.

use std::collections::BTreeSet;

use super::local::Problem;
use super::sat::{Formula, Solved};
use super::{BoxId, Boxes, CANDIDATES_OF_A_STEP, Pool};
use crate::analysis::cube::Cube;

impl Boxes {
    /// Of owners that hold these boxes together, those without any of which they do not: the last are left out first.
    ///
    /// `false`: a bound came first, and some of them may not be needed.
    pub(crate) fn least(&self, targets: &[Cube], owners: &BTreeSet<u32>, pool: &mut Pool) -> (BTreeSet<u32>, bool) {
        let numbers: Vec<u32> = owners.iter().copied().collect();
        let group = |id: &BoxId| {
            let owner = self.owner(*id)?;
            numbers.binary_search(&owner).ok()
        };
        let mut problems: Vec<(Problem, Vec<usize>)> = Vec::new();
        for target in targets {
            let ids = self.meeting(target, &|owner| owners.contains(&owner));
            if !pool.take(ids.len() / CANDIDATES_OF_A_STEP + 1) {
                return (owners.clone(), false);
            }
            let cubes: Vec<(BoxId, &Cube)> = ids.iter().filter_map(|id| Some((*id, self.cube(*id)?))).collect();
            problems.push((
                Problem::new(&self.space, target, &cubes),
                ids.iter().filter_map(group).collect(),
            ));
        }
        let formula = |(problem, groups)| Formula::new(problem, groups, numbers.len());
        let mut formulas: Vec<Formula<'_>> = problems
            .iter()
            .map(|(p, groups)| (p, groups.as_slice()))
            .map(formula)
            .collect();
        let mut left: BTreeSet<usize> = (0..numbers.len()).collect();
        let mut sure = true;
        for group in (0..numbers.len()).rev() {
            if !left.remove(&group) {
                continue;
            }
            let mut core = BTreeSet::new();
            let mut needed = false;
            for formula in &mut formulas {
                match formula.solve(left.iter().copied(), pool) {
                    Solved::Core(some) => core.extend(some),
                    Solved::Free(_) => needed = true,
                    Solved::Undecided => (needed, sure) = (true, false),
                }
                if needed {
                    break;
                }
            }
            if needed {
                left.insert(group);
            } else {
                left = core;
            }
        }
        let owners = left.into_iter().filter_map(|group| numbers.get(group).copied());
        (owners.collect(), sure)
    }
}
