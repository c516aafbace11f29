//! What an editor has open, and which projects that makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TextRange;
use super::document::Document;
use super::projects;
use super::snapshot::Snapshot;
use super::state::State;
use crate::source::{Files, files::clean};

/// Where saved files come from.
pub(super) type Source = Arc<dyn Files + Send>;

/// Something that happened in the editor or on disk.
#[derive(Clone, Debug)]
pub enum Change {
    /// The folders that the editor has open, all of them.
    Roots(Vec<PathBuf>),
    Open {
        path: PathBuf,
        text: String,
        version: i32,
    },
    /// A part of an open text is replaced; the whole text where there is no range.
    Edit {
        path: PathBuf,
        range: Option<TextRange>,
        text: String,
        version: i32,
    },
    Close(PathBuf),
    /// Files were written, made or removed on disk.
    Disk,
    Settings(Settings),
}

/// What the user chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether findings in manifests are shown.
    pub yaml: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { yaml: true }
    }
}

/// The state that changes go to.
pub struct Workspace {
    pub(super) files: Source,
    /// Where the standard library is shown from.
    pub(super) library: Arc<Path>,
    roots: Vec<PathBuf>,
    settings: Settings,
    documents: BTreeMap<PathBuf, Arc<Document>>,
    projects: BTreeMap<PathBuf, State>,
    homes: BTreeMap<PathBuf, PathBuf>,
}

impl Workspace {
    /// An editor that has nothing open. Files of the standard library are shown as files in the folder `library`.
    #[must_use]
    pub fn new(files: Source, library: PathBuf) -> Self {
        Self {
            files,
            library: library.into(),
            roots: Vec::new(),
            settings: Settings::default(),
            documents: BTreeMap::new(),
            projects: BTreeMap::new(),
            homes: BTreeMap::new(),
        }
    }

    /// Takes a change in. It is quick: what follows from it is worked out when a snapshot is asked.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Roots(roots) => {
                self.roots = roots.iter().map(|root| clean(root)).collect();
                self.find_projects();
            }
            Change::Open { path, text, version } => {
                let path = clean(&path);
                let is_new = self.files.kind(&path).is_none();
                self.documents
                    .insert(path.clone(), Arc::new(Document::new(text, version)));
                if is_new {
                    self.find_projects();
                } else {
                    self.enter(&path);
                    self.touch(&path);
                }
            }
            Change::Edit {
                path,
                range,
                text,
                version,
            } => {
                let path = clean(&path);
                if let Some(document) = self.documents.get_mut(&path) {
                    *document = Arc::new(document.edited(range, &text, version));
                    self.touch(&path);
                }
            }
            Change::Close(path) => {
                self.documents.remove(&clean(&path));
                // What was never saved is gone, and a project of nothing else with it.
                self.find_projects();
            }
            Change::Disk => self.find_projects(),
            Change::Settings(settings) => self.settings = settings,
        }
    }

    /// The open text of a path.
    #[must_use]
    pub fn document(&self, path: &Path) -> Option<&Arc<Document>> {
        self.documents.get(&clean(path))
    }

    /// The state as it is now, to be asked whatever changes later.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            files: Arc::clone(&self.files),
            library: Arc::clone(&self.library),
            settings: self.settings,
            documents: self.documents.clone(),
            projects: self.projects.clone(),
            homes: self.homes.clone(),
        }
    }

    /// Finds the projects anew, and forgets what was known of them.
    fn find_projects(&mut self) {
        self.projects.clear();
        self.homes.clear();
        let overlay = projects::overlay(&self.documents, &*self.files);
        let mut found = Vec::new();
        for root in &self.roots {
            found.extend(projects::in_folder(&overlay, root));
        }
        for project in found {
            self.projects.entry(project).or_default();
        }
        let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
        for path in paths {
            self.enter(&path);
        }
    }

    /// Makes sure that there is the project of an open text.
    fn enter(&mut self, path: &Path) {
        if path.starts_with(&self.library) {
            return;
        }
        let overlay = projects::overlay(&self.documents, &*self.files);
        if let Some(project) = projects::home(&overlay, &self.roots, path) {
            self.homes.insert(path.to_path_buf(), project.clone());
            self.projects.entry(project).or_default();
        }
    }

    /// What is known of the project of a text is no longer true. Another one may name it among its manifests.
    fn touch(&mut self, path: &Path) {
        let home = self.homes.get(path);
        for (project, state) in &mut self.projects {
            if home == Some(project) || path.starts_with(project) {
                *state = state.touched();
            }
        }
    }
}
