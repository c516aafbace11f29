//! Findings for programs: one JSON object, described by `spec/diagnostics.schema.json`.

use serde_json::{Value, json};

use super::Place;
use crate::diagnostics::{Applicability, Data, Diagnostic, Edit, Fix, Label};
use crate::source::{SourceMap, Span};

/// One object with all findings, and a newline.
#[must_use]
pub fn json(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let list: Vec<Value> = diagnostics.iter().map(|d| diagnostic(sources, d)).collect();
    let mut text = format!("{:#}", json!({ "diagnostics": list }));
    text.push('\n');
    text
}

fn diagnostic(sources: &SourceMap, d: &Diagnostic) -> Value {
    let mut out = json!({
        "code": d.code.id,
        "name": d.code.name,
        "severity": d.severity,
        "message": d.message,
    });
    place(&mut out, sources, d.primary.span);
    if let Value::Object(fields) = &mut out {
        let related: Vec<Value> = d.secondary.iter().map(|l| label(sources, l)).collect();
        let fixes: Vec<Value> = d.fixes.iter().map(|f| fix(sources, f)).collect();
        fields.insert("help".to_owned(), json!(d.help));
        fields.insert("fixes".to_owned(), Value::Array(fixes));
        fields.insert("related".to_owned(), Value::Array(related));
        if let Some(witness) = &d.witness {
            fields.insert("witness".to_owned(), value(witness));
        }
        if !d.environments.is_empty() {
            fields.insert("environments".to_owned(), json!(d.environments));
        }
    }
    out
}

/// Data as JSON; whole numbers without a point.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only numbers that are whole and small are cut"
)]
pub(crate) fn value(data: &Data) -> Value {
    match data {
        Data::Null => Value::Null,
        Data::Flag(it) => json!(it),
        Data::Number(it) if it.fract() == 0.0 && it.abs() < 9e15 => json!(*it as i64),
        Data::Number(it) => json!(it),
        Data::Text(it) => json!(it),
        Data::List(items) => Value::Array(items.iter().map(value).collect()),
        Data::Object(pairs) => Value::Object(pairs.iter().map(|(key, it)| (key.clone(), value(it))).collect()),
    }
}

fn label(sources: &SourceMap, label: &Label) -> Value {
    let mut out = json!({ "message": label.message });
    place(&mut out, sources, label.span);
    out
}

fn fix(sources: &SourceMap, fix: &Fix) -> Value {
    let applicability = match fix.applicability {
        Applicability::Automatic => "automatic",
        Applicability::Suggestion => "suggestion",
    };
    let edits: Vec<Value> = fix.edits.iter().map(|e| edit(sources, e)).collect();
    json!({ "title": fix.title, "applicability": applicability, "edits": edits })
}

fn edit(sources: &SourceMap, edit: &Edit) -> Value {
    let mut out = json!({ "text": edit.text });
    place(&mut out, sources, edit.span);
    out
}

/// Adds `file`, `start` and `end`.
fn place(out: &mut Value, sources: &SourceMap, span: Span) {
    let Value::Object(fields) = out else { return };
    let place = Place::of(sources, span);
    let at = |(line, column): (u32, u32)| json!({ "line": line, "column": column });
    fields.insert("file".to_owned(), json!(place.file));
    fields.insert("start".to_owned(), at(place.start));
    fields.insert("end".to_owned(), at(place.end));
}
