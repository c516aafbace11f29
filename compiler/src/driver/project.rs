//! Which files make up a project, and reading them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::errors;
use super::manifest::{self, Manifest};
use crate::diagnostics::Diagnostics;
use crate::source::{EntryKind, FileError, FileId, Files, SourceMap, Span, files::clean};

/// The folder of files that belong to one environment each.
const ENVIRONMENTS: &str = "env";

/// Folders that hold what other tools made.
pub(super) const FOREIGN: [&str; 2] = ["target", "node_modules"];

/// Where a project is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The folder, or the only file.
    pub path: PathBuf,
    pub kind: EntryKind,
    /// What reports write before the path of a file in it: empty, or with a `/` at its end.
    pub prefix: String,
}

/// Why there is no project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    #[error("`{0}` is not there")]
    NotFound(String),
    #[error("`{0}` is neither a file nor a folder; pipe it in, and write `-` for it")]
    Pipe(String),
    #[error("`{0}` is neither a folder nor a `.mesh` file nor a manifest that ends in `.yaml`, `.yml` or `.json`")]
    NotMesh(String),
    #[error("there is no `.mesh` file and no manifest in `{0}`")]
    Empty(String),
    #[error("`{0}` and `{1}` are two projects, and one can be judged at a time")]
    TwoProjects(String, String),
    #[error("`{folder}` has no `mesh.toml` of its own, but there are projects in it: `{}`", .projects.join("`, `"))]
    Several { folder: String, projects: Vec<String> },
}

impl Location {
    /// The project at `path`, or the nearest one at or above the working folder; where there is none, the working
    /// folder itself.
    ///
    /// # Errors
    /// The path leads to nothing, or to something that is no project.
    pub fn find(files: &dyn Files, cwd: &Path, path: Option<&Path>) -> Result<Self, LocationError> {
        match path {
            Some(path) => Self::at(files, cwd, path),
            None => Ok(Self::nearest(files, cwd)),
        }
    }

    fn at(files: &dyn Files, cwd: &Path, path: &Path) -> Result<Self, LocationError> {
        let full = clean(&cwd.join(path));
        // A path from the root of the file system to something below the working folder is called from there.
        let below = full.strip_prefix(clean(cwd)).ok().filter(|_| path.is_absolute());
        let shown = below.map_or_else(|| slashed(&clean(path)), slashed);
        let kind = files.kind(&full).ok_or_else(|| {
            // What a shell makes of `<(command)`.
            let device = ["/dev", "/proc"].iter().any(|root| full.starts_with(root));
            let missing = if device {
                LocationError::Pipe
            } else {
                LocationError::NotFound
            };
            missing(slashed(path))
        })?;
        let name = full.file_name().and_then(|name| name.to_str()).unwrap_or("");
        match kind {
            EntryKind::Folder => Ok(Self {
                path: full,
                kind,
                prefix: if shown.is_empty() || shown.ends_with('/') {
                    shown
                } else {
                    format!("{shown}/")
                },
            }),
            EntryKind::File if name == manifest::FILE_NAME => Ok(Self {
                path: full.parent().map_or_else(PathBuf::new, Path::to_path_buf),
                kind: EntryKind::Folder,
                prefix: shown.strip_suffix(manifest::FILE_NAME).unwrap_or("").to_owned(),
            }),
            EntryKind::File if is_mesh(name) => Ok(Self {
                path: full.clone(),
                kind,
                prefix: shown.strip_suffix(name).unwrap_or("").to_owned(),
            }),
            EntryKind::File => Err(LocationError::NotMesh(slashed(path))),
        }
    }

    fn nearest(files: &dyn Files, cwd: &Path) -> Self {
        let cwd = clean(cwd);
        let mut prefix = String::new();
        for folder in cwd.ancestors() {
            if files.kind(&folder.join(manifest::FILE_NAME)) == Some(EntryKind::File) {
                return Self {
                    path: folder.to_path_buf(),
                    kind: EntryKind::Folder,
                    prefix,
                };
            }
            prefix.push_str("../");
        }
        Self {
            path: cwd,
            kind: EntryKind::Folder,
            prefix: String::new(),
        }
    }

