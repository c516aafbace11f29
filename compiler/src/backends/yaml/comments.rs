//! Comments that stand on lines of their own, and the part of a document that follows each.
//!
//! Layout is enough for that: a key or an item of a list goes on as long as lines are indented deeper than it.

use std::ops::Range;

/// A comment for meshc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    /// From its sign to the end of its line.
    pub(crate) range: Range<usize>,
    /// What follows: the document if it stands before all of that, else the key or item. `None` before nothing.
    pub(crate) target: Option<Range<usize>>,
}

/// A line, without its end.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Content,
    Blank,
    Comment,
    /// `---` or `...`.
    Marker,
    /// Of a text that is written over several lines, whatever it looks like.
    Scalar,
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    fn is_item(&self) -> bool {
        let rest = self.text.trim_start_matches(' ');
        rest == "-" || rest.starts_with("- ")
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The comments that start with `word`, in order.
#[must_use]
pub(crate) fn comments(text: &str, word: &str) -> Vec<Comment> {
    if !text.contains(word) {
        return Vec::new();
    }
    let lines = lines(text);
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let said = line.text.trim_start_matches([' ', '\t']);
        if line.kind == Kind::Comment && said.trim_start_matches('#').trim_start().starts_with(word) {
            let start = line.end() - said.len();
            found.push(Comment {
                range: start..line.start + line.text.trim_end().len(),
                target: target(&lines, at),
            });
        }
    }
    found
}

/// What follows a line.
fn target(lines: &[Line<'_>], at: usize) -> Option<Range<usize>> {
    let is_content = |line: &&Line<'_>| line.kind == Kind::Content;
    let (before, after) = lines.split_at(at);
    let opens = before
        .iter()
        .rev()
        .take_while(|line| line.kind != Kind::Marker)
        .all(|line| line.kind != Kind::Content);
    let next = after
        .iter()
        .position(|line| matches!(line.kind, Kind::Content | Kind::Marker))?;
    let rest = after.get(next..)?;
    let first = rest.first()?;
    if opens || first.kind == Kind::Marker {
        let body = rest.iter().skip_while(|line| line.kind != Kind::Content);
        let body: Vec<&Line<'_>> = body.take_while(|line| line.kind != Kind::Marker).collect();
        return Some(body.first()?.start..body.last()?.end());
    }
    let indent = first.indent();
    let goes_on = |line: &&Line<'_>| match line.kind {
        Kind::Content => line.indent() > indent || (line.indent() == indent && line.is_item() && !first.is_item()),
        Kind::Marker => false,
        Kind::Blank | Kind::Comment | Kind::Scalar => true,
    };
    let body = rest.iter().skip(1).take_while(goes_on);
    let last = body
        .filter(|line| is_content(line) || line.kind == Kind::Scalar)
        .last()
        .unwrap_or(first);
    Some(first.start + indent..last.end())
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut start = 0;
    // The column of the key whose text goes on over lines.
    let mut scalar: Option<usize> = None;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let bare = line.trim();
        let indent = line.len() - line.trim_start_matches(' ').len();
        if scalar.is_some_and(|column| !bare.is_empty() && indent <= column) {
            scalar = None;
        }
        let kind = match bare {
            _ if scalar.is_some() => Kind::Scalar,
            "" => Kind::Blank,
            _ if bare.starts_with('#') => Kind::Comment,
            _ if indent == 0 && (is_marker(line, "---") || is_marker(line, "...")) => Kind::Marker,
            _ => Kind::Content,
        };
        if kind == Kind::Content && opens_text(bare) {
            scalar = Some(key_column(line));
        }
        lines.push(Line {
            start,
            text: line,
            kind,
        });
        start += whole.len();
    }
    lines
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Whether a line ends with the sign of a text over several lines: `|` or `>`, with a number and a sign at most.
fn opens_text(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let head = line.trim_end_matches(|c: char| c.is_ascii_digit() || c == '+' || c == '-');
    let before = head.strip_suffix(['|', '>']);
    before.is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
}

/// Where the key of a line stands, behind the dashes of items.
fn key_column(line: &str) -> usize {
    let mut column = line.len() - line.trim_start_matches(' ').len();
    while let Some(rest) = line.get(column..).and_then(|rest| rest.strip_prefix("- ")) {
        column = line.len() - rest.trim_start_matches(' ').len();
    }
    // An item that is the text itself goes on behind its dash.
    if line.get(column..).is_some_and(|rest| rest.starts_with(['|', '>'])) {
        return line.len() - line.trim_start_matches(' ').len();
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Option<&str>> {
        let comments = comments(text, "meshc:");
        let target = |comment: Comment| comment.target.map(|range| &text[range]);
        comments.into_iter().map(target).collect()
    }

    #[test]
    fn a_comment_is_for_what_follows_it() {
        let text =
            "# meshc: document\na: 1\nb:\n# meshc: item\n- x: 1\n  # meshc: key\n  y:\n  - 2\n\n  z: 3\n- w: 4\n";
        assert_eq!(
            found(text),
            [
                Some(&text[18..text.len() - 1]),
                Some("- x: 1\n  # meshc: key\n  y:\n  - 2\n\n  z: 3"),
                Some("y:\n  - 2")
            ]
        );
    }

    #[test]
    fn a_comment_before_a_marker_is_for_the_document_behind_it() {
        assert_eq!(found("a: 1\n# meshc: x\n---\nb: 2\n---\nc: 3\n"), [Some("b: 2")]);
        assert_eq!(
            found("a: 1\n---\n# meshc: x\n\nb: 2\nc: 3\n...\n"),
            [Some("b: 2\nc: 3")]
        );
        assert_eq!(found("a: 1\n# meshc: x\n"), [None]);
    }

    #[test]
    fn text_over_several_lines_holds_no_comments() {
        let text = "a:\n  - k: |\n      # meshc: no\n      x\n    # meshc: yes\n    b: 1\n  - >-\n    # meshc: no\n  - c # meshc: no\nd: \"|\"\n# meshc: yes\ne: 1\r\n";
        assert_eq!(found(text), [Some("b: 1"), Some("e: 1")]);
    }
}
