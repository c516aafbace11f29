//! The `meshc` command: hands the process to [`meshc::cli::run`].

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[expect(
    clippy::disallowed_methods,
    reason = "here, and nowhere else, the environment is asked"
)]
fn main() -> ExitCode {
    let mut io = meshc::cli::Io {
        input: &mut stdin(),
        out: &mut stdout(),
        err: &mut stderr(),
        cwd: std::env::current_dir().unwrap_or_default(),
        out_is_terminal: stdout().is_terminal(),
        err_is_terminal: stderr().is_terminal(),
        no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        environment: meshc::cli::Environment {
            program: std::env::current_exe().ok(),
            path: std::env::var_os("PATH"),
        },
        color: false,
        out_color: false,
        unwritten: None,
    };
    meshc::cli::run(std::env::args_os(), &mut io).into()
}
