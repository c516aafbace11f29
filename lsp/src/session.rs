//! What all handlers share: the workspace, and what the client said of itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use meshc::ide::{Change, Snapshot, Workspace};
use meshc::source::{Disk, Unit};
use tower_lsp_server::ls_types::{ClientCapabilities, PositionEncodingKind, SemanticToken};

use crate::reference;

/// The state of the server.
pub(crate) struct Shared {
    workspace: Mutex<Workspace>,
    /// The folders that are open in the editor.
    roots: Mutex<Vec<PathBuf>>,
    /// How many changes there were.
    generation: AtomicU64,
    session: OnceLock<Session>,
    farewell: AtomicBool,
    /// The tokens of each text as the client has them, by their number.
    tokens: Mutex<BTreeMap<PathBuf, (u64, Vec<SemanticToken>)>>,
}

/// What was agreed on at the start.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// What a column counts.
    pub(crate) unit: Unit,
    pub(crate) watches_files: bool,
    pub(crate) nests_symbols: bool,
    pub(crate) has_snippets: bool,
    /// Whether it can show a file that it is told of.
    pub(crate) shows_files: bool,
    /// Whether it asks for findings, and takes none that it did not ask for.
    pub(crate) pulls: bool,
    /// Whether it can be asked for settings.
    pub(crate) has_settings: bool,
    pub(crate) shows_progress: bool,
}

impl Session {
    /// What a client can do. It is asked for bytes, which need no counting, and gets UTF-16 unless it has them.
    pub(crate) fn of(client: &ClientCapabilities) -> Self {
        let general = client.general.as_ref();
        let encodings = general.and_then(|general| general.position_encodings.as_ref());
        let has_bytes = encodings.is_some_and(|list| list.contains(&PositionEncodingKind::UTF8));
        let workspace = client.workspace.as_ref();
        let watching = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
        let texts = client.text_document.as_ref();
        let symbols = texts.and_then(|texts| texts.document_symbol.as_ref());
        let completion = texts.and_then(|texts| texts.completion.as_ref());
        let item = completion.and_then(|completion| completion.completion_item.as_ref());
        let window = client.window.as_ref();
        let showing = window.and_then(|window| window.show_document.as_ref());
        let is_pushed = texts.is_some_and(|texts| texts.publish_diagnostics.is_some());
        Self {
            unit: if has_bytes { Unit::Utf8 } else { Unit::Utf16 },
            watches_files: watching.and_then(|watching| watching.dynamic_registration) == Some(true),
            nests_symbols: symbols.and_then(|symbols| symbols.hierarchical_document_symbol_support) == Some(true),
            has_snippets: item.and_then(|item| item.snippet_support) == Some(true),
            shows_files: showing.is_some_and(|showing| showing.support),
            pulls: texts.is_some_and(|texts| texts.diagnostic.is_some()) && !is_pushed,
            has_settings: workspace.and_then(|workspace| workspace.configuration) == Some(true),
            shows_progress: window.and_then(|window| window.work_done_progress) == Some(true),
        }
    }

    /// The encoding of the protocol's name.
    pub(crate) const fn encoding(&self) -> PositionEncodingKind {
        match self.unit {
            Unit::Utf8 => PositionEncodingKind::UTF8,
            Unit::Utf16 | Unit::Character => PositionEncodingKind::UTF16,
        }
    }
}

/// What a request is answered from.
pub(crate) struct Context {
    pub(crate) snapshot: Snapshot,
    pub(crate) session: Session,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            workspace: Mutex::new(Workspace::new(Arc::new(Disk), reference::folder())),
            roots: Mutex::default(),
            generation: AtomicU64::new(0),
            session: OnceLock::new(),
            farewell: AtomicBool::new(false),
            tokens: Mutex::default(),
        }
    }

    /// Remembers what was agreed on; only the first time counts.
    pub(crate) fn begin(&self, session: Session) {
        let _again = self.session.set(session);
    }

    pub(crate) fn session(&self) -> Session {
        let session = self.session.get().cloned();
        session.unwrap_or_else(|| Session::of(&ClientCapabilities::default()))
    }

    /// Takes a change in, before anything else is awaited: changes come in an order that must be kept.
    pub(crate) fn apply(&self, change: Change) {
        self.workspace().apply(change);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes in changes each of which is made from the state that the one before it left.
    pub(crate) fn apply_all(&self, mut next: impl FnMut(&Workspace) -> Option<Change>) {
        let mut workspace = self.workspace();
        while let Some(change) = next(&workspace) {
            workspace.apply(change);
        }
        drop(workspace);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Opens and closes folders.
    pub(crate) fn change_roots(&self, added: Vec<PathBuf>, removed: &[PathBuf]) {
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        roots.retain(|root| !removed.contains(root));
        roots.extend(added);
        let all = roots.clone();
        drop(roots);
        self.apply(Change::Roots(all));
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            snapshot: self.workspace().snapshot(),
            session: self.session(),
        }
    }

    /// Keeps the tokens of a text; gives their number, and those that the client had under the number `old`.
    pub(crate) fn keep_tokens(
        &self,
        path: PathBuf,
        tokens: Vec<SemanticToken>,
        old: Option<&str>,
    ) -> (u64, Option<Vec<SemanticToken>>) {
        let mut all = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let number = all.get(&path).map_or(1, |(number, _)| number + 1);
        let before = all.insert(path, (number, tokens));
        let same = before.filter(|(number, _)| Some(number.to_string().as_str()) == old);
        (number, same.map(|(_, tokens)| tokens))
    }

    pub(crate) fn forget_tokens(&self, path: &PathBuf) {
        let mut all = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(path);
    }

    pub(crate) fn say_farewell(&self) {
        self.farewell.store(true, Ordering::SeqCst);
    }

    pub(crate) fn said_farewell(&self) -> bool {
        self.farewell.load(Ordering::SeqCst)
    }

    fn workspace(&self) -> MutexGuard<'_, Workspace> {
        // A change is applied whole or not at all as far as readers can tell: maps are replaced entry by entry.
        self.workspace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
