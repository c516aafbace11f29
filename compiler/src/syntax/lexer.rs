//! Text to tokens: the only door to `logos`.
//!
//! Comments stay in the list, so that the formatter can keep them and doc comments find their item. What is no token
//! is reported here, once, and stands in the list as [`TokenKind::Glued`] or [`TokenKind::Unknown`]: the parser does
//! not complain about it again.

use logos::Logos;

use super::{errors, strings};
use crate::diagnostics::Diagnostics;
use crate::source::{FileId, Span};

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// What a token is. Blanks are no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    Word,
    /// `"…"`, quotes included.
    String,
    /// `"""…"""`, quotes included.
    Raw,
    /// `${param}`.
    Param,
    Equal,
    NotEqual,
    And,
    Comma,
    Colon,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    /// `# …`, without the end of the line.
    Comment,
    /// `## …`.
    Doc,
    /// `# meshc: …`.
    Suppression,
    /// Text that should have been quoted; it stands for its value, and is reported already.
    Glued,
    /// What means nothing anywhere; it is reported already.
    Unknown,
}

impl TokenKind {
    /// Whether the grammar does not see it.
    #[must_use]
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::Comment | Self::Doc | Self::Suppression)
    }
}

#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
enum Raw {
    #[regex(r"[ \t\n]+|\r\n")]
    Blank,
    #[regex(r"#[^\n]*", allow_greedy = true)]
    Comment,
    #[regex(r"([A-Za-z0-9_./*\-]|\{\*\*?\}|::)(:?([A-Za-z0-9_./*\-]|\{\*\*?\})|::)*")]
    Word,
    #[regex(r"\$\{[a-z][a-z0-9_\-]*\}")]
    Param,
    #[token("\"")]
    Quote,
    #[token("\"\"\"")]
    Triple,
    #[token("=")]
    Equal,
    #[token("!=")]
    NotEqual,
    #[token("&")]
    And,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[regex(r"[^\n]", priority = 0)]
    Other,
}

/// The tokens of a text, comments included, blanks not.
pub fn lex(file: FileId, text: &str, acc: &mut Diagnostics) -> Vec<Token> {
    if u32::try_from(text.len()).is_err() {
        acc.push(errors::file_too_large(Span::new(file, 0, 0)));
        return Vec::new();
    }
    let mut scanner = Scanner {
        file,
        lexer: Raw::lexer(text),
        tokens: Vec::with_capacity(text.len() / 6),
        acc,
    };
    while let Some(raw) = scanner.lexer.next() {
        scanner.take(raw.unwrap_or(Raw::Other));
    }
    scanner.tokens
}

struct Scanner<'t, 'a> {
    file: FileId,
    lexer: logos::Lexer<'t, Raw>,
    tokens: Vec<Token>,
    acc: &'a mut Diagnostics,
}

impl Scanner<'_, '_> {
    fn take(&mut self, raw: Raw) {
        let kind = match raw {
            Raw::Blank => return,
            Raw::Comment => self.comment(),
            Raw::Word => self.word(),
            Raw::Param => {
                if self.ends_here() {
                    TokenKind::Param
                } else {
                    self.glued()
                }
            }
            Raw::Quote => self.string(),
            Raw::Triple => self.raw_string(),
            Raw::Equal => TokenKind::Equal,
            Raw::NotEqual => TokenKind::NotEqual,
            Raw::And => TokenKind::And,
            Raw::Comma => TokenKind::Comma,
            Raw::Colon => TokenKind::Colon,
            Raw::OpenParen => TokenKind::OpenParen,
            Raw::CloseParen => TokenKind::CloseParen,
            Raw::OpenBrace => TokenKind::OpenBrace,
            Raw::CloseBrace => TokenKind::CloseBrace,
            Raw::OpenBracket => TokenKind::OpenBracket,
            Raw::CloseBracket => TokenKind::CloseBracket,
            Raw::Other => match self.other() {
                Some(kind) => kind,
                None => return,
            },
        };
        let mut range = self.lexer.span();
        if kind.is_trivia() && self.lexer.slice().ends_with('\r') {
            range.end -= 1;
        }
        let span = self.span_at(range);
        self.tokens.push(Token { kind, span });
    }

