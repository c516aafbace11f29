//! What may stand on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::{build, check, completions, effective, eval, explain, facts, fmt, graph, jwt, new, reach, test, r#try};

/// Policy as code for Istio: compiles `.mesh` files to the security objects of a service mesh.
#[derive(Debug, Parser)]
#[command(name = "meshc", version, propagate_version = true, max_term_width = 100, after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,

    /// When reports have colours; `NO_COLOR` in the environment means never
    #[arg(long, global = true, display_order = 900, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

const EXAMPLES: &str = "\
Examples:
  meshc new shop                        make a project
  meshc check                           judge the project here, or the nearest one above
  meshc build | kubectl apply -f -      build it and hand the objects to a cluster
  meshc build --env prod -o deploy      write the objects of environment prod to a folder
  meshc build --env prod -o deploy --check
                                        fail if that folder is out of date
  meshc explain E0005                   what a finding means

Exit codes: 0 no errors, 1 errors (or warnings under --deny warnings, or failing tests), 2 could not run.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Build(build::Args),
    Check(check::Args),
    Test(test::Args),
    Eval(Box<eval::Args>),
    Facts(facts::Args),
    Jwt(Box<jwt::Args>),
    Effective(effective::Args),
    WhoCan(reach::WhoCanArgs),
    Can(reach::CanArgs),
    Graph(graph::Args),
    Try(r#try::Args),
    #[command(hide = true)]
    SuperviseEnvoy(r#try::SupervisorArgs),
    Fmt(fmt::Args),
    Explain(explain::Args),
    New(new::Args),
    Completions(completions::Args),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    Auto,
    Always,
    Never,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// With the lines of the text, for people.
    Human,
    /// One JSON object; `spec/diagnostics.schema.json` describes it.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Deny {
    Warnings,
}

/// What is asked about, and as what: the arguments that most subcommands share.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct InputArgs {
    /// A project (its folder, its `mesh.toml`, or a single `.mesh` file) and Istio manifests beside it (YAML or JSON files, folders of them, `-` for standard input), which together are one policy [default: the nearest `mesh.toml`]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) settings: SettingArgs,
}

/// For which release, environment and parameters.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct SettingArgs {
    /// The Istio release that is meant, such as `istio-1.31` [default: `target` in mesh.toml, else the newest]
    #[arg(long, value_name = "RELEASE")]
    pub(super) target: Option<String>,

    /// The environment: a table `[env.NAME]` in mesh.toml, a folder `env/NAME`, or both
    #[arg(long, value_name = "NAME")]
    pub(super) env: Option<String>,

    /// Give a parameter a value, or a list: `--set domain=example.com --set 'offices=[10.0.0.0/8, 192.0.2.1]'`
    #[arg(long, value_name = "PARAM=VALUE")]
    pub(super) set: Vec<String>,
}

/// What is judged, and how it is said: the arguments of `build` and `check`.
#[derive(Debug, ClapArgs)]
pub(super) struct ProjectArgs {
    #[command(flatten)]
    pub(super) inputs: InputArgs,

    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,

    /// Fail on warnings too
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) deny: Option<Deny>,
}

/// A port from the command line.
pub(super) fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "a port is a number from 1 to 65535".to_owned())
}
