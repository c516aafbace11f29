//! No text makes the compiler fall over: every program in the repository, with one token after another taken out.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use meshc::diagnostics::Diagnostics;
use meshc::driver::Outcome;
use meshc::source::{FileId, Span};
use meshc::syntax::lexer;
use meshc_tests::case::Case;

use crate::compile;
use crate::golden::{Golden, inputs};

/// So many tokens of one text are tried, evenly spread.
const MOST: usize = 6;

#[test]
fn a_missing_token_is_a_finding_at_a_place() {
    let mut golden = Golden::default();
    let folders = ["examples", "tests/cases/istio", "tests/cases/errors"];
    for path in folders.into_iter().flat_map(|folder| inputs(folder, ".mesh", &[])) {
        let text = fs::read_to_string(&path).unwrap();
        let tokens = lexer::lex(FileId(0), &text, &mut Diagnostics::default());
        for token in tokens.iter().step_by(tokens.len().div_ceil(MOST).max(1)) {
            let mut broken = text.clone();
            broken.replace_range(token.span.range(), "");
            let case = Case::parse(&broken);
            match catch_unwind(AssertUnwindSafe(|| compile::check_case(&case))) {
                Ok(Ok(outcome)) => {
                    if let Some(place) = outside(&outcome) {
                        golden.mistake(
                            &path,
                            &format!("without byte {:?}: {place:?} is no place", token.span.range()),
                        );
                    }
                }
                Ok(Err(_no_project)) => {}
                Err(_) => golden.mistake(
                    &path,
                    &format!("without byte {:?}: the compiler fell over", token.span.range()),
                ),
            }
        }
    }
    golden.finish();
}

/// The first place of a finding that is not between two characters of its text.
fn outside(outcome: &Outcome) -> Option<Span> {
    let places = outcome.diagnostics.iter().flat_map(|finding| {
        let labels = finding.secondary.iter().map(|label| label.span);
        let edits = finding
            .fixes
            .iter()
            .flat_map(|fix| fix.edits.iter().map(|edit| edit.span));
        [finding.primary.span].into_iter().chain(labels).chain(edits)
    });
    let mut outside = places.filter(|span| outcome.sources.text(span.file).get(span.range()).is_none());
    outside.next()
}
