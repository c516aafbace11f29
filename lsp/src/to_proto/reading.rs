//! What helps to read, in the protocol's words: colours, hints, lenses, links, selections.

use meshc::ide::{Document, Found, HighlightKind, Highlighted, Hint, Lens, Link, TextRange};
use meshc::source::Unit;
use tower_lsp_server::ls_types as lsp;

use super::{location, position, range, symbol_kind, uri};
use crate::session::Context;

/// The kinds of tokens, in the order of their numbers.
const KINDS: &[(HighlightKind, lsp::SemanticTokenType)] = &[
    (HighlightKind::Keyword, lsp::SemanticTokenType::KEYWORD),
    (HighlightKind::Comment, lsp::SemanticTokenType::COMMENT),
    (HighlightKind::Text, lsp::SemanticTokenType::STRING),
    (HighlightKind::Namespace, lsp::SemanticTokenType::NAMESPACE),
    (HighlightKind::Workload, lsp::SemanticTokenType::CLASS),
    (HighlightKind::Identity, lsp::SemanticTokenType::VARIABLE),
    (HighlightKind::Issuer, lsp::SemanticTokenType::INTERFACE),
    (HighlightKind::Operation, lsp::SemanticTokenType::METHOD),
    (HighlightKind::Template, lsp::SemanticTokenType::FUNCTION),
    (HighlightKind::Param, lsp::SemanticTokenType::PARAMETER),
    (HighlightKind::Provider, lsp::SemanticTokenType::PROPERTY),
];

/// What the numbers of tokens mean.
pub(crate) fn legend() -> lsp::SemanticTokensLegend {
    lsp::SemanticTokensLegend {
        token_types: KINDS.iter().map(|(_, kind)| kind.clone()).collect(),
        token_modifiers: vec![
            lsp::SemanticTokenModifier::DECLARATION,
            lsp::SemanticTokenModifier::DEFAULT_LIBRARY,
        ],
    }
}

/// Tokens, each by its distance from the one before.
pub(crate) fn tokens(document: &Document, pieces: &[Highlighted], unit: Unit) -> Vec<lsp::SemanticToken> {
    let mut before = lsp::Position::default();
    let mut tokens = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let range = range(document, &piece.range, unit);
        let delta_line = range.start.line - before.line;
        let number = KINDS.iter().position(|(kind, _)| *kind == piece.kind);
        tokens.push(lsp::SemanticToken {
            delta_line,
            delta_start: if delta_line == 0 {
                range.start.character - before.character
            } else {
                range.start.character
            },
            length: range.end.character.saturating_sub(range.start.character),
            token_type: number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default(),
            token_modifiers_bitset: u32::from(piece.declares) | (u32::from(piece.is_std) << 1),
        });
        before = range.start;
    }
    tokens
}

/// The one edit that makes the new tokens of the old ones; none if they are the same.
pub(crate) fn tokens_edit(old: &[lsp::SemanticToken], new: &[lsp::SemanticToken]) -> Vec<lsp::SemanticTokensEdit> {
    /// A token is five numbers.
    const NUMBERS: usize = 5;
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let same = |(old, new): &(&lsp::SemanticToken, &lsp::SemanticToken)| old == new;
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(same)
        .count();
    let (gone, come) = (old_rest.len() - tail, new_rest.len() - tail);
    if gone == 0 && come == 0 {
        return Vec::new();
    }
    let numbers = |tokens: usize| u32::try_from(tokens * NUMBERS).unwrap_or(u32::MAX);
    vec![lsp::SemanticTokensEdit {
        start: numbers(head),
        delete_count: numbers(gone),
        data: Some(new_rest.get(..come).unwrap_or_default().to_vec()),
    }]
}

pub(crate) fn hint(document: &Document, hint: &Hint, unit: Unit) -> lsp::InlayHint {
    lsp::InlayHint {
        position: position(document.lines().position(document.text(), hint.offset, unit)),
        label: lsp::InlayHintLabel::String(hint.text.clone()),
        kind: None,
        text_edits: None,
        tooltip: Some(lsp::InlayHintTooltip::String(hint.tooltip.clone())),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}

/// A lens that gives a command about its place.
pub(crate) fn lens(document: &Document, lens: &Lens, text: &lsp::Uri, command: &str, unit: Unit) -> lsp::CodeLens {
    let range = range(document, &lens.range, unit);
    let arguments = vec![serde_json::json!(text), serde_json::json!(range.start)];
    lsp::CodeLens {
        range,
        command: Some(lsp::Command {
            title: lens.title.clone(),
            command: command.to_owned(),
            arguments: Some(arguments),
        }),
        data: None,
    }
}

pub(crate) fn link(document: &Document, link: &Link, unit: Unit) -> Option<lsp::DocumentLink> {
    Some(lsp::DocumentLink {
        range: range(document, &link.range, unit),
        target: Some(uri(&link.target)?),
        tooltip: None,
        data: None,
    })
}

/// Pieces around a place, the smallest with the next larger one as its parent, and so on.
pub(crate) fn selection(document: &Document, pieces: &[TextRange], unit: Unit) -> lsp::SelectionRange {
    let mut chain: Option<lsp::SelectionRange> = None;
    for piece in pieces.iter().rev() {
        chain = Some(lsp::SelectionRange {
            range: range(document, piece, unit),
            parent: chain.map(Box::new),
        });
    }
    chain.unwrap_or(lsp::SelectionRange {
        range: lsp::Range::default(),
        parent: None,
    })
}

pub(crate) fn found(context: &Context, found: &Found) -> Option<lsp::WorkspaceSymbol> {
    Some(lsp::WorkspaceSymbol {
        name: found.name.clone(),
        kind: symbol_kind(found.kind),
        tags: None,
        container_name: found.container.clone(),
        location: lsp::OneOf::Left(location(context, &found.place)?),
        data: None,
    })
}
