//! Who reaches what: of callers and operations, whether each request, none or some of them is admitted.
//!
//! Both are sentences; a cell is about the requests of which both speak. What is said of a cell is proved over every
//! request, and each request that is shown was put to the evaluator.

mod cell;

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::place::Place;
pub use super::sentences::Exchange;
use super::sentences::{Ground, Spotted, spots};
use crate::policy::Invariant;
use crate::policy::evaluate::Judge;
use crate::policy::request::{Reason, Stage};

/// What is known of an operation at a place.
#[derive(Clone, Debug)]
pub struct Column {
    /// The operation, by its number among those asked about.
    pub operation: usize,
    /// The place, in words.
    pub place: String,
    /// One for each caller.
    pub cells: Vec<Cell>,
}

/// What is known of a caller, an operation and a place.
#[derive(Clone, Debug)]
pub struct Cell {
    pub reaches: Reaches,
    /// A request that is admitted.
    pub admitted: Option<Exchange>,
    /// One that is not.
    pub refused: Option<Exchange>,
    /// On what else of a request it depends, in words.
    pub depends: Vec<String>,
    /// The rules that have a say, in the order of evaluation.
    pub rules: Vec<(Stage, Reason)>,
}

/// How many of the requests of a cell are admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaches {
    /// Each, whatever else it says.
    Always,
    /// None.
    Never,
    Sometimes,
    /// None can arrive, whatever the rules are.
    Nothing,
    /// Not known, for this reason.
    Unknown(String),
}

/// The columns of operations, each with a cell for each caller.
#[must_use]
pub fn table(judge: &Judge<'_>, callers: &[Invariant], operations: &[Invariant]) -> Vec<Column> {
    let mut places: BTreeMap<String, (Spotted, Vec<usize>)> = BTreeMap::new();
    for (operation, sentence) in operations.iter().enumerate() {
        for (name, spot) in spots(judge.inventory(), sentence) {
            places.entry(name).or_insert((spot, Vec::new())).1.push(operation);
        }
    }
    let places: Vec<_> = places.into_iter().collect();
    let mut columns: Vec<Column> = places
        .into_par_iter()
        .flat_map_iter(|(name, (spot, asked))| {
            let cells = match spot.place(judge) {
                Ok(place) => at(&place, callers, operations, &asked),
                Err(why) => vec![vec![Cell::unknown(&why); callers.len()]; asked.len()],
            };
            asked.into_iter().zip(cells).map(move |(operation, cells)| Column {
                operation,
                place: name.clone(),
                cells,
            })
        })
        .collect();
    columns.sort_by(|a, b| (a.operation, &a.place).cmp(&(b.operation, &b.place)));
    columns
}

/// The cells of the operations that are asked about at a place.
fn at(place: &Place<'_>, callers: &[Invariant], operations: &[Invariant], asked: &[usize]) -> Vec<Vec<Cell>> {
    let here = asked.iter().filter_map(|operation| operations.get(*operation));
    let sentences: Vec<&Invariant> = callers.iter().chain(here).collect();
    let ground = Ground::new(place, &sentences);
    let regions = cell::Regions::of(&ground, sentences.len());
    (0..asked.len())
        .map(|operation| {
            let cells = 0..callers.len();
            cells
                .map(|caller| cell::cell(&ground, &regions, caller, callers.len() + operation))
                .collect()
        })
        .collect()
}

impl Cell {
    fn unknown(why: &str) -> Self {
        Self {
            reaches: Reaches::Unknown(why.to_owned()),
            admitted: None,
            refused: None,
            depends: Vec::new(),
            rules: Vec::new(),
        }
    }
}
