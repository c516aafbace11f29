//! The bytes of a request. They are put together by hand: a client library would normalize paths and order headers.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::ServerName;

use super::keys::KeySets;
use super::request::{Payload, Request};

/// Long enough for the TLS inspector, and no beginning of a method: otherwise Envoy would wait for more, for ever.
const RAW: &[u8] = b"\x00\x01\x02 raw bytes";

/// The port that clients say they call from.
const CLIENT_PORT: u16 = 40_000;

/// A PROXY header of version 2, by which Envoy believes that a connection has these ends.
pub(super) fn proxy_header(source: IpAddr, destination: SocketAddr) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let family = match (source, destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            body.extend([from.octets(), to.octets()].concat());
            0x11
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            body.extend([from.octets(), to.octets()].concat());
            0x21
        }
        _ => bail!("{source} and {destination} are not of one family"),
    };
    body.extend(CLIENT_PORT.to_be_bytes());
    body.extend(destination.port().to_be_bytes());
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21".to_vec();
    header.push(family);
    header.extend(u16::try_from(body.len())?.to_be_bytes());
    header.extend(body);
    Ok(header)
}

/// What a request sends over its connection; `last` if nothing follows it there.
pub(super) fn message(request: &Request, keys: &KeySets, now: i64, last: bool) -> Result<Vec<u8>> {
    let sent = request.with_texts(keys, now)?;
    let Some(path) = &sent.path else {
        return match request.payload {
            Payload::Raw => Ok(RAW.to_vec()),
            Payload::ForeignTls => foreign_hello(),
        };
    };
    let mut headers = format!("Host: {}\r\n", sent.host);
    for header in &sent.headers {
        headers.push_str(header);
        headers.push_str("\r\n");
    }
    let end = if last { "Connection: close\r\n" } else { "" };
    Ok(format!("{} {path} HTTP/1.1\r\n{headers}{end}\r\n", request.method).into_bytes())
}

/// The first bytes of a TLS client that knows nothing of Istio.
fn foreign_hello() -> Result<Vec<u8>> {
    let config = super::client::tls(None, &["h2".to_owned(), "http/1.1".to_owned()], false)?;
    let name = ServerName::try_from("foreign.test").context("not a name")?;
    let mut client = rustls::ClientConnection::new(config, name)?;
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes)?;
    Ok(bytes)
}
