//! What judging manifests costs, beside `istioctl analyze`, which judges the same files.

mod measure;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::Criterion;
use meshc::driver::manifests::Source;
use meshc::driver::{self, Inputs, Options};
use meshc::source::files::Memory;

/// `istioctl analyze --use-kube=false` on the same 10,000 policies, as once measured on two cores.
const ISTIOCTL: Duration = Duration::from_millis(3000);

/// This much of its time.
const TENTH: f64 = 0.1;

/// Ten times the policies cost at most so many times the time.
const GROWTH: f64 = 12.0;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let large = policies(10_000);
    let thousand = in_process(&mut criterion, "manifests/1,000 policies", &policies(1000), 10);
    let ten_thousand = in_process(&mut criterion, "manifests/10,000 policies", &large, 1);
    let command = command(&mut criterion, "manifests/10,000 policies, command", &large);
    criterion.final_summary();

    measure::size(&format!("10,000 policies, {} kB", large.len() / 1000));
    measure::ratio("10,000 policies / 1,000", ten_thousand, thousand, GROWTH);
    match istioctl(&mut criterion, &large) {
        Some(theirs) => measure::ratio("start to end / istioctl analyze", command, Some(theirs), TENTH),
        None => measure::ratio("start to end / istioctl as measured", command, Some(ISTIOCTL), TENTH),
    }
}

/// Policies of as many workloads, of half a kilobyte each.
fn policies(count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        let _ = write!(
            text,
            "apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: workload-{at}
  namespace: team-{}
spec:
  selector:
    matchLabels:
      app: workload-{at}
  action: ALLOW
  rules:
  - from:
    - source:
        principals:
        - cluster.local/ns/team-{}/sa/caller-{at}
    to:
    - operation:
        methods:
        - GET
        - POST
        paths:
        - /api/v1/items-{at}*
        ports:
        - \"8080\"
    when:
    - key: request.headers[x-version]
      values:
      - v1
---
",
            at / 10,
            at / 10
        );
    }
    text
}

/// Reads and checks them in this process; so many `times`, so that what is compared takes equally long, and what else the
/// machine does disturbs it alike.
fn in_process(criterion: &mut Criterion, name: &str, text: &str, times: u32) -> Option<Duration> {
    let files = Memory::new();
    let inputs = Inputs {
        project: None,
        manifests: vec![Source::Text {
            shown: "policies.yaml".to_owned(),
            content: Ok(text.as_bytes().to_vec()),
        }],
    };
    let check = || driver::check(&files, &inputs, &Options::default());
    let outcome = check().ok()?;
    assert!(
        outcome.diagnostics.is_empty() && outcome.manifest_objects > 0,
        "the policies have findings: {:?}",
        outcome.diagnostics.first()
    );
    let all = measure::best(criterion, name, || (0..times).filter(|_| check().is_ok()).count())?;
    Some(all / times)
}

/// `meshc check` as a person runs it.
fn command(criterion: &mut Criterion, name: &str, text: &str) -> Option<Duration> {
    on_disk(criterion, name, text, |file| {
        let mut meshc = Command::new(env!("CARGO_BIN_EXE_meshc"));
        meshc.arg("check").arg(file);
        meshc
    })
}

/// The same question to Istio's command, where there is one.
fn istioctl(criterion: &mut Criterion, text: &str) -> Option<Duration> {
    Command::new("istioctl").arg("help").output().ok()?;
    on_disk(criterion, "manifests/10,000 policies, istioctl", text, |file| {
        let mut istioctl = Command::new("istioctl");
        istioctl.args(["analyze", "--use-kube=false"]).arg(file);
        istioctl
    })
}

#[expect(clippy::disallowed_methods, reason = "a benchmark of a command needs a file")]
fn on_disk(criterion: &mut Criterion, name: &str, text: &str, ask: impl Fn(&Path) -> Command) -> Option<Duration> {
    let folder = tempfile::tempdir().ok()?;
    let file = folder.path().join("policies.yaml");
    fs::write(&file, text).ok()?;
    measure::best(criterion, name, || {
        ask(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    })
}
