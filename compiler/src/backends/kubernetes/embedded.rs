//! YAML that stands as a text in YAML, as ConfigMaps have it: its places as places of the file.

use crate::backends::yaml::tree::{self, Node};
use crate::source::{FileId, Span};
use std::rc::Rc;

/// A text inside of a file.
pub(super) struct Embedded {
    file: FileId,
    /// Where the whole text stands.
    whole: Span,
    /// Of each of its lines, where it starts in the text and in the file. Empty where the file writes it in another way,
    /// as in quotes: then the whole text is the place.
    lines: Vec<(usize, usize)>,
}

impl Embedded {
    /// `inner` as it stands at `whole` in `text`.
    pub(super) fn new((file, text): (FileId, &str), whole: Span, inner: &str) -> Self {
        let (start, end) = (whole.range().start, whole.range().end);
        // A block's place begins behind its indentation.
        let start = text
            .get(..start)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at + 1);
        let outer = text.get(start..end).unwrap_or("");
        let lines = lines(outer, start, inner).unwrap_or_default();
        Self { file, whole, lines }
    }

    /// The first document of the text.
    pub(super) fn read(&self, inner: &str) -> Option<Result<Rc<Node>, tree::Problem>> {
        tree::read(self.file, inner).into_iter().next()
    }

    /// A place of the text as a place of the file.
    pub(super) fn place(&self, inner: Span) -> Span {
        let outer = |offset: u32| {
            let offset = usize::try_from(offset).ok()?;
            let (start, outer) = self.lines.iter().rfind(|(start, _)| *start <= offset)?;
            u32::try_from(outer + (offset - start)).ok()
        };
        match (outer(inner.start), outer(inner.end)) {
            (Some(start), Some(end)) if start <= end => Span::new(self.file, start, end),
            _ => self.whole,
        }
    }
}

/// The lines of a block text: each stands in the file behind the same indentation.
fn lines(outer: &str, start: usize, inner: &str) -> Option<Vec<(usize, usize)>> {
    let mut wanted = inner.split_inclusive('\n').peekable();
    let first = wanted.peek()?.trim_end();
    let mut found = Vec::new();
    let mut indent = None;
    let (mut at, mut inner_at) = (start, 0);
    for line in outer.split_inclusive('\n') {
        let content = line.trim_end();
        match (indent, wanted.peek()) {
            (_, None) => break,
            (None, Some(_)) => {
                if let Some(before) = content.strip_suffix(first)
                    && !first.is_empty()
                    && before.chars().all(|c| c == ' ')
                {
                    indent = Some(before.len());
                } else {
                    at += line.len();
                    continue;
                }
            }
            (Some(_), Some(_)) => {}
        }
        let width = indent?;
        let next = wanted.next()?;
        let blank = next.trim().is_empty() && content.is_empty();
        if !blank && line.get(width..).map(str::trim_end) != Some(next.trim_end()) {
            return None;
        }
        found.push((inner_at, at + width));
        inner_at += next.len();
        at += line.len();
    }
    wanted.peek().is_none().then_some(found)
}
