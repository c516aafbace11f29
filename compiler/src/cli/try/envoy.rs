//! The Envoy of one run: started, given policies, and followed.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::authorizers::Authorizers;
use super::supervisor::{self, Line};
use crate::cli::disk::{self, Change};
use crate::proxy::admin::{Admin, Updates};
use crate::proxy::bootstrap::{self, Upstream};

/// What happens while Envoy runs.
pub(super) enum Event {
    Envoy(Line),
    /// The supervisor is gone.
    Gone,
    /// A file has changed.
    Changed,
}

/// How long is waited before it is asked again.
const PAUSE: Duration = Duration::from_millis(10);
/// So often it is asked, about a minute in all: a busy machine takes seconds.
const TIMES: usize = 6000;
/// Words of Envoy are cut here: it likes to quote the whole configuration.
const MOST_LETTERS: usize = 1500;
/// Of the warnings that every start brings.
const USUAL: &str = "There is no configured limit to the number of allowed active downstream connections";

/// A running Envoy, with its supervisor. Both end when it is dropped.
pub(super) struct Running {
    supervisor: Child,
    /// `None` only while it ends.
    hold: Option<ChildStdin>,
    folder: PathBuf,
    admin: Option<Admin>,
    events: Receiver<Event>,
    /// What came while something else was waited for.
    pending: VecDeque<Event>,
    version: u32,
    /// The listeners that it took last.
    good: Vec<Value>,
}

impl Running {
    /// Starts the supervisor, which makes the folder; Envoy is started later.
    pub(super) fn prepare(
        meshc: &Path,
        envoy: &Path,
        sender: Sender<Event>,
        events: Receiver<Event>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(meshc);
        command.arg(supervisor::NAME).arg(envoy);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut supervisor = command.spawn().context("Envoy's supervisor cannot be started")?;
        let hold = supervisor.stdin.take();
        let out = supervisor.stdout.take().context("Envoy's supervisor has no output")?;
        thread::spawn(move || hear(out, &sender));
        let mut running = Self {
            supervisor,
            hold,
            folder: PathBuf::new(),
            admin: None,
            events,
            pending: VecDeque::new(),
            version: 0,
            good: Vec::new(),
        };
        match running.events.recv() {
            Ok(Event::Envoy(Line::Folder(folder))) => running.folder = PathBuf::from(folder),
            _ => bail!("Envoy's supervisor did not start"),
        }
        disk::create_folder(&running.folder.join("listeners"))?;
        Ok(running)
    }

    /// Where files for it can be put; it goes when Envoy ends.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts Envoy with these listeners, and waits until it takes connections.
    pub(super) fn start(
        &mut self,
        upstream: Upstream,
        authorizers: &Authorizers,
        listeners: Vec<Value>,
    ) -> anyhow::Result<()> {
        let config = bootstrap::config(&self.listeners_file(), upstream, authorizers);
        write(self.folder.join(supervisor::CONFIG), &config)?;
        self.write_listeners(&listeners)?;
        let hold = self.hold.as_mut().context("Envoy's supervisor has ended")?;
        hold.write_all(b"start\n").context("Envoy's supervisor has ended")?;
        let mut said = Vec::new();
        for _ in 0..TIMES {
            self.listen(&mut said)
                .map_err(|why| anyhow::anyhow!("Envoy did not start: {why}{}", shown(&said)))?;
            if self.admin.is_none() {
                self.admin = admin(&self.folder.join(supervisor::ADMIN)).filter(Admin::is_ready);
            }
            match self.updates() {
                Some(Updates { refused: 0, taken: 0 }) | None => {}
                Some(Updates { refused: 0, .. }) => {
                    self.good = listeners;
                    return Ok(());
                }
                Some(_) => {
                    self.listen_on(&mut said)?;
                    bail!("Envoy refuses the policy:{}", shown(&said));
                }
            }
        }
        bail!("Envoy is not ready after a minute:{}", shown(&said));
    }

    /// Puts other listeners in the place of those before. Where Envoy refuses them, those before stay, and it says why.
    pub(super) fn replace(&mut self, listeners: Vec<Value>) -> anyhow::Result<Result<(), String>> {
        let before = self.updates().context("Envoy does not answer")?;
        self.write_listeners(&listeners)?;
        let mut said = Vec::new();
        let after = self.after(before, &mut said)?;
        if after.refused == before.refused {
            self.good = listeners;
            return Ok(Ok(()));
        }
        self.listen_on(&mut said)?;
        // It may have taken a part of them.
        let good = self.good.clone();
        self.write_listeners(&good)?;
        self.after(after, &mut Vec::new())?;
        Ok(Err(shown(&said)))
    }

