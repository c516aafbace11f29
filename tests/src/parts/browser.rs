//! A browser as people have it: Chromium, driven by playwright-core.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::install;
use super::node::{self, Node};

const PACKAGE: &str = "playwright-core@1.65.1";

/// As distributions call the program.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The browser and what drives it.
pub struct Browser {
    node: Node,
    program: PathBuf,
    driver: PathBuf,
}

impl Browser {
    /// Runs a script (an ES module) that imports `chromium` from `process.env.PLAYWRIGHT` and starts
    /// `process.env.CHROMIUM`; what it prints is returned. A script that throws is an error with what it said.
    pub fn run(&self, script: &Path, args: &[&str]) -> Result<String> {
        let mut node = self.node.command("node");
        node.arg(script).args(args);
        node.env("CHROMIUM", &self.program).env("PLAYWRIGHT", &self.driver);
        install::run(&mut node)
    }
}

/// The machine's own browser, or Debian's; the driver is always the one of the package.
pub(super) fn find() -> Result<Option<Browser>> {
    let name = PACKAGE.replace('@', "-");
    let made = install::folder().join(&name);
    let known = PROGRAMS.iter().find_map(install::on_path);
    if !install::wanted() && (known.is_none() || !made.is_dir()) {
        return Ok(None);
    }
    let Some(node) = node::find()? else {
        return Ok(None);
    };
    let made = install::once(&name, |folder| driver(&node, folder))?;
    let program = match known {
        Some(program) => program,
        None => chromium()?,
    };
    let driver = made.join("node_modules").join("playwright-core").join("index.mjs");
    Ok(Some(Browser { node, program, driver }))
}

fn driver(node: &Node, folder: &Path) -> Result<()> {
    let mut npm = node.command("npm");
    npm.args([
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--prefix",
    ]);
    install::run(npm.arg(folder).arg(PACKAGE)).map(drop)
}

/// Debian's package has what a browser needs of its machine, which an unpacked one lacks.
fn chromium() -> Result<PathBuf> {
    let apt = |args: &[&str]| {
        install::run(
            Command::new("apt-get")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .args(args),
        )
    };
    apt(&["update"])
        .and_then(|_| apt(&["install", "--yes", "--no-install-recommends", "chromium"]))
        .context("no browser is on PATH, and Debian's cannot be installed")?;
    match install::on_path("chromium") {
        Some(program) => Ok(program),
        None => bail!("Debian's chromium is installed, and not on PATH"),
    }
}
