//! Sets of atoms: sorted ranges, and bits besides where the ranges are many.

/// A class of values of one dimension, by its number.
pub(crate) type Atom = u32;

/// With more ranges than this, bits are quicker than merging.
const MANY_RANGES: usize = 24;

/// A set of atoms of one dimension.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Set {
    /// Half open, in order, with gaps between them.
    ranges: Vec<(Atom, Atom)>,
    /// Empty where there are few ranges.
    bits: Vec<u64>,
}

impl Set {
    pub(crate) fn from_ranges(mut ranges: Vec<(Atom, Atom)>) -> Self {
        ranges.retain(|(start, end)| start < end);
        ranges.sort_unstable();
        let mut joined: Vec<(Atom, Atom)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Self::sorted(joined)
    }

    pub(crate) fn from_atoms(atoms: impl Iterator<Item = Atom>) -> Self {
        Self::from_ranges(atoms.map(|atom| (atom, atom + 1)).collect())
    }

    /// All atoms of a dimension of this size.
    pub(crate) fn all(size: Atom) -> Self {
        Self::from_ranges(vec![(0, size)])
    }

    fn sorted(ranges: Vec<(Atom, Atom)>) -> Self {
        let mut bits = Vec::new();
        if ranges.len() > MANY_RANGES {
            let end = ranges.last().map_or(0, |(_, end)| *end);
            bits = vec![0_u64; (end as usize).div_ceil(64)];
            for atom in ranges.iter().flat_map(|(start, end)| *start..*end) {
                if let Some(word) = bits.get_mut(atom as usize / 64) {
                    *word |= 1 << (atom % 64);
                }
            }
        }
        Self { ranges, bits }
    }

    /// Adds its atoms to bits.
    pub(crate) fn mark(&self, bits: &mut [u64]) {
        if self.bits.is_empty() {
            for (start, end) in &self.ranges {
                for (word, at) in bits.iter_mut().zip((0..).step_by(64)).skip(*start as usize / 64) {
                    if at >= *end {
                        break;
                    }
                    let low = u64::MAX << start.saturating_sub(at);
                    let high = u64::MAX >> (64_u32.saturating_sub(end - at));
                    *word |= low & high;
                }
            }
        } else {
            bits.iter_mut().zip(&self.bits).for_each(|(word, own)| *word |= own);
        }
    }

    pub(crate) fn ranges(&self) -> &[(Atom, Atom)] {
        &self.ranges
    }

    pub(crate) fn atoms(&self) -> impl Iterator<Item = Atom> {
        self.ranges.iter().flat_map(|(start, end)| *start..*end)
    }

    pub(crate) fn first(&self) -> Option<Atom> {
        self.ranges.first().map(|(start, _)| *start)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(crate) fn is_all(&self, size: Atom) -> bool {
        size == 0 || self.ranges == [(0, size)]
    }

    pub(crate) fn count(&self) -> usize {
        self.ranges.iter().map(|(start, end)| (end - start) as usize).sum()
    }

    pub(crate) fn contains(&self, atom: Atom) -> bool {
        self.range_behind(atom).is_some_and(|(start, _)| start <= atom)
    }

    /// The first range that ends behind the atom.
    fn range_behind(&self, atom: Atom) -> Option<(Atom, Atom)> {
        let at = self.ranges.partition_point(|(_, end)| *end <= atom);
        self.ranges.get(at).copied()
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        if !self.bits.is_empty() && !other.bits.is_empty() {
            return self.bits.iter().zip(&other.bits).any(|(a, b)| a & b != 0);
        }
        let (few, many) = if self.ranges.len() <= other.ranges.len() {
            (self, other)
        } else {
            (other, self)
        };
        let mut few = few.ranges.iter();
        few.any(|(start, end)| many.range_behind(*start).is_some_and(|range| range.0 < *end))
    }

    pub(crate) fn is_within(&self, other: &Self) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        if !self.bits.is_empty() && !other.bits.is_empty() {
            let theirs = other.bits.iter().copied().chain(std::iter::repeat(0));
            return self.bits.iter().zip(theirs).all(|(a, b)| a & !b == 0);
        }
        self.ranges.iter().all(|(start, end)| {
            let range = other.range_behind(*start);
            range.is_some_and(|range| range.0 <= *start && *end <= range.1)
        })
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut a, mut b) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(&&(a_start, a_end)), Some(&&(b_start, b_end))) = (a.peek(), b.peek()) {
            let (start, end) = (a_start.max(b_start), a_end.min(b_end));
            if start < end {
                both.push((start, end));
            }
            if a_end <= b_end {
                a.next();
            } else {
                b.next();
            }
        }
        Self::sorted(both)
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        Self::from_ranges(self.ranges.iter().chain(&other.ranges).copied().collect())
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut others = other.ranges.iter().peekable();
        for (start, end) in &self.ranges {
            let mut from = *start;
            while let Some((other_start, other_end)) = others.peek() {
                if *other_start >= *end {
                    break;
                }
                if from < *other_start {
                    left.push((from, *other_start));
                }
                from = from.max(*other_end);
                if *other_end > *end {
                    break;
                }
                others.next();
            }
            if from < *end {
                left.push((from, *end));
            }
        }
        Self::sorted(left)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::analysis::tests::Dice;

    #[test]
    fn sets_agree_with_plain_sets() {
        let mut dice = Dice::new(1);
        for round in 0..2_000 {
            // Every second round with sets that hold bits.
            let size = if round % 2 == 0 { 12 } else { 200 };
            let mut some = || {
                (0..dice.below(size))
                    .map(|_| dice.below(size) as Atom)
                    .collect::<BTreeSet<_>>()
            };
            let (a, b) = (some(), some());
            let (left, right) = (Set::from_atoms(a.iter().copied()), Set::from_atoms(b.iter().copied()));
            let same = |set: &Set, atoms: BTreeSet<Atom>| {
                assert_eq!(set.atoms().collect::<BTreeSet<_>>(), atoms);
                assert_eq!(*set, Set::from_atoms(atoms.into_iter()));
            };
            same(&left.and(&right), &a & &b);
            same(&left.or(&right), &a | &b);
            same(&left.minus(&right), &a - &b);
            assert_eq!(left.meets(&right), !a.is_disjoint(&b));
            assert_eq!(left.is_within(&right), a.is_subset(&b));
            assert_eq!(left.count(), a.len());
            let mut bits = vec![0; size.div_ceil(64)];
            left.mark(&mut bits);
            let marked = (0..size as Atom).filter(|atom| bits[*atom as usize / 64] >> (atom % 64) & 1 == 1);
            assert_eq!(marked.collect::<BTreeSet<_>>(), a);
            assert!((0..size as Atom).all(|atom| left.contains(atom) == a.contains(&atom)));
        }
    }
}
