//! Findings as SARIF 2.1.0, the form that code scanning takes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Place, environments_note};
use crate::diagnostics::{Code, Diagnostic, Edit, Severity};
use crate::source::{SourceMap, Span};

/// One log with one run, and a newline.
#[must_use]
pub fn sarif(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let codes: BTreeMap<&str, &Code> = diagnostics.iter().map(|d| (d.code.id, d.code)).collect();
    let indices: BTreeMap<&str, usize> = codes.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let rules: Vec<Value> = codes.values().map(|code| rule(code)).collect();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|d| result(sources, d, indices.get(d.code.id).copied().unwrap_or_default()))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "meshc", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = format!("{log:#}");
    text.push('\n');
    text
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.id,
        "name": code.name,
        "shortDescription": { "text": code.summary },
        "help": { "text": code.page, "markdown": code.page },
        "defaultConfiguration": { "level": level(code.severity) },
    })
}

fn result(sources: &SourceMap, d: &Diagnostic, index: usize) -> Value {
    let mut message = d.message.clone();
    for line in environments_note(d).iter().chain(&d.help) {
        message.push('\n');
        message.push_str(line);
    }
    let related: Vec<Value> = d
        .secondary
        .iter()
        .map(|label| {
            let mut location = location(sources, label.span);
            if let Value::Object(fields) = &mut location {
                fields.insert("message".to_owned(), json!({ "text": label.message }));
            }
            location
        })
        .collect();
    let fixes: Vec<Value> = d
        .fixes
        .iter()
        .map(|fix| {
            let changes: Vec<Value> = fix.edits.iter().map(|edit| change(sources, edit)).collect();
            json!({ "description": { "text": fix.title }, "artifactChanges": changes })
        })
        .collect();
    json!({
        "ruleId": d.code.id,
        "ruleIndex": index,
        "level": level(d.severity),
        "message": { "text": message },
        "locations": [location(sources, d.primary.span)],
        "relatedLocations": related,
        "fixes": fixes,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn location(sources: &SourceMap, span: Span) -> Value {
    let place = Place::of(sources, span);
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri(place.file) }, "region": region(&place) } })
}

fn change(sources: &SourceMap, edit: &Edit) -> Value {
    let place = Place::of(sources, edit.span);
    json!({
        "artifactLocation": { "uri": uri(place.file) },
        "replacements": [{ "deletedRegion": region(&place), "insertedContent": { "text": edit.text } }],
    })
}

fn region(place: &Place<'_>) -> Value {
    json!({
        "startLine": place.start.0,
        "startColumn": place.start.1,
        "endLine": place.end.0,
        "endColumn": place.end.1,
    })
}

/// The path as a relative URI reference: what a URI cannot hold is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}
