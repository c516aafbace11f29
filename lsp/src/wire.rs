//! The client's messages on their way in: what is no message is taken out, so that it does not end the conversation.
//!
//! `tower-lsp-server` stops reading at the first message that it cannot decode. Here each message is read first, and in
//! place of one that is none comes [`UNREADABLE`], which the server answers as the protocol has it.

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::oneshot;
use tower_lsp_server::jsonrpc::{Request, Response};

/// The method that stands for a message that could not be read.
pub(crate) const UNREADABLE: &str = "meshc/unreadable";

/// More than any client sends; a length beyond is a mistake, and nothing is kept ready for it.
const MOST_BYTES: usize = 256 << 20;

/// A stream of the messages of `input` that can be read, and what is told when the last of them has come: the client's
/// `exit`, or its end.
pub(crate) fn readable(
    input: impl AsyncRead + Send + Unpin + 'static,
) -> (impl AsyncRead + Unpin, oneshot::Receiver<()>) {
    let (mut sink, stream) = tokio::io::duplex(1 << 16);
    let (told, ended) = oneshot::channel();
    drop(tokio::spawn(async move {
        // Dropped at the end, which is what tells.
        let _told = told;
        let mut input = BufReader::new(input);
        while let Some(message) = next(&mut input).await {
            let body = message.unwrap_or_else(|| {
                let request = Request::build(UNREADABLE)
                    .id(tower_lsp_server::jsonrpc::Id::Null)
                    .finish();
                request.to_string().into_bytes()
            });
            let head = format!("Content-Length: {}\r\n\r\n", body.len());
            if sink.write_all(head.as_bytes()).await.is_err() || sink.write_all(&body).await.is_err() || is_exit(&body)
            {
                return;
            }
        }
    }));
    (stream, ended)
}

fn is_exit(body: &[u8]) -> bool {
    serde_json::from_slice::<Request>(body).is_ok_and(|request| request.method() == "exit")
}

/// The next message; `Some(None)` for one that is none, nothing at the end of the stream.
async fn next(input: &mut (impl AsyncBufRead + Unpin)) -> Option<Option<Vec<u8>>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line).await.ok()?;
        if read == 0 {
            return None;
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = str::from_utf8(line).ok().and_then(|line| line.split_once(':'))
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value
                .trim()
                .parse::<usize>()
                .ok()
                .filter(|length| *length <= MOST_BYTES);
        }
    }
    let Some(length) = length else { return Some(None) };
    let mut body = vec![0; length];
    input.read_exact(&mut body).await.ok()?;
    let is_message =
        serde_json::from_slice::<Response>(&body).is_ok() || serde_json::from_slice::<Request>(&body).is_ok();
    Some(is_message.then_some(body))
}
