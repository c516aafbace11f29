//! Holds what was recorded of a real proxy against what meshc says, up to the first disagreement.
//!
//! It exits with 0 if they agree, with 2 if not. `faults` builds it with faults planted into the compiler.

use std::io::Write as _;
use std::process::ExitCode;
use std::{env, fs, io};

use anyhow::{Context, Result};
use meshc_tests::differential::observed::{Observed, Tally};
use meshc_tests::differential::run::KEY_SETS;
use meshc_tests::envoy::Keys;

fn main() -> Result<ExitCode> {
    let path = env::args().nth(1).context("the file of a recording is needed")?;
    let recorded: Vec<Observed> = serde_json::from_slice(&fs::read(path)?)?;
    let keys = Keys::new(KEY_SETS)?;
    let mut tally = Tally::default();
    for observed in &recorded {
        observed.compare(&keys, &mut tally)?;
        if let Some(found) = tally.disagreements.first() {
            let request = serde_json::to_string(&found.request)?;
            writeln!(
                io::stdout(),
                "{}: Envoy {}, meshc {}: {request}",
                found.scenario.name,
                found.seen,
                found.said
            )?;
            return Ok(ExitCode::from(2));
        }
    }
    writeln!(io::stdout(), "{} pairs agree", tally.pairs)?;
    Ok(ExitCode::SUCCESS)
}
