//! `meshc test --coverage`: which rules the tests exercised, by the lines of the text that the rules come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::verdicts::{self, Judged};
use crate::driver::Outcome;
use crate::policy::evaluate::exercisable;
use crate::policy::request::Reason;
use crate::source::{SourceMap, Span};

/// What the tests exercised of a policy, in all environments.
pub(super) struct Coverage {
    /// By file, in the order of the text.
    files: BTreeMap<String, Vec<Rule>>,
}

/// A rule of the text, and the parts of policy objects that it becomes.
struct Rule {
    span: Span,
    parts: Vec<Reason>,
    /// So many lines of tests exercised one of the parts.
    lines: usize,
}

impl Coverage {
    pub(super) fn of(outcome: &Outcome, judged: &[Judged]) -> Self {
        let mut rules: BTreeMap<(String, u32, u32), Rule> = BTreeMap::new();
        for reason in outcome.builds.iter().flat_map(|build| exercisable(&build.policies)) {
            let span = reason.origin;
            let key = (outcome.sources.path(span.file).to_owned(), span.start, span.end);
            let rule = rules.entry(key).or_insert_with(|| Rule {
                span,
                parts: Vec::new(),
                lines: 0,
            });
            if !rule.parts.contains(&reason) {
                rule.parts.push(reason);
            }
        }
        for line in judged.iter().flat_map(|test| &test.lines) {
            let exercised = |rule: &&mut Rule| rule.parts.iter().any(|part| line.exercised.contains(part));
            for rule in rules.values_mut().filter(exercised) {
                rule.lines += 1;
            }
        }
        let mut files: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
        for ((file, ..), rule) in rules {
            files.entry(file).or_default().push(rule);
        }
        Self { files }
    }

    /// For people: each file with its counts, and the rules that no test exercised.
    pub(super) fn human(&self, sources: &SourceMap) -> String {
        let (exercised, all) = count(self.files.values().flatten());
        let mut out = format!("coverage: {exercised} of {all} rules exercised\n");
        for (file, rules) in &self.files {
            let (exercised, all) = count(rules);
            let _ = writeln!(out, "  {file}: {exercised} of {all}");
            for rule in rules.iter().filter(|rule| rule.lines == 0) {
                let (_, line, column) = verdicts::place(sources, rule.span);
                let _ = writeln!(out, "    {file}:{line}:{column}: {}", text(sources, rule.span));
                for part in names(rule) {
                    let _ = writeln!(out, "      {part}");
                }
            }
        }
        out
    }

    pub(super) fn json(&self, sources: &SourceMap) -> Value {
        let rule = |rule: &Rule| {
            let (_, line, column) = verdicts::place(sources, rule.span);
            let part =
                |part: &Reason| json!({ "object": part.object.to_string(), "rule": part.rule.map(|rule| rule + 1) });
            json!({
                "line": line,
                "column": column,
                "text": text(sources, rule.span),
                "lines": rule.lines,
                "parts": rule.parts.iter().map(part).collect::<Vec<_>>(),
            })
        };
        let file = |(file, rules): (&String, &Vec<Rule>)| {
            let (exercised, all) = count(rules);
            json!({
                "file": file,
                "rules": all,
                "exercised": exercised,
                "by-rule": rules.iter().map(rule).collect::<Vec<_>>(),
            })
        };
        let (exercised, all) = count(self.files.values().flatten());
        json!({
            "rules": all,
            "exercised": exercised,
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
        })
    }
}

/// How many rules are exercised, and how many there are.
fn count<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> (usize, usize) {
    rules.into_iter().fold((0, 0), |(exercised, all), rule| {
        (exercised + usize::from(rule.lines > 0), all + 1)
    })
}

/// The first line of a rule.
fn text(sources: &SourceMap, span: Span) -> String {
    let first = sources.slice(span).lines().next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a rule becomes; of many objects the first and their number.
fn names(rule: &Rule) -> Vec<String> {
    let name = |part: &Reason| match part.rule {
        Some(index) => format!("{}, rule {}", part.object, index + 1),
        None => part.object.to_string(),
    };
    let names: BTreeSet<String> = rule.parts.iter().map(name).collect();
    let mut shown: Vec<String> = names.iter().take(3).cloned().collect();
    if names.len() > shown.len() {
        shown.push(format!("and {} more", names.len() - shown.len()));
    }
    shown
}
