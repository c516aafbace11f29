//! What helps to write, in the protocol's words: completions, actions, names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use meshc::ide::{Action, ActionKind, Completion, CompletionKind, Document, Edit, Renaming, Signature};
use meshc::source::Unit;
use tower_lsp_server::ls_types as lsp;

use super::{diagnostic, edit, range, range_in, uri};
use crate::session::Context;

/// The kind of an action that repairs all that can be repaired safely.
pub(crate) const FIX_ALL: &str = "source.fixAll.meshc";

pub(crate) fn completion(
    document: &Document,
    completion: &Completion,
    text: &lsp::Uri,
    unit: Unit,
) -> lsp::CompletionItem {
    let also: Vec<_> = completion.also.iter().map(|also| edit(document, also, unit)).collect();
    let data = completion.key.as_ref();
    lsp::CompletionItem {
        label: completion.label.clone(),
        kind: Some(completion_kind(completion.kind)),
        detail: completion.detail.clone(),
        insert_text_format: completion.is_snippet.then_some(lsp::InsertTextFormat::SNIPPET),
        text_edit: Some(lsp::CompletionTextEdit::Edit(lsp::TextEdit::new(
            range(document, &completion.range, unit),
            completion.insert.clone(),
        ))),
        // What has to be brought in comes after what is there.
        sort_text: Some(format!("{}{}", u8::from(!also.is_empty()), completion.label)),
        filter_text: Some(completion.label.clone()),
        additional_text_edits: (!also.is_empty()).then_some(also),
        data: data.map(|key| serde_json::json!({ "text": text, "key": key })),
        ..lsp::CompletionItem::default()
    }
}

const fn completion_kind(kind: CompletionKind) -> lsp::CompletionItemKind {
    match kind {
        CompletionKind::Keyword => lsp::CompletionItemKind::KEYWORD,
        CompletionKind::Snippet => lsp::CompletionItemKind::SNIPPET,
        CompletionKind::Value => lsp::CompletionItemKind::VALUE,
        CompletionKind::Namespace => lsp::CompletionItemKind::MODULE,
        CompletionKind::Workload => lsp::CompletionItemKind::CLASS,
        CompletionKind::Identity => lsp::CompletionItemKind::CONSTANT,
        CompletionKind::Issuer => lsp::CompletionItemKind::INTERFACE,
        CompletionKind::Operation => lsp::CompletionItemKind::METHOD,
        CompletionKind::Template => lsp::CompletionItemKind::FUNCTION,
        CompletionKind::Param => lsp::CompletionItemKind::VARIABLE,
        CompletionKind::Provider => lsp::CompletionItemKind::PROPERTY,
    }
}

/// Edits of several files.
pub(crate) fn edits<'e>(
    context: &Context,
    edits: impl Iterator<Item = (&'e Path, &'e Edit)>,
) -> Option<lsp::WorkspaceEdit> {
    let mut changes: HashMap<lsp::Uri, Vec<lsp::TextEdit>> = HashMap::new();
    for (path, edit) in edits {
        let range = range_in(context, path, &edit.range)?;
        let edit = lsp::TextEdit::new(range, edit.text.clone());
        changes.entry(uri(path)?).or_default().push(edit);
    }
    Some(lsp::WorkspaceEdit {
        changes: Some(changes),
        ..lsp::WorkspaceEdit::default()
    })
}

pub(crate) fn renaming(context: &Context, renaming: &Renaming) -> Option<lsp::WorkspaceEdit> {
    let all = renaming
        .iter()
        .flat_map(|(path, edits)| edits.iter().map(|edit| (path.as_path(), edit)));
    edits(context, all)
}

pub(crate) fn action(context: &Context, path: &Path, action: &Action, library: &Path) -> Option<lsp::CodeAction> {
    let own = action
        .edits
        .iter()
        .map(|(path, edit): &(PathBuf, Edit)| (path.as_path(), edit));
    let diagnostics = action.diagnostics.iter();
    Some(lsp::CodeAction {
        title: action.title.clone(),
        kind: Some(action_kind(action.kind)),
        diagnostics: Some(
            diagnostics
                .filter_map(|d| diagnostic(context, path, d, library))
                .collect(),
        ),
        edit: Some(edits(context, own)?),
        is_preferred: action.is_preferred.then_some(true),
        ..lsp::CodeAction::default()
    })
}

pub(crate) fn action_kind(kind: ActionKind) -> lsp::CodeActionKind {
    match kind {
        ActionKind::Fix | ActionKind::Suppress | ActionKind::Test => lsp::CodeActionKind::QUICKFIX,
        ActionKind::Extract => lsp::CodeActionKind::REFACTOR_EXTRACT,
        ActionKind::FixAll => lsp::CodeActionKind::from(FIX_ALL),
    }
}

pub(crate) fn signature(signature: &Signature) -> lsp::SignatureHelp {
    let narrow = |index: usize| u32::try_from(index).ok();
    let parameters = signature.parameters.iter().map(|parameter| lsp::ParameterInformation {
        label: lsp::ParameterLabel::Simple(parameter.clone()),
        documentation: None,
    });
    lsp::SignatureHelp {
        signatures: vec![lsp::SignatureInformation {
            label: signature.label.clone(),
            documentation: None,
            parameters: Some(parameters.collect()),
            active_parameter: signature.active.and_then(narrow),
        }],
        active_signature: Some(0),
        active_parameter: signature.active.and_then(narrow),
    }
}
