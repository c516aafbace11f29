//! The suites under `cases/`: each case is a file, and what is expected of it stands in it or beside it.

use std::fs;

use meshc::catalogue;
use meshc::diagnostics::Severity;
use meshc::source::FileId;
use meshc_tests::case::Case;
use meshc_tests::repository;

use crate::compile;
use crate::golden::{Golden, inputs};
use crate::manifests;
use crate::pitfalls;

/// Wrong programs, each with all that is said of it under the lines that it is said of.
#[test]
fn errors() {
    let mut golden = Golden::default();
    for path in inputs("tests/cases/errors", ".mesh", &[]) {
        let case = Case::parse(&fs::read_to_string(&path).unwrap());
        match compile::check_case(&case) {
            Ok(outcome) if outcome.diagnostics.is_empty() => golden.mistake(&path, "nothing is said of it"),
            Ok(outcome) => golden.file(&path, &case.with(&outcome.diagnostics, &outcome.sources)),
            Err(error) => golden.mistake(&path, &error),
        }
    }
    golden.finish();
}

/// Findings that no text file can show: they are about what is no text, or is too much of it.
const NOT_SHOWN: &[&str] = &["unreadable-file", "not-utf8", "file-too-large", "too-many-errors"];

/// Each finding has a case of its name that earns it.
#[test]
fn every_finding_is_earned() {
    let mut golden = Golden::default();
    let mut of_manifests = manifests::findings_of_cases();
    of_manifests.extend(pitfalls::findings_of_cases());
    for code in catalogue::all()
        .into_iter()
        .filter(|code| !NOT_SHOWN.contains(&code.name) && !of_manifests.contains(code.id))
    {
        let name = format!("tests/cases/errors/{}.mesh", code.name.replace('-', "_"));
        let path = repository::root().join(&name);
        match fs::read_to_string(&path) {
            Ok(text) if text.contains(&format!("[{}]: ", code.name)) => {}
            Ok(_) => golden.mistake(&path, "the case does not earn the finding that it is named after"),
            Err(_) => golden.mistake(&path, &format!("{} `{}` has no case: write one", code.id, code.name)),
        }
    }
    golden.finish();
}

/// Right programs, each with the objects that come of it, and with the warnings that it earns.
#[test]
fn istio() {
    let mut golden = Golden::default();
    for path in inputs("tests/cases/istio", ".mesh", &[]) {
        let case = Case::parse(&fs::read_to_string(&path).unwrap());
        let outcome = compile::check_case(&case).and_then(|outcome| Ok((outcome, compile::build_case(&case)?)));
        match outcome {
            Ok((outcome, stream)) => {
                golden.file(&path, &case.with(&outcome.diagnostics, &outcome.sources));
                if outcome.count(Severity::Error) == 0 {
                    golden.file(&path.with_extension("yaml"), &stream);
                } else {
                    golden.mistake(&path, "it has errors");
                }
            }
            Err(error) => golden.mistake(&path, &error),
        }
    }
    golden.finish();
}

/// Programs in no style, each with its text in the one style beside it.
#[test]
fn format() {
    let mut golden = Golden::default();
    for path in inputs("tests/cases/format", ".mesh", &[".formatted.mesh"]) {
        let text = fs::read_to_string(&path).unwrap();
        match formatted(&text) {
            Ok(found) => {
                if formatted(&found).as_ref() != Ok(&found) {
                    golden.mistake(&path, "formatting it twice is not the same as once");
                }
                golden.file(&path.with_extension("formatted.mesh"), &found);
            }
            Err(error) => golden.mistake(&path, &error),
        }
    }
    golden.finish();
}

/// What the project itself writes in the language is in the one style.
#[test]
fn the_library_and_the_examples_are_in_style() {
    let mut golden = Golden::default();
    for path in ["stdlib", "examples"]
        .iter()
        .flat_map(|folder| inputs(folder, ".mesh", &[]))
    {
        match formatted(&fs::read_to_string(&path).unwrap()) {
            Ok(found) => golden.file(&path, &found),
            Err(error) => golden.mistake(&path, &error),
        }
    }
    golden.finish();
}

/// What a program means does not depend on how it is laid out.
#[test]
fn formatting_changes_no_object() {
    let mut golden = Golden::default();
    for path in inputs("tests/cases/istio", ".mesh", &[]) {
        let mut case = Case::parse(&fs::read_to_string(&path).unwrap());
        let before = compile::build_case(&case);
        let result = case.rewrite(|file, text| {
            if file.ends_with(".mesh") {
                formatted(text)
            } else {
                Ok(text.to_owned())
            }
        });
        if let Err(error) = result {
            golden.mistake(&path, &error);
        } else if before != compile::build_case(&case) {
            golden.mistake(&path, "formatted, it gives other objects");
        }
    }
    golden.finish();
}

fn formatted(text: &str) -> Result<String, String> {
    meshc::format::format(FileId(0), text).map_err(|findings| {
        let messages: Vec<_> = findings.into_iter().map(|finding| finding.message).collect();
        format!("it is not formatted: {}", messages.join("; "))
    })
}
