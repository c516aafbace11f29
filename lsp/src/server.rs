//! The protocol's methods, each forwarded to where it is answered.
//!
//! Handlers run at the same time, and the client's changes must be taken in in their order: a change is applied before
//! its handler awaits anything, and a question takes its snapshot before.

use std::path::PathBuf;
use std::sync::Arc;

use meshc::ide::{Change, Emitted, TestRun};
use tokio::sync::Notify;
use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types::{self as lsp, *};
use tower_lsp_server::{Client, LanguageServer};

use crate::answers::answer;
use crate::capabilities::{EMITTED, RUN_TEST, SHOW_EMITTED, capabilities};
use crate::requests::{reading, writing};
use crate::session::{Context, Session, Shared};
use crate::settings::settings;
use crate::{commands, from_proto, publish, reference, requests, to_proto};

pub(crate) struct MeshServer {
    client: Client,
    shared: Arc<Shared>,
    changed: Arc<Notify>,
}

impl MeshServer {
    pub(crate) fn new(client: Client, shared: Arc<Shared>) -> Self {
        Self {
            client,
            shared,
            changed: Arc::new(Notify::new()),
        }
    }

    /// The answer to a message that could not be read.
    pub(crate) async fn unreadable(&self) -> Result<()> {
        Err(Error::parse_error())
    }

    fn apply(&self, change: Change) {
        self.shared.apply(change);
        self.changed.notify_one();
    }

    /// Answers from the state of now.
    async fn ask<T: Send + 'static>(&self, question: impl FnOnce(&Context) -> T + Send + 'static) -> Result<T> {
        let context = self.shared.context();
        answer(move || question(&context)).await
    }

    /// Takes in the settings of a client that is to be asked for them.
    async fn fetch_settings(&self) {
        if !self.shared.session().has_settings {
            return;
        }
        let item = ConfigurationItem {
            scope_uri: None,
            section: Some("meshc".to_owned()),
        };
        match self.client.configuration(vec![item]).await {
            Ok(found) => {
                if let Some(found) = found.first().filter(|found| !found.is_null()) {
                    self.apply(Change::Settings(settings(found)));
                }
            }
            Err(error) => reference::eprint_line(&format!("the client has no settings: {error}")),
        }
    }

    /// Shows the YAML of a place as a file.
    async fn show(&self, uri: &Uri, emitted: &Emitted) -> Result<()> {
        if let Some(problem) = &emitted.problem {
            self.client.show_message(MessageType::INFO, problem).await;
            return Ok(());
        }
        let written = commands::write(uri, &emitted.yaml);
        let shown = written
            .map_err(|error| error.to_string())
            .map(|path| to_proto::uri(&path));
        match shown {
            Ok(Some(uri)) => {
                let params = ShowDocumentParams {
                    uri,
                    external: None,
                    take_focus: Some(false),
                    selection: None,
                };
                if let Err(error) = self.client.show_document(params).await {
                    reference::eprint_line(&format!("the client does not show the YAML: {error}"));
                }
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => {
                let text = format!("the YAML cannot be shown: {error}");
                self.client.show_message(MessageType::ERROR, text).await;
                Ok(())
            }
        }
    }

    /// Tells of a test that was run; the same as an answer.
    async fn tell(&self, run: std::result::Result<(TestRun, LSPAny), String>) -> LSPAny {
        let (kind, text, answer) = match run {
            Ok((run, answer)) if run.passed() => (MessageType::INFO, run.summary(), answer),
            Ok((run, answer)) => (MessageType::WARNING, run.summary(), answer),
            Err(problem) => {
                let answer = serde_json::json!({ "problem": problem });
                (MessageType::WARNING, problem, answer)
            }
        };
        self.client.show_message(kind, text).await;
        answer
    }

    /// Asks the client to say when files change that it does not have open.
    async fn watch_files(&self) {
        if !self.shared.session().watches_files {
            return;
        }
        let watcher = |glob: &str| FileSystemWatcher {
            glob_pattern: GlobPattern::String(glob.to_owned()),
            kind: None,
        };
        let options = DidChangeWatchedFilesRegistrationOptions {
            watchers: vec![watcher("**/*.{mesh,yaml,yml,json}"), watcher("**/mesh.toml")],
        };
        let registration = Registration {
            id: "watch-files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        if let Err(error) = self.client.register_capability(vec![registration]).await {
            reference::eprint_line(&format!("the client does not watch files: {error}"));
        }
    }
}

