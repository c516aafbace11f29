//! Would the differential test find a fault? Each fault of `tests/cases/faults` is planted into the compiler, one at a
//! time, and held against what a real proxy answered to the requests that every run asks.
//!
//!     MESHC_REAL_PARTS=install cargo run -p meshc-tests --bin faults
//!
//! Envoy and istiod's code are asked once. With `--recorded` they are not asked at all, if they were before.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{env, fs, io, thread};

use anyhow::{Context, Result, bail};
use meshc_tests::differential::observed::Observed;
use meshc_tests::differential::run::Session;
use meshc_tests::differential::{case, ci};
use meshc_tests::faults::{self, Fault, SWITCH};
use meshc_tests::{parts, repository};

fn main() -> Result<ExitCode> {
    let folder = repository::root().join("target/faults");
    fs::create_dir_all(&folder)?;
    let recording = folder.join("recording.json");
    let mut started = Instant::now();
    let mut lap = |what: &str| {
        let seconds = started.elapsed().as_secs_f64();
        started = Instant::now();
        say(&format!("{what} in {seconds:.0} s\n"))
    };
    if !(recording.is_file() && env::args().any(|arg| arg == "--recorded")) {
        record(&recording)?;
        lap("asked Envoy")?;
    }
    let faults = faults::all()?;
    let copy = folder.join("copy");
    faults::plant(&faults, &copy)?;
    let judge = build(&copy)?;
    lap(&format!("planted {} faults", faults.len()))?;
    let sound = judged(&judge, &recording, None)?;
    if !sound.status.success() {
        bail!("without a fault they disagree already: {}", text(&sound));
    }
    say(&format!("without a fault {}", text(&sound)))?;
    let results = judge_all(&judge, &recording, faults.len())?;
    lap("judged")?;
    Ok(report(&faults, &results)?)
}

/// Asks the requests that every run asks, and writes down what a proxy answered.
fn record(path: &Path) -> Result<()> {
    let (Some(oracle), Some(envoy)) = (parts::oracle()?, parts::envoy()?) else {
        bail!("istiod's code and Envoy are not here; MESHC_REAL_PARTS=install gets them");
    };
    let mut recorded: Vec<Observed> = case::all()?.into_iter().map(Observed::of_case).collect();
    let mut requests = 0;
    Session::new(oracle, envoy)?.ask_batches(0, ci::batch, |_, answered, _| {
        for observed in answered.observed {
            requests += observed.asked.len();
            recorded.push(observed);
        }
        Ok(requests < ci::PAIRS)
    })?;
    Ok(fs::write(path, serde_json::to_vec(&recorded)?)?)
}

/// Builds the judge of the copy. What is not of this repository is built once for both.
fn build(copy: &Path) -> Result<PathBuf> {
    let target = repository::root().join("target");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command
        .args(["build", "--offline", "--quiet", "--message-format", "short"])
        .args(["-p", "meshc-tests", "--bin", "judge"])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(copy);
    let built = command.output().context("cannot run cargo")?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        let errors: Vec<&str> = said.lines().filter(|line| line.contains("error")).collect();
        bail!("with its faults the compiler cannot be built:\n{}", errors.join("\n"));
    }
    // The next build of the repository's own takes its place.
    let judge = copy.join("judge");
    fs::copy(target.join("debug/judge"), &judge)?;
    Ok(judge)
}

fn judged(judge: &Path, recording: &Path, fault: Option<usize>) -> Result<Output> {
    let mut command = Command::new(judge);
    command.arg(recording);
    match fault {
        Some(number) => command.env(SWITCH, number.to_string()),
        None => command.env_remove(SWITCH),
    };
    command.output().context("cannot run the judge")
}

/// What came of each fault, on all cores.
fn judge_all(judge: &Path, recording: &Path, faults: usize) -> Result<Vec<Output>> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Output)>> {
        let mut results = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= faults {
                return Ok(results);
            }
            results.push((number, judged(judge, recording, Some(number))?));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut results = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(own) => results.extend(own?),
                Err(_) => bail!("a thread panicked"),
            }
        }
        Ok(results)
    })?;
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, output)| output).collect())
}

fn report(faults: &[Fault], results: &[Output]) -> io::Result<ExitCode> {
    let mut missed = 0;
    for (fault, output) in faults.iter().zip(results) {
        let mark = if output.status.code() == Some(2) {
            "found "
        } else {
            missed += 1;
            "MISSED"
        };
        say(&format!("{mark} {}: {}", fault.say, text(output)))?;
    }
    say(&format!("{} of {} faults found\n", faults.len() - missed, faults.len()))?;
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn text(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr];
    texts.map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
