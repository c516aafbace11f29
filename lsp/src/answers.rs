//! Working out an answer beside the protocol: on a thread for such work, and whatever goes wrong in it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tower_lsp_server::jsonrpc::{Error, Result};

use crate::reference::eprint_line;

/// The answer of `work`, which may take its time. A mistake of ours becomes an error of this one request.
pub(crate) async fn answer<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let task = tokio::task::spawn_blocking(|| catch_unwind(AssertUnwindSafe(work)));
    match task.await {
        Ok(Ok(answer)) => Ok(answer),
        // What was wrong has been written to standard error by the panic.
        Ok(Err(_)) => Err(Error::internal_error()),
        Err(error) => {
            eprint_line(&format!("a request came to nothing: {error}"));
            Err(Error::internal_error())
        }
    }
}