    fn span(&self) -> Span {
        self.span_at(self.lexer.span())
    }

    /// The length was checked to fit.
    fn span_at(&self, range: std::ops::Range<usize>) -> Span {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span::new(self.file, narrow(range.start), narrow(range.end))
    }

    /// Whether a bare word may end before the next character.
    fn ends_here(&self) -> bool {
        let rest = self.lexer.remainder();
        // A `;` at the end of a line is a habit from elsewhere, not a part of the word.
        let rest = rest
            .strip_prefix(';')
            .filter(|rest| rest.is_empty() || rest.starts_with(blank))
            .unwrap_or(rest);
        rest.is_empty() || rest.starts_with(|c| blank(c) || "(){}[],=&\":".contains(c))
    }

    fn starts_line(&self) -> bool {
        let before = self.lexer.source().get(..self.lexer.span().start).unwrap_or_default();
        before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
    }

    fn comment(&mut self) -> TokenKind {
        let slice = self.lexer.slice();
        let start = self.lexer.span().start;
        let body = slice.strip_suffix('\r').unwrap_or(slice);
        self.check_characters(start, body, Place::Comment);
        // A text that is cut off in the middle of `\r\n` at its end is no reason to complain.
        if body.starts_with("##") && !body.starts_with("###") {
            TokenKind::Doc
        } else if body
            .get(1..)
            .is_some_and(|rest| rest.trim_start().starts_with("meshc:"))
        {
            TokenKind::Suppression
        } else {
            TokenKind::Comment
        }
    }

    fn word(&mut self) -> TokenKind {
        let rest = self.lexer.remainder();
        if rest.starts_with("!=") {
            self.acc.push(errors::glued_operator(self.span()));
            return TokenKind::Word;
        }
        let word = self.lexer.slice();
        if word == "//" && self.ends_here() && self.starts_line() {
            self.acc.push(errors::slashes(self.span()));
            let line = rest.find('\n').unwrap_or(rest.len());
            self.lexer.bump(line);
            return TokenKind::Comment;
        }
        let template = (word.starts_with('/') || word.ends_with('/')) && braces(rest).is_some();
        if self.ends_here() && !template {
            TokenKind::Word
        } else {
            self.glued()
        }
    }

    /// Takes what is glued to the token as well, and reports all of it.
    fn glued(&mut self) -> TokenKind {
        self.lexer.bump(run(self.lexer.slice(), self.lexer.remainder()));
        if !self.lexer.slice().contains(char::is_alphanumeric) {
            return self.unknown();
        }
        self.acc.push(errors::unquoted_text(self.span(), self.lexer.slice()));
        TokenKind::Glued
    }

