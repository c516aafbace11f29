//! `meshc graph`: the precedence of policies as a picture or as data.

mod dot;
mod html;
mod json;
mod svg;

use std::path::PathBuf;

use anyhow::bail;

use super::args::{self, InputArgs};
use super::{ExitCode, Io, report, workloads};
use crate::driver;
use crate::policy::Target;
use crate::policy::evaluate::Judge;
use crate::policy::graph::Graph;
use crate::source::files::clean;
use crate::source::{Disk, Files as _, SourceMap};

/// Draw which policy holds over which, and which is evaluated before which
///
/// Examples:
///   meshc graph --format svg > mesh.svg          the whole mesh, to look at in a browser
///   meshc graph shop/web --format svg > web.svg  what has to do with one workload
///   meshc graph shop/web --port 8080             one port of it
///   meshc graph --format html > mesh.html        a page to search, move about and click in
///   meshc graph | dot -Tpng > mesh.png
///   meshc graph examples/shop --format json      as data, see `spec/graph.schema.json`
///
/// The first argument is a workload unless there is a file or folder of that name.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The workload or gateway, `namespace/name`; its name alone where no other has it [default: the whole mesh]
    workload: Option<String>,

    #[command(flatten)]
    inputs: InputArgs,

    /// Only what has to do with this port of the workload's pods
    #[arg(long, value_parser = args::port)]
    port: Option<u16>,

    /// How the graph is written
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    format: GraphFormat,
}

/// How the graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum GraphFormat {
    /// For Graphviz.
    Dot,
    /// One JSON object.
    Json,
    /// A picture that needs nothing else.
    Svg,
    /// The picture as a page to search, move about and click in; it needs no network.
    Html,
}

/// What a graph is of, for whoever writes it down.
struct Subject<'a> {
    graph: &'a Graph,
    sources: &'a SourceMap,
    target: Target,
    /// `namespace/name` of the only workload.
    workload: Option<String>,
    port: Option<u16>,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let mut inputs = args.inputs.clone();
    let mut workload = args.workload.as_deref();
    if let Some(path) = workload.filter(|name| *name == "-" || Disk.kind(&clean(&io.cwd.join(name))).is_some()) {
        inputs.paths.insert(0, PathBuf::from(path));
        workload = None;
    }
    if let (Some(_), None) = (args.port, workload) {
        bail!("`--port` is a port of a workload, and none is named");
    }
    let Some(outcome) = report::policy(&inputs, io, driver::ask)? else {
        return Ok(ExitCode::Found);
    };
    let Some(build) = outcome.builds.first() else {
        bail!("there is nothing to draw");
    };
    let judge = Judge::new(&build.policies, &build.facts.inventory, outcome.target);
    let index = workload
        .map(|name| workloads::find(&build.facts.inventory, name))
        .transpose()?;
    let graph = match index {
        Some(index) => Graph::of_workload(&judge, index, args.port),
        None => Graph::of_mesh(&judge),
    };
    let subject = Subject {
        graph: &graph,
        sources: &outcome.sources,
        target: outcome.target,
        workload: index.and_then(|index| workloads::name(&build.facts.inventory, index)),
        port: args.port,
    };
    io.print(&match args.format {
        GraphFormat::Dot => dot::write(&subject),
        GraphFormat::Json => json::write(&subject),
        GraphFormat::Svg => svg::write(&subject),
        GraphFormat::Html => html::write(&subject),
    });
    if graph.omitted > 0 {
        io.error(&format!(
            "note: {} edges of the order of evaluation are left out; the stage of each policy says the same\n",
            graph.omitted
        ));
    }
    Ok(ExitCode::Clean)
}
