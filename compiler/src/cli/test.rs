//! `meshc test`: the `test` blocks of a project, judged offline.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::args::InputArgs;
use super::coverage::Coverage;
use super::tokens::TokenArgs;
use super::verdicts::{self, Asked, Got, Judged, Line};
use super::{ExitCode, Io, near, report};
use crate::diagnostics::suggest::nearest;
use crate::driver::{self, Outcome};
use crate::source::SourceMap;

/// Run the `test` blocks of a project, in each of its environments
///
/// Examples:
///   meshc test                            all tests of the project here
///   meshc test --filter waypoint          those with `waypoint` in their name
///   meshc test . k8s/                     with manifests as part of the policy
///   meshc test examples/shop --env prod
///   meshc test --format junit > tests.xml
///   meshc test --coverage                 and which rules no test exercised
///
/// Nothing is asked of a cluster: the answer is that of Istio with this policy. A line whose answer
/// depends on something that it does not say fails, and says what is missing. A filter that no test fits
/// fails too.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    inputs: InputArgs,

    /// Only tests with this text in their name
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    #[command(flatten)]
    tokens: TokenArgs,

    /// Say which rules no test exercised
    #[arg(long)]
    coverage: bool,

    /// How results are written
    #[arg(long, value_enum, default_value_t = TestFormat::Human)]
    format: TestFormat,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum TestFormat {
    /// What fails, and why; then a summary.
    Human,
    /// One JSON object.
    Json,
    /// JUnit's XML, for CI systems.
    Junit,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let Some(outcome) = report::policy(&args.inputs, io, driver::check)? else {
        return Ok(ExitCode::Found);
    };
    let asked = Asked {
        filter: args.filter.as_deref(),
        at: None,
        coverage: args.coverage,
    };
    let judged = verdicts::judge(&outcome, asked, &args.tokens, io)?;
    let sources = &outcome.sources;
    let coverage = args.coverage.then(|| Coverage::of(&outcome, &judged));
    let for_people = coverage.as_ref().map_or(String::new(), |it| it.human(sources));
    match args.format {
        TestFormat::Human => io.print(&format!("{}{for_people}", human(&judged, sources))),
        TestFormat::Json => io.print(&json(&judged, coverage.as_ref(), &outcome)),
        TestFormat::Junit => {
            io.print(&junit(&judged, sources));
            io.error(&for_people);
        }
    }
    let failed = judged.iter().flat_map(|test| &test.lines).any(|line| !line.passed());
    if let (Some(filter), true) = (&args.filter, judged.is_empty()) {
        // A pipeline that tests nothing because of a typo would stay green for ever.
        io.error(&format!("error: {}\n", nothing_meant(filter, &outcome)));
        return Ok(ExitCode::Found);
    }
    io.error(&format!("{}\n", summary(&judged)));
    Ok(if failed { ExitCode::Found } else { ExitCode::Clean })
}

fn summary(judged: &[Judged]) -> String {
    let lines: Vec<&Line> = judged.iter().flat_map(|test| &test.lines).collect();
    let failed = lines.iter().filter(|line| !line.passed()).count();
    let tests = report::plural(judged.len(), "test");
    let all = report::plural(lines.len(), "line");
    match failed {
        0 if judged.is_empty() => "the project has no tests".to_owned(),
        0 => format!("ok: {all} of {tests} as expected"),
        _ => format!("{failed} of {all} in {tests} failed"),
    }
}

/// A filter that leaves nothing to test, with the test that was probably meant.
fn nothing_meant(filter: &str, outcome: &Outcome) -> String {
    let tests = outcome.builds.iter().flat_map(|build| &build.program.tests);
    let names: BTreeSet<&str> = tests.map(|test| test.name.it.as_str()).collect();
    let said = format!("no test has `{filter}` in its name");
    if names.is_empty() {
        return format!("{said}: the project has no tests");
    }
    let small = filter.to_lowercase();
    let in_other_case = names.iter().copied().find(|name| name.to_lowercase().contains(&small));
    match in_other_case.or_else(|| nearest(filter, names.iter().copied())) {
        Some(near) => format!("{said}; there is `{near}`"),
        None => format!("{said}; there are {}", report::plural(names.len(), "other test")),
    }
}

