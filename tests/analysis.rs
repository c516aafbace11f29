//! What the analysis finds in policies of several objects, for manifests and text together, stands beside the files.
//!
//! Each request that a finding holds is asked again, as `meshc eval` would ask it.

use std::fmt::Write as _;
use std::path::Path;

use meshc::diagnostics::{Diagnostic, Severity};
use meshc::driver::manifests::Source;
use meshc::driver::{self, Inputs, Options, Outcome};
use meshc::source::{Memory, Unit};
use meshc_tests::repository;

use crate::golden::Golden;

const CASES: &str = "tests/cases/analysis";

#[test]
fn findings_are_those_beside_the_files() {
    let mut golden = Golden::default();
    for path in repository::files(CASES, ".yaml").unwrap() {
        let outcome = outcome(&repository::read(&path).unwrap());
        let found: String = outcome.diagnostics.iter().map(|d| shown(&outcome, d)).collect();
        golden.file(&path.with_extension("txt"), &found);
    }
    golden.finish();
}

#[test]
fn examples_have_nothing_to_be_warned_of() {
    let mut report = String::new();
    for example in ["shop", "orthweb", "peer-authentication", "three-objects"] {
        let folder = repository::root().join("examples").join(example);
        let inputs = Inputs::find(&meshc::source::Disk, &folder, &[], || Ok(Vec::new())).unwrap();
        let outcome = driver::check(&meshc::source::Disk, &inputs, &Options::default()).unwrap();
        for d in outcome.diagnostics.iter().filter(|d| d.severity > Severity::Note) {
            writeln!(report, "{example}: {}", d.message).unwrap();
        }
    }
    assert!(report.is_empty(), "{report}");
}

fn outcome(text: &str) -> Outcome {
    let inputs = Inputs {
        project: None,
        manifests: vec![Source::Text {
            shown: "case.yaml".to_owned(),
            content: Ok(text.as_bytes().to_vec()),
        }],
    };
    let files: Memory = std::iter::empty::<(&Path, &str)>().collect();
    driver::check(&files, &inputs, &Options::default()).unwrap()
}

fn shown(outcome: &Outcome, d: &Diagnostic) -> String {
    let line = |span| outcome.sources.positions(span, Unit::Character).0.line + 1;
    let mut text = format!("{} {} {}\n", line(d.primary.span), d.code.id, d.message);
    for label in &d.secondary {
        writeln!(text, "    {} {}", line(label.span), label.message).unwrap();
    }
    for help in &d.help {
        writeln!(text, "    help: {help}").unwrap();
    }
    text
}
