//! Tests that are run from the text: what each line expects, and what the mesh answers.

use std::path::Path;

use super::analysis::{Analysis, range};
use super::document::Document;
use super::{TextRange, items};
use crate::diagnostics::Severity;
use crate::driver::tokens::{Clock, Tokens};
use crate::driver::verdicts::{self, Asked};
use crate::jwt::KeyFiles;
use crate::source::Span;
use crate::syntax::ast::ItemKind;

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRun {
    pub name: String,
    /// Its lines in every environment.
    pub lines: Vec<TestLine>,
}

/// What came of one of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestLine {
    pub range: TextRange,
    pub environment: Option<String>,
    pub passed: bool,
    /// Expected, got, and why, in lines.
    pub said: Vec<String>,
}

/// Runs the test at a place. `machine` says what time it is, in seconds since 1970.
///
/// # Errors
/// Why it cannot be run, as a sentence.
pub(super) fn run(
    analysis: &Analysis,
    document: &Document,
    path: &Path,
    offset: u32,
    machine: fn() -> i64,
) -> Result<TestRun, String> {
    let around = items::around(&document.parsed().file.items, offset);
    let test = around.iter().find_map(|item| match &item.kind {
        ItemKind::Test(test) => Some((item.span, items::text(&test.name))),
        _ => None,
    });
    let (span, name) = test.ok_or("there is no test")?;
    let found = analysis.outcome.as_ref().zip(analysis.file(path));
    let (outcome, file) = found.ok_or("the file does not belong to a project")?;
    match outcome.count(Severity::Error) {
        0 => {}
        1 => return Err("the test cannot be run: the project has an error".to_owned()),
        count => return Err(format!("the test cannot be run: the project has {count} errors")),
    }
    let asked = Asked {
        at: Some(Span { file, ..span }),
        ..Asked::default()
    };
    let clock = Clock { now: None, machine };
    let mut lines = Vec::new();
    for build in &outcome.builds {
        let tokens = Tokens::new(build, &KeyFiles::default(), clock);
        let judged = verdicts::judge(build, outcome, asked, &tokens);
        lines.extend(judged.iter().flat_map(|test| &test.lines).map(|line| TestLine {
            range: range(line.span),
            environment: build.environment.clone(),
            passed: line.passed(),
            said: line.details(&outcome.sources),
        }));
    }
    Ok(TestRun { name, lines })
}

impl TestRun {
    /// Whether every line is as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.lines.iter().all(|line| line.passed)
    }

    /// The result in a sentence, and of the first line that fails why.
    #[must_use]
    pub fn summary(&self) -> String {
        let plural = |count: usize| if count == 1 { "line" } else { "lines" };
        let all = self.lines.len();
        let failed = self.lines.iter().filter(|line| !line.passed).count();
        let Some(first) = self.lines.iter().find(|line| !line.passed) else {
            return format!("`{}`: {all} {} as expected", self.name, plural(all));
        };
        let place = first.environment.as_ref();
        let place = place.map_or(String::new(), |name| format!(" in environment `{name}`"));
        format!(
            "`{}`: {failed} of {all} {} failed; the first one{place}: {}",
            self.name,
            plural(all),
            first.said.join("; ")
        )
    }
}
