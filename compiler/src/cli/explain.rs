//! `meshc explain`: the page of a finding, or the list of them.

use anyhow::bail;

use super::{ExitCode, Io};
use crate::catalogue;
use crate::diagnostics::Severity;

/// Explain a finding, by its code or its name; without one, list them all
///
/// Examples:
///   meshc explain
///   meshc explain E0005
///   meshc explain unknown-key
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A code such as `E0005`, or a name such as `unknown-key`
    #[arg(value_name = "CODE|NAME")]
    finding: Option<String>,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let Some(finding) = &args.finding else {
        io.print(&list());
        return Ok(ExitCode::Clean);
    };
    let Some(code) = catalogue::find(finding) else {
        match catalogue::nearest_name(finding) {
            Some(name) => bail!("there is no finding `{finding}`; did you mean `{name}`?"),
            None => bail!("there is no finding `{finding}`; `meshc explain` lists them"),
        }
    };
    io.print(&format!("{}\n", code.page.trim_end()));
    Ok(ExitCode::Clean)
}

fn list() -> String {
    let codes = catalogue::all();
    let width = codes.iter().map(|code| code.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for code in codes {
        let severity = match code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        out.push_str(&format!(
            "{}  {severity:7}  {:width$}  {}\n",
            code.id, code.name, code.summary
        ));
    }
    out
}
