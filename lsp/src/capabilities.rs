//! What the server says that it can do. Each line here has a conversation in `tests/protocol`.

use tower_lsp_server::ls_types as lsp;
use tower_lsp_server::ls_types::{OneOf, ServerCapabilities};

use crate::session::Session;
use crate::to_proto::{reading, writing};

/// The command whose answer is the YAML of a place.
pub(crate) const EMITTED: &str = "meshc.emittedYaml";
/// The command that shows it as a file.
pub(crate) const SHOW_EMITTED: &str = "meshc.showEmitted";
/// The command that runs the test at a place and tells of it.
pub(crate) const RUN_TEST: &str = "meshc.runTest";

pub(crate) fn capabilities(session: &Session) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(session.encoding()),
        text_document_sync: Some(synchronization()),
        workspace: Some(folders()),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_range_formatting_provider: Some(OneOf::Left(true)),
        document_on_type_formatting_provider: Some(lsp::DocumentOnTypeFormattingOptions {
            first_trigger_character: "}".to_owned(),
            more_trigger_character: None,
        }),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        folding_range_provider: Some(true.into()),
        selection_range_provider: Some(true.into()),
        document_link_provider: Some(lsp::DocumentLinkOptions {
            resolve_provider: Some(false),
            work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
        }),
        hover_provider: Some(true.into()),
        signature_help_provider: Some(lsp::SignatureHelpOptions {
            trigger_characters: Some(vec!["(".to_owned(), ",".to_owned()]),
            ..lsp::SignatureHelpOptions::default()
        }),
        completion_provider: Some(lsp::CompletionOptions {
            resolve_provider: Some(true),
            trigger_characters: Some(vec!["(".to_owned(), ",".to_owned(), "/".to_owned()]),
            ..lsp::CompletionOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(lsp::RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
        })),
        code_action_provider: Some(actions()),
        semantic_tokens_provider: Some(tokens().into()),
        inlay_hint_provider: Some(OneOf::Left(true)),
        code_lens_provider: Some(lsp::CodeLensOptions {
            resolve_provider: Some(false),
        }),
        execute_command_provider: Some(commands(session)),
        // A client that takes both would show each finding twice.
        diagnostic_provider: session.pulls.then(|| {
            lsp::DiagnosticServerCapabilities::Options(lsp::DiagnosticOptions {
                identifier: Some("meshc".to_owned()),
                inter_file_dependencies: true,
                workspace_diagnostics: false,
                ..lsp::DiagnosticOptions::default()
            })
        }),
        ..ServerCapabilities::default()
    }
}

fn synchronization() -> lsp::TextDocumentSyncCapability {
    lsp::TextDocumentSyncCapability::Options(lsp::TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(lsp::TextDocumentSyncKind::INCREMENTAL),
        save: Some(lsp::TextDocumentSyncSaveOptions::Supported(true)),
        ..lsp::TextDocumentSyncOptions::default()
    })
}

fn folders() -> lsp::WorkspaceServerCapabilities {
    lsp::WorkspaceServerCapabilities {
        workspace_folders: Some(lsp::WorkspaceFoldersServerCapabilities {
            supported: Some(true),
            change_notifications: Some(OneOf::Left(true)),
        }),
        ..lsp::WorkspaceServerCapabilities::default()
    }
}

fn actions() -> lsp::CodeActionProviderCapability {
    lsp::CodeActionProviderCapability::Options(lsp::CodeActionOptions {
        code_action_kinds: Some(vec![
            lsp::CodeActionKind::QUICKFIX,
            lsp::CodeActionKind::REFACTOR_EXTRACT,
            writing::FIX_ALL.into(),
        ]),
        resolve_provider: Some(false),
        work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
    })
}

fn tokens() -> lsp::SemanticTokensOptions {
    lsp::SemanticTokensOptions {
        legend: reading::legend(),
        range: Some(true),
        full: Some(lsp::SemanticTokensFullOptions::Delta { delta: Some(true) }),
        work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
    }
}

fn commands(session: &Session) -> lsp::ExecuteCommandOptions {
    let show = session.shows_files.then_some(SHOW_EMITTED);
    lsp::ExecuteCommandOptions {
        commands: [EMITTED, RUN_TEST].into_iter().chain(show).map(str::to_owned).collect(),
        work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
    }
}
