//! What the mesh answers: every `test` block of the cases, the examples and the programs of the design is as expected.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use meshc::cli::ExitCode;
use meshc_tests::{command, parts, repository};

use crate::golden::inputs;

/// Runs the tests of a project; `Err` says what is not as expected.
fn judge(project: &Path, target: &str) -> Result<String, String> {
    let args = ["test", "--target", target].map(OsString::from);
    let ran = command::run(
        repository::root(),
        args.into_iter().chain([project.as_os_str().to_owned()]),
        "",
    );
    let (out, err) = (ran.out, ran.err);
    if ran.code == ExitCode::Clean {
        Ok(err)
    } else {
        Err(format!("{out}{err}"))
    }
}

/// Judges projects as one of today's releases answers, or as Istio 1.4 does where they are written for it.
fn judge_all(projects: impl IntoIterator<Item = PathBuf>) {
    let mut report = String::new();
    for project in projects {
        let target = if is_legacy(&project) { "istio-1.4" } else { "istio-1.31" };
        if let Err(said) = judge(&project, target) {
            writeln!(report, "== {}\n{said}", repository::shown(&project)).unwrap();
        }
    }
    assert!(report.is_empty(), "not as expected:\n{report}");
}

/// Whether a manifest, or the comment at the head of a file, names the legacy target.
fn is_legacy(project: &Path) -> bool {
    let text = fs::read_to_string(project).unwrap_or_default();
    let head: String = text.lines().take_while(|line| line.starts_with('#')).collect();
    head.contains("target istio-1.4") || text.contains("target = \"istio-1.4\"")
}

#[test]
fn cases() {
    let all = inputs("tests/cases/semantics", ".mesh", &[]);
    for case in &all {
        let said = judge(case, "istio-1.31").unwrap_or_default();
        assert!(!said.contains("no tests"), "{} has no tests", case.display());
    }
    judge_all(all);
}

#[test]
fn examples() {
    let manifests = repository::files("examples", "mesh.toml").unwrap();
    judge_all(manifests);
}

#[test]
fn programs_of_the_design() {
    let Some(folder) = parts::samples() else { return };
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    judge_all(
        paths
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "mesh")),
    );
}
