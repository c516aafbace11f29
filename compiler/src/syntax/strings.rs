//! What a value's text says: escapes, `\*` and parameters.

use std::ops::Range;

use super::ast::{Name, Piece};
use crate::source::{FileId, Span};

/// A place in a string that says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Bytes from the start of the inner text.
    pub range: Range<usize>,
    pub kind: ProblemKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// A backslash before something else than JSON's letters or `*`.
    Escape,
    /// `\u` without a character's four digits.
    Unicode,
    /// `${` without a parameter's name and `}`.
    Param,
}

/// What is wrong with the text between two quotes.
pub(crate) fn problems(inner: &str) -> Vec<Problem> {
    if !inner.contains(['\\', '$']) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    scan(inner, |_| {}, |problem| problems.push(problem));
    problems
}

/// The pieces of the text between two quotes, which begins at `start`. What is wrong in it is left out.
pub(crate) fn pieces(file: FileId, start: u32, inner: &str) -> Vec<Piece> {
    if !inner.contains(['\\', '$']) {
        return vec![Piece::Text(inner.to_owned())];
    }
    let mut pieces: Vec<Piece> = Vec::new();
    scan(
        inner,
        |part| match part {
            Part::Char(c) => match pieces.last_mut() {
                Some(Piece::Text(text)) => text.push(c),
                _ => pieces.push(Piece::Text(c.to_string())),
            },
            Part::Star => pieces.push(Piece::LiteralStar),
            Part::Param(range) => {
                let offset = |at: usize| start + u32::try_from(at).unwrap_or(0);
                pieces.push(Piece::Param(Name {
                    text: inner.get(range.clone()).unwrap_or_default().to_owned(),
                    span: Span::new(file, offset(range.start), offset(range.end)),
                }));
            }
        },
        |_| {},
    );
    if pieces.is_empty() {
        pieces.push(Piece::Text(String::new()));
    }
    pieces
}

enum Part {
    Char(char),
    Star,
    Param(Range<usize>),
}

fn scan(inner: &str, mut part: impl FnMut(Part), mut problem: impl FnMut(Problem)) {
    let mut at = 0;
    while let Some(rest) = inner.get(at..)
        && let Some(c) = rest.chars().next()
    {
        let start = at;
        at += c.len_utf8();
        match c {
            '$' if rest.starts_with("$${") => {
                at = start + 3;
                part(Part::Char('$'));
                part(Part::Char('{'));
            }
            '$' if rest.starts_with("${") => match param_name(rest) {
                Some(length) => {
                    at = start + 3 + length;
                    part(Part::Param(start + 2..start + 2 + length));
                }
                None => {
                    at = start + 2;
                    problem(Problem {
                        range: start..at,
                        kind: ProblemKind::Param,
                    });
                }
            },
            '\\' => {
                let Some(letter) = rest.get(1..).and_then(|tail| tail.chars().next()) else {
                    problem(Problem {
                        range: start..at,
                        kind: ProblemKind::Escape,
                    });
                    return;
                };
                at += letter.len_utf8();
                match letter {
                    '*' => part(Part::Star),
                    '"' | '\\' | '/' => part(Part::Char(letter)),
                    'b' => part(Part::Char('\u{8}')),
                    'f' => part(Part::Char('\u{c}')),
                    'n' => part(Part::Char('\n')),
                    'r' => part(Part::Char('\r')),
                    't' => part(Part::Char('\t')),
                    'u' => match unicode(rest) {
                        Some((c, length)) => {
                            at = start + length;
                            part(Part::Char(c));
                        }
                        None => problem(Problem {
                            range: start..at,
                            kind: ProblemKind::Unicode,
                        }),
                    },
                    _ => problem(Problem {
                        range: start..at,
                        kind: ProblemKind::Escape,
                    }),
                }
            }
            _ => part(Part::Char(c)),
        }
    }
}

/// The length of the name in `${name}` at the start of a text.
fn param_name(text: &str) -> Option<usize> {
    let name = text.strip_prefix("${")?;
    let length = name.find('}')?;
    let name = name.get(..length)?;
    let first = name.bytes().next()?.is_ascii_lowercase();
    let all = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    (first && all).then_some(length)
}

/// The character of `\uXXXX`, or of two that are a surrogate pair, and the bytes it took.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let high = unit(0)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((char::from_u32(high)?, 6));
    }
    let low = unit(6).filter(|low| (0xdc00..0xe000).contains(low))?;
    Some((char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stars_and_params() {
        let text = |s: &str| Piece::Text(s.to_owned());
        let read = |inner: &str| {
            assert_eq!(problems(inner), [], "{inner}");
            pieces(FileId(0), 1, inner)
        };
        assert_eq!(read(""), [text("")]);
        assert_eq!(read(r#"a\"b\\\/\n\u00e9\ud83d\ude00"#), [text("a\"b\\/\né😀")]);
        assert_eq!(read(r"a\*b*"), [text("a"), Piece::LiteralStar, text("b*")]);
        assert_eq!(read("$${x} $5"), [text("${x} $5")]);
        let name = Name {
            text: "p".into(),
            span: Span::new(FileId(0), 5, 6),
        };
        assert_eq!(read("a-${p}"), [text("a-"), Piece::Param(name)]);
    }

    #[test]
    fn what_says_nothing_is_a_problem() {
        let kinds = |inner: &str| {
            problems(inner)
                .into_iter()
                .map(|p| (p.range, p.kind))
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds(r"a\qb"), [(1..3, ProblemKind::Escape)]);
        assert_eq!(kinds(r"\u12"), [(0..2, ProblemKind::Unicode)]);
        assert_eq!(kinds(r"\ud83dx"), [(0..2, ProblemKind::Unicode)]);
        assert_eq!(kinds("${P}"), [(0..2, ProblemKind::Param)]);
        assert_eq!(kinds("${}"), [(0..2, ProblemKind::Param)]);
    }
}
