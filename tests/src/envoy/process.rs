//! A running Envoy: started with a configuration, ready when it says so, ended when it is dropped.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::parts::Envoy;

/// How long it may take to be ready: hundreds of listeners take seconds on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(180);

pub(super) struct Process {
    child: Child,
    admin: SocketAddr,
}

impl Process {
    /// Starts Envoy and waits until it is ready. Its files are in `folder`.
    pub(super) fn start(envoy: &Envoy, config: &Value, folder: &Path) -> Result<Self> {
        let (file, address, log) = (folder.join("envoy.json"), folder.join("admin"), folder.join("log"));
        fs::write(&file, serde_json::to_vec(config)?)?;
        let mut command = Command::new(envoy.program());
        command
            .arg("-c")
            .arg(&file)
            .arg("--admin-address-path")
            .arg(&address)
            .arg("--log-path")
            .arg(&log);
        command.args(["-l", "warning", "--concurrency", "1"]);
        command.args(["--disable-hot-restart", "--skip-deprecated-logs"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let mut process = Self {
            child,
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = process.child.try_wait()?.is_some();
            if ended || Instant::now() > deadline {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let lines: Vec<&str> = said.lines().filter(|line| !line.contains("[backtrace]")).collect();
                bail!("Envoy did not start:\n{}", lines.join("\n"));
            }
            if let Ok(admin) = fs::read_to_string(&address).unwrap_or_default().trim().parse() {
                process.admin = admin;
                if process.get("/ready").is_ok() {
                    return Ok(process);
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The address of each listener that has one.
    pub(super) fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>> {
        let answer: Value = serde_json::from_str(&self.get("/listeners?format=json")?)?;
        let statuses = answer.get("listener_statuses").and_then(Value::as_array);
        let mut addresses = BTreeMap::new();
        for status in statuses.into_iter().flatten() {
            let port = status.pointer("/local_address/socket_address/port_value");
            if let (Some(name), Some(port)) = (status.get("name").and_then(Value::as_str), port.and_then(Value::as_u64))
            {
                addresses.insert(
                    name.to_owned(),
                    SocketAddr::from(([127, 0, 0, 1], u16::try_from(port)?)),
                );
            }
        }
        Ok(addresses)
    }

    /// Resident memory in bytes, where the system says it.
    pub(super) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.unwrap_or_default() * 1024
    }

    /// The body of an admin page.
    fn get(&self, path: &str) -> Result<String> {
        let mut connection = TcpStream::connect(self.admin)?;
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"
        )?;
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes)?;
        let (head, body) = text.split_once("\r\n\r\n").context("the admin page is no HTTP")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("the admin page {path}: {head}");
        }
        Ok(if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            dechunked(body)
        } else {
            body.to_owned()
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is in it that would have to be brought to an end.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