    /// The ports on which it listens, by listener.
    pub(super) fn ports(&self) -> anyhow::Result<BTreeMap<String, u16>> {
        let admin = self.admin.context("Envoy does not run")?;
        admin.listeners().context("Envoy does not answer")
    }

    /// Waits until something happens.
    pub(super) fn next(&mut self) -> Event {
        match self.pending.pop_front() {
            Some(event) => event,
            None => self.events.recv().unwrap_or(Event::Gone),
        }
    }

    fn after(&mut self, before: Updates, said: &mut Vec<String>) -> anyhow::Result<Updates> {
        for _ in 0..TIMES {
            self.listen(said)
                .map_err(|why| anyhow::anyhow!("Envoy has ended: {why}{}", shown(said)))?;
            match self.updates() {
                Some(now) if now != before => return Ok(now),
                _ => {}
            }
        }
        bail!("Envoy did not take the changed policy within a minute");
    }

    fn updates(&self) -> Option<Updates> {
        self.admin?.updates().ok()
    }

    /// Waits a little, and gathers what Envoy says in the meantime. An error is its end.
    fn listen(&mut self, said: &mut Vec<String>) -> Result<(), String> {
        match self.events.recv_timeout(PAUSE) {
            Ok(Event::Envoy(Line::Said(text))) => said.push(text),
            Ok(Event::Envoy(Line::Ended(why))) => return Err(why),
            Ok(Event::Gone) | Err(RecvTimeoutError::Disconnected) => return Err("its supervisor is gone".to_owned()),
            Ok(event) => self.pending.push_back(event),
            Err(RecvTimeoutError::Timeout) => {}
        }
        Ok(())
    }

    /// Waits for what it has to say of a refusal, which comes by another way.
    fn listen_on(&mut self, said: &mut Vec<String>) -> anyhow::Result<()> {
        for _ in 0..100 {
            if said.iter().any(|line| line.contains("update")) {
                break;
            }
            self.listen(said).map_err(anyhow::Error::msg)?;
        }
        Ok(())
    }

    fn listeners_file(&self) -> PathBuf {
        // Alone in its folder: Envoy looks at it whenever a file is put there.
        self.folder.join("listeners").join("listeners.json")
    }

    fn write_listeners(&mut self, listeners: &[Value]) -> anyhow::Result<()> {
        self.version += 1;
        write(self.listeners_file(), &bootstrap::listeners(self.version, listeners))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.hold.take());
        let ended = self.supervisor.wait();
        // Else it was killed, and could not see to it.
        if !ended.is_ok_and(|status| status.success()) {
            let _gone = self.admin.map(|admin| admin.quit());
            let _gone = disk::remove_folder(&self.folder);
        }
    }
}

/// Passes on what the supervisor says.
fn hear(out: ChildStdout, sender: &Sender<Event>) {
    for line in BufReader::new(out).lines() {
        let event = line.ok().and_then(|line| Line::read(&line)).map(Event::Envoy);
        if event.is_some_and(|event| sender.send(event).is_err()) {
            return;
        }
    }
    let _nobody = sender.send(Event::Gone);
}

fn admin(file: &Path) -> Option<Admin> {
    use crate::source::{Disk, Files as _};
    let text = String::from_utf8(Disk.read(file).ok()?).ok()?;
    text.trim().parse().ok().map(Admin)
}

fn write(path: PathBuf, value: &Value) -> anyhow::Result<()> {
    let content = value.to_string();
    disk::apply(vec![Change::Secret { path, content }])?;
    Ok(())
}

/// Whether it says what it always says.
pub(super) fn is_usual(line: &str) -> bool {
    line.is_empty() || line.contains(USUAL)
}

/// What Envoy said, as lines of their own.
fn shown(said: &[String]) -> String {
    let mut out = String::new();
    for line in said.iter().filter(|line| !is_usual(line)) {
        out.push_str("\n  ");
        out.extend(line.chars().take(MOST_LETTERS));
        if line.chars().nth(MOST_LETTERS).is_some() {
            out.push('…');
        }
    }
    out
}