fn human(judged: &[Judged], sources: &SourceMap) -> String {
    let mut out = String::new();
    for test in judged {
        for line in test.lines.iter().filter(|line| !line.passed()) {
            let (file, number, column) = verdicts::place(sources, line.span);
            let environment = test
                .environment
                .as_ref()
                .map_or(String::new(), |name| format!(" in environment {name}"));
            let text = one_line(sources.slice(line.span));
            let _ = writeln!(
                out,
                "failed: \"{}\"{environment}\n  {file}:{number}:{column}: {text}",
                test.name
            );
            for said in line.details(sources) {
                let _ = writeln!(out, "  {said}");
            }
            out.push('\n');
        }
    }
    out
}

/// In one line; of a long token only its beginning, which is enough to know it by and too little to use it.
fn one_line(text: &str) -> String {
    let words = text.split_whitespace().map(|word| match word.find("eyJ") {
        Some(at) if word.len() > 80 => format!("{}…\"", word.get(..at + 12).unwrap_or(word)),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn json(judged: &[Judged], coverage: Option<&Coverage>, outcome: &Outcome) -> String {
    let sources = &outcome.sources;
    let line = |test: &Judged, line: &Line| {
        let (file, number, column) = verdicts::place(sources, line.span);
        let (got, error, answer) = match &line.got {
            Got::Answer(got, answer) => (Some(*got), None, answer.as_ref()),
            Got::Unknown(why) => (None, Some(why), None),
        };
        let build = outcome
            .builds
            .iter()
            .find(|build| build.environment == test.environment);
        let nearest = line.nearest.as_ref().zip(build);
        let nearest = nearest.map(|(near, build)| near::object(sources, &build.facts.inventory, Some(&near.miss)));
        serde_json::json!({
            "file": file,
            "line": number,
            "column": column,
            "text": one_line(sources.slice(line.span)),
            "passed": line.passed(),
            "expected": line.expected,
            "got": got,
            "error": error,
            "stage": answer.and_then(|answer| answer.stage).map(crate::policy::request::Stage::word),
            "why": answer.map(|answer| &answer.why),
            "because": answer.map_or(Vec::new(), |answer| verdicts::because(sources, answer)),
            "nearest-miss": nearest,
        })
    };
    let tests: Vec<_> = judged
        .iter()
        .map(|test| {
            let (file, number, _) = verdicts::place(sources, test.span);
            serde_json::json!({
                "name": test.name,
                "environment": test.environment,
                "file": file,
                "line": number,
                "lines": test.lines.iter().map(|it| line(test, it)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut results = serde_json::json!({ "tests": tests });
    if let (Some(coverage), Some(results)) = (coverage, results.as_object_mut()) {
        results.insert("coverage".to_owned(), coverage.json(sources));
    }
    format!("{results:#}\n")
}

fn junit(judged: &[Judged], sources: &SourceMap) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for test in judged {
        let failures = test.lines.iter().filter(|line| !line.passed()).count();
        let name = match &test.environment {
            Some(environment) => format!("{} ({environment})", test.name),
            None => test.name.clone(),
        };
        let count = test.lines.len();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{count}\" failures=\"{failures}\">",
            xml(&name)
        );
        for line in &test.lines {
            let (file, number, _) = verdicts::place(sources, line.span);
            let text = xml(&one_line(sources.slice(line.span)));
            let class = xml(&test.name);
            let _ = write!(
                out,
                "    <testcase classname=\"{class}\" name=\"{text}\" file=\"{}\" line=\"{number}\"",
                xml(&file)
            );
            if line.passed() {
                out.push_str("/>\n");
            } else {
                let said = line.details(sources);
                let head = said.first().cloned().unwrap_or_default();
                let all = xml(&said.join("\n"));
                let _ = writeln!(
                    out,
                    ">\n      <failure message=\"{}\">{all}</failure>\n    </testcase>",
                    xml(&head)
                );
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text in XML; what XML cannot hold becomes a replacement.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}
