//! What subcommands have in common: reading the arguments, showing findings, and what they make of the run.

use std::io::Read;

use anyhow::{Context as _, bail};

use super::args::{Format, InputArgs, ProjectArgs};
use super::{ExitCode, Io};
use crate::diagnostics::Severity;
use crate::diagnostics::render::{Style, github, human, json, sarif};
use crate::driver::{Inputs, Options, Outcome, RunError};
use crate::policy::Target;
use crate::source::files::MAX_FILE_BYTES;
use crate::source::{Disk, FileError, Files};

/// What the arguments name, and what is asked of it.
pub(super) fn question(args: &InputArgs, io: &mut Io<'_>) -> anyhow::Result<(Inputs, Options)> {
    let target = match &args.settings.target {
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
    let input = &mut io.input;
    let inputs = Inputs::find(&Disk, &io.cwd, &args.paths, || {
        standard_input(input).unwrap_or_else(|error| Err(error.into()))
    })
    .context("there is nothing to read")?;
    let options = Options {
        target,
        environment: args.settings.env.clone(),
        set: args.settings.set.clone(),
        question: None,
    };
    Ok((inputs, options))
}

fn standard_input(input: &mut dyn Read) -> std::io::Result<Result<Vec<u8>, FileError>> {
    let mut content = Vec::new();
    let read = input.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
    Ok(if read as u64 > MAX_FILE_BYTES {
        Err(FileError::TooLarge { bytes: read as u64 })
    } else {
        Ok(content)
    })
}

/// Reads a policy of which questions are asked. Where it has errors they are shown, and there is none.
pub(super) fn policy(
    args: &InputArgs,
    io: &mut Io<'_>,
    read: fn(&dyn Files, &Inputs, &Options) -> Result<Outcome, RunError>,
) -> anyhow::Result<Option<Outcome>> {
    let (inputs, options) = question(args, io)?;
    let outcome = read(&Disk, &inputs, &options)?;
    if outcome.count(Severity::Error) > 0 {
        io.error(&findings(&outcome, Format::Human, io.color));
        io.error("\nthe policy has errors, so no question about it was answered\n");
        return Ok(None);
    }
    Ok(Some(outcome))
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
