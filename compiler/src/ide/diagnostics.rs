//! The findings of `meshc check`, by file.

use std::path::PathBuf;

use super::analysis::{Analysis, range};
use super::touched::Findings;
use super::{Applicability, Edit, FileRange, Severity, TextRange};
use crate::diagnostics::{self, render};

/// A finding at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub range: TextRange,
    pub severity: Severity,
    /// The stable id, such as `E0203`.
    pub id: &'static str,
    /// The name, such as `unknown-key`.
    pub name: &'static str,
    /// The whole message: what was found, in which environments, and what to do.
    pub message: String,
    pub related: Vec<Related>,
    pub tag: Option<Tag>,
    pub fixes: Vec<Fix>,
}

/// Another place that belongs to a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub place: FileRange,
    pub message: String,
}

/// How a finding's text is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// It does nothing and can go.
    Unnecessary,
}

/// A repair, as one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    pub title: String,
    pub applicability: Applicability,
    pub edits: Vec<(PathBuf, Edit)>,
}

/// What can be taken away without any change, by the names of the codes that say so.
const UNNECESSARY: &[&str] = &["dead-rule", "unused-suppression"];

/// Adds the findings of a project. A file that two projects judge has each finding once.
pub(super) fn diagnostics(analysis: &Analysis, found: &mut Findings) {
    let Some(outcome) = &analysis.outcome else { return };
    // They are in the order of files and places.
    let all = &outcome.diagnostics;
    for (id, file) in outcome.sources.iter().filter(|(_, file)| !file.is_std) {
        let start = all.partition_point(|d| d.primary.span.file < id);
        let end = all.partition_point(|d| d.primary.span.file <= id);
        let own = all.get(start..end).unwrap_or_default();
        let Some(path) = analysis.path(id) else { continue };
        let list = own.iter().map(|d| diagnostic(analysis, d, &file.text)).collect();
        found.insert(path.to_path_buf(), list);
    }
}

/// Adds the findings of a project, where another one has not said the same.
pub(super) fn merge(own: &Findings, found: &mut Findings) {
    for (path, list) in own {
        match found.get_mut(path) {
            Some(others) => {
                let new: Vec<_> = list.iter().filter(|d| !others.contains(d)).cloned().collect();
                others.extend(new);
            }
            None => {
                found.insert(path.clone(), list.clone());
            }
        }
    }
}

fn diagnostic(analysis: &Analysis, d: &diagnostics::Diagnostic, text: &str) -> Diagnostic {
    let mut message = d.message.clone();
    let label = Some(d.primary.message.clone()).filter(|label| !label.is_empty());
    for line in label.iter().chain(&render::environments_note(d)).chain(&d.help) {
        message.push('\n');
        message.push_str(line);
    }
    let related = d.secondary.iter().filter_map(|label| {
        Some(Related {
            place: analysis.place(label.span)?,
            message: label.message.clone(),
        })
    });
    Diagnostic {
        range: visible(range(d.primary.span), text),
        severity: d.severity,
        id: d.code.id,
        name: d.code.name,
        message,
        related: related.collect(),
        tag: UNNECESSARY.contains(&d.code.name).then_some(Tag::Unnecessary),
        fixes: d.fixes.iter().filter_map(|f| fix(analysis, f)).collect(),
    }
}

fn fix(analysis: &Analysis, fix: &diagnostics::Fix) -> Option<Fix> {
    let edits = fix.edits.iter().map(|edit| {
        let place = analysis.place(edit.span)?;
        let edit = Edit {
            range: place.range,
            text: edit.text.clone(),
        };
        Some((place.path, edit))
    });
    Some(Fix {
        title: fix.title.clone(),
        applicability: fix.applicability,
        edits: edits.collect::<Option<_>>()?,
    })
}

/// An editor draws nothing under nothing: an empty range takes in the character behind it, at the end of a line or text
/// the one before it.
fn visible(range: TextRange, text: &str) -> TextRange {
    if !range.is_empty() {
        return range;
    }
    let at = range.start as usize;
    let width = |c: char| u32::try_from(c.len_utf8()).unwrap_or(1);
    let behind = text.get(at..).and_then(|rest| rest.chars().next());
    let before = text.get(..at).and_then(|rest| rest.chars().next_back());
    match (behind, before) {
        (Some(c), _) if !matches!(c, '\r' | '\n') => range.start..range.start + width(c),
        (_, Some(c)) if c != '\n' => range.start - width(c)..range.start,
        _ => range,
    }
}