    /// How reports call the project.
    #[must_use]
    pub fn shown(&self) -> String {
        match (self.kind, self.prefix.trim_end_matches('/')) {
            (EntryKind::Folder, "") if self.prefix.is_empty() => ".".to_owned(),
            (EntryKind::Folder, "") => "/".to_owned(),
            (EntryKind::Folder, prefix) => prefix.to_owned(),
            (EntryKind::File, _) => {
                let name = self.path.file_name().and_then(|name| name.to_str());
                format!("{}{}", self.prefix, name.unwrap_or(""))
            }
        }
    }
}

/// A project that is read: its texts are in the [`SourceMap`], what could not be read is reported.
#[derive(Debug, Default)]
pub struct Project {
    pub manifest: Manifest,
    /// `mesh.toml`, if there is one.
    pub manifest_file: Option<FileId>,
    /// Every `.mesh` file, ordered by path.
    pub files: Vec<ProjectFile>,
    /// The environments: tables of the manifest, and folders under `env/`.
    pub environments: BTreeSet<String>,
}

/// A `.mesh` file of a project.
#[derive(Debug)]
pub struct ProjectFile {
    pub id: FileId,
    /// Where it is on disk.
    pub path: PathBuf,
    /// The only environment that it belongs to; `None` for all of them.
    pub environment: Option<String>,
}

/// Whether a folder is left out of projects by its name: it is hidden, or holds what other tools made.
#[must_use]
pub fn is_foreign(name: &str) -> bool {
    name.starts_with('.') || FOREIGN.contains(&name)
}

/// Whether a folder holds anything of a project, at any depth.
pub(super) fn is_project(files: &dyn Files, location: &Location) -> bool {
    let found = find(files, location);
    !found.files.is_empty() || !found.unreadable.is_empty()
}

/// Finds and reads the files of a project.
///
/// # Errors
/// There is no `.mesh` file.
pub fn read(
    files: &dyn Files,
    location: &Location,
    sources: &mut SourceMap,
    acc: &mut Diagnostics,
) -> Result<Project, LocationError> {
    let found = find(files, location);
    if !found.files.iter().any(|file| is_mesh(file)) && found.unreadable.is_empty() {
        return Err(LocationError::Empty(location.shown()));
    }
    let projects = found.inner_projects();
    if !projects.is_empty() && !found.files.iter().any(|file| file == manifest::FILE_NAME) {
        return Err(LocationError::Several {
            folder: location.shown(),
            projects: projects.into_iter().map(str::to_owned).collect(),
        });
    }
    let root = match location.kind {
        EntryKind::Folder => location.path.as_path(),
        EntryKind::File => location.path.parent().unwrap_or(Path::new("")),
    };
    let contents: Vec<_> = found
        .files
        .par_iter()
        .with_min_len(8)
        .map(|path| files.read(&root.join(path)))
        .collect();

    let mut project = Project {
        manifest: Manifest::default(),
        manifest_file: None,
        files: Vec::new(),
        environments: found.environments,
    };
    for (path, content) in found.files.iter().zip(contents) {
        let id = add(format!("{}{path}", location.prefix), content, sources, acc);
        if sources.text(id).starts_with('\u{feff}') {
            acc.push(errors::byte_order_mark(Span::new(id, 0, 3)));
        }
        if path == manifest::FILE_NAME {
            project.manifest = manifest::parse(id, &without_mark(sources.text(id)), acc);
            project.manifest_file = Some(id);
        } else if is_mesh(path) {
            let environment = environment_of(path).map(str::to_owned);
            project.files.push(ProjectFile {
                id,
                path: root.join(path),
                environment: environment.filter(|_| location.kind == EntryKind::Folder),
            });
        } else {
            let outer = format!("{}{}", location.prefix, manifest::FILE_NAME);
            acc.push(errors::nested_manifest(Span::new(id, 0, 0), &outer));
        }
    }
    for (path, error) in found.unreadable {
        let id = sources.add(format!("{}{path}", location.prefix), "");
        acc.push(errors::unreadable_file(Span::new(id, 0, 0), &error));
    }
    project
        .environments
        .extend(project.manifest.environments.keys().cloned());
    Ok(project)
}

