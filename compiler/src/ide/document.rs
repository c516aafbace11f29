//! A text that an editor has open, with what is read off it alone.

use std::sync::OnceLock;

use super::TextRange;
use crate::diagnostics::Diagnostics;
use crate::source::line_index::floor_char_boundary;
use crate::source::{FileId, LineIndex};
use crate::syntax::{self, Parsed};

/// An open text.
#[derive(Debug)]
pub struct Document {
    text: String,
    version: i32,
    lines: OnceLock<LineIndex>,
    parsed: OnceLock<Parsed>,
}

impl Document {
    pub(super) const fn new(text: String, version: i32) -> Self {
        Self {
            text,
            version,
            lines: OnceLock::new(),
            parsed: OnceLock::new(),
        }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number that the editor gave this state of the text.
    #[must_use]
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// Where its lines start.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// Its tree; every span is of file 0.
    pub(super) fn parsed(&self) -> &Parsed {
        self.parsed
            .get_or_init(|| syntax::parse(FileId(0), &self.text, &mut Diagnostics::default()))
    }

    /// The text after a replacement; all of it where there is no range. A range outside the text ends where the text
    /// does.
    pub(super) fn edited(&self, range: Option<TextRange>, new: &str, version: i32) -> Self {
        let Some(range) = range else {
            return Self::new(new.to_owned(), version);
        };
        let boundary = |at: u32| floor_char_boundary(&self.text, at as usize);
        let (start, end) = (boundary(range.start), boundary(range.end));
        let (start, end) = (start.min(end), start.max(end));
        let mut text = String::with_capacity(self.text.len() + new.len());
        text.push_str(self.text.get(..start).unwrap_or_default());
        text.push_str(new);
        text.push_str(self.text.get(end..).unwrap_or_default());
        Self::new(text, version)
    }
}
