//! Sees to it that Envoy ends and its folder goes when `meshc try` ends, however it ends.
//!
//! `meshc try` starts this command as another process, and holds the other end of its standard input. When that end is
//! closed, which the system does whatever becomes of the process, Envoy is ended and the folder removed. It is in a process
//! group of its own, so that Ctrl-C on the terminal does not end it first.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;

use crate::cli::{ExitCode, Io, disk};

/// The name of the command, which `--help` does not show.
pub(super) const NAME: &str = "supervise-envoy";

/// The files in the folder.
pub(super) const CONFIG: &str = "envoy.json";
pub(super) const ADMIN: &str = "admin";

/// Runs Envoy for `meshc try`
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    envoy: PathBuf,
}

/// What the supervisor says, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The folder is there.
    Folder(String),
    /// A line of the access log.
    Access(String),
    /// Envoy says something.
    Said(String),
    /// Envoy has ended, or could not be started.
    Ended(String),
}

impl Line {
    const fn parts(&self) -> (&'static str, &String) {
        match self {
            Self::Folder(text) => ("folder", text),
            Self::Access(text) => ("access", text),
            Self::Said(text) => ("said", text),
            Self::Ended(text) => ("ended", text),
        }
    }

    pub(super) fn read(line: &str) -> Option<Self> {
        let (word, text) = line.split_once(' ')?;
        let text = text.to_owned();
        match word {
            "folder" => Some(Self::Folder(text)),
            "access" => Some(Self::Access(text)),
            "said" => Some(Self::Said(text)),
            "ended" => Some(Self::Ended(text)),
            _ => None,
        }
    }

    fn say(&self) {
        let (word, text) = self.parts();
        // With nobody to hear it, the input ends too.
        let _gone = writeln!(std::io::stdout(), "{word} {text}");
    }
}

pub(in crate::cli) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let folder = disk::TemporaryFolder::new("meshc-try-").context("there is no place for Envoy's files")?;
    Line::Folder(folder.path().display().to_string()).say();
    let mut input = BufReader::new(&mut *io.input);
    let mut order = String::new();
    // The order to start; its end is the order not to.
    if input.read_line(&mut order)? == 0 {
        return Ok(ExitCode::Clean);
    }
    let child = match start(&args.envoy, folder.path()) {
        Ok(child) => Some(follow(child)),
        Err(error) => {
            Line::Ended(format!("it cannot be run: {error}")).say();
            None
        }
    };
    // However it comes to its end.
    let _ended = std::io::copy(&mut input, &mut std::io::sink());
    if let Some(child) = child {
        let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
        let _gone = child.kill();
        let _gone = child.wait();
    }
    Ok(ExitCode::Clean)
}

fn start(envoy: &Path, folder: &Path) -> std::io::Result<Child> {
    let mut command = Command::new(envoy);
    command
        .arg("--config-path")
        .arg(folder.join(CONFIG))
        .arg("--admin-address-path")
        .arg(folder.join(ADMIN));
    command.args(["--log-level", "warning", "--log-format", "%l: %v"]);
    command.args(["--concurrency", "1", "--disable-hot-restart", "--skip-deprecated-logs"]);
    // Each line of the log at once, and a new policy for connections that are open too.
    command.args(["--file-flush-interval-msec", "20", "--file-flush-min-size-kb", "0"]);
    command.args(["--drain-time-s", "0"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Passes on what Envoy says, and that it has ended.
fn follow(mut child: Child) -> Arc<Mutex<Child>> {
    let out = child
        .stdout
        .take()
        .map(|out| thread::spawn(move || pass_on(out, Line::Access)));
    let err = child
        .stderr
        .take()
        .map(|err| thread::spawn(move || pass_on(err, Line::Said)));
    let child = Arc::new(Mutex::new(child));
    let own = Arc::clone(&child);
    thread::spawn(move || {
        for reader in [out, err].into_iter().flatten() {
            let _panicked = reader.join();
        }
        // Its streams are closed, so it has ended.
        let status = own.lock().unwrap_or_else(PoisonError::into_inner).wait();
        Line::Ended(status.map_or_else(|error| error.to_string(), |status| status.to_string())).say();
    });
    child
}

fn pass_on(stream: impl Read, line: fn(String) -> Line) {
    let mut stream = BufReader::new(stream);
    let mut bytes = Vec::new();
    while stream.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
        let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        line(text).say();
        bytes.clear();
    }
}
