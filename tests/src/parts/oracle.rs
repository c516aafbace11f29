//! Istio's own code: the program of `tests/oracle`, which judges objects and generates configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{fs, io::Write as _, thread};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::{Generator, go, install};
use crate::repository;

/// The program, ready to be asked.
pub struct Oracle {
    program: PathBuf,
}

/// What a cluster would answer to one object.
#[derive(Debug, Deserialize)]
pub struct Verdict {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    /// Why it would be refused; empty if it would be stored.
    pub errors: Vec<String>,
    /// What its author would be told all the same.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// Whether it is about this object.
    #[must_use]
    pub fn is_about(&self, object: &Value) -> bool {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        text("/kind") == self.kind
            && text("/metadata/namespace") == self.namespace
            && text("/metadata/name") == self.name
    }
}

/// Generators for meshes with and without waypoints.
pub struct Generators<'o> {
    oracle: &'o Oracle,
    plain: Option<Generator>,
    ambient: Option<Generator>,
}

impl Generators<'_> {
    /// The one for meshes with waypoints, or without; a new one where it has ended.
    pub fn of(&mut self, ambient: bool) -> Result<&mut Generator> {
        let own = if ambient { &mut self.ambient } else { &mut self.plain };
        if own.as_mut().is_none_or(Generator::has_ended) {
            *own = Some(self.oracle.generator(ambient)?);
        }
        own.as_mut().context("a generator that was just started")
    }
}

impl Oracle {
    /// Starts it as a generator of configuration; `ambient` where there are waypoints.
    pub fn generator(&self, ambient: bool) -> Result<Generator> {
        Generator::start(&self.program, ambient)
    }

    /// Both kinds of generators, each started when it is first needed.
    #[must_use]
    pub const fn generators(&self) -> Generators<'_> {
        Generators {
            oracle: self,
            plain: None,
            ambient: None,
        }
    }

    /// Asks about every object of a YAML stream, in its order. One call about thousands is much quicker than many calls.
    pub fn judge(&self, stream: &str) -> Result<Vec<Verdict>> {
        let answers = tempfile::NamedTempFile::new()?;
        let mut command = Command::new(&self.program);
        command
            .arg(answers.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut running = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let mut stdin = running.stdin.take().context("the oracle has no standard input")?;
        let sent = thread::scope(|scope| {
            // On a thread of its own, or a full pipe on one side could wait for the other.
            let writer = scope.spawn(move || stdin.write_all(stream.as_bytes()));
            let output = running.wait_with_output()?;
            if !output.status.success() {
                bail!("the oracle failed: {}", String::from_utf8_lossy(&output.stderr));
            }
            Ok(writer.join())
        })?;
        if !matches!(sent, Ok(Ok(()))) {
            bail!("the oracle did not read all objects");
        }
        let lines = fs::read_to_string(answers.path())?;
        lines
            .lines()
            .map(|line| serde_json::from_str(line).context("the oracle answered no JSON"))
            .collect()
    }
}

/// The program for the sources as they are now. They are its name, so that another branch's program is another one.
pub(super) fn find() -> Result<Option<Oracle>> {
    let name = format!("oracle-{:016x}", fingerprint()?);
    let made = install::folder().join(&name);
    if made.is_dir() {
        return Ok(Some(Oracle {
            program: made.join("oracle"),
        }));
    }
    if !install::wanted() {
        return Ok(None);
    }
    let go = go::find()?;
    let made = install::once(&name, |folder| {
        let mut build = Command::new(go);
        build
            .args(["build", "-trimpath", "-o"])
            .arg(folder.join("oracle"))
            .arg(".");
        build.current_dir(repository::root().join("tests/oracle"));
        // The sources ask for no newer Go than the one found, and a second toolchain must not be fetched on the side.
        build
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-mod=readonly")
            .env("GOWORK", "off");
        install::run(&mut build).map(drop)
    })?;
    Ok(Some(Oracle {
        program: made.join("oracle"),
    }))
}

/// FNV-1a over names and contents: it has to be the same on every run, and nobody attacks it.
fn fingerprint() -> Result<u64> {
    let mut sources = BTreeMap::new();
    for suffix in [".go", "go.mod", "go.sum"] {
        for path in repository::files("tests/oracle", suffix)? {
            sources.insert(repository::shown(&path), repository::read(&path)?);
        }
    }
    let bytes = sources
        .iter()
        .flat_map(|(name, text)| name.bytes().chain([0]).chain(text.bytes()).chain([0]));
    Ok(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    }))
}
