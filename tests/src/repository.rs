//! The repository as data: where it is, and which files it has.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the workspace.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// The path as a report shows it: relative to the root, with `/` between the parts.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// Every file under `folder` (given from the root) whose name ends in `suffix`, in order. A folder that does not exist
/// has no files; what git does not keep is not looked at.
pub fn files(folder: &str, suffix: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let start = root().join(folder);
    if start.is_dir() {
        walk(&start, suffix, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, suffix: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | ".real-parts" | "node_modules") {
                walk(&path, suffix, found)?;
            }
        } else if name.ends_with(suffix) {
            found.push(path);
        }
    }
    Ok(())
}

/// The text of a file, with the path in the error.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
