//! Commands: the YAML of a place, as an answer or as a file that the editor shows.

use std::path::PathBuf;

use meshc::ide::Emitted;
use serde_json::{Value, json};
use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types as lsp;

use crate::session::Context;
use crate::{from_proto, reference};

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
