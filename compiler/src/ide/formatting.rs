//! A text in the one style, as the smallest edits that lead there.

use super::document::Document;
use super::{Edit, TextRange};
use crate::diagnostics::Diagnostics;
use crate::format;
use crate::source::FileId;
use crate::syntax::lexer::{Token, TokenKind, lex};

/// The edits that bring a text into style, in order; `None` if it has syntax errors.
///
/// The formatter keeps every token in its order, so what differs is what stands between two of them: a cursor in the
/// rest of the text stays where it is.
pub(super) fn format(document: &Document) -> Option<Vec<Edit>> {
    let old = document.text();
    let new = format::format(FileId(0), old).ok()?;
    if new == old {
        return Some(Vec::new());
    }
    let new_tokens = lex(FileId(0), &new, &mut Diagnostics::default());
    let tokens = &document.parsed().tokens;
    if tokens.len() != new_tokens.len() {
        return Some(vec![edit(0..length(old), &new)]);
    }
    let mut edits = Vec::new();
    let (mut old_end, mut new_end) = (0, 0);
    for (token, new_token) in tokens.iter().zip(&new_tokens) {
        change(
            &mut edits,
            old,
            old_end..token.span.start,
            &new,
            new_end..new_token.span.start,
        );
        change(&mut edits, old, inside(token), &new, inside(new_token));
        (old_end, new_end) = (token.span.end, new_token.span.end);
    }
    change(&mut edits, old, old_end..length(old), &new, new_end..length(&new));
    Some(edits)
}

/// The edits of a part of a text: those that begin and end in its lines.
pub(super) fn format_part(document: &Document, part: &TextRange) -> Option<Vec<Edit>> {
    let mut edits = format(document)?;
    let text = document.text();
    let before = text.get(..part.start as usize).unwrap_or_default();
    let start = before.rfind('\n').and_then(|at| u32::try_from(at).ok()).unwrap_or(0);
    edits.retain(|edit| start <= edit.range.start && edit.range.end <= part.end);
    Some(edits)
}

/// The edits of the block that a bracket closes which was just written.
pub(super) fn format_closed(document: &Document, offset: u32) -> Option<Vec<Edit>> {
    let mut open = Vec::new();
    for token in &document.parsed().tokens {
        match token.kind {
            TokenKind::OpenBrace => open.push(token.span.start),
            TokenKind::CloseBrace => {
                let start = open.pop();
                if token.span.end == offset {
                    return format_part(document, &(start?..offset));
                }
            }
            _ => {}
        }
    }
    None
}

fn change(edits: &mut Vec<Edit>, old: &str, range: TextRange, new: &str, new_range: TextRange) {
    let new = text(new, &new_range);
    if text(old, &range) != new {
        edits.push(edit(range, new));
    }
}

fn edit(range: TextRange, new: &str) -> Edit {
    Edit {
        range,
        text: new.to_owned(),
    }
}

const fn inside(token: &Token) -> TextRange {
    token.span.start..token.span.end
}

fn text<'t>(text: &'t str, range: &TextRange) -> &'t str {
    text.get(range.start as usize..range.end as usize).unwrap_or_default()
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}
