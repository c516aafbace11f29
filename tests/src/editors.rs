//! What the project has for editors, as tests use it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

use crate::parts::Node;
use crate::repository;

/// A copy of folders of `editors/`, since building them leaves files there.
pub fn copy(names: &[&str]) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for name in names {
        repository::copy(
            &repository::root().join("editors").join(name),
            &folder.path().join(name),
        )?;
    }
    Ok(folder)
}

/// A copy of the project that tests open in editors, as the folder `shop` of another.
pub fn project() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    repository::copy(
        &repository::root().join("tests/editors/project"),
        &folder.path().join("shop"),
    )?;
    Ok(folder)
}

/// Packages the extension for VS Code in a copy of `editors/`: the file that VS Code installs.
pub fn package(node: &Node, editors: &Path) -> Result<PathBuf> {
    let folder = editors.join("vscode");
    node.install(&folder)?;
    node.run(&folder, "package")?;
    Ok(folder.join("meshc.vsix"))
}
