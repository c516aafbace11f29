//! Which projects there are in the folders of an editor, and whose a file is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Document;
use crate::driver::manifest::FILE_NAME;
use crate::driver::project::is_foreign;
use crate::source::{EntryKind, Files, Memory, Overlay};

/// Open texts laid over what is saved.
pub(super) fn overlay<'f>(documents: &BTreeMap<PathBuf, Arc<Document>>, files: &'f dyn Files) -> Overlay<'f> {
    let open = documents.iter().map(|(path, document)| (path, document.text()));
    Overlay {
        top: open.collect::<Memory>(),
        below: files,
    }
}

/// The projects in a folder: each outermost folder with a `mesh.toml`; where there is none, the folder itself if it
/// holds text of the language.
pub(super) fn in_folder(files: &dyn Files, root: &Path) -> Vec<PathBuf> {
    let mut walk = Walk {
        files,
        visited: BTreeSet::new(),
        projects: Vec::new(),
        has_text: false,
    };
    walk.folder(root);
    if walk.projects.is_empty() && walk.has_text {
        walk.projects.push(root.to_path_buf());
    }
    walk.projects
}

/// The project that a file belongs to: the nearest folder above it with a `mesh.toml`, else the editor's folder, else
/// for a text of the language the file alone.
pub(super) fn home(files: &dyn Files, roots: &[PathBuf], path: &Path) -> Option<PathBuf> {
    let has_manifest = |folder: &&Path| files.kind(&folder.join(FILE_NAME)) == Some(EntryKind::File);
    if let Some(folder) = path.ancestors().skip(1).find(has_manifest) {
        return Some(folder.to_path_buf());
    }
    let inside = roots.iter().filter(|root| path.starts_with(root));
    if let Some(root) = inside.max_by_key(|root| root.components().count())
        && in_folder(files, root).iter().eq([root])
    {
        return Some(root.clone());
    }
    is_mesh(path).then(|| path.to_path_buf())
}

pub(super) fn is_mesh(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "mesh")
}

struct Walk<'f> {
    files: &'f dyn Files,
    /// The real path of every folder on the way: links may lead in a circle.
    visited: BTreeSet<PathBuf>,
    projects: Vec<PathBuf>,
    has_text: bool,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path) {
        if !self.visited.insert(self.files.identity(folder)) {
            return;
        }
        let entries = self.files.list(folder).unwrap_or_default();
        if entries
            .iter()
            .any(|entry| entry.kind == EntryKind::File && entry.name == FILE_NAME)
        {
            self.projects.push(folder.to_path_buf());
            return;
        }
        for entry in entries {
            let path = folder.join(&entry.name);
            match entry.kind {
                EntryKind::File => self.has_text |= is_mesh(&path),
                EntryKind::Folder if !is_foreign(&entry.name) => self.folder(&path),
                EntryKind::Folder => {}
            }
        }
    }
}
