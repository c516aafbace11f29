//! The tunnel by which ztunnel reaches a waypoint (HBONE): over mutual TLS a CONNECT of HTTP/2 that names the Service, and
//! in it the bytes of the client.

use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::client::{Dial, server_name};
use super::request::Seen;

const PATIENCE: Duration = Duration::from_secs(5);

/// What ztunnel offers.
pub(super) const ALPN: &[&str] = &["h2"];

/// A stream whose bytes go through the tunnel to `authority`; or what came of the tunnel before it was open.
pub(super) fn open(dial: &Dial, authority: &str) -> Result<Result<UnixStream, Seen>> {
    let (ours, theirs) = UnixStream::pair()?;
    theirs.set_nonblocking(true)?;
    let (opened, waits) = channel();
    let (dial, authority) = (dial.clone(), authority.to_owned());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ran = runtime
            .map_err(anyhow::Error::from)
            .and_then(|runtime| runtime.block_on(carry(&dial, &authority, theirs, &opened)));
        // Whoever waits has its answer already, unless this machine is at fault.
        if let Err(error) = ran {
            let _ = opened.send(Err(error));
        }
    });
    Ok(waits.recv().context("the tunnel ended without a word")??.map(|()| ours))
}

/// What came of the tunnel before it was open, or that it is.
type Opened = Result<Result<(), Seen>>;

async fn carry(dial: &Dial, authority: &str, local: UnixStream, opened: &Sender<Opened>) -> Result<()> {
    let local = tokio::net::UnixStream::from_std(local)?;
    let Ok(tunnel) = timeout(PATIENCE, connect(dial, authority)).await else {
        opened.send(Ok(Err(Seen::Timeout)))?;
        return Ok(());
    };
    let (send, receive) = match tunnel? {
        Ok(tunnel) => tunnel,
        Err(seen) => return Ok(opened.send(Ok(Err(seen)))?),
    };
    opened.send(Ok(Ok(())))?;
    let (mut from, to) = local.into_split();
    tokio::spawn(bring(receive, to));
    let mut send = send;
    let mut chunk = vec![0; 16_384];
    loop {
        let length = from.read(&mut chunk).await.unwrap_or(0);
        let bytes = Bytes::copy_from_slice(chunk.get(..length).unwrap_or_default());
        if send.send_data(bytes, length == 0).is_err() || length == 0 {
            return Ok(());
        }
    }
}

/// Whatever comes out of the tunnel, until it ends.
async fn bring(mut receive: RecvStream, mut to: OwnedWriteHalf) {
    while let Some(Ok(bytes)) = receive.data().await {
        if receive.flow_control().release_capacity(bytes.len()).is_err() || to.write_all(&bytes).await.is_err() {
            break;
        }
    }
}

async fn connect(dial: &Dial, authority: &str) -> Result<Result<(SendStream<Bytes>, RecvStream), Seen>> {
    let mut connection = TcpStream::connect(dial.address).await.context("the listener is gone")?;
    connection.set_nodelay(true)?;
    connection.write_all(&dial.header).await?;
    let config = dial.tls.clone().context("a tunnel is always mutual TLS")?;
    let connector = TlsConnector::from(config);
    // With TLS 1.3 the refusal of a certificate comes after the handshake, as an alert or as a closed connection, by who is
    // quicker. Whatever ends before the CONNECT is answered is a refusal.
    let Ok(connection) = connector.connect(server_name(dial)?, connection).await else {
        return Ok(Err(Seen::TlsError));
    };
    let Ok((client, connection)) = h2::client::handshake(connection).await else {
        return Ok(Err(Seen::TlsError));
    };
    tokio::spawn(connection);
    let message = http::Request::connect(authority)
        .version(http::Version::HTTP_2)
        .body(())?;
    let Ok((answer, send)) = client
        .ready()
        .await
        .and_then(|mut client| client.send_request(message, false))
    else {
        return Ok(Err(Seen::TlsError));
    };
    Ok(match answer.await {
        Ok(answer) if answer.status() == http::StatusCode::OK => Ok((send, answer.into_body())),
        // ztunnel closes the connection of its client.
        Ok(_) => Err(Seen::Reset),
        Err(_) => Err(Seen::TlsError),
    })
}
