//! Whole files: those of the repository, and the samples of the design where they are present.

#![expect(clippy::disallowed_methods, reason = "a test reads what lies in the repository")]

use super::{findings, read};
use std::path::{Path, PathBuf};

/// The `.mesh` files below a folder, in order.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "mesh") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The samples, and every source of the repository.
pub(crate) fn all() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for folder in ["stdlib", "examples", "spec", "compiler/src/cli"] {
        found.extend(files(&root.join(folder)));
    }
    let shared = [
        root.join("../shared/design/samples"),
        root.join("../../shared/design/samples"),
    ];
    match shared.iter().find(|folder| folder.is_dir()) {
        Some(folder) => found.extend(files(folder)),
        None => println!("note: the design's samples are absent, only the repository's own files are read"),
    }
    found
}

#[test]
fn every_source_parses() {
    for (path, text) in all() {
        assert_eq!(findings(&text), "", "{}", path.display());
        assert!(!read(&text).0.file.items.is_empty());
    }
}
