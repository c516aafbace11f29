//! From marked tokens to lines.

use std::ops::Range;

use super::WIDTH;
use super::marks::{Break, Marks, Node};
use crate::syntax::lexer::{Token, TokenKind};

const INDENT: usize = 4;

/// The tokens as text.
pub(super) fn print(text: &str, tokens: &[Token], marks: &Marks) -> String {
    let mut printer = Printer {
        text,
        tokens,
        marks,
        lines: Vec::new(),
    };
    printer.nodes(&marks.nodes, 0, tokens.len(), 0);
    align(&mut printer.lines);
    let mut out = String::with_capacity(text.len());
    for line in &printer.lines {
        if line.blank_before {
            out.push('\n');
        }
        out.extend(std::iter::repeat_n(' ', line.indent * INDENT));
        out.push_str(&line.text);
        if let Some(comment) = &line.comment {
            out.extend(std::iter::repeat_n(' ', comment.column.saturating_sub(line.width())));
            out.push_str(&comment.text);
        }
        out.push('\n');
    }
    out
}

struct Line {
    blank_before: bool,
    indent: usize,
    text: String,
    comment: Option<Trailing>,
}

/// A comment after something on its line, and the column where it stood or shall stand.
struct Trailing {
    text: String,
    column: usize,
}

impl Line {
    /// Where its text ends; of a raw string over several lines, the last one.
    fn width(&self) -> usize {
        match self.text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.indent * INDENT + self.text.chars().count(),
        }
    }
}

/// Lines up the trailing comments of neighbouring lines: where they already stand under each other they stay, else
/// two blanks after the longest line.
fn align(lines: &mut [Line]) {
    let runs = lines.chunk_by_mut(|a, b| a.comment.is_some() && b.comment.is_some() && !b.blank_before);
    for run in runs {
        let least = run.iter().map(|line| line.width() + 2).max().unwrap_or(0);
        let mut columns = run
            .iter()
            .filter_map(|line| line.comment.as_ref())
            .map(|comment| comment.column);
        let Some(first) = columns.next() else { continue };
        let column = if columns.all(|column| column == first) && first >= least {
            first
        } else {
            least
        };
        for comment in run.iter_mut().filter_map(|line| line.comment.as_mut()) {
            comment.column = column;
        }
    }
}

/// A token on its way into a line.
struct Part<'t> {
    text: &'t str,
    blank: bool,
    quality: Option<Break>,
    depth: usize,
}

impl Part<'_> {
    fn width(&self) -> usize {
        usize::from(self.blank) + self.text.chars().count()
    }
}

struct Printer<'a> {
    text: &'a str,
    tokens: &'a [Token],
    marks: &'a Marks,
    lines: Vec<Line>,
}

