//! What every run asks: at least so many requests of one seed, so that a failure is the change's. Fresh seeds are for the
//! long run (`src/bin/differential.rs`).

use super::generate::{World, world};

pub const SEED: u64 = 1;
pub const PAIRS: usize = 20_000;

/// So many meshes are played by one Envoy.
const BATCH: u64 = 12;

/// The worlds of one Envoy, one of many.
#[must_use]
pub fn batch(number: u64) -> Vec<World> {
    (number * BATCH..(number + 1) * BATCH)
        .map(|index| world(SEED, index))
        .collect()
}
