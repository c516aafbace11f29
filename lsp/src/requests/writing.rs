//! Requests that help to write.

use meshc::ide::ActionKind;
use tower_lsp_server::jsonrpc::{Error, ErrorCode};
use tower_lsp_server::ls_types as lsp;

use super::{open, place};
use crate::session::Context;
use crate::to_proto::writing;
use crate::{from_proto, reference, to_proto};

/// The protocol's code for what cannot be done, with a reason for the user.
const REQUEST_FAILED: i64 = -32803;

fn refused(reason: String) -> Error {
    Error {
        code: ErrorCode::ServerError(REQUEST_FAILED),
        message: reason.into(),
        data: None,
    }
}

pub(crate) fn completion(context: &Context, params: &lsp::CompletionParams) -> Option<lsp::CompletionResponse> {
    let at = place(context, &params.text_document_position)?;
    let (uri, unit) = (&params.text_document_position.text_document.uri, context.session.unit);
    let found = context.snapshot.completions(&at.path, at.offset);
    let found = found
        .iter()
        .filter(|found| context.session.has_snippets || !found.is_snippet);
    let items = found.map(|found| writing::completion(&at.document, found, uri, unit));
    Some(lsp::CompletionResponse::Array(items.collect()))
}

pub(crate) fn completion_resolve(context: &Context, mut item: lsp::CompletionItem) -> lsp::CompletionItem {
    let text = |name: &str| item.data.as_ref()?.get(name)?.as_str();
    let path = text("text")
        .and_then(|uri| uri.parse().ok())
        .and_then(|uri| from_proto::path(&uri));
    let found = path.zip(text("key"));
    let found = found.and_then(|(path, key)| context.snapshot.documentation(&path, key));
    if let Some(value) = found {
        item.documentation = Some(lsp::Documentation::MarkupContent(lsp::MarkupContent {
            kind: lsp::MarkupKind::Markdown,
            value,
        }));
    }
    item
}

pub(crate) fn signature_help(context: &Context, params: &lsp::SignatureHelpParams) -> Option<lsp::SignatureHelp> {
    let at = place(context, &params.text_document_position_params)?;
    let signature = context.snapshot.signature(&at.path, at.offset)?;
    Some(writing::signature(&signature))
}

pub(crate) fn prepare_rename(
    context: &Context,
    params: &lsp::TextDocumentPositionParams,
) -> Result<Option<lsp::PrepareRenameResponse>, Error> {
    let Some(at) = place(context, params) else {
        return Ok(None);
    };
    let range = context.snapshot.prepare_rename(&at.path, at.offset).map_err(refused)?;
    let range = to_proto::range(&at.document, &range, context.session.unit);
    Ok(Some(lsp::PrepareRenameResponse::Range(range)))
}

pub(crate) fn rename(context: &Context, params: &lsp::RenameParams) -> Result<Option<lsp::WorkspaceEdit>, Error> {
    let Some(at) = place(context, &params.text_document_position) else {
        return Ok(None);
    };
    let renaming = context.snapshot.rename(&at.path, at.offset, &params.new_name);
    Ok(writing::renaming(context, &renaming.map_err(refused)?))
}

pub(crate) fn code_action(context: &Context, params: &lsp::CodeActionParams) -> Option<lsp::CodeActionResponse> {
    let (path, document) = open(context, &params.text_document.uri)?;
    let range = from_proto::range(&document, params.range, context.session.unit);
    let library = reference::folder();
    let wanted = |kind: ActionKind| match &params.context.only {
        None => true,
        // `source` asks for `source.fixAll` and for `source.fixAll.meshc`.
        Some(only) => only.iter().any(|only| {
            let kind = writing::action_kind(kind);
            let rest = kind.as_str().strip_prefix(only.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || only.as_str().is_empty())
        }),
    };
    let actions = context.snapshot.actions(&path, &range);
    let actions = actions.iter().filter(|action| wanted(action.kind));
    let actions = actions.filter_map(|action| writing::action(context, &path, action, &library));
    Some(actions.map(lsp::CodeActionOrCommand::CodeAction).collect())
}

pub(crate) fn range_formatting(
    context: &Context,
    params: &lsp::DocumentRangeFormattingParams,
) -> Option<Vec<lsp::TextEdit>> {
    let (path, document) = open(context, &params.text_document.uri)?;
    let unit = context.session.unit;
    let part = from_proto::range(&document, params.range, unit);
    let edits = context.snapshot.format_part(&path, &part)?;
    Some(edits.iter().map(|edit| to_proto::edit(&document, edit, unit)).collect())
}

pub(crate) fn on_type_formatting(
    context: &Context,
    params: &lsp::DocumentOnTypeFormattingParams,
) -> Option<Vec<lsp::TextEdit>> {
    let at = place(context, &params.text_document_position)?;
    let edits = context.snapshot.format_closed(&at.path, at.offset)?;
    let unit = context.session.unit;
    Some(
        edits
            .iter()
            .map(|edit| to_proto::edit(&at.document, edit, unit))
            .collect(),
    )
}
