//! Requests: each converts a place in, asks the snapshot, and converts the answer out.

pub(crate) mod reading;
pub(crate) mod writing;

use std::path::PathBuf;
use std::sync::Arc;

use meshc::ide::{Document, FileRange};
use tower_lsp_server::ls_types as lsp;

use crate::session::Context;
use crate::{from_proto, to_proto};

/// An open text and a byte of it.
struct Place {
    path: PathBuf,
    document: Arc<Document>,
    offset: u32,
}

fn open(context: &Context, uri: &lsp::Uri) -> Option<(PathBuf, Arc<Document>)> {
    let path = from_proto::path(uri)?;
    let document = Arc::clone(context.snapshot.document(&path)?);
    Some((path, document))
}

fn place(context: &Context, at: &lsp::TextDocumentPositionParams) -> Option<Place> {
    let (path, document) = open(context, &at.text_document.uri)?;
    let offset = from_proto::offset(&document, at.position, context.session.unit);
    Some(Place { path, document, offset })
}

fn locations(context: &Context, places: &[FileRange]) -> Vec<lsp::Location> {
    places
        .iter()
        .filter_map(|place| to_proto::location(context, place))
        .collect()
}

pub(crate) fn formatting(context: &Context, params: &lsp::DocumentFormattingParams) -> Option<Vec<lsp::TextEdit>> {
    let (path, document) = open(context, &params.text_document.uri)?;
    let edits = context.snapshot.format(&path)?;
    let edits = edits
        .iter()
        .map(|edit| to_proto::edit(&document, edit, context.session.unit));
    Some(edits.collect())
}

pub(crate) fn document_symbol(
    context: &Context,
    params: &lsp::DocumentSymbolParams,
) -> Option<lsp::DocumentSymbolResponse> {
    let uri = &params.text_document.uri;
    let (path, document) = open(context, uri)?;
    let (symbols, unit) = (context.snapshot.symbols(&path), context.session.unit);
    if context.session.nests_symbols {
        let symbols = symbols.iter().map(|symbol| to_proto::symbol(&document, symbol, unit));
        return Some(lsp::DocumentSymbolResponse::Nested(symbols.collect()));
    }
    let mut out = Vec::new();
    to_proto::flat_symbols(&document, &symbols, None, uri, unit, &mut out);
    Some(lsp::DocumentSymbolResponse::Flat(out))
}

pub(crate) fn folding_range(context: &Context, params: &lsp::FoldingRangeParams) -> Option<Vec<lsp::FoldingRange>> {
    let (path, document) = open(context, &params.text_document.uri)?;
    let folds = context.snapshot.folds(&path);
    let folds = folds
        .iter()
        .filter_map(|fold| to_proto::fold(&document, fold, context.session.unit));
    Some(folds.collect())
}

pub(crate) fn hover(context: &Context, params: &lsp::HoverParams) -> Option<lsp::Hover> {
    let at = place(context, &params.text_document_position_params)?;
    let hover = context.snapshot.hover(&at.path, at.offset)?;
    Some(lsp::Hover {
        contents: lsp::HoverContents::Markup(lsp::MarkupContent {
            kind: lsp::MarkupKind::Markdown,
            value: hover.markdown,
        }),
        range: Some(to_proto::range(&at.document, &hover.range, context.session.unit)),
    })
}

pub(crate) fn definition(context: &Context, params: &lsp::GotoDefinitionParams) -> Option<lsp::GotoDefinitionResponse> {
    let at = place(context, &params.text_document_position_params)?;
    let places = context.snapshot.definition(&at.path, at.offset);
    Some(lsp::GotoDefinitionResponse::Array(locations(context, &places)))
}

pub(crate) fn references(context: &Context, params: &lsp::ReferenceParams) -> Option<Vec<lsp::Location>> {
    let at = place(context, &params.text_document_position)?;
    let declaring = params.context.include_declaration;
    let places = context.snapshot.references(&at.path, at.offset, declaring);
    Some(locations(context, &places))
}

pub(crate) fn document_highlight(
    context: &Context,
    params: &lsp::DocumentHighlightParams,
) -> Option<Vec<lsp::DocumentHighlight>> {
    let at = place(context, &params.text_document_position_params)?;
    let highlights = context.snapshot.highlights(&at.path, at.offset);
    let highlights = highlights
        .iter()
        .map(|highlight| to_proto::highlight(&at.document, highlight, context.session.unit));
    Some(highlights.collect())
}
