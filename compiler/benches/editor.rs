//! What an editor waits for, on a project of 1,000 namespaces and 10,000 rules, analysis included.
//!
//! The times of single actions say more here than their mean, so each is taken and their distribution is printed.

mod generate;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use meshc::ide::{Change, Snapshot, Workspace};
use meshc::source::files::{Files as _, Memory};

const OPEN: &str = "/project/tenants/team-00500.mesh";

/// How often a project is opened.
const OPENINGS: usize = 5;

fn main() {
    let namespaces = 1000;
    let shape = format!("{namespaces} namespaces of {} rules", generate::RULES_PER_TENANT);
    let path = Path::new(OPEN);
    let (mut workspace, text) = opened(&shape, generate::tenants(namespaces), path);
    opened(
        "1,000 workloads in a namespace",
        generate::village(1000),
        Path::new("/project/village.mesh"),
    );
    opened(
        "1,000 rules in a workload",
        generate::crowded(1000),
        Path::new("/project/crowd.mesh"),
    );

    let at = |word: &str| u32::try_from(text.find(word).unwrap_or_default()).unwrap_or_default();
    // A rule is typed, letter by letter, and taken back.
    let typed = "allow team-00007/web to GET /reports/{*}\n        ";
    let mut keystrokes = Vec::new();
    let (mut end, mut is_back) = (at("allow web"), false);
    let start = end as usize;
    let letters = typed.len();
    for count in 0..4 * letters {
        let written = end as usize - start;
        is_back = if is_back { written > 0 } else { written == letters };
        let (range, new) = if is_back {
            (end - 1..end, "")
        } else {
            (end..end, typed.get(written..=written).unwrap_or_default())
        };
        end = if is_back { end - 1 } else { end + 1 };
        let version = i32::try_from(count).unwrap_or_default();
        keystrokes.push(timed(|| {
            workspace.apply(Change::Edit {
                path: path.to_path_buf(),
                range: Some(range),
                text: new.to_owned(),
                version,
            });
            black_box(workspace.snapshot().diagnostics().len())
        }));
    }
    report("keystroke to findings", keystrokes, 99, Duration::from_millis(16));

    let snapshot = workspace.snapshot();
    snapshot.judge();
    let (rule, admin) = (at("web to read"), at("admin via"));
    ask("completion", &snapshot, |s| s.completions(path, rule).len());
    ask("hover", &snapshot, |s| usize::from(s.hover(path, admin).is_some()));
    ask("definition", &snapshot, |s| s.definition(path, admin).len());
    ask("tokens of a file", &snapshot, |s| s.highlighting(path).len());
    let renames = (0..50).map(|_| timed(|| black_box(snapshot.rename(path, admin, "boss").is_ok())));
    report(
        "rename of a name used 1,000 times",
        renames.collect(),
        95,
        Duration::from_millis(50),
    );
}

/// Opens a project and one file of it, and says how long its findings took.
fn opened(what: &str, project: generate::Project, path: &Path) -> (Workspace, String) {
    let place = |(name, text): (String, String)| (Path::new("/project").join(name), text);
    let files: Memory = project.into_iter().map(place).collect();
    let text = files.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.unwrap_or_default();
    let mut workspace = Workspace::new(Arc::new(files), PathBuf::from("/library"));
    let times = (0..OPENINGS).map(|_| {
        timed(|| {
            workspace.apply(Change::Roots(vec![PathBuf::from("/project")]));
            workspace.apply(Change::Open {
                path: path.to_path_buf(),
                text: text.clone(),
                version: 1,
            });
            black_box(workspace.snapshot().diagnostics().len())
        })
    });
    report(&format!("opening {what}"), times.collect(), 95, Duration::from_secs(1));
    (workspace, text)
}

fn ask(what: &str, snapshot: &Snapshot, question: impl Fn(&Snapshot) -> usize) {
    let times = (0..200).map(|_| timed(|| black_box(question(snapshot))));
    report(what, times.collect(), 95, Duration::from_millis(1));
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let made = work();
    let spent = start.elapsed();
    drop(made);
    spent
}

/// Prints the distribution, and whether the percentile is within the bar.
#[expect(clippy::print_stdout, reason = "it is what a benchmark is for")]
fn report(what: &str, mut times: Vec<Duration>, percentile: usize, bar: Duration) {
    times.sort_unstable();
    let of = |percentile: usize| {
        let at = (times.len() * percentile / 100).min(times.len().saturating_sub(1));
        times.get(at).copied().unwrap_or_default()
    };
    let verdict = if of(percentile) <= bar { "within" } else { "ABOVE" };
    println!(
        "{what}: p50 {:.2?}, p95 {:.2?}, p99 {:.2?}, most {:.2?}; p{percentile} is {verdict} the bar of {bar:.0?}",
        of(50),
        of(95),
        of(99),
        of(100),
    );
}
