//! What a block emits, said above it, and shown on demand.

use std::path::Path;

use super::analysis::{Analysis, range};
use super::document::Document;
use super::emitted::emitted;
use super::{TextRange, items};
use crate::diagnostics::Severity;
use crate::source::Span;
use crate::syntax::ast::{Item, ItemKind};

/// A remark above a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lens {
    pub range: TextRange,
    pub title: String,
    pub kind: LensKind,
}

/// What happens when a lens is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LensKind {
    /// The YAML of the place is shown.
    Emitted,
    /// The test at the place is run.
    Test,
}

/// The YAML of a piece of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emitted {
    pub yaml: String,
    /// Why there is none.
    pub problem: Option<String>,
}

/// The lenses of a text: one for each block that emits something, and for each test.
pub(super) fn lenses(analysis: &Analysis, document: &Document, path: &Path) -> Vec<Lens> {
    let mut found = Vec::new();
    if let Some(file) = analysis.file(path) {
        of_items(analysis, &document.parsed().file.items, file.0, &mut found);
    }
    found
}

fn of_items(analysis: &Analysis, list: &[Item], file: u32, found: &mut Vec<Lens>) {
    for item in list {
        let is_block = matches!(
            item.kind,
            ItemKind::Mesh { .. } | ItemKind::Scope { .. } | ItemKind::Destination(_)
        );
        if is_block {
            let file = crate::source::FileId(file);
            let title = match emitted(analysis, Span { file, ..item.span }).len() {
                0 => continue,
                1 => "emits 1 object · show".to_owned(),
                count => format!("emits {count} objects · show"),
            };
            let range = range(item.keyword);
            let kind = LensKind::Emitted;
            found.push(Lens { range, title, kind });
        }
        if matches!(item.kind, ItemKind::Test(_)) {
            found.push(Lens {
                range: range(item.keyword),
                title: "run test".to_owned(),
                kind: LensKind::Test,
            });
        }
        of_items(analysis, items::inner(item), file, found);
    }
}

/// The YAML of the innermost rule or block around a place that emits something; where there is none, of the file.
pub(super) fn yaml(analysis: &Analysis, document: &Document, path: &Path, offset: u32) -> Emitted {
    let problem = |text: &str| Emitted {
        yaml: String::new(),
        problem: Some(text.to_owned()),
    };
    let (Some(file), Some(outcome)) = (analysis.file(path), &analysis.outcome) else {
        return problem("the file does not belong to a project");
    };
    match outcome.count(Severity::Error) {
        0 => {}
        1 => return problem("nothing is emitted: the project has an error"),
        count => return problem(&format!("nothing is emitted: the project has {count} errors")),
    }
    let around = items::around(&document.parsed().file.items, offset);
    let pieces = around.iter().rev().map(|item| item.span);
    let whole = Span::new(file, 0, u32::MAX);
    for piece in pieces.map(|span| Span { file, ..span }).chain([whole]) {
        let artifacts = emitted(analysis, piece);
        if !artifacts.is_empty() {
            let texts: Vec<&str> = artifacts.iter().map(|artifact| artifact.text.as_str()).collect();
            return Emitted {
                yaml: texts.join("---\n"),
                problem: None,
            };
        }
    }
    problem("nothing is emitted by this file")
}
