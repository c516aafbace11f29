//! The classes of atoms that the candidates of one query can tell apart, so that sets become a few bits.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::BoxId;
use crate::analysis::cube::{Cube, Dim, Literal};
use crate::analysis::sets::{Atom, Set};
use crate::analysis::space::Space;

/// So many dimensions are named where a problem is too large.
const MOST_NAMED: usize = 3;

/// A set of classes.
pub(super) type Mask = Vec<u64>;

/// What is still possible at one dimension: a box, in masks.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    In(Mask),
    Many { needs: Vec<Mask>, forbid: Mask },
}

/// A part of what a candidate asks of a dimension. The opposite of each is another.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    In(Mask),
    Need(Mask),
    Forbid(Mask),
}

/// A candidate.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) id: BoxId,
    /// Each with its dimension, as a number among those of the problem.
    pub(super) asks: Vec<(usize, Ask)>,
}

/// A query in its own terms.
#[derive(Debug)]
pub(super) struct Problem {
    columns: Vec<Column>,
    pub(super) start: Vec<Slot>,
    pub(super) candidates: Vec<Candidate>,
}

/// A dimension of a problem.
#[derive(Debug)]
struct Column {
    dim: Dim,
    /// The ranges of each class.
    classes: Vec<Vec<(Atom, Atom)>>,
}

impl Problem {
    pub(super) fn new(space: &Space, target: &Cube, candidates: &[(BoxId, &Cube)]) -> Self {
        let mut dims: Vec<Dim> = candidates
            .iter()
            .flat_map(|(_, cube)| cube.literals())
            .map(|(dim, _)| *dim)
            .collect();
        dims.sort_unstable();
        dims.dedup();
        let mut problem = Self {
            columns: Vec::new(),
            start: Vec::new(),
            candidates: candidates
                .iter()
                .map(|(id, _)| Candidate {
                    id: *id,
                    asks: Vec::new(),
                })
                .collect(),
        };
        for dim in dims {
            let all = space
                .dimension(dim)
                .map(|dimension| dimension.all())
                .unwrap_or_default();
            let many = space.dimension(dim).is_some_and(|dimension| dimension.many);
            problem.add(dim, &all, many, target.get(dim), candidates);
        }
        problem
    }

    fn add(&mut self, dim: Dim, all: &Set, many: bool, own: Option<&Literal>, candidates: &[(BoxId, &Cube)]) {
        let (field, needs) = match own {
            Some(Literal::In(set)) => (Set::clone(set), &[][..]),
            Some(Literal::Many { needs, forbid }) => (all.minus(forbid), needs.as_slice()),
            None => (all.clone(), &[][..]),
        };
        let mut sets: Sets<'_> = Sets::default();
        let needs: Vec<usize> = needs.iter().map(|need| sets.number(need)).collect();
        let number = self.columns.len();
        let mut asks: Vec<(usize, Form, usize)> = Vec::new();
        for (at, (_, cube)) in candidates.iter().enumerate() {
            match cube.get(dim) {
                Some(Literal::In(set)) => asks.push((at, Form::In, sets.number(set))),
                Some(Literal::Many { needs, forbid }) => {
                    asks.extend(needs.iter().map(|need| (at, Form::Need, sets.number(need))));
                    if !forbid.is_empty() {
                        asks.push((at, Form::Forbid, sets.number(forbid)));
                    }
                }
                None => {}
            }
        }
        let (classes, masks) = cut(&field, &sets.list);
        let mask = |set: usize| masks.get(set).cloned().unwrap_or_default();
        for (at, form, set) in asks {
            let ask = match form {
                Form::In => Ask::In(mask(set)),
                Form::Need => Ask::Need(mask(set)),
                Form::Forbid => Ask::Forbid(mask(set)),
            };
            if let Some(candidate) = self.candidates.get_mut(at) {
                candidate.asks.push((number, ask));
            }
        }
        let words = classes.len().div_ceil(64).max(1);
        self.start.push(if many {
            Slot::Many {
                needs: needs.into_iter().map(mask).collect(),
                forbid: vec![0; words],
            }
        } else {
            let mut everything = vec![0; words];
            (0..classes.len()).for_each(|class| mark(&mut everything, class));
            Slot::In(everything)
        });
        self.columns.push(Column { dim, classes });
    }

    /// How many classes a dimension has.
    pub(super) fn classes(&self, dim: usize) -> usize {
        self.columns.get(dim).map_or(0, |column| column.classes.len())
    }

