//! istiod's own code, asked for the configuration of proxies: the oracle in its long-running mode.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::oracle::Verdict;

/// One mesh, as `tests/oracle/generate.go` reads it.
#[derive(Debug, Serialize)]
pub struct Scenario {
    /// Settings of the mesh as YAML, over Istio's defaults.
    pub mesh: String,
    /// Istio's and Kubernetes' objects as one YAML stream.
    pub objects: String,
    pub proxies: Vec<Proxy>,
}

/// A proxy whose configuration is wanted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    pub name: String,
    pub namespace: String,
    #[serde(rename = "type")]
    pub kind: ProxyKind,
    pub ip: String,
    pub labels: std::collections::BTreeMap<String, String>,
    pub service_account: String,
    /// Whether its clusters are wanted, and their endpoints, which are most of an answer.
    pub clusters: bool,
}

/// Istio's names for kinds of proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyKind {
    Sidecar,
    /// A gateway.
    Router,
    Waypoint,
}

/// What istiod would send.
#[derive(Debug, Deserialize)]
pub struct Generated {
    #[serde(default)]
    error: String,
    /// Objects that a cluster would not have stored; then nothing is generated.
    #[serde(default)]
    pub refused: Vec<Verdict>,
    /// In the order of the proxies.
    #[serde(default)]
    pub proxies: Option<Vec<Configuration>>,
    /// How long istiod's code took.
    #[serde(default)]
    pub seconds: f64,
}

/// The configuration of one proxy in the JSON of protocol buffers.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Configuration {
    pub listeners: Vec<Value>,
    pub routes: Vec<Value>,
    pub clusters: Option<Vec<Value>>,
    /// Of the clusters.
    pub endpoints: Option<Vec<Value>>,
}

/// A running generator. It ends when it is dropped.
pub struct Generator {
    process: Child,
    /// `None` only while it ends.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Generator {
    /// Starts the program; `ambient` as istiod is told by its environment.
    pub(super) fn start(program: &Path, ambient: bool) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .arg("generate")
            .env("PILOT_ENABLE_AMBIENT", ambient.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let questions = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().context("the generator has no standard output")?);
        let mut line = String::new();
        // Istio's packages log a little before they can be told not to.
        while line.trim_end() != "ready" {
            line.clear();
            if answers.read_line(&mut line)? == 0 {
                bail!("the generator did not start");
            }
        }
        Ok(Self {
            process,
            questions,
            answers,
        })
    }

    /// Whether it has ended, as it does after an error.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// The configuration of every scenario, in order. `each` sees an answer as soon as it is there.
    pub fn generate(
        &mut self,
        scenarios: &[Scenario],
        mut each: impl FnMut(usize, Generated) -> Result<()>,
    ) -> Result<()> {
        let (questions, answers, process) = (&mut self.questions, &mut self.answers, &mut self.process);
        thread::scope(|scope| {
            // On a thread of its own, or a full pipe on one side could wait for the other.
            let writer = scope.spawn(move || -> Result<()> {
                let pipe = questions.as_mut().context("the generator has ended")?;
                for scenario in scenarios {
                    let mut line = serde_json::to_vec(scenario)?;
                    line.push(b'\n');
                    pipe.write_all(&line)?;
                }
                Ok(pipe.flush()?)
            });
            let read = read(answers, scenarios.len(), &mut each);
            if read.is_err() {
                // Nobody reads on, so it could wait for ever, and the writer for it.
                let _ = process.kill();
                let _ = process.wait();
            }
            let written = writer.join();
            read?;
            match written {
                Ok(written) => written.context("the generator did not read all scenarios"),
                Err(_) => bail!("the generator's writer panicked"),
            }
        })
    }
}

fn read(answers: &mut impl BufRead, count: usize, each: &mut impl FnMut(usize, Generated) -> Result<()>) -> Result<()> {
    let mut line = String::new();
    for index in 0..count {
        line.clear();
        if answers.read_line(&mut line)? == 0 {
            bail!("the generator ended at scenario {index}");
        }
        let answer: Generated = serde_json::from_str(&line).context("the generator answered no JSON")?;
        if !answer.error.is_empty() {
            bail!("the generator at scenario {index}: {}", answer.error);
        }
        each(index, answer)?;
    }
    Ok(())
}

impl Drop for Generator {
    fn drop(&mut self) {
        // It ends when there is nothing more to read; what is left of it is nobody's concern.
        drop(self.questions.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
