//! The YAML beside a project: what `manifests` names, and single files that people ask about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::project::{self, FOREIGN, Location, Project};
use super::{Outcome, errors};
use crate::backends::{GENERATED, istio};
use crate::diagnostics::Diagnostics;
use crate::policy::Target;
use crate::source::{EntryKind, FileError, FileId, Files, SourceMap};

/// Whether a path is that of a manifest by its name.
#[must_use]
pub fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending))
}

/// Judges one text of manifests as the newest release would; `path` is how reports call it.
#[must_use]
pub fn check_text(path: &str, content: Result<Vec<u8>, FileError>) -> Outcome {
    let mut sources = SourceMap::default();
    let mut acc = Diagnostics::default();
    let id = project::add(path.to_owned(), content, &mut sources, &mut acc);
    let manifest_objects = judge(&[id], &sources, &mut acc);
    Outcome {
        sources,
        diagnostics: acc.into_sorted(),
        target: Target::NEWEST,
        builds: Vec::new(),
        manifest_objects,
        is_partial: true,
    }
}

/// Judges the manifests of a project and returns how many objects they hold.
pub(super) fn check_project(
    files: &dyn Files,
    location: &Location,
    project: &Project,
    sources: &mut SourceMap,
    acc: &mut Diagnostics,
) -> usize {
    let globs = &project.manifest.manifests;
    if globs.is_empty() || location.kind != EntryKind::Folder {
        return 0;
    }
    let mut paths = Vec::new();
    walk(files, &location.path, "", &mut BTreeSet::new(), &mut paths);
    let mut used = vec![false; globs.len()];
    let mut ids = Vec::new();
    for path in paths {
        let mut wanted = false;
        for ((glob, _), used) in globs.iter().zip(&mut used) {
            if matches(glob, &path) {
                *used = true;
                wanted = true;
            }
        }
        if wanted {
            let content = files.read(&location.path.join(&path));
            let own = content.as_ref().is_ok_and(|bytes| is_own(bytes));
            if !own {
                ids.push(project::add(
                    format!("{}{path}", location.prefix),
                    content,
                    sources,
                    acc,
                ));
            }
        }
    }
    for ((glob, span), used) in globs.iter().zip(used) {
        if !used {
            acc.push(errors::manifest_without_file(*span, glob));
        }
    }
    judge(&ids, sources, acc)
}

fn judge(ids: &[FileId], sources: &SourceMap, acc: &mut Diagnostics) -> usize {
    let judged: Vec<_> = ids
        .par_iter()
        .map(|id| {
            let mut acc = Diagnostics::default();
            let count = istio::import::check(*id, sources.text(*id), &mut acc);
            (count, acc)
        })
        .collect();
    let mut count = 0;
    for (objects, findings) in judged {
        count += objects;
        acc.append(findings);
    }
    count
}

/// Whether a file is our own output, which says what the project says already.
fn is_own(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line) == GENERATED.as_bytes()
}

/// Every file below a folder, by its path from the root; folders of tools and hidden ones are left out.
fn walk(files: &dyn Files, folder: &Path, path: &str, visited: &mut BTreeSet<PathBuf>, found: &mut Vec<String>) {
    if !visited.insert(files.identity(folder)) {
        return;
    }
    // A folder that cannot be listed is reported with the project's own files.
    for entry in files.list(folder).unwrap_or_default() {
        if entry.name.starts_with('.') {
            continue;
        }
        let inner = if path.is_empty() {
            entry.name.clone()
        } else {
            format!("{path}/{}", entry.name)
        };
        match entry.kind {
            EntryKind::Folder if FOREIGN.contains(&entry.name.as_str()) => {}
            EntryKind::Folder => walk(files, &folder.join(&entry.name), &inner, visited, found),
            EntryKind::File => found.push(inner),
        }
    }
}

/// `**` is any number of folders, `*` and `?` any letters and one letter of a name.
fn matches(glob: &str, path: &str) -> bool {
    let glob: Vec<_> = glob
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let path: Vec<_> = path.split('/').collect();
    parts_match(&glob, &path)
}

fn parts_match(glob: &[&str], path: &[&str]) -> bool {
    match (glob.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            parts_match(rest, path) || path.split_first().is_some_and(|(_, inner)| parts_match(glob, inner))
        }
        (Some((part, rest)), Some((name, inner))) => name_matches(part, name) && parts_match(rest, inner),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn name_matches(glob: &str, name: &str) -> bool {
    let mut letters = glob.chars();
    match letters.next() {
        None => name.is_empty(),
        Some('*') => {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.filter_map(|at| name.get(at..))
                .any(|rest| name_matches(letters.as_str(), rest))
        }
        Some(letter) => {
            let mut rest = name.chars();
            rest.next().is_some_and(|c| letter == '?' || letter == c) && name_matches(letters.as_str(), rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_paths() {
        let yes = [
            ("k8s/**/*.yaml", "k8s/a.yaml"),
            ("k8s/**/*.yaml", "k8s/a/b/c.yaml"),
            ("**/*.yaml", "a.yaml"),
            ("*.y?ml", "a.yaml"),
            ("./k8s/*", "k8s/a"),
            ("k8s/a.yaml", "k8s/a.yaml"),
        ];
        let no = [
            ("k8s/*.yaml", "k8s/a/b.yaml"),
            ("k8s/**/*.yaml", "k9s/a.yaml"),
            ("*.yaml", "a.yml"),
            ("k8s", "k8s/a.yaml"),
        ];
        for (glob, path) in yes {
            assert!(matches(glob, path), "{glob} {path}");
        }
        for (glob, path) in no {
            assert!(!matches(glob, path), "{glob} {path}");
        }
    }
}
