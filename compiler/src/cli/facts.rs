//! `meshc facts`: what the answers rest on, and where each of it is said.

use std::fmt::Write as _;

use anyhow::bail;
use serde_json::json;

use super::args::{Format, InputArgs};
use super::{ExitCode, Io, report, verdicts};
use crate::backends::kubernetes;
use crate::backends::kubernetes::errors::is_contradiction;
use crate::diagnostics::{Diagnostic, Severity};
use crate::driver::{self, Build, Outcome};
use crate::policy::listing::{self, Listed};
use crate::source::{Disk, SourceMap};

/// List the facts that every answer rests on: settings of the mesh, workloads, Services, who is in the mesh
///
/// Examples:
///   meshc facts                           of the project here, with its manifests
///   meshc facts . k8s/                    and of these manifests
///   kubectl get ns,deploy,sts,ds,po,svc -A -o yaml | meshc facts -
///   meshc facts --format yaml             as objects: what a cluster would have to hold
///
/// Each fact stands with the line that says it. One that nobody says is Istio's default (`assumed`), or
/// not known. Where a manifest contradicts a `.mesh` file, both places are shown, and the command fails.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    inputs: InputArgs,

    /// How facts are written
    #[arg(long, value_enum, default_value_t = FactsFormat::Human)]
    format: FactsFormat,
}

/// How facts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FactsFormat {
    Human,
    /// One JSON object.
    Json,
    /// The MeshConfig, labels, annotations and Services that make them true.
    Yaml,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let (inputs, options) = report::question(&args.inputs, io)?;
    let mut outcome = driver::ask(&Disk, &inputs, &options)?;
    let errors = outcome.diagnostics.iter().filter(|d| d.severity == Severity::Error);
    if !errors.clone().all(is_contradiction) {
        io.error(&report::findings(&outcome, Format::Human, io.color));
        io.error("\nthe policy has errors, so its facts are not known\n");
        return Ok(ExitCode::Found);
    }
    outcome.diagnostics.retain(is_contradiction);
    let Some(build) = outcome.builds.first() else {
        bail!("there is nothing to ask");
    };
    let facts = listing::list(&build.facts.inventory, &build.facts.stated);
    let text = match args.format {
        FactsFormat::Human => human(&facts, &outcome.sources),
        FactsFormat::Json => json(&facts, &outcome),
        FactsFormat::Yaml => yaml(build),
    };
    io.print(&text);
    if outcome.diagnostics.is_empty() {
        return Ok(ExitCode::Clean);
    }
    if args.format != FactsFormat::Json {
        io.error(&format!("{}\n", report::findings(&outcome, Format::Human, io.color)));
    }
    Ok(ExitCode::Found)
}

fn human(facts: &[Listed], sources: &SourceMap) -> String {
    let width = |text: fn(&Listed) -> usize| facts.iter().map(text).max().unwrap_or(0).min(48);
    let names = width(|it| it.fact.len());
    let values = width(|it| it.value.as_ref().map_or(1, String::len));
    let mut out = String::new();
    let mut subject = "";
    for it in facts {
        if it.subject != subject {
            subject = &it.subject;
            let _ = writeln!(out, "{}{subject}", if out.is_empty() { "" } else { "\n" });
        }
        let place = match (it.place, &it.value) {
            (Some(span), _) => {
                let (file, line, _) = verdicts::place(sources, span);
                format!("{file}:{line}")
            }
            (None, Some(_)) => "assumed".to_owned(),
            (None, None) => "not known".to_owned(),
        };
        let value = it.value.as_deref().unwrap_or("-");
        let _ = writeln!(out, "  {:names$}  {value:values$}  {place}", it.fact);
    }
    out
}

fn json(facts: &[Listed], outcome: &Outcome) -> String {
    let sources = &outcome.sources;
    let place = |span| {
        let (file, line, column) = verdicts::place(sources, span);
        json!({ "file": file, "line": line, "column": column })
    };
    let facts = facts.iter().map(|it| {
        json!({
            "about": it.subject,
            "fact": it.fact,
            "value": it.value,
            "assumed": it.place.is_none() && it.value.is_some(),
            "place": it.place.map(place),
        })
    });
    let contradictions = outcome.diagnostics.iter().map(|d: &Diagnostic| {
        json!({
            "message": d.message,
            "place": place(d.primary.span),
            "manifest": d.secondary.first().map(|label| place(label.span)),
        })
    });
    let all = json!({
        "facts": facts.collect::<Vec<_>>(),
        "contradictions": contradictions.collect::<Vec<_>>(),
    });
    format!("{all:#}\n")
}

fn yaml(build: &Build) -> String {
    kubernetes::emit(&build.facts.inventory).join("---\n")
}
