//! `meshc check`: what is wrong with a project, in every environment.

use std::io::Read as _;
use std::path::Path;

use anyhow::bail;

use super::args::{Format, ProjectArgs};
use super::{ExitCode, Io, report};
use crate::diagnostics::Severity;
use crate::driver::{self, Outcome, manifests, project};
use crate::source::files::{MAX_FILE_BYTES, clean};
use crate::source::{Disk, EntryKind, FileError, Files as _};

/// Judge a project in each of its environments, or a file of Istio manifests
///
/// Examples:
///   meshc check
///   meshc check examples/shop --env prod
///   meshc check --deny warnings --format github
///   meshc check --format sarif > meshc.sarif
///   meshc check policies.yaml
///   kubectl get authorizationpolicies -A -o yaml | meshc check -
///
/// Findings for people go to standard error; JSON, SARIF and GitHub's commands to standard output.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let outcome = match &args.project.path {
        Some(path) if is_of_manifests(path, io) => of_manifests(path, &args.project, io)?,
        _ => {
            let (location, options) = report::question(&args.project, io)?;
            driver::check(&Disk, &location, &options)?
        }
    };
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

/// Standard input, or a file that is called like one.
fn is_of_manifests(path: &Path, io: &Io<'_>) -> bool {
    let is_file = || Disk.kind(&clean(&io.cwd.join(path))) == Some(EntryKind::File);
    path == Path::new("-") || (manifests::is_manifest(path) && is_file())
}

fn of_manifests(path: &Path, args: &ProjectArgs, io: &Io<'_>) -> anyhow::Result<Outcome> {
    if args.target.is_some() || args.env.is_some() || !args.set.is_empty() {
        bail!(
            "`--target`, `--env` and `--set` are for projects, and `{}` is none",
            path.display()
        );
    }
    if path == Path::new("-") {
        return Ok(manifests::check_text("stdin", standard_input()));
    }
    let content = Disk.read(&clean(&io.cwd.join(path)));
    Ok(manifests::check_text(&project::slashed(&clean(path)), content))
}

fn standard_input() -> Result<Vec<u8>, FileError> {
    let mut content = Vec::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut content)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(FileError::TooLarge { bytes: read as u64 });
    }
    Ok(content)
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
        .map(|build| {
            let objects = report::plural(build.artifacts.len(), "object");
            match &build.environment {
                Some(name) => format!("{objects} in environment {name}"),
                None if outcome.builds.len() > 1 => format!("{objects} without an environment"),
                None => objects,
            }
        })
        .collect();
    if outcome.builds.is_empty() || outcome.manifest_objects > 0 {
        objects.push(format!(
            "{} in manifests",
            report::plural(outcome.manifest_objects, "object")
        ));
    }
    let remarks = counts.map_or(String::new(), |counts| format!(" ({counts})"));
    format!("ok: {} for {}{remarks}", objects.join(", "), outcome.target)
}
