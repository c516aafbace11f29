//! The client of HTTP/2 and gRPC: all requests of a connection, one after another.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use h2::client::{SendRequest, handshake};
use http::{HeaderMap, Method, Uri};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::client::{Dial, failure, server_name};
use super::request::{Request, Seen, Version};
use super::tunnel;

const PATIENCE: Duration = Duration::from_secs(5);

/// Sends the requests, which are as they are sent, and returns what came of the first of them: all of them, unless the
/// connection ended before. There is an outcome for at least one.
pub(super) fn converse(dial: &Dial, requests: &[Request]) -> Result<Vec<Seen>> {
    let calls = requests.iter().map(Call::new).collect::<Result<Vec<_>>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if let Some(authority) = &dial.through {
            return Ok(match tunnel::open(dial, authority)? {
                Ok(connection) => {
                    connection.set_nonblocking(true)?;
                    exchange(UnixStream::from_std(connection)?, calls).await
                }
                Err(seen) => vec![seen],
            });
        }
        let mut connection = TcpStream::connect(dial.address).await.context("the listener is gone")?;
        connection.set_nodelay(true)?;
        connection.write_all(&dial.header).await?;
        let Some(config) = &dial.tls else {
            return Ok(exchange(connection, calls).await);
        };
        let name = server_name(dial)?;
        let connector = TlsConnector::from(config.clone());
        match timeout(PATIENCE, connector.connect(name, connection)).await {
            Ok(Ok(connection)) => Ok(exchange(connection, calls).await),
            Ok(Err(error)) => Ok(vec![failure(&error)]),
            Err(_) => Ok(vec![Seen::Timeout]),
        }
    })
}

async fn exchange(connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, calls: Vec<Call>) -> Vec<Seen> {
    let (mut client, connection) = match timeout(PATIENCE, handshake(connection)).await {
        Ok(Ok(both)) => both,
        Ok(Err(error)) => return vec![broken(&error)],
        Err(_) => return vec![Seen::Timeout],
    };
    tokio::spawn(connection);
    let mut seen = Vec::new();
    for call in calls {
        match timeout(PATIENCE, ask(&mut client, call)).await {
            Ok(Ok(one)) => seen.push(one),
            // Between two requests it may close for reasons of its own.
            Ok(Err(_)) if !seen.is_empty() => break,
            Ok(Err(error)) => {
                seen.push(broken(&error));
                break;
            }
            Err(_) => {
                seen.push(Seen::Timeout);
                break;
            }
        }
    }
    seen
}

async fn ask(client: &mut SendRequest<Bytes>, call: Call) -> Result<Seen, h2::Error> {
    let (answer, _) = client.clone().ready().await?.send_request(call.message, true)?;
    let answer = answer.await?;
    let status = answer.status().as_u16();
    let headers = answer.headers().clone();
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        bytes.extend(chunk);
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    let status = match call.version {
        Version::Grpc => called(&headers, &trailers).unwrap_or(status),
        Version::Http1 | Version::Http2 => status,
    };
    Ok(Seen::Status(status, bytes))
}

/// The status that a call's code stands for. The application of tests is no server of gRPC and states none.
/// Source: gRPC, "HTTP to gRPC Status Code Mapping", read backwards as Envoy writes it.
fn called(headers: &HeaderMap, trailers: &HeaderMap) -> Option<u16> {
    let code = headers.get("grpc-status").or_else(|| trailers.get("grpc-status"))?;
    match code.to_str().ok()? {
        "13" => Some(400),
        "16" => Some(401),
        "7" => Some(403),
        "12" => Some(404),
        "14" => Some(503),
        _ => None,
    }
}

/// A request as it is sent.
struct Call {
    message: http::Request<()>,
    version: Version,
}

impl Call {
    fn new(request: &Request) -> Result<Self> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(request.host.as_str())
            .path_and_query(request.path.as_deref().unwrap_or_default())
            .build()?;
        let mut message = http::Request::builder()
            .method(Method::from_bytes(request.method.as_bytes())?)
            .uri(uri)
            .version(http::Version::HTTP_2);
        for header in &request.headers {
            let (name, value) = header.split_once(':').context("a header without a colon")?;
            message = message.header(name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
        }
        Ok(Self {
            message: message.body(())?,
            version: request.version,
        })
    }
}

fn broken(error: &h2::Error) -> Seen {
    // A refusal by a TLS alert comes out of the first read.
    error.get_io().map_or(Seen::Reset, failure)
}
