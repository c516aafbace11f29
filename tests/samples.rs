//! The programs that the language was designed with are correct, and what comes of them is accepted.

use std::fs;

use meshc::diagnostics::Severity;
use meshc_tests::case::Case;
use meshc_tests::parts;

use crate::golden::Golden;
use crate::{compile, istio_accepts, kubectl_reads, legacy_crds};

/// What each of them emits: its name, the minor release that it is for if that is a legacy one, and the objects.
fn emitted(golden: &mut Golden) -> Vec<(String, Option<u32>, String)> {
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
        // A program for a legacy release says so in its first lines.
        let head: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let legacy = head.concat().contains("target istio-1.4");
        let releases: &[Option<u32>] = if legacy { &[Some(4), Some(5)] } else { &[None] };
        for &release in releases {
            let target = release.map_or(String::new(), |minor| format!("# target: istio-1.{minor}\n"));
            let case = Case::parse(&format!("{target}{text}"));
            let built = compile::check_case(&case).and_then(|outcome| {
                if outcome.count(Severity::Error) > 0 {
                    return Err(case.with(&outcome.diagnostics, &outcome.sources));
                }
                compile::build_case(&case)
            });
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match built {
                Ok(stream) => all.push((name, release, stream)),
                Err(error) => golden.mistake(path, &error),
            }
        }
    }
    all
}

#[test]
fn compile_and_are_accepted() {
    let mut golden = Golden::default();
    let all = emitted(&mut golden);
    golden.finish();
    let mut report = String::new();
    if let Some(oracle) = parts::oracle().unwrap() {
        let current = all.iter().filter(|(_, release, _)| release.is_none());
        let streams: Vec<_> = current.map(|(name, _, text)| (name.clone(), text.as_str())).collect();
        report.push_str(&istio_accepts::refusals(oracle, &streams));
    }
    if let Some(crds) = parts::legacy_crds() {
        for minor in [4, 5] {
            let validators = legacy_crds::validators(&crds, minor);
            for (name, _, text) in all.iter().filter(|(_, release, _)| *release == Some(minor)) {
                report.push_str(&legacy_crds::refusals(
                    &validators,
                    &format!("{name} for 1.{minor}"),
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
