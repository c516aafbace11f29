//! What `build` and `check` have in common: reading the arguments, showing findings, and what they make of the run.

use anyhow::{Context as _, bail};

use super::args::{Format, ProjectArgs};
use super::{ExitCode, Io};
use crate::diagnostics::Severity;
use crate::diagnostics::render::{Style, github, human, json, sarif};
use crate::driver::project::Location;
use crate::driver::{Options, Outcome};
use crate::policy::Target;
use crate::source::Disk;

/// Where the project is, and what is asked of it.
pub(super) fn question(args: &ProjectArgs, io: &Io<'_>) -> anyhow::Result<(Location, Options)> {
    let target = match &args.target {
        None => None,
        Some(text) => match Target::parse(text) {
            None => bail!(
                "`{text}` is no known target; use a release from `{}` to `{}`",
                Target::LEGACY,
                Target::NEWEST
            ),
            target => target,
        },
    };
    let location = Location::find(&Disk, &io.cwd, args.path.as_deref()).context("there is no project to read")?;
    let options = Options {
        target,
        environment: args.env.clone(),
        set: args.set.clone(),
    };
    Ok((location, options))
}

/// The findings in the form that is asked for.
pub(super) fn findings(outcome: &Outcome, format: Format, color: bool) -> String {
    let (sources, list) = (&outcome.sources, outcome.diagnostics.as_slice());
    match format {
        Format::Human => human(sources, list, Style { color }),
        Format::Json => json(sources, list),
        Format::Sarif => sarif(sources, list),
        Format::Github => github(sources, list),
    }
}

/// What the findings come to.
pub(super) fn verdict(outcome: &Outcome, args: &ProjectArgs) -> ExitCode {
    let fatal = outcome.count(Severity::Error) > 0 || (args.deny.is_some() && outcome.count(Severity::Warning) > 0);
    if fatal { ExitCode::Found } else { ExitCode::Clean }
}

/// The findings counted, such as `2 errors, 1 warning`; `None` where there are none.
pub(super) fn counts(outcome: &Outcome) -> Option<String> {
    let kinds = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    let counted = kinds
        .into_iter()
        .map(|(severity, word)| (outcome.count(severity), word));
    let parts: Vec<String> = counted
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| plural(count, word))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `1 file`, `2 files`.
pub(super) fn plural(count: usize, word: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {word}{end}")
}

/// Why a run without errors fails.
pub(super) fn denied(outcome: &Outcome) -> String {
    format!(
        "{}, which `--deny warnings` makes errors",
        plural(outcome.count(Severity::Warning), "warning")
    )
}