    fn string(&mut self) -> TokenKind {
        let rest = self.lexer.remainder();
        let mut escaped = false;
        let mut end = None;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'\n' => break,
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
        }
        let Some(end) = end else {
            let line = rest.find('\n').map_or(rest, |at| rest.get(..at).unwrap_or(rest));
            self.lexer.bump(line.trim_end().len());
            self.acc.push(errors::unterminated_string(self.span()));
            return TokenKind::Glued;
        };
        self.lexer.bump(end + 1);
        let start = self.lexer.span().start + 1;
        let inner = rest.get(..end).unwrap_or_default();
        self.check_characters(start, inner, Place::String);
        for problem in strings::problems(inner) {
            let span = self.span_at(start + problem.range.start..start + problem.range.end);
            self.acc.push(errors::bad_escape(span, &problem));
        }
        TokenKind::String
    }

    fn raw_string(&mut self) -> TokenKind {
        let rest = self.lexer.remainder();
        let start = self.lexer.span().start + 3;
        let Some(end) = rest.find("\"\"\"") else {
            let opening = self.span();
            self.lexer.bump(rest.len());
            self.acc.push(errors::unterminated_raw_string(opening));
            return TokenKind::Glued;
        };
        self.lexer.bump(end + 3);
        self.check_characters(start, rest.get(..end).unwrap_or_default(), Place::Raw);
        TokenKind::Raw
    }

    /// A character that starts no token.
    fn other(&mut self) -> Option<TokenKind> {
        let slice = self.lexer.slice();
        let first = slice.chars().next()?;
        match first {
            '\u{feff}' if self.lexer.span().start == 0 => None,
            ';' => {
                self.acc.push(errors::semicolon(self.span()));
                None
            }
            '\'' => {
                let rest = self.lexer.remainder();
                let line = rest.find('\n').map_or(rest, |at| rest.get(..at).unwrap_or(rest));
                match line.find('\'') {
                    Some(end) => {
                        self.lexer.bump(end + 1);
                        self.acc.push(errors::single_quotes(self.span(), self.lexer.slice()));
                        Some(TokenKind::Glued)
                    }
                    None => Some(self.unknown()),
                }
            }
            // A file cut off between `\r` and `\n`.
            '\r' if self.lexer.remainder().is_empty() => None,
            _ if hidden(first) || first.is_control() || first.is_whitespace() => {
                self.acc.push(errors::hidden_character(self.span(), first));
                None
            }
            _ => Some(self.glued()),
        }
    }

    fn unknown(&mut self) -> TokenKind {
        self.acc
            .push(errors::unexpected_character(self.span(), self.lexer.slice()));
        TokenKind::Unknown
    }

    /// Reports characters that a reader of the text does not see, or sees elsewhere.
    fn check_characters(&mut self, start: usize, text: &str, place: Place) {
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return;
        }
        for (at, c) in text.char_indices() {
            let allowed = match c {
                '\t' => place != Place::String,
                '\n' => place == Place::Raw,
                '\r' => place == Place::Raw && text.get(at + 1..).is_some_and(|rest| rest.starts_with('\n')),
                _ => !c.is_control() && !hidden(c),
            };
            if !allowed {
                let span = self.span_at(start + at..start + at + c.len_utf8());
                self.acc.push(errors::hidden_character(span, c));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Comment,
    String,
    Raw,
}

/// Characters that change how a text looks without being seen: they could show a reviewer another policy.
fn hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

fn blank(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// How many bytes after `token` are glued to it, up to a blank or to what ends a word.
fn run(token: &str, rest: &str) -> usize {
    // `=` and `&` belong to what looks like a path or an address with a query, and join pairs elsewhere.
    let mut address = token.starts_with('/') || token.contains("://");
    let mut at = 0;
    while let Some(tail) = rest.get(at..)
        && let Some(c) = tail.chars().next()
    {
        match c {
            '(' | ')' | '[' | ']' | ',' | '"' | '}' => break,
            '=' | '&' if !address => break,
            '{' => match braces(tail) {
                Some(length) => {
                    at += length;
                    continue;
                }
                None => break,
            },
            _ if c.is_whitespace() || c.is_control() || hidden(c) => break,
            '?' => address = true,
            _ => {}
        }
        at += c.len_utf8();
    }
    at
}

/// The length of `{…}` at the start, if it holds a bare run of characters.
fn braces(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('{')?;
    let end = inner.find(|c: char| c.is_whitespace() || "{}()[],\"".contains(c))?;
    (end > 0 && inner.get(end..)?.starts_with('}')).then_some(end + 2)
}

/// Whether a text is one bare word as it stands.
#[must_use]
pub fn is_bare_word(text: &str) -> bool {
    let mut lexer = Raw::lexer(text);
    // At the start of a line `//` would look like a comment of another language.
    lexer.next() == Some(Ok(Raw::Word)) && lexer.remainder().is_empty() && text != "//"
}
