//! The fixed cases: files of `tests/cases/differential`, each one mesh and what is asked in it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::program;
use crate::envoy::Scenario;
use crate::envoy::request::Request;
use crate::{repository, yaml};

/// One file.
#[derive(Debug)]
pub struct Case {
    pub scenario: Scenario,
    pub asked: Vec<Asked>,
}

/// A request with what is known of it.
#[derive(Debug)]
pub struct Asked {
    pub request: Request,
    pub known: Known,
}

/// What a line says beside the request.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Known {
    pub say: String,
    /// What a real proxy answers: a status, `echo`, `reset` or `tls-error`.
    pub expect: Value,
    /// Headers that the application sees with their values; null: one that it does not see.
    pub upstream: BTreeMap<String, Option<String>>,
    /// Why meshc does not answer, where it says that it cannot: the beginning of its message.
    pub unknown: Option<String>,
}

impl Known {
    /// The expectation as it is compared.
    #[must_use]
    pub fn outcome(&self) -> String {
        match &self.expect {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// The fields of a line that are not the request's.
const KNOWN: &[&str] = &["say", "expect", "upstream", "unknown"];

impl Case {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(&name, &repository::read(path)?).with_context(|| repository::shown(path))
    }

    /// Reads a text of that form.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut document = yaml::read(text)?.into_iter().next().context("the file is empty")?;
        let fields = document.as_object_mut().context("the file is no mapping")?;
        let requests = fields.remove("requests").context("there are no `requests`")?;
        let mut scenario: Scenario = serde_json::from_value(document)?;
        name.clone_into(&mut scenario.name);
        if let Some(program) = &scenario.program {
            scenario.objects = match program::objects(program)? {
                Ok(objects) => objects,
                Err(lines) => bail!("the program is wrong in lines {lines:?}, counted from 0"),
            };
        }
        let lines: Vec<Map<String, Value>> = serde_json::from_value(requests)?;
        let asked = lines.into_iter().map(|line| {
            let (known, request): (Map<_, _>, Map<_, _>) =
                line.into_iter().partition(|(key, _)| KNOWN.contains(&key.as_str()));
            let shown = Value::Object(request.clone()).to_string();
            Ok(Asked {
                request: serde_json::from_value(Value::Object(request)).with_context(|| shown.clone())?,
                known: serde_json::from_value(Value::Object(known)).with_context(|| shown)?,
            })
        });
        Ok(Self {
            scenario,
            asked: asked.collect::<Result<_>>()?,
        })
    }
}

/// All of them.
pub fn all() -> Result<Vec<Case>> {
    let files = repository::files("tests/cases/differential", ".yaml")?;
    files.iter().map(|path| Case::read(path)).collect()
}
