//! `meshc check`: what is wrong with a project, in every environment.

use super::args::{Format, ProjectArgs};
use super::watch::Watched;
use super::{ExitCode, Io, report};
use crate::diagnostics::Severity;
use crate::driver::{self, Inputs, Options, Outcome};
use crate::source::{Disk, Files};

/// Judge a project in each of its environments, Istio manifests, or both as one policy
///
/// Examples:
///   meshc check
///   meshc check examples/shop --env prod
///   meshc check --deny warnings --format github
///   meshc check --format sarif > meshc.sarif
///   meshc check policies.yaml
///   meshc check examples/shop k8s/
///   kubectl get authorizationpolicies -A -o yaml | meshc check -
///   meshc check --watch                       again whenever a file changes, until Ctrl-C
///
/// Findings for people go to standard error; JSON, SARIF and GitHub's commands to standard output.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    project: ProjectArgs,

    /// Judge again whenever a file changes
    #[arg(long)]
    watch: bool,
}

/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let (inputs, options) = report::question(&args.project.inputs, io)?;
    if !args.watch {
        return judge(&Disk, (&inputs, &options), args, io);
    }
    loop {
        let files = Watched::default();
        if io.err_is_terminal {
            io.error(CLEAR);
        }
        // What cannot be judged now may be mended.
        if let Err(error) = judge(&files, (&inputs, &options), args, io) {
            io.error_line(&format!("{error:#}"));
        }
        files.into_seen().wait();
    }
}

fn judge(
    files: &dyn Files,
    (inputs, options): (&Inputs, &Options),
    args: &Args,
    io: &mut Io<'_>,
) -> anyhow::Result<ExitCode> {
    let outcome = driver::check(files, inputs, options)?;
    let text = report::findings(&outcome, args.project.format, io.color);
    match args.project.format {
        Format::Human if text.is_empty() => {}
        Format::Human => io.error(&format!("{text}\n")),
        Format::Json | Format::Sarif | Format::Github => io.print(&text),
    }
    let verdict = report::verdict(&outcome, &args.project);
    io.error(&format!("{}\n", summary(&outcome, verdict)));
    Ok(verdict)
}

fn summary(outcome: &Outcome, verdict: ExitCode) -> String {
    let counts = report::counts(outcome);
    if verdict != ExitCode::Clean {
        return match counts {
            Some(counts) if outcome.count(Severity::Error) > 0 => counts,
            _ => report::denied(outcome),
        };
    }
    let mut objects: Vec<String> = outcome
        .builds
        .iter()
        .filter(|_| outcome.has_project)
        .map(|build| {
            let objects = report::plural(build.artifacts.len(), "object");
            match &build.environment {
                Some(name) => format!("{objects} in environment {name}"),
                None if outcome.builds.len() > 1 => format!("{objects} without an environment"),
                None => objects,
            }
        })
        .collect();
    if !outcome.has_project || outcome.manifest_objects > 0 {
        objects.push(format!(
            "{} in manifests",
            report::plural(outcome.manifest_objects, "object")
        ));
    }
    let remarks = counts.map_or(String::new(), |counts| format!(" ({counts})"));
    format!("ok: {} for {}{remarks}", objects.join(", "), outcome.target)
}
