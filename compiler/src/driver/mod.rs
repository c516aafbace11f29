//! The whole thing: find a project, read it, and take it through the stages.
//!
//! `run` is the function to read first. A project is judged once for each of its environments, because each is a
//! policy of its own; the text is read and parsed once.

pub mod errors;
mod findings;
mod follow_ups;
pub mod levels;
pub mod manifest;
pub mod manifests;
mod parameters;
pub mod project;
mod suppress;
mod texts;

use crate::backends::{self, Artifact};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::hir;
use crate::lower;
use crate::policy::{PolicySet, Target};
use crate::source::{FileId, Files, SourceMap, Span};
use findings::Findings;
use parameters::Parameters;
use project::{Location, LocationError, Project};
use texts::Texts;

/// What the command line says of a run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Instead of the manifest's target.
    pub target: Option<Target>,
    /// The only environment that is meant.
    pub environment: Option<String>,
    /// `P=ARG`, in order; the last one of a parameter counts.
    pub set: Vec<String>,
}

/// Why a project could not be judged at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Location(#[from] LocationError),
    #[error("the project has no environment `{name}`{}", one_of(.known))]
    UnknownEnvironment { name: String, known: Vec<String> },
    #[error("`--set {0}` is not of the form `PARAM=VALUE` or `PARAM=[VALUE, VALUE]`")]
    Set(String),
    #[error("`--set {0}` has `${{…}}` or `\\*`, but takes plain values only")]
    SetNotPlain(String),
}

fn one_of(environments: &[String]) -> String {
    match environments {
        [] => String::new(),
        many => format!("; it has `{}`", many.join("`, `")),
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    pub sources: SourceMap,
    /// All findings, ordered by place.
    pub diagnostics: Vec<Diagnostic>,
    pub target: Target,
    /// One for each environment that was judged.
    pub builds: Vec<Build>,
    /// How many objects of Istio the manifests hold that were judged.
    pub manifest_objects: usize,
    /// Whether YAML belongs to the policy that is not part of [`Build::policies`] yet.
    pub is_partial: bool,
}

impl Outcome {
    /// How many findings weigh as much as this.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }
}

/// The objects of one environment; none where the project has errors.
#[derive(Debug)]
pub struct Build {
    /// `None`: the defaults of all parameters.
    pub environment: Option<String>,
    pub artifacts: Vec<Artifact>,
    /// What the project says, and the policy that it means, for questions; of use only without errors.
    pub program: hir::Program,
    pub policies: PolicySet,
}

/// Judges a project: the environment that is named, else each of them, and the defaults alone where every parameter has
/// one.
///
/// # Errors
/// There is no such project or environment.
pub fn check(files: &dyn Files, location: &Location, options: &Options) -> Result<Outcome, RunError> {
    run(files, location, options, Purpose::Check)
}

/// Compiles a project for the environment that is named, else with the defaults of its parameters.
///
/// # Errors
/// There is no such project or environment.
pub fn build(files: &dyn Files, location: &Location, options: &Options) -> Result<Outcome, RunError> {
    run(files, location, options, Purpose::Build)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Check,
    Build,
}

fn run(files: &dyn Files, location: &Location, options: &Options, purpose: Purpose) -> Result<Outcome, RunError> {
    let mut sources = SourceMap::default();
    let mut acc = Diagnostics::default();
    let project = project::read(files, location, &mut sources, &mut acc)?;
    let parameters = Parameters::read(&options.set, &mut sources, &mut acc)?;
    let texts = Texts::parse(&project, &mut sources, &mut acc);
    let target = target(&project, options, purpose, &mut acc);
    // Of the legacy API no manifest is judged yet.
    let manifest_objects = if purpose == Purpose::Check && !target.is_legacy() {
        manifests::check_project(files, location, &project, &mut sources, &mut acc)
    } else {
        0
    };
    let environments = environments(&project, &texts, &parameters, options, purpose)?;

    let mut findings = Findings::new(acc, &environments);
    let mut builds = Vec::with_capacity(environments.len());
    for environment in &environments {
        let mut acc = Diagnostics::default();
        let settings = parameters.of(environment.as_deref(), &project, &texts, &mut acc);
        let units = texts.units(environment.as_deref());
        let program = hir::resolve(&units, &settings, &mut acc);
        let policies = lower::lower(&program, target, &mut acc);
        let artifacts = if acc.has_errors() {
            Vec::new()
        } else {
            backends::emit(&policies, target, &program.mesh.root)
        };
        findings.add(acc);
        builds.push(Build {
            environment: environment.clone(),
            artifacts,
            program,
            policies,
        });
    }

    let diagnostics = findings.judge(&project.manifest.levels, &texts, purpose == Purpose::Check);
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        builds.iter_mut().for_each(|build| build.artifacts.clear());
    }
    Ok(Outcome {
        sources,
        diagnostics,
        target,
        builds,
        manifest_objects,
        is_partial: !project.manifest.manifests.is_empty(),
    })
}

fn target(project: &Project, options: &Options, purpose: Purpose, acc: &mut Diagnostics) -> Target {
    let named = options.target.or(project.manifest.target);
    if named.is_none() && !project.manifest.names_target && purpose == Purpose::Check {
        let file = project.manifest_file.or(project.files.first().map(|file| file.id));
        let span = Span::new(file.unwrap_or(FileId(0)), 0, 0);
        let newest = Target::NEWEST.to_string();
        acc.push(errors::default_target(span, &newest, project.manifest_file.is_some()));
    }
    named.unwrap_or(Target::NEWEST)
}

/// The environments to judge; `None` is the defaults alone.
fn environments(
    project: &Project,
    texts: &Texts,
    parameters: &Parameters,
    options: &Options,
    purpose: Purpose,
) -> Result<Vec<Option<String>>, RunError> {
    if let Some(name) = &options.environment {
        if !project.environments.contains(name) {
            return Err(RunError::UnknownEnvironment {
                name: name.clone(),
                known: project.environments.iter().cloned().collect(),
            });
        }
        return Ok(vec![Some(name.clone())]);
    }
    if purpose == Purpose::Build || project.environments.is_empty() {
        return Ok(vec![None]);
    }
    let defaults = parameters.are_complete(texts).then_some(None);
    Ok(defaults
        .into_iter()
        .chain(project.environments.iter().cloned().map(Some))
        .collect())
}

#[cfg(test)]
mod tests;