impl<'a> Printer<'a> {
    /// What stands between two tokens.
    fn gap(&self, at: usize) -> &'a str {
        let end = self
            .tokens
            .get(at)
            .map_or(self.text.len(), |token| token.span.start as usize);
        let start = match at.checked_sub(1).and_then(|before| self.tokens.get(before)) {
            Some(before) => before.span.end as usize,
            None => 0,
        };
        self.text.get(start..end).unwrap_or_default()
    }

    fn starts_line(&self, at: usize) -> bool {
        at == 0 || self.gap(at).contains('\n')
    }

    fn blank_line_before(&self, at: usize) -> bool {
        at > 0 && self.gap(at).bytes().filter(|byte| *byte == b'\n').count() > 1
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn source(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .and_then(|token| self.text.get(token.span.range()))
            .unwrap_or_default()
    }

    fn text_of(&self, at: usize) -> &'a str {
        self.marks
            .texts
            .get(&at)
            .map_or_else(|| self.source(at), String::as_str)
    }

    fn is_comment(&self, at: usize) -> bool {
        self.kind(at).is_some_and(TokenKind::is_trivia)
    }

    fn column(&self, at: usize) -> usize {
        let end = self.tokens.get(at).map_or(0, |token| token.span.start as usize);
        let before = self.text.get(..end).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.trim_start_matches('\u{feff}').chars().count()
    }

    /// Nodes and the comments around them, up to a token that is not theirs.
    fn nodes(&mut self, nodes: &[Node], from: usize, to: usize, indent: usize) {
        let mut at = from;
        // No blank line after the brace of a block, or at the start.
        let mut first = true;
        for node in nodes {
            self.comments(at..node.first, indent, &mut first);
            let blank = !first && self.blank_line_before(node.first);
            self.node(node, indent, blank);
            first = false;
            at = node.last + 1;
        }
        self.comments(at..to, indent, &mut first);
    }

    fn comments(&mut self, range: Range<usize>, indent: usize, first: &mut bool) {
        for at in range {
            if !self.is_comment(at) {
                continue;
            }
            let blank = !*first && self.blank_line_before(at);
            if self.comment(at, indent, blank) {
                *first = false;
            }
        }
    }

    /// A comment on the line of what it follows, or on one of its own; says whether on its own.
    fn comment(&mut self, at: usize, indent: usize, blank_before: bool) -> bool {
        let text = self.source(at).trim_end().to_owned();
        let column = self.column(at);
        let follows = !self.starts_line(at);
        match self.lines.last_mut() {
            Some(line) if follows && line.comment.is_none() => {
                line.comment = Some(Trailing { text, column });
                false
            }
            _ => {
                self.lines.push(Line {
                    blank_before,
                    indent,
                    text,
                    comment: None,
                });
                true
            }
        }
    }

    fn node(&mut self, node: &Node, indent: usize, blank_before: bool) {
        let Some(block) = &node.block else {
            self.flow(node.first..node.last + 1, indent, blank_before);
            return;
        };
        let inside = block.open + 1..node.last;
        let comments = inside.clone().any(|at| self.is_comment(at));
        let short = match block.children.as_slice() {
            [] => !comments,
            [only] => {
                let one_line = (block.open + 1..=node.last).all(|at| !self.starts_line(at));
                only.block.is_none() && !comments && one_line && self.fits(node.first..node.last + 1, indent)
            }
            _ => false,
        };
        if short {
            self.flow(node.first..node.last + 1, indent, blank_before);
            return;
        }
        self.flow(node.first..block.open + 1, indent, blank_before);
        self.nodes(&block.children, block.open + 1, node.last, indent + 1);
        self.lines.push(Line {
            blank_before: false,
            indent,
            text: "}".to_owned(),
            comment: None,
        });
    }

    fn fits(&self, range: Range<usize>, indent: usize) -> bool {
        let width: usize = self.parts(&self.order(range)).iter().map(Part::width).sum();
        indent * INDENT + width <= WIDTH
    }

    /// The tokens of a range in the order of the style.
    fn order(&self, range: Range<usize>) -> Vec<usize> {
        let start = range.start;
        let mut order: Vec<usize> = range.clone().collect();
        // They are in the order of their ends.
        let first = self.marks.orders.partition_point(|(whole, _)| whole.end <= range.start);
        let inside = self
            .marks
            .orders
            .iter()
            .skip(first)
            .take_while(|(whole, _)| whole.end <= range.end);
        for (whole, ranges) in inside {
            let place = |range: &Range<usize>| order.get(range.start - start..range.end - start).unwrap_or_default();
            let sorted: Vec<usize> = ranges.iter().flat_map(place).copied().collect();
            if let Some(slot) = order.get_mut(whole.start - start..whole.end - start)
                && slot.len() == sorted.len()
            {
                slot.copy_from_slice(&sorted);
            }
        }
        order
    }

    /// One item over as few lines as it needs, and its comments where they stand.
    fn flow(&mut self, range: Range<usize>, indent: usize, blank_before: bool) {
        let order = self.order(range);
        let mut blank_before = blank_before;
        let mut indent = indent;
        let first_indent = indent;
        let comment = |at: usize| self.tokens.get(at).is_some_and(|token| token.kind.is_trivia());
        let pieces: Vec<&[usize]> = order.chunk_by(|a, b| !comment(*a) && !comment(*b)).collect();
        for piece in pieces {
            match piece {
                [at] if self.is_comment(*at) => {
                    self.comment(*at, first_indent + 1, false);
                }
                piece => {
                    let parts = self.parts(piece);
                    let fits = indent * INDENT + parts.iter().map(Part::width).sum::<usize>() <= WIDTH;
                    for line in parts.chunk_by(|_, next| fits || next.quality != Some(Break::Part)) {
                        self.wrap(line, indent, first_indent + 1, blank_before);
                        blank_before = false;
                        indent = first_indent + 1;
                    }
                }
            }
        }
    }

    fn parts(&self, order: &[usize]) -> Vec<Part<'a>> {
        let mut parts: Vec<Part<'a>> = Vec::with_capacity(order.len());
        let mut before: Option<TokenKind> = None;
        let mut depth = 0usize;
        let mut dropped: Option<Break> = None;
        for at in order.iter().copied() {
            let Some(kind) = self.kind(at) else { continue };
            let text = self.text_of(at);
            if text.is_empty() {
                dropped = self.marks.breaks.get(&at).copied();
                continue;
            }
            if matches!(
                kind,
                TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace
            ) {
                depth = depth.saturating_sub(1);
            }
            let blank = before.is_some_and(|before| blank_between(before, kind)) && !self.marks.tight.contains_key(&at);
            let quality = dropped.take().or(self.marks.breaks.get(&at).copied());
            parts.push(Part {
                text,
                blank,
                quality,
                depth,
            });
            if matches!(
                kind,
                TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace
            ) {
                depth += 1;
            }
            before = Some(kind);
        }
        parts
    }

    /// Fills lines; each break is the best and last one that keeps its line short enough. What follows it is indented
    /// once more, and once for each bracket that it stands in.
    fn wrap(&mut self, parts: &[Part<'a>], indent: usize, next_indent: usize, blank_before: bool) {
        let mut rest = parts;
        let mut indent = indent;
        let mut blank_before = blank_before;
        while !rest.is_empty() {
            let at = break_at(rest, WIDTH.saturating_sub(indent * INDENT)).unwrap_or(rest.len());
            let (line, later) = rest.split_at_checked(at.max(1)).unwrap_or((rest, &[]));
            let mut text = String::new();
            for (number, part) in line.iter().enumerate() {
                if part.blank && number > 0 {
                    text.push(' ');
                }
                text.push_str(part.text);
            }
            self.lines.push(Line {
                blank_before,
                indent,
                text,
                comment: None,
            });
            rest = later;
            if let Some(next) = later.first() {
                let inside = matches!(next.quality, Some(Break::List | Break::Term));
                indent = next_indent + next.depth + usize::from(inside);
            }
            blank_before = false;
        }
    }
}

