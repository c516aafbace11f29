//! Verdicts of tests and reasons of answers as commands write them.

use super::Io;
use super::tokens::TokenArgs;
use crate::driver::Outcome;
use crate::driver::verdicts;
pub(super) use crate::driver::verdicts::{Asked, Got, Judged, Line, place, reason};
use crate::policy::request::{Answer, Reason};
use crate::source::SourceMap;

/// Judges the tests that are meant, in every environment of a run.
///
/// # Errors
/// What tokens are to be judged with cannot be read.
pub(super) fn judge(
    outcome: &Outcome,
    asked: Asked<'_>,
    tokens: &TokenArgs,
    io: &Io<'_>,
) -> anyhow::Result<Vec<Judged>> {
    let mut judged = Vec::new();
    for build in &outcome.builds {
        let tokens = tokens.reader(build, io)?;
        judged.extend(verdicts::judge(build, outcome, asked, &tokens));
    }
    Ok(judged)
}

/// A reason as JSON.
pub(super) fn reason_object(sources: &SourceMap, reason: &Reason) -> serde_json::Value {
    let (file, line, _) = place(sources, reason.origin);
    serde_json::json!({
        "object": reason.object.to_string(),
        "rule": reason.rule.map(|rule| rule + 1),
        "file": file,
        "line": line,
    })
}

/// The reasons of an answer as JSON.
pub(super) fn because(sources: &SourceMap, answer: &Answer) -> Vec<serde_json::Value> {
    answer
        .because
        .iter()
        .map(|reason| reason_object(sources, reason))
        .collect()
}
