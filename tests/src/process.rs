//! A program that runs beside a test, and what it has said so far.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

const PAUSE: Duration = Duration::from_millis(20);
/// So often is asked, a minute and a half in all: nothing that is tested takes nearly as long, on whatever machine.
const TIMES: usize = 4500;

/// A running program. It is ended when it is dropped.
pub struct Process {
    child: Child,
    out: Said,
    err: Said,
}

/// What a stream has brought.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn follow(&self, stream: Option<impl Read + Send + 'static>) {
        let said = Arc::clone(&self.0);
        let Some(mut stream) = stream else { return };
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = stream.read(&mut bytes) {
                if length == 0 {
                    return;
                }
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.extend(bytes.get(..length).unwrap_or_default());
            }
        });
    }

    fn text(&self) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).into_owned()
    }
}

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let (out, err) = (Said::default(), Said::default());
        out.follow(child.stdout.take());
        err.follow(child.stderr.take());
        Ok(Self { child, out, err })
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed.
    #[must_use]
    pub fn out(&self) -> String {
        self.out.text()
    }

    /// What it has said beside that.
    #[must_use]
    pub fn err(&self) -> String {
        self.err.text()
    }

    /// Waits until it has printed what is wanted.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let out = self.out.clone();
        wait(what, || wanted(&out.text())).with_context(|| format!("{}\n{}", self.out(), self.err()))
    }

    /// Waits until it has said this beside what it prints.
    pub fn until_err(&mut self, text: &str) -> Result<()> {
        let err = self.err.clone();
        wait(text, || err.text().contains(text)).with_context(|| format!("{}\n{}", self.out(), self.err()))
    }

    /// Waits for its end.
    pub fn end(&mut self) -> Result<ExitStatus> {
        let mut status = None;
        let child = &mut self.child;
        wait("the end of the program", || {
            status = child.try_wait().ok().flatten();
            status.is_some()
        })?;
        status.context("the program has no status")
    }

    /// Sends it a signal, such as `INT`.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(name, self.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Sends a process a signal.
pub fn signal(name: &str, process: u32) -> Result<()> {
    // A shell has it built in.
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status()?;
    if !status.success() {
        bail!("the signal {name} could not be sent to {process}");
    }
    Ok(())
}

/// Waits until something holds.
pub fn wait(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    for _ in 0..TIMES {
        if holds() {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    bail!("waited in vain for: {what}")
}
