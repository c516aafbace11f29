//! Tests judged: what each line asks, what the mesh answers, and because of which line of the text.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::tokens::{TokenArgs, Tokens};
use super::{Io, near};
use crate::driver::{Build, Outcome};
use crate::hir::{Extra, Test, TestBody};
use crate::lower::inventory;
use crate::policy::TlsMode;
use crate::policy::evaluate::Judge;
use crate::policy::evaluate::nearest::nearest;
use crate::policy::request::{Answer, Json, Outcome as Answered, Reason};
use crate::source::{SourceMap, Span, Unit};

/// A test of one environment, judged.
pub(super) struct Judged {
    pub(super) environment: Option<String>,
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) lines: Vec<Line>,
}

/// A line of a test.
pub(super) struct Line {
    pub(super) span: Span,
    pub(super) expected: &'static str,
    pub(super) got: Got,
    /// Where it was expected to be admitted, and is not.
    pub(super) nearest: Option<Near>,
    /// The parts of the policy that it exercises, if that is asked for.
    pub(super) exercised: Vec<Reason>,
}

/// What of the tests is asked.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Only of tests with this text in their name.
    pub(super) filter: Option<&'a str>,
    /// What they exercise, too.
    pub(super) coverage: bool,
}

/// A nearest miss, for people and as JSON.
pub(super) struct Near {
    pub(super) sentence: String,
    pub(super) object: serde_json::Value,
}

/// What came of a line.
pub(super) enum Got {
    /// The answer's word, and for a request why.
    Answer(&'static str, Option<Answer>),
    /// What would have to be said for there to be an answer.
    Unknown(String),
}

impl Line {
    pub(super) fn passed(&self) -> bool {
        matches!(&self.got, Got::Answer(word, _) if *word == self.expected)
    }
}

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
        let tokens = Tokens::new(tokens, build, io)?;
        judged.extend(judge_build(build, outcome, asked, &tokens));
    }
    Ok(judged)
}

fn judge_build(build: &Build, outcome: &Outcome, asked: Asked<'_>, tokens: &Tokens<'_>) -> Vec<Judged> {
    let facts = &build.facts;
    let judge = Judge::new(&build.policies, &facts.inventory, outcome.target);
    let meant = |test: &&Test| asked.filter.is_none_or(|filter| test.name.it.contains(filter));
    let tests: Vec<&Test> = build.program.tests.iter().filter(meant).collect();
    tests
        .into_par_iter()
        .map(|test| Judged {
            environment: build.environment.clone(),
            name: test.name.it.clone(),
            span: test.name.span,
            lines: lines(&judge, (build, tokens), (&outcome.sources, asked.coverage), test),
        })
        .collect()
}

fn lines(
    judge: &Judge<'_>,
    (build, tokens): (&Build, &Tokens<'_>),
    (sources, coverage): (&SourceMap, bool),
    test: &Test,
) -> Vec<Line> {
    let (program, facts) = (&build.program, &build.facts);
    let inventory = &facts.inventory;
    match &test.body {
        TestBody::At { pods, pod, lines } => lines
            .iter()
            .map(|line| {
                let request = inventory::request(program, facts, (pods, *pod), line, claims);
                let mut request = request.map_err(|why| why.to_string());
                let answer = match &mut request {
                    Ok(request) => {
                        for extra in &line.extras {
                            if let Extra::RealToken(text) = extra {
                                tokens.put(text, request);
                            }
                        }
                        let answer = tokens.answer(judge, request);
                        answer.map(|(answer, _)| answer).map_err(|unknown| unknown.to_string())
                    }
                    Err(why) => Err(why.clone()),
                };
                let nearest = match (&request, &answer) {
                    (Ok(request), Ok(answer)) if line.expect == Answered::Ok => {
                        nearest(judge, request, answer).map(|miss| Near {
                            sentence: near::sentence(sources, inventory, &miss),
                            object: near::object(sources, inventory, Some(&miss)),
                        })
                    }
                    _ => None,
                };
                let got = match answer {
                    Ok(answer) => Got::Answer(answer.outcome.word(), Some(answer)),
                    Err(why) => Got::Unknown(why),
                };
                let exercised = request.ok().filter(|_| coverage);
                Line {
                    span: line.span,
                    expected: line.expect.word(),
                    got,
                    nearest,
                    exercised: exercised.map_or(Vec::new(), |request| judge.exercised(&request)),
                }
            })
            .collect(),
        TestBody::From { pods, lines } => lines
            .iter()
            .map(|line| {
                let port = line.port.as_ref().map(|port| port.it);
                let got = match facts.pods(pods) {
                    Some(index) => match judge.client_tls(index, &line.host.it, port) {
                        Ok(mode) => Got::Answer(word_of_tls(mode), None),
                        Err(unknown) => Got::Unknown(unknown.to_string()),
                    },
                    None => Got::Unknown("the TLS of waypoints and of selectors in `mesh` is not judged".to_owned()),
                };
                Line {
                    span: line.span,
                    expected: word_of_tls(line.expect),
                    got,
                    nearest: None,
                    exercised: facts
                        .pods(pods)
                        .filter(|_| coverage)
                        .and_then(|index| judge.exercised_client(index, &line.host.it, port))
                        .into_iter()
                        .collect(),
                }
            })
            .collect(),
    }
}

/// The claims of a token.
fn claims(extra: &Extra) -> BTreeMap<String, Json> {
    match extra {
        Extra::Token { claims, .. } => match json(claims) {
            Json::Object(claims) => claims,
            _ => BTreeMap::new(),
        },
        _ => BTreeMap::new(),
    }
}

/// JSON as the policy model holds it.
pub(super) fn json(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(it) => Json::Bool(*it),
        serde_json::Value::Number(it) => Json::Number(it.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(it) => Json::String(it.clone()),
        serde_json::Value::Array(items) => Json::List(items.iter().map(json).collect()),
        serde_json::Value::Object(map) => {
            Json::Object(map.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
    }
}

const fn word_of_tls(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "disable",
        TlsMode::Simple => "simple",
        TlsMode::Mutual => "mutual",
        TlsMode::IstioMutual => "istio-mutual",
    }
}

/// A place as reports write it: file, line and column, from 1.
pub(super) fn place(sources: &SourceMap, span: Span) -> (String, u32, u32) {
    let (start, _) = sources.positions(span, Unit::Character);
    (sources.path(span.file).to_owned(), start.line + 1, start.column + 1)
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

/// A reason as a person reads it.
pub(super) fn reason(sources: &SourceMap, reason: &Reason) -> String {
    let (file, line, _) = place(sources, reason.origin);
    let rule = reason.rule.map_or(String::new(), |rule| format!(", rule {}", rule + 1));
    format!("{}{rule} ({file}:{line})", reason.object)
}
