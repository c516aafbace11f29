//! The command lines that documents and help texts show are ones that the command takes, and the requests and answers
//! that documents show are of the form that their schemas describe.

use meshc_tests::{command, fenced, repository};
use serde_json::Value;

/// Every command with a page of help.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["build"],
    &["check"],
    &["test"],
    &["eval"],
    &["facts"],
    &["jwt"],
    &["jwt", "inspect"],
    &["jwt", "verify"],
    &["jwt", "mint"],
    &["effective"],
    &["graph"],
    &["try"],
    &["fmt"],
    &["explain"],
    &["new"],
    &["completions"],
];

/// What stands for something in the lines of documents.
const STANDS_FOR: &[(&str, &str)] = &[
    ("WORKLOAD", "shop/web"),
    ("FOLDER", "folder"),
    ("$TOKEN", "eyJ"),
    ("SHELL", "bash"),
    ("CODE", "E0005"),
    ("NAME", "name"),
    ("DIR", "dir"),
    ("FILE", "file"),
    ("TEXT", "text"),
    ("PORT", "1"),
    ("TOKEN", "eyJ"),
];

#[test]
fn command_lines_of_help_are_taken() {
    let mut wrong = Vec::new();
    for command in COMMANDS {
        let args: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let help = command::run(&std::env::temp_dir(), &args, "").clean().out;
        let (_, examples) = help.split_once("Examples:\n").unwrap_or(("", ""));
        assert!(!examples.is_empty(), "{command:?} has no examples");
        let examples = examples.lines().take_while(|line| line.starts_with("  "));
        // What is said beside an example stands behind two spaces.
        let lines = examples.filter_map(|line| line.trim_start().split("   ").next());
        let lines: Vec<&str> = lines.collect();
        wrong.extend(refused(&lines));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn command_lines_of_documents_are_taken() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in documents() {
        let document = repository::read(&path).unwrap();
        let blocks = fenced::blocks(&document);
        let blocks = blocks
            .iter()
            .filter(|block| ["console", "text", "yaml"].contains(&block.info.as_str()));
        let in_blocks = blocks.flat_map(|block| block.text.lines());
        let outside = document.split('`').skip(1).step_by(2);
        let lines: Vec<&str> = in_blocks
            .chain(outside)
            .map(str::trim)
            .filter(|line| is_command(line))
            .collect();
        count += lines.len();
        wrong.extend(refused(&lines));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 40, "only {count} command lines");
}

#[test]
fn requests_and_answers_of_documents_fit_their_schemas() {
    let schema = |text| jsonschema::validator_for(&serde_json::from_str::<Value>(text).unwrap()).unwrap();
    let requests = schema(include_str!("../spec/eval-request.schema.json"));
    let answers = schema(include_str!("../spec/eval-answer.schema.json"));
    let mut count = 0;
    for path in documents() {
        let document = repository::read(&path).unwrap();
        let lines = document
            .lines()
            .filter(|line| line.starts_with('{') && line.ends_with('}'));
        for line in lines {
            let value: Value = serde_json::from_str(line).unwrap();
            let fits = if value.get("at").is_some() { &requests } else { &answers };
            assert!(fits.is_valid(&value), "{}: {line}", repository::shown(&path));
            count += 1;
        }
    }
    assert!(count >= 2, "only {count}");
}

fn documents() -> Vec<std::path::PathBuf> {
    let mut paths = repository::files("spec", ".md").unwrap();
    paths.extend(repository::files("examples", "README.md").unwrap());
    paths.push(repository::root().join("README.md"));
    paths.retain(|path| !path.ends_with("spec/diagnostics.md"));
    paths
}

fn is_command(line: &str) -> bool {
    ["meshc ", "$ meshc ", "- run: meshc "]
        .iter()
        .any(|start| line.starts_with(start))
        && line.contains(' ')
}

/// The commands among these lines whose arguments are wrong. Where nothing is that they could work on, right ones fail too,
/// but with other words.
fn refused(lines: &[&str]) -> Vec<String> {
    let empty = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for line in lines {
        for part in line.split([';', '|']).flat_map(|part| part.split("&&")) {
            let Some((_, words)) = part
                .split_once("meshc ")
                .filter(|(before, _)| !before.contains(['/', '"']))
            else {
                continue;
            };
            let Some(args) = arguments(words) else { continue };
            let ran = command::run(empty.path(), &args, "");
            if ran.err.contains("Usage:") || ran.err.contains("For more information, try '--help'") {
                wrong.push(format!("{line}\n  {}", ran.err));
            }
        }
    }
    wrong
}

/// The words of a command line as a shell would cut them. None where it goes on elsewhere.
fn arguments(text: &str) -> Option<Vec<String>> {
    let (text, _) = text.split_once(" >").unwrap_or((text, ""));
    let text = text.split(" #").next().unwrap_or(text);
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for sign in text.trim().chars() {
        match (quote, sign) {
            (Some(open), sign) if sign == open => quote = None,
            (None, '\'' | '"') => quote = Some(sign),
            (None, ' ') => words.push(std::mem::take(&mut word)),
            // What may be left out is left out.
            (None, '[' | ']') => {}
            (_, sign) => word.push(sign),
        }
    }
    words.push(word);
    // Which never ends.
    words.retain(|word| !word.is_empty() && word != "--watch");
    let mut args: Vec<String> = Vec::new();
    for word in words {
        let mut arg = word;
        for (name, value) in STANDS_FOR {
            arg = arg.replace(name, value);
        }
        match (arg.as_str(), args.last()) {
            // The value of a flag, or more of the same.
            ("…", Some(before)) if before.starts_with("--") => args.push("{}".to_owned()),
            ("…", _) => {}
            _ => args.push(arg),
        }
    }
    // A command alone, or with the name of a flag, is spoken of and not shown.
    let names = if args.first().is_some_and(|first| first == "jwt") {
        2
    } else {
        1
    };
    let is_shown = match args.get(names..).unwrap_or_default() {
        [] => false,
        [only] => !only.starts_with("--"),
        _ => true,
    };
    (quote.is_none() && is_shown).then_some(args)
}
