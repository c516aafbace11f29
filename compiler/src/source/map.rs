//! The texts of a run, by the ids that spans carry.

use std::sync::OnceLock;

use super::line_index::{LineIndex, Position, Unit};
use super::span::{FileId, Span};

/// One text.
#[derive(Debug)]
pub struct SourceFile {
    /// How the file is called in reports: relative where it can be, `/` between its parts.
    pub path: String,
    /// What spans count in. Of a file that is not UTF-8, the text with a replacement for what is not.
    pub text: String,
    /// Whether it is a part of the standard library.
    pub is_std: bool,
    /// Made when a position is first asked for, which a run without findings never does.
    lines: OnceLock<LineIndex>,
}

impl SourceFile {
    /// Where its lines start.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }
}

/// All texts of a run: ids are handed out in the order in which texts are added.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a text of the project.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        self.push(path.into(), text.into(), false)
    }

    /// Adds a text of the standard library.
    pub fn add_std(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        self.push(path.into(), text.into(), true)
    }

    fn push(&mut self, path: String, text: String, is_std: bool) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            path,
            text,
            is_std,
            lines: OnceLock::new(),
        });
        id
    }

    /// The file of an id, if it is of this map.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// How reports call a file.
    #[must_use]
    pub fn path(&self, id: FileId) -> &str {
        self.get(id).map_or("", |file| &file.path)
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, id: FileId) -> &str {
        self.get(id).map_or("", |file| &file.text)
    }

    /// The text of a span; empty if it is not of this map.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or("")
    }

    /// Where a span starts and ends, from 0.
    #[must_use]
    pub fn positions(&self, span: Span, unit: Unit) -> (Position, Position) {
        let Some(file) = self.get(span.file) else {
            return (Position::default(), Position::default());
        };
        let at = |offset| file.lines().position(&file.text, offset, unit);
        (at(span.start), at(span.end.max(span.start)))
    }

    /// Every file with its id, in order.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0u32..).map(FileId).zip(&self.files)
    }
}
