//! Whatever the compiler takes, a cluster takes: programs that nobody wrote, each from its seed.

use meshc::diagnostics::Severity;
use meshc::format::format;
use meshc::source::FileId;
use meshc_tests::case::Case;
use meshc_tests::generate::{self, Die};
use meshc_tests::parts;

use crate::{compile, istio_accepts, kubectl_reads, legacy_crds};

const PROGRAMS: u64 = 400;

/// Mostly the newest release; the older ones lack much of what the programs say.
const TARGETS: &[&str] = &[
    NEWEST,
    NEWEST,
    NEWEST,
    NEWEST,
    NEWEST,
    NEWEST,
    "istio-1.25",
    "istio-1.18",
    OLDEST,
];
const NEWEST: &str = "istio-1.31";
const OLDEST: &str = "istio-1.5";

/// A generator that only makes mistakes would prove nothing.
const LEAST_CORRECT: usize = 200;

#[test]
fn what_comes_of_any_program_is_accepted() {
    let mut streams = Vec::new();
    let mut oldest: Vec<(String, String)> = Vec::new();
    let mut refused: Vec<String> = Vec::new();
    for seed in 0..PROGRAMS {
        let target = Die::new(seed).one(TARGETS);
        let program = format!("# target: {target}\n{}", generate::program(seed));
        let case = Case::parse(&program);
        let outcome = compile::check_case(&case).unwrap();
        if outcome.count(Severity::Error) > 0 {
            refused.push(case.with(&outcome.diagnostics, &outcome.sources));
        } else {
            let name = format!("the program of seed {seed}, {target}");
            let stream = compile::build_case(&case).unwrap();
            if seed % 4 == 0 {
                let formatted = format(FileId(0), &program).unwrap();
                assert_eq!(
                    compile::build_case(&Case::parse(&formatted)).unwrap(),
                    stream,
                    "formatted, {name} differs"
                );
            }
            if target == OLDEST {
                oldest.push((name.clone(), stream.clone()));
            }
            streams.push((name, stream));
        }
    }
    assert!(
        streams.len() >= LEAST_CORRECT,
        "only {} of {PROGRAMS} generated programs are correct; three that are not:\n{}",
        streams.len(),
        refused[..3].join("\n")
    );
    if let Some(oracle) = parts::oracle().unwrap() {
        let all: Vec<_> = streams
            .iter()
            .map(|(name, text)| (name.clone(), text.as_str()))
            .collect();
        let report = istio_accepts::refusals(oracle, &all);
        assert!(report.is_empty(), "Istio does not accept:\n{report}");
    }
    if let Some(crds) = parts::legacy_crds() {
        let validators = legacy_crds::validators(&crds, 5);
        let report: String = oldest
            .iter()
            .map(|(name, text)| legacy_crds::refusals(&validators, name, text))
            .collect();
        assert!(report.is_empty(), "Istio 1.5 does not accept:\n{report}");
    }
    if let Some(kubectl) = parts::kubectl().unwrap() {
        let all: String = streams.iter().map(|(_, text)| format!("{text}---\n")).collect();
        let report = kubectl_reads::misreadings(kubectl, "generated programs", &all);
        assert!(report.is_empty(), "Kubernetes reads something else:\n{report}");
    }
}

/// What comes of a program for Istio 1.4 fits its definitions, and is read back as what it was.
#[test]
fn what_comes_of_a_legacy_program_is_read_back() {
    let (mut correct, mut refused) = (Vec::new(), Vec::new());
    for seed in 0..PROGRAMS {
        let case = Case::parse(&format!("# target: istio-1.4\n{}", generate::legacy::program(seed)));
        let outcome = compile::check_case(&case).unwrap();
        if outcome.count(Severity::Error) > 0 {
            refused.push(case.with(&outcome.diagnostics, &outcome.sources));
        } else {
            let stream =
                compile::build_case(&case).unwrap_or_else(|error| panic!("the legacy program of seed {seed}: {error}"));
            correct.push((format!("the legacy program of seed {seed}"), stream));
        }
    }
    assert!(
        correct.len() >= LEAST_CORRECT,
        "only {} of {PROGRAMS} generated programs are correct; three that are not:\n{}",
        correct.len(),
        refused[..3].join("\n")
    );
    let policies = correct
        .iter()
        .filter(|(_, stream)| stream.contains("kind: Policy"))
        .count();
    assert!(policies >= LEAST_CORRECT / 2, "only {policies} have policies");
    if let Some(crds) = parts::legacy_crds() {
        let validators = legacy_crds::validators(&crds, 4);
        let report: String = correct
            .iter()
            .map(|(name, text)| legacy_crds::refusals(&validators, name, text))
            .collect();
        assert!(report.is_empty(), "Istio 1.4 does not accept:\n{report}");
    }
}
