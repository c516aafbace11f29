//! The `meshc` command: arguments in, text and an exit code out. One file a subcommand.
//!
//! [`run`] touches neither the process nor the terminal but through [`Io`], so that tests call it as they are.

mod args;
mod build;
mod check;
mod clock;
mod completions;
mod coverage;
mod disk;
mod effective;
mod eval;
mod explain;
mod facts;
mod fmt;
mod graph;
mod io;
mod jwt;
mod lines;
mod near;
mod new;
mod output;
mod page;
mod reach;
mod report;
mod strict_json;
mod test;
mod tokens;
mod r#try;
mod verdicts;
mod watch;
mod workloads;
mod wrap;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::Parser;

pub use io::{Environment, Io};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// No errors; there may be notes and warnings.
    Clean = 0,
    /// An error, a warning under `--deny warnings`, or a folder that `build --check` finds out of date.
    Found = 1,
    /// The question could not be asked: a wrong flag, no project, an output folder that cannot be written.
    CouldNotRun = 2,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// Runs the command. The first argument is the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> ExitCode {
    let args = match args::Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return answer_of_clap(&error, io),
    };
    let answer = catch_unwind(AssertUnwindSafe(|| dispatch(&args, io)));
    match answer {
        Ok(Ok(code)) => match io.unwritten.take() {
            Some(error) => {
                io.error_line(&format!("the answer cannot be written: {error}"));
                ExitCode::CouldNotRun
            }
            None => code,
        },
        Ok(Err(error)) => {
            io.error_line(&format!("{error:#}"));
            ExitCode::CouldNotRun
        }
        Err(_panic) => {
            io.error_line("internal error in meshc; please report it, with the project that shows it if you can");
            ExitCode::CouldNotRun
        }
    }
}

fn dispatch(args: &args::Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    io.choose_colors(args.color);
    match &args.command {
        args::Command::Build(args) => build::run(args, io),
        args::Command::Check(args) => check::run(args, io),
        args::Command::Test(args) => test::run(args, io),
        args::Command::Eval(args) => eval::run(args, io),
        args::Command::Facts(args) => facts::run(args, io),
        args::Command::Jwt(args) => jwt::run(args, io),
        args::Command::Effective(args) => effective::run(args, io),
        args::Command::WhoCan(args) => reach::who_can(args, io),
        args::Command::Can(args) => reach::can(args, io),
        args::Command::Graph(args) => graph::run(args, io),
        args::Command::Try(args) => r#try::run(args, io),
        args::Command::SuperviseEnvoy(args) => r#try::supervise(args, io),
        args::Command::Fmt(args) => fmt::run(args, io),
        args::Command::Explain(args) => explain::run(args, io),
        args::Command::New(args) => new::run(args, io),
        args::Command::Completions(args) => completions::run(args, io),
    }
}

/// `--help` and `--version` are answers, anything else a mistake in the arguments.
fn answer_of_clap(error: &clap::Error, io: &mut Io<'_>) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        io.error(&text);
        ExitCode::CouldNotRun
    } else {
        io.print(&text);
        ExitCode::Clean
    }
}
