//! Findings to the client: those of the newest state alone, and none that no longer hold.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::{Diagnostic, ProgressToken};
use tower_lsp_server::{NotCancellable, OngoingProgress, Unbounded};

use crate::answers::answer;
use crate::session::Shared;
use crate::{reference, to_proto};

/// So long nobody types before what was worked out quickly is judged again as a whole.
const QUIET: Duration = Duration::from_millis(500);

/// How long a client may think about whether it shows progress.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is shown of a file: the version of its open text, and its findings.
type Shown = BTreeMap<PathBuf, (Option<i32>, Vec<Diagnostic>)>;

/// Publishes whenever `changed` says that something may have changed, as long as the server lives.
///
/// While findings are worked out nothing stands still: if a change came in between, they are dropped and worked out
/// again, so that a client never sees those of an older text. After an edit of rules they are those of the part that it
/// touched; when nobody types any more the whole project is judged, which is what later requests need too.
pub(crate) async fn publish(client: Client, shared: Arc<Shared>, changed: Arc<Notify>) {
    let mut shown = Shown::new();
    let (mut is_first, mut is_whole) = (true, true);
    loop {
        let judges_whole = if is_whole {
            changed.notified().await;
            false
        } else {
            tokio::time::timeout(QUIET, changed.notified()).await.is_err()
        };
        // Only the first time everything has to be read.
        let progress = if std::mem::take(&mut is_first) {
            begin(&client, &shared).await
        } else {
            None
        };
        let generation = shared.generation();
        let worker = Arc::clone(&shared);
        let found = answer(move || found(&worker, judges_whole)).await;
        if let Some(progress) = progress {
            progress.finish().await;
        }
        let Ok((found, whole)) = found else {
            is_whole = true;
            continue;
        };
        is_whole = whole;
        if shared.generation() != generation {
            changed.notify_one();
            continue;
        }
        let gone: Vec<PathBuf> = shown
            .keys()
            .filter(|path| !found.contains_key(*path))
            .cloned()
            .collect();
        for path in gone {
            shown.remove(&path);
            if let Some(uri) = to_proto::uri(&path) {
                client.publish_diagnostics(uri, Vec::new(), None).await;
            }
        }
        for (path, now) in found {
            if shown.get(&path) == Some(&now) {
                continue;
            }
            if let Some(uri) = to_proto::uri(&path) {
                client.publish_diagnostics(uri, now.1.clone(), now.0).await;
            }
            shown.insert(path, now);
        }
    }
}

/// Tells a client that shows it that something takes its time.
async fn begin(client: &Client, shared: &Shared) -> Option<OngoingProgress<Unbounded, NotCancellable>> {
    if !shared.session().shows_progress {
        return None;
    }
    let token = ProgressToken::String("meshc/projects".to_owned());
    // Findings do not wait for a client that forgets to answer.
    let created = tokio::time::timeout(PATIENCE, client.create_work_done_progress(token.clone()));
    created.await.ok()?.ok()?;
    Some(client.progress(token, "Reading the projects").begin().await)
}

/// The findings of now: of every open text, and of every other file that has some; and whether the projects were judged
/// whole for them.
fn found(shared: &Shared, judges_whole: bool) -> (Shown, bool) {
    let context = shared.context();
    if judges_whole {
        context.snapshot.judge();
    }
    let library = reference::folder();
    let mut found = Shown::new();
    for (path, list) in context.snapshot.diagnostics() {
        let version = context.snapshot.document(&path).map(|document| document.version());
        let list: Vec<Diagnostic> = list
            .iter()
            .filter_map(|d| to_proto::diagnostic(&context, &path, d, &library))
            .collect();
        if version.is_some() || !list.is_empty() {
            found.insert(path, (version, list));
        }
    }
    (found, context.snapshot.is_whole())
}
