//! Byte offsets to lines and columns, and back.

use std::ops::Range;

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of UTF-8.
    Utf8,
    /// Code units of UTF-16: what editors count by default.
    Utf16,
    /// Unicode characters: what people and reports count.
    Character,
}

impl Unit {
    fn of(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Character => 1,
        }
    }
}

/// A line and a column, both from 0; the column in the [`Unit`] that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// Where the lines of one text start. A line ends after `\n`; a `\r` before it belongs to it.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// The lines of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Self {
            starts: starts.map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect(),
        }
    }

    /// How many lines there are; a text that ends with `\n` has an empty last one.
    #[must_use]
    pub fn lines(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// The bytes of a line, its end (`\n` or `\r\n`) not included; empty behind the last line.
    #[must_use]
    pub fn line(&self, text: &str, line: u32) -> Range<usize> {
        let Some(start) = self.starts.get(line as usize) else {
            return text.len()..text.len();
        };
        let start = *start as usize;
        let next = self.starts.get(line as usize + 1).map(|next| *next as usize);
        let whole = text.get(start..next.unwrap_or(text.len())).unwrap_or("");
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        start..start + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// The position of a byte of `text`. An offset behind the text means its end, one inside a character its start.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32, unit: Unit) -> Position {
        let offset = floor_char_boundary(text, offset as usize);
        let line = self.starts.partition_point(|start| *start as usize <= offset).max(1) - 1;
        let start = self.starts.get(line).map_or(0, |start| *start as usize);
        let before = text.get(start..offset).unwrap_or("");
        let column = match unit {
            Unit::Utf8 => before.len(),
            Unit::Utf16 | Unit::Character => before.chars().map(|c| unit.of(c)).sum(),
        };
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// The byte at a position. A column behind the line means its end, a line behind the text the text's end.
    #[must_use]
    pub fn offset(&self, text: &str, position: Position, unit: Unit) -> u32 {
        let range = self.line(text, position.line);
        let (mut at, mut column) = (range.start, 0);
        for c in text.get(range).unwrap_or("").chars() {
            column += unit.of(c);
            if column > position.column as usize {
                break;
            }
            at += c.len_utf8();
        }
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}

/// The nearest character boundary at or before `offset`.
pub(crate) fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "aä😀b\r\n\nlast";

    #[test]
    fn columns_count_what_is_asked_for() {
        let index = LineIndex::new(TEXT);
        let b = u32::try_from(TEXT.find('b').unwrap()).unwrap();
        for (unit, column) in [(Unit::Utf8, 7), (Unit::Utf16, 4), (Unit::Character, 3)] {
            let position = Position { line: 0, column };
            assert_eq!(index.position(TEXT, b, unit), position, "{unit:?}");
            assert_eq!(index.offset(TEXT, position, unit), b, "{unit:?}");
        }
    }

    #[test]
    fn every_boundary_is_found_again() {
        let index = LineIndex::new(TEXT);
        for (at, _) in TEXT.char_indices().filter(|(_, c)| *c != '\n') {
            let at = u32::try_from(at).unwrap();
            for unit in [Unit::Utf8, Unit::Utf16, Unit::Character] {
                let position = index.position(TEXT, at, unit);
                assert_eq!(index.offset(TEXT, position, unit), at, "{at} {unit:?}");
            }
        }
    }

    #[test]
    fn positions_outside_the_text_are_its_ends() {
        let index = LineIndex::new(TEXT);
        let end = index.position(TEXT, 1000, Unit::Utf16);
        assert_eq!(end, Position { line: 2, column: 4 });
        let far = Position { line: 9, column: 9 };
        assert_eq!(index.offset(TEXT, far, Unit::Utf16) as usize, TEXT.len());
        let behind = Position { line: 0, column: 99 };
        assert_eq!(index.offset(TEXT, behind, Unit::Utf16), 8);
        assert_eq!(LineIndex::new("").position("", 0, Unit::Utf8), Position::default());
    }

    #[test]
    fn a_line_has_no_line_end() {
        let index = LineIndex::new(TEXT);
        let lines: Vec<_> = (0..index.lines()).map(|line| &TEXT[index.line(TEXT, line)]).collect();
        assert_eq!(lines, ["aä😀b", "", "last"]);
    }
}
