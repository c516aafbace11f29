//! `meshc completions`: a script that completes the command in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{ExitCode, Io, args};

/// Print a script that completes the command in a shell
///
/// Examples:
///   meshc completions bash > /etc/bash_completion.d/meshc
///   meshc completions fish > ~/.config/fish/completions/meshc.fish
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    let whole = args::Args::command();
    // A script would offer hidden subcommands too.
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set());
    let mut command = clap::Command::new("meshc")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments())
        .subcommands(shown.cloned());
    clap_complete::generate(args.shell, &mut command, "meshc", &mut script);
    io.print(&String::from_utf8_lossy(&script));
    Ok(ExitCode::Clean)
}
