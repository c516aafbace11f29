//! `# meshc: allow(CODE) because REASON`: findings that the author has judged.

use super::ast::{DestinationItem, DestinationItemKind, File, Item, ItemKind, Name, TestBody};
use super::errors;
use super::lexer::{Token, TokenKind};
use crate::diagnostics::Diagnostics;
use crate::source::Span;

/// One such comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The id or name of the code, as written.
    pub code: Name,
    pub reason: String,
    /// The comment.
    pub span: Span,
    /// What follows it: the item, line or block that it speaks of. None at the end of a block or file.
    pub target: Option<Span>,
}

/// The suppressions of a file; one that is not written as it must be is reported.
pub(crate) fn suppressions(text: &str, tokens: &[Token], file: &File, acc: &mut Diagnostics) -> Vec<Suppression> {
    let mut found = Vec::new();
    let mut next = None;
    for token in tokens.iter().rev() {
        if !token.kind.is_trivia() {
            next = Some(token.span);
        }
        if token.kind != TokenKind::Suppression {
            continue;
        }
        let comment = text.get(token.span.range()).unwrap_or_default();
        found.extend(of_comment(comment, token.span, next, acc));
    }
    found.reverse();
    if !found.is_empty() {
        let mut spans = Vec::new();
        item_spans(&file.items, &mut spans);
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        for suppression in &mut found {
            suppression.target = suppression.target.and_then(|next| {
                let at = spans.partition_point(|span| span.start < next.start);
                spans.get(at).copied().filter(|span| span.start == next.start)
            });
        }
    }
    found
}

/// What a comment of this form starts with, behind its sign.
pub(crate) const WORD: &str = "meshc:";

/// A comment of a manifest: `span` is its place, and `target` that of what follows it. `None` if it is not written as it must
/// be, which is reported.
pub(crate) fn of_comment(text: &str, span: Span, target: Option<Span>, acc: &mut Diagnostics) -> Option<Suppression> {
    let Some((code, reason)) = read(text) else {
        acc.push(errors::bad_suppression(span));
        return None;
    };
    let at = |offset: usize| span.start + u32::try_from(offset).unwrap_or(0);
    Some(Suppression {
        code: Name {
            span: Span {
                start: at(code.start),
                end: at(code.end),
                ..span
            },
            text: text.get(code).unwrap_or_default().to_owned(),
        },
        reason: reason.to_owned(),
        span,
        target,
    })
}

/// The range of the code, and the reason.
fn read(comment: &str) -> Option<(std::ops::Range<usize>, &str)> {
    let body = comment
        .trim_start_matches('#')
        .trim_start()
        .strip_prefix(WORD)?
        .trim_start();
    let inner = body.strip_prefix("allow(")?;
    let (code, rest) = inner.split_once(')')?;
    let start = comment.len() - inner.len();
    let reason = rest.trim_start().strip_prefix("because ")?.trim();
    let word = !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (word && !reason.is_empty()).then_some((start..start + code.len(), reason))
}

fn item_spans(items: &[Item], spans: &mut Vec<Span>) {
    for item in items {
        spans.push(item.span);
        match &item.kind {
            ItemKind::Template { items, .. }
            | ItemKind::Mesh { items }
            | ItemKind::Namespace { items, .. }
            | ItemKind::Scope { items, .. }
            | ItemKind::Object { items, .. } => item_spans(items, spans),
            ItemKind::Issuer(issuer) => spans.extend(issuer.items.iter().map(|item| item.span)),
            ItemKind::Destination(destination) => destination_spans(&destination.items, spans),
            ItemKind::Test(test) => match &test.body {
                TestBody::At { lines, .. } => spans.extend(lines.iter().map(|line| line.span)),
                TestBody::From { lines, .. } => spans.extend(lines.iter().map(|line| line.span)),
            },
            ItemKind::Use { .. }
            | ItemKind::Param { .. }
            | ItemKind::Identity { .. }
            | ItemKind::Operation { .. }
            | ItemKind::Apply { .. }
            | ItemKind::Metadata { .. }
            | ItemKind::Legacy(_)
            | ItemKind::Fact(_)
            | ItemKind::Rule(_)
            | ItemKind::Invariant(_)
            | ItemKind::Bad => {}
        }
    }
}

fn destination_spans(items: &[DestinationItem], spans: &mut Vec<Span>) {
    for item in items {
        spans.push(item.span);
        match &item.kind {
            DestinationItemKind::Tls(tls) => spans.extend(tls.items.iter().map(|item| item.span)),
            DestinationItemKind::Subset { items, .. } => destination_spans(items, spans),
            DestinationItemKind::Select(_)
            | DestinationItemKind::ExportTo(_)
            | DestinationItemKind::Clients(_)
            | DestinationItemKind::Metadata { .. }
            | DestinationItemKind::Bad => {}
        }
    }
}
