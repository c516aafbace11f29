//! Programs of the Mesh language in the differential test: what they emit goes to istiod, what they mean is judged.

use std::path::Path;

use anyhow::{Context, Result, bail};
use meshc::diagnostics::Severity;
use meshc::driver::project::Location;
use meshc::driver::{self, Build, Options, Outcome};
use meshc::policy::Target;
use meshc::source::{Memory, Unit};
use serde_json::Value;

use super::run::KEY_SETS;
use crate::envoy::Keys;
use crate::yaml;

/// A program with its key sets in place, compiled.
pub fn compile(program: &str, keys: &Keys) -> Result<Build> {
    let outcome = build(&keys.fill(program)?)?;
    if let Some(error) = outcome.diagnostics.iter().find(|it| it.severity == Severity::Error) {
        bail!("the program is wrong: {}", error.message);
    }
    outcome.builds.into_iter().next().context("nothing was built")
}

/// What a program emits, its key sets as in [`crate::envoy::Scenario::objects`]; `Err` has the lines that are wrong, from 0.
pub fn objects(program: &str) -> Result<Result<Vec<Value>, Vec<usize>>> {
    let mut text = program.to_owned();
    for name in KEY_SETS {
        let quoted = Value::from(stand_in(name)).to_string();
        text = text.replace(&format!("${{jwks:{name}}}"), quoted.trim_matches('"'));
    }
    let outcome = build(&text)?;
    let errors = outcome.diagnostics.iter().filter(|it| it.severity == Severity::Error);
    let lines: Vec<usize> = errors
        .map(|error| outcome.sources.positions(error.primary.span, Unit::Utf8).0.line as usize)
        .collect();
    if !lines.is_empty() {
        return Ok(Err(lines));
    }
    let artifacts = outcome.builds.iter().flat_map(|build| &build.artifacts);
    let objects = artifacts.map(|artifact| {
        let mut object = yaml::read(&artifact.text)?.into_iter().next().context("no object")?;
        let rules = object.pointer_mut("/spec/jwtRules").and_then(Value::as_array_mut);
        for keys in rules.into_iter().flatten().filter_map(|rule| rule.get_mut("jwks")) {
            let name = KEY_SETS.iter().find(|name| *keys == stand_in(name));
            *keys = format!("${{jwks:{}}}", name.context("keys that are nobody's")?).into();
        }
        Ok(object)
    });
    Ok(Ok(objects.collect::<Result<_>>()?))
}

/// A key set that stands for another one where there are no keys yet.
fn stand_in(name: &str) -> String {
    format!("{{\"keys\":[{{\"kty\":\"oct\",\"k\":\"c3RhbmQtaW4\",\"kid\":\"{name}\"}}]}}")
}

fn build(program: &str) -> Result<Outcome> {
    let mut files = Memory::new();
    files.insert("/project/main.mesh", program.as_bytes());
    let location = Location::find(&files, Path::new("/project"), Some(Path::new(".")))?;
    let options = Options {
        target: Some(Target::NEWEST),
        ..Options::default()
    };
    Ok(driver::build(&files, &location.into(), &options)?)
}
