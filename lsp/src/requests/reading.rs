//! Requests that help to read.

use std::path::PathBuf;

use meshc::ide::LensKind;
use tower_lsp_server::ls_types as lsp;

use super::open;
use crate::capabilities::{RUN_TEST, SHOW_EMITTED};
use crate::session::Context;
use crate::to_proto::reading;
use crate::{from_proto, reference, to_proto};

/// The tokens of a text, with its path.
pub(crate) fn semantic_tokens(context: &Context, uri: &lsp::Uri) -> Option<(PathBuf, Vec<lsp::SemanticToken>)> {
    let (path, document) = open(context, uri)?;
    let pieces = context.snapshot.highlighting(&path);
    let tokens = reading::tokens(&document, &pieces, context.session.unit);
    Some((path, tokens))
}

pub(crate) fn semantic_tokens_range(
    context: &Context,
    params: &lsp::SemanticTokensRangeParams,
) -> Option<lsp::SemanticTokensRangeResult> {
    let (path, document) = open(context, &params.text_document.uri)?;
    let unit = context.session.unit;
    let part = from_proto::range(&document, params.range, unit);
    let mut pieces = context.snapshot.highlighting(&path);
    pieces.retain(|piece| piece.range.start < part.end && part.start < piece.range.end);
    let tokens = lsp::SemanticTokens {
        result_id: None,
        data: reading::tokens(&document, &pieces, unit),
    };
    Some(lsp::SemanticTokensRangeResult::Tokens(tokens))
}

pub(crate) fn selection_range(
    context: &Context,
    params: &lsp::SelectionRangeParams,
) -> Option<Vec<lsp::SelectionRange>> {
    let (path, document) = open(context, &params.text_document.uri)?;
    let unit = context.session.unit;
    let positions = params.positions.iter();
    let chains = positions.map(|position| {
        let offset = from_proto::offset(&document, *position, unit);
        reading::selection(&document, &context.snapshot.selection(&path, offset), unit)
    });
    Some(chains.collect())
}

pub(crate) fn document_link(context: &Context, params: &lsp::DocumentLinkParams) -> Option<Vec<lsp::DocumentLink>> {
    let (path, document) = open(context, &params.text_document.uri)?;
    let links = context.snapshot.links(&path);
    let links = links
        .iter()
        .filter_map(|link| reading::link(&document, link, context.session.unit));
    Some(links.collect())
}

pub(crate) fn inlay_hint(context: &Context, params: &lsp::InlayHintParams) -> Option<Vec<lsp::InlayHint>> {
    let (path, document) = open(context, &params.text_document.uri)?;
    let unit = context.session.unit;
    let part = from_proto::range(&document, params.range, unit);
    let hints = context.snapshot.hints(&path, &part);
    Some(hints.iter().map(|hint| reading::hint(&document, hint, unit)).collect())
}

pub(crate) fn code_lens(context: &Context, params: &lsp::CodeLensParams) -> Option<Vec<lsp::CodeLens>> {
    let uri = &params.text_document.uri;
    let (path, document) = open(context, uri)?;
    let unit = context.session.unit;
    let lenses = context.snapshot.lenses(&path);
    let lenses = lenses.iter().filter_map(|lens| {
        let command = match lens.kind {
            // A lens that nothing can show would be a dead button.
            LensKind::Emitted => Some(SHOW_EMITTED).filter(|_| context.session.shows_files)?,
            LensKind::Test => RUN_TEST,
        };
        Some(reading::lens(&document, lens, uri, command, unit))
    });
    Some(lenses.collect())
}

pub(crate) fn workspace_symbol(context: &Context, query: &str) -> lsp::WorkspaceSymbolResponse {
    let found = context.snapshot.find(query);
    let found = found.iter().filter_map(|found| reading::found(context, found));
    lsp::WorkspaceSymbolResponse::Nested(found.collect())
}

pub(crate) fn diagnostic(context: &Context, uri: &lsp::Uri) -> lsp::DocumentDiagnosticReportResult {
    let library = reference::folder();
    let path = from_proto::path(uri).unwrap_or_default();
    let list = context.snapshot.diagnostics_of(&path);
    let items = list
        .iter()
        .filter_map(|d| to_proto::diagnostic(context, &path, d, &library));
    let report = lsp::RelatedFullDocumentDiagnosticReport {
        related_documents: None,
        full_document_diagnostic_report: lsp::FullDocumentDiagnosticReport {
            result_id: None,
            items: items.collect(),
        },
    };
    lsp::DocumentDiagnosticReport::Full(report).into()
}