    /// The dimensions with the most classes, as the space numbers them.
    pub(super) fn largest(&self) -> Vec<Dim> {
        let mut columns: Vec<&Column> = self.columns.iter().collect();
        columns.sort_by_key(|column| (Reverse(column.classes.len()), column.dim));
        columns.iter().take(MOST_NAMED).map(|column| column.dim).collect()
    }

    /// A set of classes of a dimension.
    pub(super) fn mask(&self, dim: usize, classes: &mut dyn Iterator<Item = usize>) -> Mask {
        let mut all = vec![0; self.classes(dim).div_ceil(64).max(1)];
        classes.for_each(|class| mark(&mut all, class));
        all
    }

    /// What is left of a box, in the terms of the space.
    pub(super) fn cube(&self, target: &Cube, slots: &[Slot]) -> Cube {
        let mut cube = target.clone();
        for (column, slot) in self.columns.iter().zip(slots) {
            let set = |mask: &Mask| {
                let classes = column
                    .classes
                    .iter()
                    .enumerate()
                    .filter(|(class, _)| marked(mask, *class));
                Set::from_ranges(classes.flat_map(|(_, ranges)| ranges.clone()).collect())
            };
            let literal = match slot {
                Slot::In(mask) => Literal::In(set(mask).into()),
                Slot::Many { needs, forbid } => {
                    let forbidden = match target.get(column.dim) {
                        Some(Literal::Many { forbid, .. }) => Set::clone(forbid),
                        _ => Set::default(),
                    };
                    Literal::Many {
                        needs: needs.iter().map(|need| set(need).into()).collect(),
                        forbid: forbidden.or(&set(forbid)).into(),
                    }
                }
            };
            cube = cube.with(column.dim, Some(literal));
        }
        cube
    }
}

#[derive(Clone, Copy)]
enum Form {
    In,
    Need,
    Forbid,
}

/// Sets, each once.
#[derive(Default)]
struct Sets<'s> {
    numbers: HashMap<&'s Set, usize>,
    list: Vec<&'s Set>,
}

impl<'s> Sets<'s> {
    fn number(&mut self, set: &'s Set) -> usize {
        *self.numbers.entry(set).or_insert_with(|| {
            self.list.push(set);
            self.list.len() - 1
        })
    }
}

type Ranges = Vec<(Atom, Atom)>;

/// The classes of a field that sets tell apart, and each set in terms of them.
fn cut(field: &Set, sets: &[&Set]) -> (Vec<Ranges>, Vec<Mask>) {
    // Where a set begins and ends, in order.
    let mut events: Vec<(Atom, usize)> = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        for (start, end) in set.and(field).ranges() {
            events.push((*start, at));
            events.push((*end, at));
        }
    }
    for (start, end) in field.ranges() {
        events.push((*start, usize::MAX));
        events.push((*end, usize::MAX));
    }
    events.sort_unstable();
    let mut inside: Mask = vec![0; sets.len().div_ceil(64)];
    let mut in_field = false;
    let mut known: HashMap<Mask, usize> = HashMap::new();
    let mut classes: Vec<Ranges> = Vec::new();
    let mut members: Vec<Mask> = Vec::new();
    let mut events = events.into_iter().peekable();
    while let Some((place, at)) = events.next() {
        match at {
            usize::MAX => in_field = !in_field,
            at => toggle(&mut inside, at),
        }
        let Some(&(next, _)) = events.peek() else { break };
        if next == place || !in_field {
            continue;
        }
        let class = *known.entry(inside.clone()).or_insert_with(|| {
            classes.push(Vec::new());
            members.push(inside.clone());
            classes.len() - 1
        });
        if let Some(ranges) = classes.get_mut(class) {
            ranges.push((place, next));
        }
    }
    let words = classes.len().div_ceil(64).max(1);
    let mut masks = vec![vec![0; words]; sets.len()];
    for (class, members) in members.iter().enumerate() {
        for (at, mask) in masks.iter_mut().enumerate() {
            if marked(members, at) {
                mark(mask, class);
            }
        }
    }
    (classes, masks)
}

/// The classes of a set, in order.
pub(super) fn members(mask: &Mask) -> impl Iterator<Item = usize> {
    let words = mask.iter().zip((0..).step_by(64));
    words.flat_map(|(word, start)| {
        (0..64)
            .filter(move |bit| word >> bit & 1 == 1)
            .map(move |bit| start + bit)
    })
}

fn toggle(mask: &mut Mask, bit: usize) {
    if let Some(word) = mask.get_mut(bit / 64) {
        *word ^= 1 << (bit % 64);
    }
}

fn mark(mask: &mut Mask, bit: usize) {
    if let Some(word) = mask.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

fn marked(mask: &Mask, bit: usize) -> bool {
    mask.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
}
