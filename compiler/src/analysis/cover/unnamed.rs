//! What no box of a list names: a box is asked about there first, where only those are left that say nothing.
//!
//! A request outside all boxes stays outside if one fact of it is moved to a value that none of them names; and if the
//! moved one is inside of a box, that asks nothing of the fact, and holds the other request too. So the answer is the same.

use std::sync::Arc;

use crate::analysis::cube::{Cube, Dim, Literal};
use crate::analysis::sets::Set;
use crate::analysis::space::Space;

/// So many beginnings of ranges are looked up.
const MOST_LOOKED_UP: usize = 8;

/// The atoms that no box names, by the dimensions that have some.
#[derive(Debug)]
pub(super) struct Unnamed(Vec<(Dim, Arc<Set>)>);

impl Unnamed {
    pub(super) fn new(space: &Space, cubes: &[Cube]) -> Self {
        let dimensions = space.dimensions().iter().enumerate();
        let single = dimensions.filter(|(_, dimension)| !dimension.many);
        let unnamed = single.filter_map(|(dim, dimension)| {
            let mut named = vec![0_u64; (dimension.size as usize).div_ceil(64)];
            for cube in cubes {
                if let Some(Literal::In(set)) = cube.get(dim) {
                    set.mark(&mut named);
                }
            }
            let left = (0..dimension.size).filter(|atom| {
                let word = named.get(*atom as usize / 64).copied().unwrap_or_default();
                word >> (atom % 64) & 1 == 0
            });
            let left = Set::from_atoms(left);
            (!left.is_empty()).then(|| (dim, Arc::new(left)))
        });
        Self(unnamed.collect())
    }

    /// A part of a box that answers for all of it, and the dimensions at which no box names anything of that.
    pub(super) fn narrow(&self, target: &Cube) -> (Cube, Vec<Dim>) {
        let mut rest = target.clone();
        let mut dims = Vec::new();
        for (dim, unnamed) in &self.0 {
            let literal = match target.get(*dim) {
                None => Arc::clone(unnamed),
                Some(Literal::In(own)) => {
                    let firsts = own.ranges().iter().take(MOST_LOOKED_UP).map(|(start, _)| *start);
                    match firsts.into_iter().find(|atom| unnamed.contains(*atom)) {
                        Some(atom) => Arc::new(Set::from_atoms([atom].into_iter())),
                        None if own.meets(unnamed) => Arc::new(own.and(unnamed)),
                        None => continue,
                    }
                }
                Some(Literal::Many { .. }) => continue,
            };
            rest = rest.with(*dim, Some(Literal::In(literal)));
            dims.push(*dim);
        }
        (rest, dims)
    }
}
