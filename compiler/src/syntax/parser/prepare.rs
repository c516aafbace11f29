//! From all tokens to those of the grammar: comments left out, brackets paired, nesting bounded.
//!
//! After this pass the braces are balanced: one that is missing is put where the layout says that it was meant, and
//! one too many is dropped. So a forgotten brace is one finding and the rest of the file is read as it was meant.

use super::input::Tok;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::errors;
use crate::syntax::keywords::{self, Kw};
use crate::syntax::lexer::{Token, TokenKind};

/// How deep brackets and blocks nest.
pub(crate) const MAX_DEPTH: usize = 64;

/// The tokens that the grammar sees.
pub(crate) fn prepare<'t>(text: &'t str, tokens: &[Token], acc: &mut Diagnostics) -> Vec<Tok<'t>> {
    let tokens = significant(text, tokens);
    let mut plain = Pairing::new(false);
    plain.run(&tokens);
    // Only a file with a brace too few is read by its layout, which otherwise means nothing.
    let pairing = if plain.unclosed {
        let mut by_layout = Pairing::new(true);
        by_layout.run(&tokens);
        by_layout
    } else {
        plain
    };
    for problem in pairing.problems {
        acc.push(problem);
    }
    pairing.out
}

fn significant<'t>(text: &'t str, tokens: &[Token]) -> Vec<Tok<'t>> {
    let mut end = 0;
    let mut column = 0usize;
    let mut out = Vec::with_capacity(tokens.len());
    for token in tokens.iter().filter(|token| !token.kind.is_trivia()) {
        let range = token.span.range();
        let gap = text.get(end..range.start).unwrap_or_default();
        let line_start = end == 0 || gap.contains('\n');
        if line_start {
            column = gap.rsplit('\n').next().unwrap_or_default().len();
        }
        end = range.end;
        let slice = text.get(range).unwrap_or_default();
        let kw = if token.kind == TokenKind::Word {
            Kw::of(slice)
        } else {
            None
        };
        let tok = Tok {
            kind: token.kind,
            kw,
            text: slice,
            span: token.span,
            index: 0,
            partner: None,
            line_start,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        };
        out.push(tok);
    }
    out
}

struct Pairing<'t> {
    by_layout: bool,
    out: Vec<Tok<'t>>,
    /// The places of brackets that are open.
    open: Vec<usize>,
    unclosed: bool,
    problems: Vec<Diagnostic>,
}

impl<'t> Pairing<'t> {
    fn new(by_layout: bool) -> Self {
        Self {
            by_layout,
            out: Vec::new(),
            open: Vec::new(),
            unclosed: false,
            problems: Vec::new(),
        }
    }

    fn run(&mut self, tokens: &[Tok<'t>]) {
        self.out.reserve(tokens.len());
        let mut rest = tokens.iter();
        while let Some(token) = rest.next() {
            match token.kind {
                TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket => {
                    if self.open.len() == MAX_DEPTH {
                        self.problems.push(errors::nested_too_deep(token.span));
                        let deep = Tok {
                            kind: TokenKind::Unknown,
                            ..*token
                        };
                        self.push(deep);
                        step_over(&mut rest);
                    } else {
                        self.open.push(self.out.len());
                        self.push(*token);
                    }
                }
                TokenKind::CloseBrace => self.close_brace(token),
                TokenKind::CloseParen => self.close(TokenKind::OpenParen, token),
                TokenKind::CloseBracket => self.close(TokenKind::OpenBracket, token),
                _ => {
                    let declares = token.line_start
                        && token.column == 0
                        && keywords::DECLARATIONS.contains(&token.text)
                        && token.kw.is_some();
                    if self.by_layout && declares {
                        self.close_all();
                    }
                    self.push(*token);
                }
            }
        }
        self.close_all();
    }

    fn push(&mut self, token: Tok<'t>) {
        let index = u32::try_from(self.out.len()).unwrap_or(u32::MAX);
        self.out.push(Tok { index, ..token });
    }

    fn kind_at(&self, place: usize) -> Option<TokenKind> {
        self.out.get(place).map(|token| token.kind)
    }

    /// Makes the last token the partner of the one at `place`.
    fn pair(&mut self, place: usize) {
        let last = self.out.len().saturating_sub(1);
        let narrow = |place: usize| u32::try_from(place).ok();
        if let Some(token) = self.out.get_mut(place) {
            token.partner = narrow(last);
        }
        if let Some(token) = self.out.get_mut(last) {
            token.partner = narrow(place);
        }
    }

    /// A round or square bracket closes the nearest of its kind in the same block, if there is one.
    fn close(&mut self, kind: TokenKind, token: &Tok<'t>) {
        let inside = self
            .open
            .iter()
            .rev()
            .take_while(|place| self.kind_at(**place) != Some(TokenKind::OpenBrace));
        let depth = inside.copied().position(|place| self.kind_at(place) == Some(kind));
        self.push(*token);
        if let Some(depth) = depth {
            let keep = self.open.len() - depth - 1;
            let place = self.open.get(keep).copied();
            self.open.truncate(keep);
            if let Some(place) = place {
                self.pair(place);
            }
        }
    }

    /// The nearest open brace, and how many brackets are open with it.
    fn innermost_brace(&self) -> Option<(usize, usize)> {
        self.open
            .iter()
            .enumerate()
            .rev()
            .find(|(_, place)| self.kind_at(**place) == Some(TokenKind::OpenBrace))
            .map(|(depth, place)| (depth, *place))
    }

    fn close_brace(&mut self, token: &Tok<'t>) {
        while let Some((depth, place)) = self.innermost_brace() {
            let opened_at = self.out.get(place).map_or(0, |opener| opener.column);
            if self.by_layout && token.line_start && token.column < opened_at {
                // It stands further left than the line that it would close: that one was left open.
                self.insert_brace(depth, place, true);
                continue;
            }
            self.open.truncate(depth);
            self.push(*token);
            self.pair(place);
            return;
        }
        self.problems.push(errors::stray_brace(token.span));
    }

    fn insert_brace(&mut self, depth: usize, place: usize, report: bool) {
        let end = self.out.last().map(|token| token.span.after()).unwrap_or_default();
        if report && let Some(opener) = self.out.get(place) {
            let line = self.out.iter().take(place).rev().find(|token| token.line_start);
            let head = line.map_or(opener.span, |token| token.span.to(opener.span));
            self.problems.push(errors::unclosed_brace(opener.span, head, end));
        }
        self.open.truncate(depth);
        let closing = Tok {
            kind: TokenKind::CloseBrace,
            kw: None,
            text: "",
            span: Span { ..end },
            index: 0,
            partner: None,
            line_start: false,
            column: 0,
        };
        self.push(closing);
        self.pair(place);
    }

    /// Closes what is open at the end, or before a declaration that stands at the left margin.
    fn close_all(&mut self) {
        let mut first = true;
        while let Some((depth, place)) = self.innermost_brace() {
            self.unclosed = true;
            self.insert_brace(depth, place, first);
            first = false;
        }
        self.open.clear();
    }
}

/// Steps over what a bracket holds, itself read already, and its end.
fn step_over<'a, 't: 'a>(rest: &mut impl Iterator<Item = &'a Tok<'t>>) {
    let mut depth = 1;
    for token in rest {
        match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket => depth += 1,
            TokenKind::CloseParen | TokenKind::CloseBrace | TokenKind::CloseBracket => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}
