//! What of a text can be folded away: blocks, lists, runs of comments and of `use`.

use super::TextRange;
use super::document::Document;
use crate::syntax::ast::ItemKind;
use crate::syntax::lexer::TokenKind;

/// A piece that can be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// From behind what stays visible to before what closes it.
    pub range: TextRange,
    pub kind: FoldKind,
}

/// What a fold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    Block,
    Comment,
    Imports,
}

/// Every fold of a text that is longer than a line.
pub(super) fn folds(document: &Document) -> Vec<Fold> {
    let mut folds = brackets(document);
    folds.extend(comments(document));
    folds.extend(imports(document));
    let text = document.text();
    folds.retain(|fold| {
        text.get(fold.range.start as usize..fold.range.end as usize)
            .is_some_and(|inner| inner.contains('\n'))
    });
    folds.sort_by_key(|fold| (fold.range.start, fold.range.end));
    folds
}

fn brackets(document: &Document) -> Vec<Fold> {
    let mut open = Vec::new();
    let mut folds = Vec::new();
    for token in &document.parsed().tokens {
        match token.kind {
            TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket => open.push(token.span.end),
            TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket => {
                folds.extend(open.pop().map(|start| Fold {
                    range: start..token.span.start,
                    kind: FoldKind::Block,
                }));
            }
            _ => {}
        }
    }
    folds
}

/// Comments that stand on lines of their own, one under the other.
fn comments(document: &Document) -> Vec<Fold> {
    let text = document.text();
    let between = |from: u32, to: u32| text.get(from as usize..to as usize).unwrap_or_default();
    let mut folds: Vec<Fold> = Vec::new();
    let mut run: Option<TextRange> = None;
    let mut end_of_code = 0;
    for token in &document.parsed().tokens {
        if !token.kind.is_trivia() {
            end_of_code = token.span.end;
            folds.extend(run.take().map(comment));
            continue;
        }
        let alone = end_of_code == 0 || between(end_of_code, token.span.start).contains('\n');
        run = match run.take() {
            Some(range) if between(range.end, token.span.start).matches('\n').count() == 1 => {
                Some(range.start..token.span.end)
            }
            earlier => {
                folds.extend(earlier.map(comment));
                alone.then_some(token.span.start..token.span.end)
            }
        };
    }
    folds.extend(run.map(comment));
    folds
}

const fn comment(range: TextRange) -> Fold {
    Fold {
        range,
        kind: FoldKind::Comment,
    }
}

fn imports(document: &Document) -> Vec<Fold> {
    let mut folds: Vec<Fold> = Vec::new();
    let mut goes_on = false;
    for item in &document.parsed().file.items {
        let is_use = matches!(item.kind, ItemKind::Use { .. });
        match folds.last_mut() {
            Some(fold) if is_use && goes_on => fold.range.end = item.span.end,
            _ if is_use => folds.push(Fold {
                range: item.span.start..item.span.end,
                kind: FoldKind::Imports,
            }),
            _ => {}
        }
        goes_on = is_use;
    }
    folds
}
