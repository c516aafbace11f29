//! What a build costs: a large project, how the cost grows with the rules, and how soon a small project answers.

mod generate;
mod measure;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::Criterion;
use generate::Project;
use meshc::driver::project::Location;
use meshc::driver::{self, Options};
use meshc::source::files::Memory;

/// 10,000 rules build in this time on two cores, which is also a quarter of what `istioctl validate` needs to read the
/// manifests back.
const LARGE: Duration = Duration::from_millis(300);

/// From start to the last byte of a project of one namespace.
const SMALL: Duration = Duration::from_millis(10);

/// Ten times the rules cost at most so many times the time.
const GROWTH: f64 = 12.0;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let large = generate::tenants(1000);
    let bytes: usize = large.iter().map(|(_, text)| text.len()).sum();

    let small_command = command(&mut criterion, "command/1 namespace", &generate::tenants(1));
    let large_command = command(&mut criterion, "command/1,000 namespaces", &large);
    let hundred = in_process(&mut criterion, "build/100 namespaces", &generate::tenants(100));
    let thousand = in_process(&mut criterion, "build/1,000 namespaces", &large);
    let ten_thousand = in_process(&mut criterion, "build/10,000 namespaces", &generate::tenants(10_000));
    let few = in_process(&mut criterion, "build/100 rules in a workload", &generate::crowded(100));
    let many = in_process(
        &mut criterion,
        "build/1,000 rules in a workload",
        &generate::crowded(1000),
    );
    let crowd = in_process(
        &mut criterion,
        "build/10,000 rules in a workload",
        &generate::crowded(10_000),
    );
    let hamlet = in_process(
        &mut criterion,
        "build/100 workloads in a namespace",
        &generate::village(100),
    );
    let village = in_process(
        &mut criterion,
        "build/1,000 workloads in a namespace",
        &generate::village(1000),
    );
    let town = in_process(
        &mut criterion,
        "build/10,000 workloads in a namespace",
        &generate::village(10_000),
    );
    criterion.final_summary();

    measure::size(&format!(
        "{} rules, {} kB",
        1000 * generate::RULES_PER_TENANT,
        bytes / 1000
    ));
    measure::ratio(
        "start to end of a small project / 10 ms",
        small_command,
        Some(SMALL),
        1.0,
    );
    measure::ratio("start to end of 10,000 rules / 0.3 s", large_command, Some(LARGE), 1.0);
    measure::ratio("1,000 namespaces / 100", thousand, hundred, GROWTH);
    measure::ratio("10,000 namespaces / 1,000", ten_thousand, thousand, GROWTH);
    measure::ratio("1,000 rules in a workload / 100", many, few, GROWTH);
    measure::ratio("10,000 rules in a workload / 1,000", crowd, many, GROWTH);
    measure::ratio("1,000 workloads in a namespace / 100", village, hamlet, GROWTH);
    measure::ratio("10,000 workloads in a namespace / 1,000", town, village, GROWTH);
}

/// A build without the file system and the start of a process.
fn in_process(criterion: &mut Criterion, name: &str, project: &Project) -> Option<Duration> {
    let mut files = Memory::new();
    for (path, text) in project {
        files.insert(Path::new("/project").join(path), text.as_str());
    }
    let inputs = Location::find(&files, Path::new("/project"), None).ok()?.into();
    let build = || driver::build(&files, &inputs, &Options::default());
    let outcome = build().ok()?;
    assert!(
        outcome.builds.iter().any(|build| !build.artifacts.is_empty()),
        "the project does not build: {:?}",
        outcome.diagnostics.first()
    );
    measure::best(criterion, name, build)
}

/// `meshc build` as a person runs it, to standard output.
#[expect(clippy::disallowed_methods, reason = "a benchmark of the command needs a folder")]
fn command(criterion: &mut Criterion, name: &str, project: &Project) -> Option<Duration> {
    let folder = tempfile::tempdir().ok()?;
    for (path, text) in project {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent()?).ok()?;
        fs::write(path, text).ok()?;
    }
    let run = || {
        let mut meshc = Command::new(env!("CARGO_BIN_EXE_meshc"));
        meshc.arg("build").arg(folder.path());
        meshc
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    assert!(run().is_ok_and(|status| status.success()), "the command fails");
    measure::best(criterion, name, run)
}