/// The number of some tokens, and the tokens.
fn numbered(number: u64, data: Vec<SemanticToken>) -> SemanticTokens {
    SemanticTokens {
        result_id: Some(number.to_string()),
        data,
    }
}

fn paths(folders: &[WorkspaceFolder]) -> Vec<PathBuf> {
    folders
        .iter()
        .filter_map(|folder| from_proto::path(&folder.uri))
        .collect()
}

impl LanguageServer for MeshServer {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let session = Session::of(&params.capabilities);
        self.shared.begin(session.clone());
        #[expect(deprecated, reason = "clients from before there were several folders send one")]
        let root = params.root_uri.as_ref().and_then(from_proto::path);
        let roots = match params.workspace_folders {
            Some(folders) => paths(&folders),
            None => root.into_iter().collect(),
        };
        if let Some(options) = &params.initialization_options {
            self.shared.apply(Change::Settings(settings(options)));
        }
        self.shared.change_roots(roots, &[]);
        Ok(InitializeResult {
            capabilities: capabilities(&session),
            server_info: Some(ServerInfo {
                name: "meshc-lsp".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        if !self.shared.session().pulls {
            let (client, shared) = (self.client.clone(), Arc::clone(&self.shared));
            drop(tokio::spawn(publish::publish(
                client,
                shared,
                Arc::clone(&self.changed),
            )));
        }
        self.changed.notify_one();
        self.watch_files().await;
        self.fetch_settings().await;
        let written = answer(|| reference::write(&reference::folder())).await;
        drop(written);
    }

    async fn shutdown(&self) -> Result<()> {
        self.shared.say_farewell();
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        if let Some(path) = from_proto::path(&document.uri) {
            self.apply(Change::Open {
                path,
                text: document.text,
                version: document.version,
            });
        }
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let Some(path) = from_proto::path(&params.text_document.uri) else {
            return;
        };
        let unit = self.shared.session().unit;
        let version = params.text_document.version;
        let mut changes = params.content_changes.into_iter();
        self.shared.apply_all(|workspace| {
            let document = workspace.document(&path)?;
            Some(from_proto::edit(&path, document, changes.next()?, version, unit))
        });
        self.changed.notify_one();
    }

    async fn did_save(&self, _: DidSaveTextDocumentParams) {
        // Where the client watches files it says so by itself.
        if !self.shared.session().watches_files {
            self.apply(Change::Disk);
        }
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        if let Some(path) = from_proto::path(&params.text_document.uri) {
            self.shared.forget_tokens(&path);
            self.apply(Change::Close(path));
        }
    }

    async fn did_change_watched_files(&self, _: DidChangeWatchedFilesParams) {
        self.apply(Change::Disk);
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        if params.settings.is_null() {
            self.fetch_settings().await;
        } else {
            self.apply(Change::Settings(settings(&params.settings)));
        }
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        self.shared
            .change_roots(paths(&params.event.added), &paths(&params.event.removed));
        self.changed.notify_one();
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        self.ask(move |context| requests::formatting(context, &params)).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        self.ask(move |context| requests::document_symbol(context, &params))
            .await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        self.ask(move |context| requests::folding_range(context, &params)).await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<lsp::Hover>> {
        self.ask(move |context| requests::hover(context, &params)).await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        self.ask(move |context| requests::definition(context, &params)).await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        self.ask(move |context| requests::references(context, &params)).await
    }

    async fn document_highlight(&self, params: DocumentHighlightParams) -> Result<Option<Vec<DocumentHighlight>>> {
        self.ask(move |context| requests::document_highlight(context, &params))
            .await
    }

    async fn range_formatting(&self, params: DocumentRangeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        self.ask(move |context| writing::range_formatting(context, &params))
            .await
    }

    async fn on_type_formatting(&self, params: DocumentOnTypeFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        self.ask(move |context| writing::on_type_formatting(context, &params))
            .await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        self.ask(move |context| writing::completion(context, &params)).await
    }

    async fn completion_resolve(&self, item: CompletionItem) -> Result<CompletionItem> {
        self.ask(move |context| writing::completion_resolve(context, item))
            .await
    }

    async fn signature_help(&self, params: SignatureHelpParams) -> Result<Option<SignatureHelp>> {
        self.ask(move |context| writing::signature_help(context, &params)).await
    }

    async fn prepare_rename(&self, params: TextDocumentPositionParams) -> Result<Option<PrepareRenameResponse>> {
        self.ask(move |context| writing::prepare_rename(context, &params))
            .await?
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        self.ask(move |context| writing::rename(context, &params)).await?
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        self.ask(move |context| writing::code_action(context, &params)).await
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        self.ask(move |context| Some(reading::workspace_symbol(context, &params.query)))
            .await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        self.ask(move |context| reading::selection_range(context, &params))
            .await
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        self.ask(move |context| reading::document_link(context, &params)).await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        self.ask(move |context| reading::inlay_hint(context, &params)).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        self.ask(move |context| reading::code_lens(context, &params)).await
    }

    async fn semantic_tokens_full(&self, params: SemanticTokensParams) -> Result<Option<SemanticTokensResult>> {
        let uri = params.text_document.uri;
        let found = self.ask(move |context| reading::semantic_tokens(context, &uri)).await?;
        Ok(found.map(|(path, tokens)| {
            let (number, _) = self.shared.keep_tokens(path, tokens.clone(), None);
            numbered(number, tokens).into()
        }))
    }

    async fn semantic_tokens_full_delta(
        &self,
        params: SemanticTokensDeltaParams,
    ) -> Result<Option<SemanticTokensFullDeltaResult>> {
        let uri = params.text_document.uri;
        let found = self.ask(move |context| reading::semantic_tokens(context, &uri)).await?;
        Ok(found.map(|(path, tokens)| {
            let old = Some(params.previous_result_id.as_str());
            match self.shared.keep_tokens(path, tokens.clone(), old) {
                (number, None) => numbered(number, tokens).into(),
                (number, Some(before)) => SemanticTokensFullDeltaResult::TokensDelta(SemanticTokensDelta {
                    result_id: Some(number.to_string()),
                    edits: to_proto::reading::tokens_edit(&before, &tokens),
                }),
            }
        }))
    }

    async fn semantic_tokens_range(
        &self,
        params: SemanticTokensRangeParams,
    ) -> Result<Option<SemanticTokensRangeResult>> {
        self.ask(move |context| reading::semantic_tokens_range(context, &params))
            .await
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        self.ask(move |context| reading::diagnostic(context, &params.text_document.uri))
            .await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        let command = params.command.as_str();
        if !matches!(command, EMITTED | SHOW_EMITTED | RUN_TEST) {
            return Err(Error::invalid_params(format!("there is no command `{command}`")));
        }
        let (uri, position) = commands::place(params.arguments)?;
        let place = uri.clone();
        if command == RUN_TEST {
            let run = self
                .ask(move |context| commands::run_test(context, &place, position))
                .await?;
            return Ok(Some(self.tell(run).await));
        }
        let emitted = self
            .ask(move |context| commands::emitted(context, &place, position))
            .await?;
        if command == SHOW_EMITTED {
            self.show(&uri, &emitted).await?;
        }
        Ok(Some(commands::answer(&emitted)))
    }
}
