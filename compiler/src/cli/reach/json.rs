//! Who reaches what, as the object that `spec/reach.schema.json` describes.

use serde_json::{Value, json};

use super::super::verdicts;
use super::Subject;
use crate::analysis::reach::{Cell, Exchange, Reaches};
use crate::analysis::request_data;
use crate::diagnostics::render::json_value;

pub(super) fn write(subject: &Subject<'_>) -> String {
    format!("{:#}\n", data(subject))
}

/// The whole object.
pub(super) fn data(subject: &Subject<'_>) -> Value {
    let callers = subject.callers.iter().map(|caller| {
        json!({ "group": caller.group.word(), "name": caller.name, "note": caller.note, "who": caller.words() })
    });
    let columns = subject.columns.iter().filter_map(|column| {
        let operation = subject.operations.get(column.operation)?;
        let cells = subject.callers.iter().zip(&column.cells);
        Some(json!({
            "at": column.place,
            "operation": operation.name,
            "what": operation.words(),
            "cells": cells.map(|(caller, it)| cell(subject, &caller.name, it)).collect::<Vec<_>>(),
        }))
    });
    json!({
        "version": 1,
        "target": subject.outcome.target.to_string(),
        "callers": callers.collect::<Vec<_>>(),
        "columns": columns.collect::<Vec<_>>(),
    })
}

fn cell(subject: &Subject<'_>, caller: &str, cell: &Cell) -> Value {
    let (answer, why) = match &cell.reaches {
        Reaches::Always => ("yes", None),
        Reaches::Never => ("no", None),
        Reaches::Sometimes => ("under-conditions", None),
        Reaches::Nothing => ("nothing-arrives", None),
        Reaches::Unknown(why) => ("unknown", Some(why)),
    };
    let rules = cell.rules.iter().map(|(stage, reason)| {
        let mut rule = verdicts::reason_object(&subject.outcome.sources, reason);
        if let Some(rule) = rule.as_object_mut() {
            rule.insert("action".to_owned(), stage.word().into());
        }
        rule
    });
    json!({
        "caller": caller,
        "answer": answer,
        "why": why,
        "depends-on": cell.depends,
        "admitted": cell.admitted.as_ref().map(|it| shown(subject, it)),
        "refused": cell.refused.as_ref().map(|it| shown(subject, it)),
        "rules": rules.collect::<Vec<_>>(),
    })
}

fn shown(subject: &Subject<'_>, shown: &Exchange) -> Value {
    let inventory = &subject.build.facts.inventory;
    json!({
        "request": json_value(&request_data::data(inventory, &shown.request)),
        "words": shown.words(),
        "outcome": shown.answer.outcome.word(),
        "why": shown.answer.why,
        "because": verdicts::because(&subject.outcome.sources, &shown.answer),
    })
}
