//! Ever larger pieces around a place: the word, what brackets hold, the item, the blocks, the file.

use super::analysis::range;
use super::document::Document;
use super::{TextRange, items};
use crate::syntax::lexer::TokenKind;

/// The pieces around an offset, the smallest first, each larger than the one before.
pub(super) fn selection(document: &Document, offset: u32) -> Vec<TextRange> {
    let parsed = document.parsed();
    let holds = |range: &TextRange| range.start <= offset && offset <= range.end;
    let mut ranges: Vec<TextRange> = Vec::new();
    ranges.extend(parsed.tokens.iter().map(|token| range(token.span)).filter(holds));
    let mut open = Vec::new();
    for token in &parsed.tokens {
        match token.kind {
            TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket => open.push(token.span),
            TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket => {
                if let Some(start) = open.pop() {
                    ranges.push(start.end..token.span.start);
                    ranges.push(start.start..token.span.end);
                }
            }
            _ => {}
        }
    }
    ranges.extend(
        items::around(&parsed.file.items, offset)
            .iter()
            .map(|item| range(item.span)),
    );
    ranges.push(0..u32::try_from(document.text().len()).unwrap_or(u32::MAX));
    ranges.retain(|range| holds(range));
    ranges.sort_by_key(|range| range.end - range.start);
    let mut chain: Vec<TextRange> = Vec::new();
    for range in ranges {
        let larger = chain
            .last()
            .is_none_or(|last| *last != range && range.start <= last.start && last.end <= range.end);
        if larger {
            chain.push(range);
        }
    }
    chain
}
