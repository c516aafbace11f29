//! Tests judged: what each line asks, what the mesh answers, and because of which line of the text.

use rayon::prelude::*;

use super::tokens::Tokens;
use super::{Build, Outcome, near};
use crate::hir::{self, Extra, Test, TestBody};
use crate::lower::inventory;
use crate::policy::TlsMode;
use crate::policy::evaluate::Judge;
use crate::policy::evaluate::nearest::{NearestMiss, nearest};
use crate::policy::request::{Answer, Outcome as Answered, Reason};
use crate::source::{SourceMap, Span, Unit};

/// A test of one environment, judged.
#[derive(Debug)]
pub struct Judged {
    pub environment: Option<String>,
    pub name: String,
    pub span: Span,
    pub lines: Vec<Line>,
}

/// A line of a test.
#[derive(Debug)]
pub struct Line {
    pub span: Span,
    pub expected: &'static str,
    pub got: Got,
    /// Where it was expected to be admitted, and is not.
    pub nearest: Option<Near>,
    /// The parts of the policy that it exercises, if that is asked for.
    pub exercised: Vec<Reason>,
}

/// What of the tests is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Only of tests with this text in their name.
    pub filter: Option<&'a str>,
    /// Only of the test that stands there.
    pub at: Option<Span>,
    /// What they exercise, too.
    pub coverage: bool,
}

/// A nearest miss, and what a person reads of it.
#[derive(Debug)]
pub struct Near {
    pub sentence: String,
    pub miss: NearestMiss,
}

/// What came of a line.
#[derive(Debug)]
pub enum Got {
    /// The answer's word, and for a request why.
    Answer(&'static str, Option<Answer>),
    /// What would have to be said for there to be an answer.
    Unknown(String),
}

impl Line {
    /// Whether the answer is the expected one.
    #[must_use]
    pub fn passed(&self) -> bool {
        matches!(&self.got, Got::Answer(word, _) if *word == self.expected)
    }

    /// What is to be said of it, in lines: expected, got, and why.
    #[must_use]
    pub fn details(&self, sources: &SourceMap) -> Vec<String> {
        match &self.got {
            Got::Unknown(why) => vec![format!("expected {}, but there is no answer: {why}", self.expected)],
            Got::Answer(got, answer) => {
                let mut said = vec![format!("expected {}, got {got}", self.expected)];
                if let Some(answer) = answer {
                    said.push(answer.why.clone());
                    let because = answer.because.iter();
                    said.extend(because.map(|it| format!("because of {}", reason(sources, it))));
                }
                said.extend(self.nearest.iter().map(|near| near.sentence.clone()));
                said
            }
        }
    }
}

/// Judges the tests that are meant in one environment of a run.
#[must_use]
pub fn judge(build: &Build, outcome: &Outcome, asked: Asked<'_>, tokens: &Tokens<'_>) -> Vec<Judged> {
    let facts = &build.facts;
    let judge = Judge::new(&build.policies, &facts.inventory, outcome.target);
    let meant = |test: &&Test| {
        asked.filter.is_none_or(|filter| test.name.it.contains(filter))
            && asked.at.is_none_or(|at| {
                at.file == test.name.span.file && at.start <= test.name.span.start && test.name.span.end <= at.end
            })
    };
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
                let request = inventory::request(program, facts, (pods, *pod), line, hir::claims);
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
                            miss,
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

const fn word_of_tls(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "disable",
        TlsMode::Simple => "simple",
        TlsMode::Mutual => "mutual",
        TlsMode::IstioMutual => "istio-mutual",
    }
}

/// A place as reports write it: file, line and column, from 1.
#[must_use]
pub fn place(sources: &SourceMap, span: Span) -> (String, u32, u32) {
    let (start, _) = sources.positions(span, Unit::Character);
    (sources.path(span.file).to_owned(), start.line + 1, start.column + 1)
}

/// A reason as a person reads it.
#[must_use]
pub fn reason(sources: &SourceMap, reason: &Reason) -> String {
    let (file, line, _) = place(sources, reason.origin);
    let rule = reason.rule.map_or(String::new(), |rule| format!(", rule {}", rule + 1));
    format!("{}{rule} ({file}:{line})", reason.object)
}
