//! The protocol's methods, each forwarded to where it is answered.
//!
//! Handlers run at the same time, and the client's changes must be taken in in their order: a change is applied before
//! its handler awaits anything, and a question takes its snapshot before.

use std::path::PathBuf;
use std::sync::Arc;

use meshc::ide::Change;
use tokio::sync::Notify;
use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types::{self as lsp, *};
use tower_lsp_server::{Client, LanguageServer};

use crate::answers::answer;
use crate::capabilities::capabilities;
use crate::session::{Context, Session, Shared};
use crate::{from_proto, publish, reference, requests};

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
        let publishing = publish::publish(self.client.clone(), Arc::clone(&self.shared), Arc::clone(&self.changed));
        drop(tokio::spawn(publishing));
        self.changed.notify_one();
        self.watch_files().await;
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
            self.apply(Change::Close(path));
        }
    }

    async fn did_change_watched_files(&self, _: DidChangeWatchedFilesParams) {
        self.apply(Change::Disk);
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
}
