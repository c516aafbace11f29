//! The suites under `cases/`: each case is a file, and what is expected of it stands in it or beside it.

use std::fs;

use meshc::diagnostics::Severity;
use meshc_tests::case::Case;

use crate::compile;
use crate::golden::{Golden, inputs};

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
