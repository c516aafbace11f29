//! The whole thing: find a project, read it, and take it through the stages.
//!
//! `run` is the function to read first. A project is judged once for each of its environments, because each is a
//! policy of its own; the text is read and parsed once.

pub mod errors;
mod findings;
mod follow_ups;
pub mod inputs;
pub mod levels;
pub mod manifest;
pub mod manifests;
pub mod near;
mod parameters;
pub mod project;
mod suppress;
mod texts;
pub mod tokens;
pub mod verdicts;

use crate::analysis::composed::{self, Installation, Own};
use crate::analysis::{Analysis, invariants};
use crate::backends::{self, Artifact, kubernetes::Cluster, manifests::Manifests, repeated, unheeded};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::hir::{self, Surroundings};
use crate::lower;
use crate::lower::inventory::{self, Facts};
use crate::policy::evaluate::Judge;
use crate::policy::inventory::Inventory;
use crate::policy::stated::Stated;
use crate::policy::{PolicySet, Target};
use crate::source::{Files, SourceMap, Span};
use crate::syntax::ast;
use findings::Findings;
pub use inputs::Inputs;
use parameters::Parameters;
use project::{LocationError, Project};
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
    /// A text that belongs to the project for this run, in no file: what is asked in the language's words.
    pub question: Option<String>,
}

/// What findings call the text of a question.
pub const QUESTION: &str = "question";

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
    /// The trees of the project's files.
    pub trees: Vec<ast::File>,
    /// One for each environment that was judged.
    pub builds: Vec<Build>,
    /// Whether there are `.mesh` files, and not only manifests.
    pub has_project: bool,
    /// How many objects of Istio the manifests hold that were judged.
    pub manifest_objects: usize,
}

impl Outcome {
    /// How many findings weigh as much as this.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }
}

/// One environment; of use only without errors.
#[derive(Debug)]
pub struct Build {
    /// `None`: the defaults of all parameters.
    pub environment: Option<String>,
    /// The objects that the project's own text makes; none where there are errors.
    pub artifacts: Vec<Artifact>,
    /// What the project's own text says.
    pub program: hir::Program,
    /// The policy in force: what the text means, then what manifests say.
    pub policies: PolicySet,
    /// The facts of both.
    pub facts: Facts,
}

/// Judges a policy: the environment that is named, else each of them, and the defaults alone where every parameter has
/// one.
///
/// # Errors
/// There is no such project or environment.
pub fn check(files: &dyn Files, inputs: &Inputs, options: &Options) -> Result<Outcome, RunError> {
    run(files, inputs, options, Purpose::Check)
}

/// Compiles a project for the environment that is named, else with the defaults of its parameters. Of its manifests it
/// takes the facts.
///
/// # Errors
/// There is no such project or environment.
pub fn build(files: &dyn Files, inputs: &Inputs, options: &Options) -> Result<Outcome, RunError> {
    run(files, inputs, options, Purpose::Build)
}

/// Reads a policy to ask questions of it, in the environment that is named, else with the defaults of its parameters.
///
/// # Errors
/// There is no such project or environment.
pub fn ask(files: &dyn Files, inputs: &Inputs, options: &Options) -> Result<Outcome, RunError> {
    run(files, inputs, options, Purpose::Ask)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Check,
    Build,
    Ask,
}

