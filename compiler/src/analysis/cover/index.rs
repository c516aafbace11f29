//! Which boxes can meet a box at all, by the atoms that they name.

use super::BoxId;
use crate::analysis::cube::{Cube, Dim, Literal};
use crate::analysis::sets::Set;
use crate::analysis::space::Space;

/// Fewer boxes are all candidates.
const WORTH_AN_INDEX: usize = 16;
/// A dimension has so many buckets at most.
const MAX_BUCKETS: usize = 4096;
/// A set in more buckets is not filed.
const MAX_FILED: usize = 64;

/// Boxes by dimension and the atoms that they name there.
#[derive(Debug)]
pub(super) struct Index {
    count: usize,
    columns: Vec<(Dim, Column)>,
}

/// One dimension.
#[derive(Debug)]
struct Column {
    /// Boxes that say nothing here.
    silent: Bits,
    /// Those, and boxes that are in too many buckets.
    loose: Bits,
    /// Atoms in a bucket.
    width: u32,
    buckets: Vec<Vec<BoxId>>,
}

type Bits = Vec<u64>;

impl Index {
    pub(super) fn new(space: &Space, cubes: &[Cube]) -> Self {
        let mut columns = Vec::new();
        if cubes.len() >= WORTH_AN_INDEX {
            for (dim, dimension) in space.dimensions().iter().enumerate().filter(|(_, it)| !it.many) {
                columns.extend(column(dim, dimension.size, cubes).map(|column| (dim, column)));
            }
        }
        Self {
            count: cubes.len(),
            columns,
        }
    }

    /// The boxes that can meet a box, in order, and few that do not. At dimensions that are `unnamed` it has only atoms
    /// that no box names.
    pub(super) fn candidates(&self, cube: &Cube, unnamed: &[Dim]) -> impl Iterator<Item = BoxId> + use<> {
        let words = self.count.div_ceil(64);
        let mut found: Bits = vec![u64::MAX; words];
        if let (Some(last), rest @ 1..) = (found.last_mut(), self.count % 64) {
            *last = (1 << rest) - 1;
        }
        for (dim, column) in &self.columns {
            if unnamed.contains(dim) {
                found
                    .iter_mut()
                    .zip(&column.silent)
                    .for_each(|(found, silent)| *found &= silent);
            } else if let Some(Literal::In(set)) = cube.get(*dim)
                && let Some(near) = column.near(set)
            {
                found.iter_mut().zip(near).for_each(|(found, near)| *found &= near);
            }
        }
        let in_word = |(mut word, start): (u64, u32)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros();
                (bit < 64).then(|| {
                    word &= word - 1;
                    start + bit
                })
            })
        };
        found.into_iter().zip((0..).step_by(64)).flat_map(in_word)
    }
}

impl Column {
    /// `None` if that is most of them.
    fn near(&self, set: &Set) -> Option<Bits> {
        let touched = buckets(set, self.width);
        if touched.clone().take(self.buckets.len() / 2 + 1).count() > self.buckets.len() / 2 {
            return None;
        }
        let mut near = self.loose.clone();
        for bucket in touched {
            for id in self.buckets.get(bucket).into_iter().flatten() {
                mark(&mut near, *id);
            }
        }
        Some(near)
    }
}

fn column(dim: Dim, size: u32, cubes: &[Cube]) -> Option<Column> {
    let width = size.div_ceil(u32::try_from(MAX_BUCKETS).ok()?).max(1);
    let mut column = Column {
        silent: vec![0; cubes.len().div_ceil(64)],
        loose: vec![0; cubes.len().div_ceil(64)],
        width,
        buckets: vec![Vec::new(); size.div_ceil(width) as usize],
    };
    let mut filed = 0;
    for (cube, id) in cubes.iter().zip(0..) {
        let literal = cube.get(dim);
        if literal.is_none() {
            mark(&mut column.silent, id);
        }
        let set = match literal {
            Some(Literal::In(set)) if buckets(set, width).take(MAX_FILED + 1).count() <= MAX_FILED => set,
            _ => {
                mark(&mut column.loose, id);
                continue;
            }
        };
        filed += 1;
        for bucket in buckets(set, width) {
            column.buckets.get_mut(bucket)?.push(id);
        }
    }
    (filed > 0).then_some(column)
}

fn mark(bits: &mut Bits, id: BoxId) {
    if let Some(word) = bits.get_mut(id as usize / 64) {
        *word |= 1 << (id % 64);
    }
}

/// The buckets that a set has atoms in, each once, in order.
fn buckets(set: &Set, width: u32) -> impl Iterator<Item = usize> + Clone + '_ {
    let mut next = 0;
    set.ranges().iter().flat_map(move |(start, end)| {
        let (first, behind) = ((start / width).max(next), end.div_ceil(width));
        next = next.max(behind);
        (first..behind).map(|bucket| bucket as usize)
    })
}
