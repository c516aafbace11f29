//! Envoy's own pages, on which it says how it is.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than a page ever takes; an Envoy that hangs is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the pages are.
#[derive(Clone, Copy, Debug)]
pub struct Admin(pub SocketAddr);

/// How many configurations of listeners Envoy has taken and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Updates {
    pub taken: u64,
    pub refused: u64,
}

impl Admin {
    /// Whether Envoy is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.get("/ready").is_ok()
    }

    /// The port of 127.0.0.1 on which each listener is.
    ///
    /// # Errors
    /// Envoy does not answer.
    pub fn listeners(&self) -> io::Result<BTreeMap<String, u16>> {
        let answer: Value = serde_json::from_str(&self.get("/listeners?format=json")?)?;
        let statuses = answer.get("listener_statuses").and_then(Value::as_array);
        let port = |status: &Value| {
            let port = status.pointer("/local_address/socket_address/port_value")?.as_u64()?;
            Some((status.get("name")?.as_str()?.to_owned(), u16::try_from(port).ok()?))
        };
        Ok(statuses.into_iter().flatten().filter_map(port).collect())
    }

    /// What became of the configurations of listeners that it was given in files.
    ///
    /// # Errors
    /// Envoy does not answer.
    pub fn updates(&self) -> io::Result<Updates> {
        let text = self.get("/stats?filter=listener_manager.lds.update")?;
        let count = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|count| count.trim_start_matches(':').trim().parse::<u64>().ok())
                .unwrap_or(0)
        };
        Ok(Updates {
            taken: count("listener_manager.lds.update_success"),
            refused: count("listener_manager.lds.update_rejected") + count("listener_manager.lds.update_failure"),
        })
    }

    /// Asks Envoy to end.
    ///
    /// # Errors
    /// It does not answer.
    pub fn quit(&self) -> io::Result<()> {
        self.ask("POST", "/quitquitquit").map(drop)
    }

    /// The body of a page.
    ///
    /// # Errors
    /// Envoy does not answer, or with another status than 200.
    pub fn get(&self, path: &str) -> io::Result<String> {
        self.ask("GET", path)
    }

    fn ask(&self, method: &str, path: &str) -> io::Result<String> {
        let mut connection = TcpStream::connect_timeout(&self.0, PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        write!(
            connection,
            "{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"
        )?;
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let wrong = || io::Error::other(format!("the admin page {path} is not as it should be: {text}"));
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(wrong)?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(wrong());
        }
        Ok(if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            dechunked(body)
        } else {
            body.to_owned()
        })
    }
}

fn dechunked(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let (Some(chunk), Some(next)) = (rest.get(..size), rest.get(size..)) else {
            break;
        };
        if size == 0 {
            break;
        }
        out.push_str(chunk);
        body = next.trim_start_matches("\r\n");
    }
    out
}
