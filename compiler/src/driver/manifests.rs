//! The YAML of a run: what a project names in `manifests`, and what the command line names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::errors;
use super::project::{self, FOREIGN, Location, Project};
use super::suppress::{self, Suppression};
use crate::backends::GENERATED;
use crate::backends::manifests::{self, Manifests};
use crate::diagnostics::Diagnostics;
use crate::policy::{PolicySet, Target};
use crate::source::{EntryKind, FileError, FileId, Files, SourceMap};

/// Whether a path is that of a manifest by its name.
#[must_use]
pub fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending))
}

/// Where manifests are that a command names.
#[derive(Clone, Debug)]
pub enum Source {
    /// `shown` is how reports call it.
    File { path: PathBuf, shown: String },
    /// Every manifest in it, at any depth; reports write `prefix` before their paths.
    Folder { path: PathBuf, prefix: String },
    /// A text that is at hand already.
    Text {
        shown: String,
        content: Result<Vec<u8>, FileError>,
    },
}

/// The texts of manifests, read.
#[derive(Debug, Default)]
pub(super) struct Texts {
    files: Vec<Text>,
    /// Files that are read already: a file may be named, stand in a folder that is named, and belong to the project.
    seen: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Text {
    id: FileId,
    /// The only environment that it belongs to; `None` for all of them.
    environment: Option<String>,
}

impl Texts {
    /// Reads the manifests that a project names.
    pub(super) fn add_project(
        &mut self,
        files: &dyn Files,
        location: &Location,
        project: &Project,
        sources: &mut SourceMap,
        acc: &mut Diagnostics,
    ) {
        let globs = &project.manifest.manifests;
        if globs.is_empty() || location.kind != EntryKind::Folder {
            return;
        }
        let mut used = vec![false; globs.len()];
        let manifests = paths(files, &location.path).into_iter();
        for path in manifests.filter(|path| is_manifest(Path::new(path))) {
            let mut wanted = false;
            for ((glob, _), used) in globs.iter().zip(&mut used) {
                if matches(glob, &path) {
                    *used = true;
                    wanted = true;
                }
            }
            if wanted {
                let environment = project::environment_of(&path).map(str::to_owned);
                let shown = format!("{}{path}", location.prefix);
                self.add_file(files, &location.path.join(&path), shown, environment, sources, acc);
            }
        }
        for ((glob, span), used) in globs.iter().zip(used) {
            if !used {
                acc.push(errors::manifest_without_file(*span, glob));
            }
        }
    }

    /// Reads the manifests that a command names.
    pub(super) fn add_sources(
        &mut self,
        files: &dyn Files,
        list: &[Source],
        sources: &mut SourceMap,
        acc: &mut Diagnostics,
    ) {
        for source in list {
            match source {
                Source::File { path, shown } => self.add_file(files, path, shown.clone(), None, sources, acc),
                Source::Text { shown, content } => self.add(shown.clone(), content.clone(), None, sources, acc),
                Source::Folder { path, prefix } => {
                    for inner in paths(files, path)
                        .into_iter()
                        .filter(|inner| is_manifest(Path::new(inner)))
                    {
                        let shown = format!("{prefix}{inner}");
                        self.add_file(files, &path.join(&inner), shown, None, sources, acc);
                    }
                }
            }
        }
    }

    /// Reads a file, once.
    fn add_file(
        &mut self,
        files: &dyn Files,
        path: &Path,
        shown: String,
        environment: Option<String>,
        sources: &mut SourceMap,
        acc: &mut Diagnostics,
    ) {
        if self.seen.insert(files.identity(path)) {
            self.add(shown, files.read(path), environment, sources, acc);
        }
    }

    fn add(
        &mut self,
        shown: String,
        content: Result<Vec<u8>, FileError>,
        environment: Option<String>,
        sources: &mut SourceMap,
        acc: &mut Diagnostics,
    ) {
        if content.as_ref().is_ok_and(|bytes| is_own(bytes)) {
            return;
        }
        let id = project::add(shown, content, sources, acc);
        self.files.push(Text { id, environment });
    }

    /// The suppressions of every text, in order.
    pub(super) fn suppressions(&self, sources: &SourceMap, acc: &mut Diagnostics) -> Vec<Suppression> {
        let files = self.files.iter();
        files
            .flat_map(|text| suppress::of_manifest(text.id, sources.text(text.id), acc))
            .collect()
    }

    /// Judges every text, and gives each that holds for all environments and those of one.
    pub(super) fn judge(&self, target: Target, sources: &SourceMap, acc: &mut Diagnostics) -> Judged {
        let parts = self.files.iter().flat_map(|text| {
            let parts = manifests::parts(sources.text(text.id)).into_iter();
            parts.map(move |part| (text, part))
        });
        let parts: Vec<_> = parts.collect();
        let read: Vec<_> = parts
            .into_par_iter()
            .map(|(text, part)| {
                let mut acc = Diagnostics::default();
                let manifests = manifests::read_part(text.id, sources.text(text.id), part, target, &mut acc);
                (text.environment.clone(), manifests, acc)
            })
            .collect();
        let mut judged = Judged::default();
        for (environment, manifests, findings) in read {
            acc.append(findings);
            judged.objects += manifests.objects;
            judged.parts.push((environment, manifests));
        }
        judged
    }
}

/// What the texts say.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// How many of Istio's policies there are in all.
    pub(super) objects: usize,
    parts: Vec<(Option<String>, Manifests)>,
}

impl Judged {
    /// Takes out the policies of an environment, in order. Those of all environments are copied but for the `last`.
    pub(super) fn policies(&mut self, environment: Option<&str>, last: bool) -> PolicySet {
        let mut policies = PolicySet::default();
        for (only, manifests) in &mut self.parts {
            if only.is_some() && only.as_deref() != environment {
                continue;
            }
            policies.append(if last || only.is_some() {
                std::mem::take(&mut manifests.policies)
            } else {
                manifests.policies.clone()
            });
        }
        policies
    }

    /// What holds in an environment.
    pub(super) fn of<'a>(&'a self, environment: Option<&'a str>) -> impl Iterator<Item = &'a Manifests> {
        let parts = self.parts.iter();
        parts
            .filter(move |(only, _)| only.is_none() || only.as_deref() == environment)
            .map(|(_, manifests)| manifests)
    }
}

/// Whether there is a manifest in a folder, at any depth.
pub(super) fn are_in(files: &dyn Files, folder: &Path) -> bool {
    paths(files, folder).iter().any(|path| is_manifest(Path::new(path)))
}

fn paths(files: &dyn Files, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(files, folder, "", &mut BTreeSet::new(), &mut found);
    found
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
