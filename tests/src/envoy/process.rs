//! A running Envoy: started with a configuration, ready when it says so, ended when it is dropped.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use meshc::proxy::admin::Admin;
use serde_json::Value;

use crate::parts::Envoy;

/// How long it may take to be ready: hundreds of listeners take seconds on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(180);

pub(super) struct Process {
    child: Child,
    admin: Admin,
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
            admin: Admin(SocketAddr::from(([127, 0, 0, 1], 0))),
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
                process.admin = Admin(admin);
                if process.admin.is_ready() {
                    return Ok(process);
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The address of each listener that has one.
    pub(super) fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>> {
        let ports = self.admin.listeners()?.into_iter();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Ok(ports.map(|(name, port)| (name, address(port))).collect())
    }

    /// Resident memory in bytes, where the system says it.
    pub(super) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.unwrap_or_default() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is in it that would have to be brought to an end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
