//! `meshc effective`: one workload's policy as a person would want to read it.

mod human;
mod json;

use anyhow::bail;

use super::args::{self, InputArgs};
use super::{ExitCode, Io, report, workloads};
use crate::driver;
use crate::policy::Target;
use crate::policy::evaluate::Judge;
use crate::policy::summary::Summary;
use crate::source::SourceMap;

/// Show what is in force at a workload, and because of which line
///
/// Examples:
///   meshc effective shop/web                  mutual TLS, tokens, access rules, clients
///   meshc effective shop/web --port 8080      for one port of its pods
///   meshc effective web . k8s/ --env prod     with manifests as part of the policy
///   meshc effective shop/web --format json    as data, see `spec/effective.schema.json`
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The workload or gateway, `namespace/name`; its name alone where no other has it
    workload: String,

    #[command(flatten)]
    inputs: InputArgs,

    /// Only what has to do with this port of the workload's pods
    #[arg(long, value_parser = args::port)]
    port: Option<u16>,

    /// How it is written
    #[arg(long, value_enum, default_value_t = EffectiveFormat::Human)]
    format: EffectiveFormat,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum EffectiveFormat {
    /// For people.
    Human,
    /// One JSON object.
    Json,
}

/// What is shown, for whoever writes it down.
struct Subject<'a> {
    summary: &'a Summary<'a>,
    sources: &'a SourceMap,
    target: Target,
    port: Option<u16>,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let Some(outcome) = report::policy(&args.inputs, io, driver::ask)? else {
        return Ok(ExitCode::Found);
    };
    let Some(build) = outcome.builds.first() else {
        bail!("there is nothing to show");
    };
    let judge = Judge::new(&build.policies, &build.facts.inventory, outcome.target);
    let index = workloads::find(&build.facts.inventory, &args.workload)?;
    let index = workloads::of_one_kind(&build.facts.inventory, index)?;
    let Some(summary) = Summary::of(&judge, index, args.port) else {
        bail!("there is nothing to show");
    };
    let subject = Subject {
        summary: &summary,
        sources: &outcome.sources,
        target: outcome.target,
        port: args.port,
    };
    io.print(&match args.format {
        EffectiveFormat::Human => human::write(&subject, io.out_color),
        EffectiveFormat::Json => json::write(&subject),
    });
    Ok(ExitCode::Clean)
}
