//! The long run of the differential test: generated meshes and requests, asked of a real proxy and of meshc, until there
//! are as many pairs as wanted. What it finds is written down, as small as it can be made.
//!
//!     cargo run --release -p meshc-tests --bin differential -- --pairs 1000000 --seed 7
//!
//! It goes on where a run of the same seed was interrupted.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs, io};

use anyhow::{Context, Result, bail};
use meshc_tests::differential::generate::{World, world};
use meshc_tests::differential::minimise::{minimise, to_case};
use meshc_tests::differential::observed::{Disagreement, Tally};
use meshc_tests::differential::run::Session;
use meshc_tests::{parts, repository};
use serde::{Deserialize, Serialize};

/// So many meshes are played by one Envoy.
const BATCH: u64 = 25;

/// After so many disagreements a run has said enough.
const MOST: usize = 12;

struct Wanted {
    pairs: usize,
    seed: u64,
    folder: PathBuf,
}

/// What a run has done, for the next one to go on.
#[derive(Default, Deserialize, Serialize)]
struct Progress {
    next: u64,
    pairs: usize,
    disagreements: usize,
}

fn main() -> Result<ExitCode> {
    let wanted = wanted(env::args().skip(1))?;
    let (Some(oracle), Some(envoy)) = (parts::oracle()?, parts::envoy()?) else {
        bail!("istiod's code and Envoy are not here; MESHC_REAL_PARTS=install gets them");
    };
    fs::create_dir_all(&wanted.folder)?;
    let file = wanted.folder.join("progress.json");
    let mut progress: Progress = match fs::read(&file) {
        Ok(text) => {
            serde_json::from_slice(&text).with_context(|| format!("{} is damaged; remove it", file.display()))?
        }
        Err(_) => Progress::default(),
    };
    let mut session = Session::new(oracle, envoy)?;
    let started = Instant::now();
    let (mut total, before) = (Tally::default(), progress.pairs);
    if progress.pairs < wanted.pairs {
        let batch = |number: u64| -> Vec<World> {
            (number * BATCH..(number + 1) * BATCH)
                .map(|index| world(wanted.seed, index))
                .collect()
        };
        session.compare_batches(progress.next, batch, |number, tally| {
            progress.next = number + 1;
            progress.pairs += tally.pairs;
            progress.disagreements += tally.disagreements.len();
            total.add(tally);
            save(&file, &progress)?;
            let seconds = started.elapsed().as_secs_f64();
            say(&format!(
                "\r{} of {} pairs, {} disagreements, {:.0} pairs a second ",
                progress.pairs,
                wanted.pairs,
                progress.disagreements,
                as_f64(progress.pairs - before) / seconds,
            ))?;
            Ok(progress.pairs < wanted.pairs && total.disagreements.len() < MOST)
        })?;
    }
    say(&format!("\n{}\n", summary(&total, started.elapsed().as_secs_f64())))?;
    for found in &total.disagreements {
        let request = serde_json::to_string(&found.request)?;
        say(&format!(
            "{}: seen {:?}, said {}: {request}\n",
            found.scenario.name, found.seen, found.said
        ))?;
    }
    // One of each kind: the others are of the same cause more often than not.
    total.disagreements.sort_by_key(Disagreement::kind);
    total.disagreements.dedup_by_key(|found| Disagreement::kind(found));
    for (number, found) in total.disagreements.iter().take(MOST).enumerate() {
        let case = to_case(&minimise(&mut session, found)?)?;
        let path = wanted
            .folder
            .join(format!("found-{}-{number}.yaml", found.scenario.name));
        fs::write(&path, &case)?;
        say(&format!("\n== {}\n{case}", path.display()))?;
    }
    Ok(if progress.disagreements == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn wanted(mut args: impl Iterator<Item = String>) -> Result<Wanted> {
    let (mut pairs, mut seed) = (100_000, 1);
    while let Some(name) = args.next() {
        let value = args.next().with_context(|| format!("{name} needs a number"))?;
        match name.as_str() {
            "--pairs" => pairs = value.parse().context("--pairs is no number")?,
            "--seed" => seed = value.parse().context("--seed is no number")?,
            other => bail!("`{other}` is not known; there are --pairs and --seed"),
        }
    }
    Ok(Wanted {
        pairs,
        seed,
        folder: repository::root().join(format!("target/differential/{seed}")),
    })
}

fn save(file: &Path, progress: &Progress) -> Result<()> {
    let unfinished = file.with_extension("unfinished");
    fs::write(&unfinished, serde_json::to_vec(progress)?)?;
    Ok(fs::rename(&unfinished, file)?)
}

fn summary(total: &Tally, seconds: f64) -> String {
    let parts = total.seconds;
    let mut text = format!(
        "{} pairs ({} of programs) in {seconds:.0} s: istiod's code {:.0} s (beside the rest), Envoy's start {:.0} s, asking {:.0} s, judging {:.1} s; \
         Envoy {} MB; {} objects refused by a cluster\noutcomes: ",
        total.pairs,
        total.of_programs,
        parts.configure,
        parts.start,
        parts.ask,
        parts.judge,
        total.memory >> 20,
        total.refused,
    );
    let outcomes: Vec<String> = total
        .outcomes
        .iter()
        .map(|(outcome, count)| format!("{outcome} {count}"))
        .collect();
    text.push_str(&outcomes.join(", "));
    for (reason, count) in &total.unanswered {
        text.push_str(&format!("\n{count} not answered: {reason}"));
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
