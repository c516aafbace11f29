//! The language server of the Mesh language. It is not there yet: the compiler comes first.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Nobody is left to be told if standard error is closed.
    let _ = writeln!(
        std::io::stderr(),
        "meshc-lsp: there is no language server yet; `meshc check` finds what it would show"
    );
    ExitCode::from(2)
}