/// The text as a parser should see it: blanks for a byte order mark, which is reported already, so that offsets hold.
pub(super) fn without_mark(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Cow::Owned(format!("   {rest}")),
        None => Cow::Borrowed(text),
    }
}

/// Adds a file's text, or what can be shown of it.
pub(super) fn add(
    path: String,
    content: Result<Vec<u8>, FileError>,
    sources: &mut SourceMap,
    acc: &mut Diagnostics,
) -> FileId {
    let bytes = match content {
        Ok(bytes) => bytes,
        Err(error) => {
            let id = sources.add(path, "");
            acc.push(errors::unreadable_file(Span::new(id, 0, 0), &error));
            return id;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => sources.add(path, text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let bad = bytes.get(at).copied().unwrap_or_default();
            if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
                // Read as bytes it would be thousands of mistakes.
                let id = sources.add(path, "");
                acc.push(errors::utf16(Span::new(id, 0, 0)));
                return id;
            }
            // The text before the first bad byte stays as it is, so its offset holds; the sign that replaces the byte
            // has three bytes.
            let id = sources.add(path, String::from_utf8_lossy(bytes).into_owned());
            let start = u32::try_from(at).unwrap_or(u32::MAX);
            acc.push(errors::not_utf8(Span::new(id, start, start.saturating_add(3)), bad));
            id
        }
    }
}

/// What a walk through the project finds: paths from its root, ordered by their parts.
#[derive(Default)]
struct Found {
    files: Vec<String>,
    environments: BTreeSet<String>,
    unreadable: Vec<(String, FileError)>,
}

impl Found {
    /// The folders below the root that have a manifest.
    fn inner_projects(&self) -> Vec<&str> {
        let folders = self.files.iter().filter_map(|file| file.rsplit_once('/'));
        folders
            .filter(|(_, name)| *name == manifest::FILE_NAME)
            .map(|(folder, _)| folder)
            .collect()
    }
}

fn find(files: &dyn Files, location: &Location) -> Found {
    let mut found = Found::default();
    match location.kind {
        EntryKind::File => {
            let name = location.path.file_name().and_then(|name| name.to_str());
            found.files.extend(name.map(str::to_owned));
        }
        EntryKind::Folder => {
            walk(files, &location.path, "", &mut BTreeSet::new(), &mut found);
            found.files.sort_by(|a, b| parts(a).cmp(parts(b)));
        }
    }
    found
}

/// `visited` holds the real path of every folder on the way, so that symbolic links neither loop nor bring a folder in
/// twice.
fn walk(files: &dyn Files, folder: &Path, path: &str, visited: &mut BTreeSet<PathBuf>, found: &mut Found) {
    if !visited.insert(files.identity(folder)) {
        return;
    }
    let entries = match files.list(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let shown = if path.is_empty() { "." } else { path };
            found.unreadable.push((shown.to_owned(), error));
            return;
        }
    };
    for entry in entries {
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
            EntryKind::Folder => {
                if path == ENVIRONMENTS {
                    found.environments.insert(entry.name.clone());
                }
                walk(files, &folder.join(&entry.name), &inner, visited, found);
            }
            EntryKind::File if entry.name == manifest::FILE_NAME || is_mesh(&entry.name) => found.files.push(inner),
            EntryKind::File => {}
        }
    }
}

/// The environment of a path from the root.
pub(super) fn environment_of(path: &str) -> Option<&str> {
    let mut parts = parts(path);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next());
    (first == ENVIRONMENTS && third.is_some()).then_some(second)
}

