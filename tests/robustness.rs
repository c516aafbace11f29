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
use crate::manifests;

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

/// So many places of one manifest are tried, evenly spread.
const MOST_CUTS: usize = 60;

#[test]
fn a_cut_in_a_manifest_is_no_fall() {
    let mut golden = Golden::default();
    let folders = [
        "tests/cases/yaml",
        "tests/cases/legacy_yaml",
        "tests/cases/seeds_legacy",
    ];
    for path in folders.into_iter().flat_map(|folder| inputs(folder, ".yaml", &[])) {
        let text = fs::read_to_string(&path).unwrap();
        // The first line may name the release.
        let first = text.find('\n').unwrap_or(0);
        let starts: Vec<_> = text.char_indices().map(|(at, _)| at).filter(|at| *at > first).collect();
        for at in starts.iter().step_by(starts.len().div_ceil(MOST_CUTS).max(1)) {
            let end = starts.iter().find(|end| **end > at + 7).unwrap_or(at);
            let mut broken = text.clone();
            broken.replace_range(at..end, "");
            let judged = catch_unwind(AssertUnwindSafe(|| manifests::findings(&broken)));
            let fits = judged.is_ok_and(|findings| {
                let mut spans = findings.iter().map(|finding| finding.primary.span);
                spans.all(|span| broken.get(span.range()).is_some())
            });
            if !fits {
                golden.mistake(&path, &format!("without bytes {at}..{end}: no finding at a place"));
            }
        }
    }
    golden.finish();
}