fn run(files: &dyn Files, inputs: &Inputs, options: &Options, purpose: Purpose) -> Result<Outcome, RunError> {
    let mut sources = SourceMap::default();
    let mut acc = Diagnostics::default();
    let mut yaml = manifests::Texts::default();
    let project = match &inputs.project {
        Some(location) => {
            let project = project::read(files, location, &mut sources, &mut acc)?;
            yaml.add_project(files, location, &project, &mut sources, &mut acc);
            project
        }
        None => Project::default(),
    };
    yaml.add_sources(files, &inputs.manifests, &mut sources, &mut acc);
    let parameters = Parameters::read(&options.set, &mut sources, &mut acc)?;
    let texts = Texts::parse(&project, options.question.as_deref(), &mut sources, &mut acc);
    let target = target(&project, options, purpose, &mut acc);
    let accepted = yaml.suppressions(&sources, &mut acc);
    let mut yaml = yaml.judge(target, &sources, &mut acc);
    let environments = environments(&project, &texts, &parameters, options, purpose)?;

    let broken = acc.has_errors();
    let mut findings = Findings::new(acc, &environments);
    let mut builds = Vec::with_capacity(environments.len());
    for environment in &environments {
        let mut acc = Diagnostics::default();
        let settings = parameters.of(environment.as_deref(), &project, &texts, &mut acc);
        let units = texts.units(environment.as_deref());
        let manifests: Vec<&Manifests> = yaml.of(environment.as_deref()).collect();
        let cluster = cluster(&manifests);
        let mut program = hir::resolve(&units, &settings, &surroundings(&cluster, target), &mut acc);
        let mut facts = inventory::facts(&program, target);
        if !cluster.is_empty() {
            let own = facts.stated.clone();
            cluster.complete(&mut facts.inventory, &mut facts.stated, target, &mut acc);
            lower::settle(&mut program, &facts, &own);
        }
        let given = environment
            .as_ref()
            .and_then(|name| project.manifest.environments.get(name));
        program
            .names
            .give_params(given.into_iter().flatten().map(|arg| &arg.name));
        let mut policies = lower::lower(&program, target, &mut acc);
        let artifacts = if acc.has_errors() {
            Vec::new()
        } else {
            backends::emit(&policies, target, &program.mesh.root)
        };
        let own = Own::of(&policies, inputs.project.is_some());
        let last = builds.len() + 1 == environments.len();
        policies.append(yaml.policies(environment.as_deref(), last));
        repeated::check(&policies, &mut acc);
        unheeded::check(&policies, &mut acc);
        let promises = if purpose == Purpose::Check {
            lower::invariants(&program, target, &mut acc)
        } else {
            Vec::new()
        };
        // What is said of a policy that is not what its author meant helps nobody.
        if purpose == Purpose::Check && !broken && !acc.has_errors() {
            let judge = Judge::new(&policies, &facts.inventory, target);
            let installation = Installation {
                judge: &judge,
                stated: &facts.stated,
                own,
            };
            let composed = || composed::check(&installation, &mut acc);
            let (analysis, ()) = rayon::join(|| Analysis::of(&judge), composed);
            analysis.report(&mut acc);
            invariants::check(&judge, &promises, &inventory::issuers(&program), &mut acc);
        }
        findings.add(acc);
        builds.push(Build {
            environment: environment.clone(),
            artifacts,
            program,
            policies,
            facts,
        });
    }

    let diagnostics = findings.judge(&project.manifest.levels, &texts, &accepted, purpose == Purpose::Check);
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        builds.iter_mut().for_each(|build| build.artifacts.clear());
    }
    Ok(Outcome {
        sources,
        diagnostics,
        target,
        trees: texts.into_trees(),
        builds,
        has_project: inputs.project.is_some(),
        manifest_objects: yaml.objects,
    })
}

/// The facts of all manifests together.
fn cluster(manifests: &[&Manifests]) -> Cluster {
    let mut cluster = Cluster::default();
    for manifests in manifests {
        cluster.append(&manifests.cluster);
    }
    cluster
}

/// What manifests say by themselves. Where they do not fit each other or the project is said when both are put together.
fn surroundings(cluster: &Cluster, target: Target) -> Surroundings {
    let (mut inventory, mut stated) = (Inventory::default(), Stated::new());
    cluster.complete(&mut inventory, &mut stated, target, &mut Diagnostics::default());
    Surroundings::new(inventory, stated)
}

fn target(project: &Project, options: &Options, purpose: Purpose, acc: &mut Diagnostics) -> Target {
    let named = options.target.or(project.manifest.target);
    if named.is_none()
        && !project.manifest.names_target
        && purpose == Purpose::Check
        && let Some(file) = project.manifest_file.or(project.files.first().map(|file| file.id))
    {
        let newest = Target::NEWEST.to_string();
        let span = Span::new(file, 0, 0);
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
    if purpose != Purpose::Check || project.environments.is_empty() {
        return Ok(vec![None]);
    }
    let defaults = parameters.are_complete(texts).then_some(None);
    Ok(defaults
        .into_iter()
        .chain(project.environments.iter().cloned().map(Some))
        .collect())
}

#[cfg(test)]
mod invariants_hold;
#[cfg(test)]
mod tests;
