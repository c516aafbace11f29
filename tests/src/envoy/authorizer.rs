//! An external authorizer that speaks Envoy's gRPC protocol, of which it reads as much as it needs: the answer that a
//! request tells it, or the address that a connection comes from.

use std::path::Path;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};

use super::request::{ANSWER, REFUSED};

/// It serves until it is dropped.
pub(super) struct Authorizer {
    runtime: Option<Runtime>,
}

impl Authorizer {
    /// Serves on a socket at this path.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let entered = runtime.enter();
        let listener = UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
        drop(entered);
        runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection));
            }
        });
        Ok(Self { runtime: Some(runtime) })
    }
}

impl Drop for Authorizer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Envoy ends a connection as it likes, so its end is no fault.
async fn serve(connection: UnixStream) {
    let Ok(mut connection) = h2::server::handshake(connection).await else {
        return;
    };
    while let Some(Ok((request, answer))) = connection.accept().await {
        tokio::spawn(check(request, answer));
    }
}

async fn check(request: Request<h2::RecvStream>, mut answer: h2::server::SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut body = request.into_body();
    let mut asked = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        asked.extend(chunk);
    }
    let mut head = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    let mut stream = answer.send_response(head, false)?;
    stream.send_data(framed(allows(&asked)), false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

/// Whether a `CheckRequest` is to be allowed. Its headers are a map of texts, each entry a key and a value with their
/// lengths before them; a connection has none.
fn allows(asked: &[u8]) -> bool {
    let mut entry = vec![0x0a, u8::try_from(ANSWER.len()).unwrap_or_default()];
    entry.extend(ANSWER.as_bytes());
    let holds = |part: &[u8]| asked.windows(part.len()).any(|window| window == part);
    let http = holds(b":path") || holds(b"HTTP/");
    if http {
        entry.extend([0x12, 5]);
        entry.extend(b"allow");
        return holds(&entry);
    }
    let mut refused = vec![0x12, u8::try_from(REFUSED.to_string().len()).unwrap_or_default()];
    refused.extend(REFUSED.to_string().as_bytes());
    !holds(&refused)
}

/// A `CheckResponse` as a message of gRPC: its first field is a status, whose first field is a code, 0 or 7.
fn framed(allowed: bool) -> Bytes {
    let message: &[u8] = if allowed { &[0x0a, 0] } else { &[0x0a, 2, 0x08, 7] };
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap_or_default().to_be_bytes());
    frame.extend(message);
    frame.into()
}
