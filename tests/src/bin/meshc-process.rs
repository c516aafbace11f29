//! The command as a process of its own, for tests that end it.

use std::env;
use std::io::{IsTerminal as _, stderr, stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut io = meshc::cli::Io {
        input: &mut stdin(),
        out: &mut stdout(),
        err: &mut stderr(),
        cwd: env::current_dir().unwrap_or_default(),
        out_is_terminal: stdout().is_terminal(),
        err_is_terminal: stderr().is_terminal(),
        no_color: true,
        environment: meshc::cli::Environment {
            program: env::current_exe().ok(),
            path: env::var_os("PATH"),
        },
        color: false,
        out_color: false,
        unwritten: None,
    };
    meshc::cli::run(env::args_os(), &mut io).into()
}
