//! What an editor can do about findings: their fixes, all safe fixes at once, and a comment that accepts one.

use std::path::{Path, PathBuf};

use super::document::Document;
use super::{Applicability, Diagnostic, Edit, Severity, TextRange, items};

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub title: String,
    pub kind: ActionKind,
    /// The findings that it is about.
    pub diagnostics: Vec<Diagnostic>,
    pub edits: Vec<(PathBuf, Edit)>,
    /// Whether it is what one would do without thinking.
    pub is_preferred: bool,
}

/// What an action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// A repair of one finding.
    Fix,
    /// Every safe repair of a text.
    FixAll,
    /// A finding is accepted.
    Suppress,
    /// A piece of a rule gets a name of its own.
    Extract,
    /// What a finding shows is written down as a test.
    Test,
}

/// What can be done in a range of a text with these findings.
pub(super) fn actions(document: &Document, path: &Path, all: &[Diagnostic], range: &TextRange) -> Vec<Action> {
    let mut found = Vec::new();
    let here = all
        .iter()
        .filter(|d| d.range.start <= range.end && range.start <= d.range.end);
    for d in here.clone() {
        found.extend(d.fixes.iter().map(|fix| Action {
            title: sentence(&fix.title),
            kind: ActionKind::Fix,
            diagnostics: vec![d.clone()],
            edits: fix.edits.clone(),
            is_preferred: fix.applicability == Applicability::Automatic,
        }));
    }
    found.extend(here.filter_map(|d| suppress(document, path, d)));
    found.extend(fix_all(path, all));
    found
}

/// The safe fixes of a text that do not get in each other's way.
fn fix_all(path: &Path, all: &[Diagnostic]) -> Option<Action> {
    let mut edits: Vec<(PathBuf, Edit)> = Vec::new();
    let mut diagnostics = Vec::new();
    for d in all {
        let automatic = |fix: &&super::Fix| fix.applicability == Applicability::Automatic;
        let Some(fix) = d.fixes.iter().find(automatic) else {
            continue;
        };
        let own = fix.edits.iter().all(|(file, _)| file == path);
        let clear = fix.edits.iter().all(|(_, new)| {
            let apart = |old: &Edit| new.range.end < old.range.start || old.range.end < new.range.start;
            edits.iter().all(|(_, old)| apart(old))
        });
        if own && clear {
            edits.extend(fix.edits.iter().cloned());
            diagnostics.push(d.clone());
        }
    }
    (!edits.is_empty()).then(|| Action {
        title: "Apply all safe fixes of the file".to_owned(),
        kind: ActionKind::FixAll,
        diagnostics,
        edits,
        is_preferred: false,
    })
}

/// The comment that accepts a finding, before the item that it is in. An error cannot be accepted.
fn suppress(document: &Document, path: &Path, d: &Diagnostic) -> Option<Action> {
    if d.severity == Severity::Error || !super::projects::is_mesh(path) {
        return None;
    }
    let around = items::around(&document.parsed().file.items, d.range.start);
    let item = around.last()?;
    let text = document.text();
    let before = text.get(..item.span.start as usize)?;
    let indent = before.rsplit('\n').next().unwrap_or_default();
    // An item that shares its line with others gets a line of its own.
    let (lead, indent) = if indent.trim().is_empty() {
        ("", indent)
    } else {
        ("\n", "")
    };
    Some(Action {
        title: format!("Accept `{}` here, with a reason", d.name),
        kind: ActionKind::Suppress,
        diagnostics: vec![d.clone()],
        edits: vec![(
            path.to_path_buf(),
            Edit {
                range: item.span.start..item.span.start,
                text: format!("{lead}# meshc: allow({}) because (say why)\n{indent}", d.name),
            },
        )],
        is_preferred: false,
    })
}

fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}
