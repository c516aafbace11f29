//! The application behind Envoy: it answers a request with what arrived, and bytes with the same bytes.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::proxy::bootstrap::Upstream;

/// As much of a body is sent back.
const MOST: usize = 1 << 20;

/// Starts it on ports of its own. It runs as long as the process.
pub(super) fn start() -> io::Result<Upstream> {
    Ok(Upstream {
        http: serve(answer)?,
        bytes: serve(echo)?,
    })
}

fn serve(each: fn(TcpStream) -> io::Result<()>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // What a client makes of its connection is its own affair.
            thread::spawn(move || each(connection));
        }
    });
    Ok(address)
}

fn echo(mut connection: TcpStream) -> io::Result<()> {
    let mut back = connection.try_clone()?;
    io::copy(&mut connection, &mut back).map(drop)
}

/// One request on each connection: Envoy makes a new one for the next.
fn answer(connection: TcpStream) -> io::Result<()> {
    let mut back = connection.try_clone()?;
    let mut stream = BufReader::new(connection);
    let (mut text, mut length, mut chunked) = (Vec::new(), 0, false);
    loop {
        let start = text.len();
        if stream.read_until(b'\n', &mut text)? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(text.get(start..).unwrap_or_default()).to_ascii_lowercase();
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "transfer-encoding" => chunked = value.contains("chunked"),
                _ => {}
            }
        }
    }
    let is_head = text.starts_with(b"HEAD ");
    if chunked {
        read_chunks(&mut stream, &mut text)?;
    } else {
        read_part(&mut stream, length, &mut text)?;
    }
    write!(
        back,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    )?;
    if !is_head {
        back.write_all(&text)?;
    }
    back.flush()
}

fn read_chunks(stream: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut size = String::new();
        stream.read_line(&mut size)?;
        let size = u64::from_str_radix(size.trim().split(';').next().unwrap_or_default(), 16).unwrap_or(0);
        read_part(stream, size, text)?;
        let mut end = String::new();
        stream.read_line(&mut end)?;
        if size == 0 {
            return Ok(());
        }
    }
}

/// Reads so many bytes, and keeps what there is room for.
fn read_part(stream: &mut impl BufRead, length: u64, text: &mut Vec<u8>) -> io::Result<()> {
    let mut part = stream.take(length);
    let mut bytes = [0; 8192];
    loop {
        let count = part.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        if text.len() < MOST {
            text.extend(bytes.get(..count).unwrap_or_default());
        }
    }
}
