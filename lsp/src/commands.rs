//! Commands: the YAML of a place, as an answer or as a file that the editor shows, and the test at a place, run.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use meshc::ide::{Emitted, TestRun};
use serde_json::{Value, json};
use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types as lsp;

use crate::session::Context;
use crate::{from_proto, reference, to_proto};

/// The place that a command is about: the address of a text and a position in it.
pub(crate) fn place(arguments: Vec<Value>) -> Result<(lsp::Uri, lsp::Position)> {
    let mut arguments = arguments.into_iter();
    let wrong = || Error::invalid_params("the arguments are the address of a text and a position in it");
    let uri = arguments.next().and_then(|uri| serde_json::from_value(uri).ok());
    let position = arguments
        .next()
        .and_then(|position| serde_json::from_value(position).ok());
    uri.zip(position).ok_or_else(wrong)
}

/// The YAML of the rule or block at a place.
pub(crate) fn emitted(context: &Context, uri: &lsp::Uri, position: lsp::Position) -> Emitted {
    let found = from_proto::path(uri).and_then(|path| {
        let document = context.snapshot.document(&path)?;
        let offset = from_proto::offset(document, position, context.session.unit);
        Some(context.snapshot.emitted(&path, offset))
    });
    found.unwrap_or_else(|| Emitted {
        yaml: String::new(),
        problem: Some("the file is not open".to_owned()),
    })
}

/// The same as an answer.
pub(crate) fn answer(emitted: &Emitted) -> Value {
    match &emitted.problem {
        None => json!({ "yaml": emitted.yaml }),
        Some(problem) => json!({ "yaml": emitted.yaml, "problem": problem }),
    }
}

/// Writes the YAML to a file that is named for its text.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(uri: &lsp::Uri, yaml: &str) -> std::io::Result<PathBuf> {
    let path = from_proto::path(uri).unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = reference::folder().join("emitted");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.yaml"));
    std::fs::write(&file, yaml)?;
    Ok(file)
}

/// Runs the test at a place: what came of it, for people and as an answer, or why it cannot be run.
pub(crate) fn run_test(
    context: &Context,
    uri: &lsp::Uri,
    position: lsp::Position,
) -> std::result::Result<(TestRun, Value), String> {
    let place = from_proto::path(uri).and_then(|path| {
        let document = context.snapshot.document(&path)?;
        let offset = from_proto::offset(document, position, context.session.unit);
        Some((document, path, offset))
    });
    let (document, path, offset) = place.ok_or("the file is not open")?;
    let run = context.snapshot.run_test(&path, offset, now)?;
    let lines = run.lines.iter().map(|line| {
        json!({
            "range": to_proto::range(document, &line.range, context.session.unit),
            "environment": line.environment,
            "passed": line.passed,
            "message": line.said.join("\n"),
        })
    });
    let answer = json!({ "name": run.name, "passed": run.passed(), "lines": lines.collect::<Vec<_>>() });
    Ok((run, answer))
}

/// The time of this machine, in seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
