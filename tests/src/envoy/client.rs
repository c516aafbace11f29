//! The client: one connection after another on each of a few threads, and on each connection all requests that share it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use meshc::proxy::authority::Leaf;

use super::keys::to_rustls;
use super::request::Seen;
use super::tunnel;

const PATIENCE: Duration = Duration::from_secs(5);

/// Where a connection goes and how it begins.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) address: SocketAddr,
    /// Sent in clear, before everything else.
    pub(super) header: Vec<u8>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) sni: Option<String>,
    /// Where the tunnel that begins there leads.
    pub(super) through: Option<String>,
}

/// One request on a connection.
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    /// Whether its answer has no body, whatever length it states.
    pub(super) bodiless: bool,
}

/// A client's TLS. At most version 1.2: there a refused certificate is refused inside the handshake, while with 1.3 the
/// refusal races with the client's first data and often looks like a reset. Tunnels know 1.3 alone.
pub(super) fn tls(leaf: Option<&Leaf>, alpn: &[String], tunnel: bool) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let version = if tunnel {
        &rustls::version::TLS13
    } else {
        &rustls::version::TLS12
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)));
    let mut config = match leaf {
        Some(leaf) => {
            let (chain, key) = to_rustls(leaf);
            builder.with_client_auth_cert(chain, key)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.clone().into_bytes()).collect();
    // Each connection proves its identity anew.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Names of mesh certificates are identities, not hosts, and who answers is not in question here.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Sends the messages over one connection and returns what came of the first of them: all of them, unless the connection
/// ended before. There is an outcome for at least one.
pub(super) fn converse(dial: &Dial, messages: &[Message]) -> Result<Vec<Seen>> {
    if let Some(authority) = &dial.through {
        return Ok(match tunnel::open(dial, authority)? {
            Ok(mut connection) => {
                connection.set_read_timeout(Some(PATIENCE))?;
                connection.set_write_timeout(Some(PATIENCE))?;
                exchange(&mut connection, &[], messages)
            }
            Err(seen) => vec![seen],
        });
    }
    let mut connection = TcpStream::connect(dial.address).context("the listener is gone")?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let Some(config) = &dial.tls else {
        return Ok(exchange(&mut connection, &dial.header, messages));
    };
    connection.write_all(&dial.header)?;
    let client = ClientConnection::new(Arc::clone(config), server_name(dial)?)?;
    Ok(exchange(&mut StreamOwned::new(client, connection), &[], messages))
}

/// The name in the hello. An address as the name keeps it out.
pub(super) fn server_name(dial: &Dial) -> Result<ServerName<'static>> {
    match &dial.sni {
        Some(sni) => ServerName::try_from(sni.clone()).with_context(|| format!("`{sni}` is no server name")),
        None => Ok(ServerName::IpAddress(dial.address.ip().into())),
    }
}

/// Sends each message when the one before is answered, the first behind `first`.
fn exchange(connection: &mut (impl Read + Write), first: &[u8], messages: &[Message]) -> Vec<Seen> {
    let mut bytes = first.to_vec();
    let mut answers = Answers {
        connection,
        bytes: Vec::new(),
    };
    let mut seen = Vec::new();
    for message in messages {
        bytes.extend(&message.bytes);
        // Whoever closed first may have left words that still wait: an alert, or a 403.
        let sent = answers
            .connection
            .write_all(&bytes)
            .and_then(|()| answers.connection.flush());
        let answer = match sent {
            Err(error) if !is_closed(&error) => Err(error),
            _ => answers.next(message),
        };
        bytes.clear();
        match answer {
            Ok((one, then)) => {
                seen.push(one);
                if then == Then::Ends {
                    break;
                }
            }
            // Between two requests it may close for reasons of its own.
            Err(_) if !seen.is_empty() => break,
            Err(error) => {
                seen.push(failure(&error));
                break;
            }
        }
    }
    seen
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    GoesOn,
    Ends,
}

struct Answers<'c, C> {
    connection: &'c mut C,
    /// Received, and not yet part of an answer.
    bytes: Vec<u8>,
}

impl<C: Read> Answers<'_, C> {
    fn next(&mut self, message: &Message) -> io::Result<(Seen, Then)> {
        loop {
            if let Some((seen, length, then)) = complete(&self.bytes, message) {
                self.bytes.drain(..length);
                return Ok((seen, then));
            }
            let mut chunk = [0; 16_384];
            let length = self.connection.read(&mut chunk)?;
            if length == 0 {
                if self.bytes.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                return Ok((Seen::Bytes(std::mem::take(&mut self.bytes)), Then::Ends));
            }
            self.bytes.extend(chunk.get(..length).unwrap_or_default());
        }
    }
}

/// The answer at the beginning of what was received, and its length, if all of it is there.
fn complete(bytes: &[u8], message: &Message) -> Option<(Seen, usize, Then)> {
    if !bytes.starts_with(b"HTTP/1.") {
        let sent = &message.bytes;
        // An echo never ends by itself.
        return (bytes.len() >= sent.len() && !b"HTTP/1.".starts_with(bytes)).then(|| {
            let answer = bytes.get(..sent.len()).unwrap_or_default();
            if answer == sent {
                (Seen::Echo, sent.len(), Then::GoesOn)
            } else {
                (Seen::Bytes(bytes.to_vec()), bytes.len(), Then::Ends)
            }
        });
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..end)?);
    let status: u16 = head.split(' ').nth(1).and_then(|code| code.parse().ok())?;
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let stated = field("content-length").and_then(|length| length.parse().ok());
    let length: usize = if message.bodiless { 0 } else { stated.unwrap_or(0) };
    let body = bytes.get(end + 4..end + 4 + length)?;
    let then = if field("connection") == Some("close") {
        Then::Ends
    } else {
        Then::GoesOn
    };
    Some((Seen::Status(status, body.to_vec()), end + 4 + length, then))
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}

/// What an error of a connection is to its client.
pub(super) fn failure(error: &io::Error) -> Seen {
    match error.kind() {
        _ if is_closed(error) => Seen::Reset,
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Seen::Timeout,
        // An alert, or an answer that is no TLS.
        _ => Seen::TlsError,
    }
}
