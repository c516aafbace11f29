//! The repository as data: where it is, and which files it has.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that git does not keep.
const NOT_KEPT: [&str; 5] = ["target", ".git", ".real-parts", "node_modules", "dist"];

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
            if !NOT_KEPT.contains(&name.as_str()) {
                walk(&path, suffix, found)?;
            }
        } else if name.ends_with(suffix) {
            found.push(path);
        }
    }
    Ok(())
}

/// Copies a folder with all that git would keep of it; links become what they lead to.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            if !NOT_KEPT.iter().any(|not| name == *not) {
                copy(&path, &to.join(name))?;
            }
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// The text of a file, with the path in the error.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