/// Where a line that must not be wider than `room` ends; None if all of it fits or nothing can be done.
fn break_at(parts: &[Part<'_>], room: usize) -> Option<usize> {
    let mut width = 0;
    let mut best: Option<(usize, Break, usize)> = None;
    for (at, part) in parts.iter().enumerate() {
        if at > 0
            && let Some(quality) = part.quality
        {
            let better = best.is_none_or(|(_, of, depth)| (quality, depth) >= (of, part.depth));
            // Past the edge, the first chance is taken.
            if width > room && best.is_none() {
                return Some(at);
            }
            if width <= room && better {
                best = Some((at, quality, part.depth));
            }
        }
        width += if at == 0 {
            part.text.chars().count()
        } else {
            part.width()
        };
        if width > room
            && let Some((at, _, _)) = best
        {
            return Some(at);
        }
    }
    None
}

/// Whether two tokens on a line stand apart.
fn blank_between(before: TokenKind, next: TokenKind) -> bool {
    match (before, next) {
        (TokenKind::OpenBrace, TokenKind::CloseBrace)
        | (TokenKind::OpenParen | TokenKind::OpenBracket, _)
        | (_, TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::Comma | TokenKind::Colon) => false,
        // `header[name]` and `claim[key]`, but `= [list]`.
        (TokenKind::Word | TokenKind::String | TokenKind::Param | TokenKind::CloseBracket, TokenKind::OpenBracket) => {
            false
        }
        _ => true,
    }
}
