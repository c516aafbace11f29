//! The programs that the language was designed with are correct, and what comes of them is accepted.

use std::fs;

use meshc::diagnostics::Severity;
use meshc_tests::case::Case;
use meshc_tests::parts;

use crate::golden::Golden;
use crate::{compile, istio_accepts, kubectl_reads, legacy_crds};

/// What each of them emits for each release that it is tried with: its name, the release, and the objects.
fn emitted(golden: &mut Golden) -> Vec<(String, &'static str, String)> {
    let Some(folder) = parts::samples() else {
        return Vec::new();
    };
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "mesh"))
    {
        let text = fs::read_to_string(path).unwrap();
        // A program for the legacy API says so in its first lines. Others are for the newest release, and need not be
        // possible in the oldest one; but if they are, it must take them.
        let head: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let legacy = head.concat().contains("target istio-1.4");
        let releases: &[_] = if legacy { &[LEGACY] } else { &[NEWEST, OLDEST] };
        for &release in releases {
            let case = Case::parse(&format!("# target: {release}\n{text}"));
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match compile::check_case(&case) {
                Ok(outcome) if outcome.count(Severity::Error) == 0 => {
                    let stream = compile::build_case(&case).unwrap();
                    assert!(stream.contains("kind:"), "nothing comes of {name} for {release}");
                    all.push((name, release, stream));
                }
                Ok(_) if release == OLDEST => {}
                Ok(outcome) => golden.mistake(path, &case.with(&outcome.diagnostics, &outcome.sources)),
                Err(error) => golden.mistake(path, &error),
            }
        }
    }
    all
}

const LEGACY: &str = "istio-1.4";
const OLDEST: &str = "istio-1.5";
const NEWEST: &str = "istio-1.31";

#[test]
fn compile_and_are_accepted() {
    let mut golden = Golden::default();
    let all = emitted(&mut golden);
    golden.finish();
    let mut report = String::new();
    if let Some(oracle) = parts::oracle().unwrap() {
        let current = all.iter().filter(|(_, release, _)| *release == NEWEST);
        let streams: Vec<_> = current.map(|(name, _, text)| (name.clone(), text.as_str())).collect();
        report.push_str(&istio_accepts::refusals(oracle, &streams));
    }
    if let Some(crds) = parts::legacy_crds() {
        for (minor, meant) in [(4, LEGACY), (5, OLDEST)] {
            let validators = legacy_crds::validators(&crds, minor);
            for (name, _, text) in all.iter().filter(|(_, release, _)| *release == meant) {
                report.push_str(&legacy_crds::refusals(
                    &validators,
                    &format!("{name} for {meant}"),
                    text,
                ));
            }
        }
    }
    if let Some(kubectl) = parts::kubectl().unwrap() {
        for (name, _, text) in &all {
            report.push_str(&kubectl_reads::misreadings(kubectl, name, text));
        }
    }
    assert!(report.is_empty(), "not accepted:\n{report}");
}