fn is_mesh(path: &str) -> bool {
    path.ends_with(".mesh")
}

fn parts(path: &str) -> std::str::Split<'_, char> {
    path.split('/')
}

/// A path with `/` between its parts, on every system.
pub fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Memory;

    fn location(files: &Memory, cwd: &str, path: Option<&str>) -> Result<(String, String), LocationError> {
        let location = Location::find(files, Path::new(cwd), path.map(Path::new))?;
        Ok((slashed(&location.path), location.prefix))
    }

    #[test]
    fn a_project_is_found_by_path_or_above() {
        let files: Memory = [
            ("/w/p/mesh.toml", ""),
            ("/w/p/a/b/x.mesh", ""),
            ("/w/q/y.mesh", ""),
            ("/w/q/z.yaml", ""),
        ]
        .into_iter()
        .collect();
        let ok = |path: &str, prefix: &str| Ok((path.to_owned(), prefix.to_owned()));
        assert_eq!(location(&files, "/w/p", None), ok("/w/p", ""));
        assert_eq!(location(&files, "/w/p/a/b", None), ok("/w/p", "../../"));
        assert_eq!(location(&files, "/w/q", None), ok("/w/q", ""));
        assert_eq!(location(&files, "/w/p/a", Some("b")), ok("/w/p/a/b", "b/"));
        assert_eq!(location(&files, "/w/p/a", Some(".")), ok("/w/p/a", ""));
        assert_eq!(location(&files, "/w/p/a", Some("../../q")), ok("/w/q", "../../q/"));
        assert_eq!(location(&files, "/w", Some("p/mesh.toml")), ok("/w/p", "p/"));
        assert_eq!(location(&files, "/w", Some("/w/p")), ok("/w/p", "p/"));
        assert_eq!(location(&files, "/w/q", Some("/w/p")), ok("/w/p", "/w/p/"));
        assert_eq!(location(&files, "/w/p", Some("/w/p")), ok("/w/p", ""));
        assert_eq!(location(&files, "/w", Some("q/y.mesh")), ok("/w/q/y.mesh", "q/"));
        let not_found = LocationError::NotFound("r".to_owned());
        assert_eq!(location(&files, "/w", Some("r")), Err(not_found));
        let not_mesh = LocationError::NotMesh("q/z.yaml".to_owned());
        assert_eq!(location(&files, "/w", Some("q/z.yaml")), Err(not_mesh));
    }

    #[test]
    fn files_come_in_the_order_of_their_paths() {
        let files: Memory = [
            ("p/b-c.mesh", ""),
            ("p/b/z.mesh", ""),
            ("p/a.mesh", ""),
            ("p/.hidden/x.mesh", ""),
            ("p/.x.mesh", ""),
            ("p/target/x.mesh", ""),
            ("p/node_modules/x.mesh", ""),
            ("p/env/x.mesh", ""),
            ("p/env/dev/x.mesh", ""),
            ("p/env/dev/deep/x.mesh", ""),
            ("p/deep/env/dev/x.mesh", ""),
        ]
        .into_iter()
        .collect();
        let location = Location::find(&files, Path::new(""), Some(Path::new("p"))).unwrap();
        let (mut sources, mut acc) = (SourceMap::default(), Diagnostics::default());
        let project = read(&files, &location, &mut sources, &mut acc).unwrap();
        let list: Vec<_> = project
            .files
            .iter()
            .map(|file| (sources.path(file.id), file.environment.as_deref()))
            .collect();
        assert_eq!(
            list,
            [
                ("p/a.mesh", None),
                ("p/b/z.mesh", None),
                ("p/b-c.mesh", None),
                ("p/deep/env/dev/x.mesh", None),
                ("p/env/dev/deep/x.mesh", Some("dev")),
                ("p/env/dev/x.mesh", Some("dev")),
                ("p/env/x.mesh", None),
            ]
        );
        assert_eq!(project.environments.into_iter().collect::<Vec<_>>(), ["dev"]);
    }
}
