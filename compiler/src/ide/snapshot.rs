//! One state of a workspace, which answers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::analysis::Analysis;
use super::document::Document;
use super::workspace::Source;
use super::{
    Diagnostic, Edit, FileRange, Fold, Highlight, Hover, Symbol, TextRange, definition, diagnostics, folding,
    formatting, hover, projects, references, symbols,
};
use crate::source::{Position, Unit, files::clean};

/// A state of a workspace. What it is asked first it works out, for every snapshot of the same state.
pub struct Snapshot {
    pub(super) files: Source,
    pub(super) library: Arc<Path>,
    pub(super) documents: BTreeMap<PathBuf, Arc<Document>>,
    pub(super) projects: BTreeMap<PathBuf, Arc<OnceLock<Arc<Analysis>>>>,
    pub(super) homes: BTreeMap<PathBuf, PathBuf>,
}

impl Snapshot {
    /// The open text of a path.
    #[must_use]
    pub fn document(&self, path: &Path) -> Option<&Arc<Document>> {
        self.documents.get(&clean(path))
    }

    /// The line and column of a byte of a text that is open or belongs to a project.
    #[must_use]
    pub fn position(&self, path: &Path, offset: u32, unit: Unit) -> Option<Position> {
        if let Some(document) = self.documents.get(path) {
            return Some(document.lines().position(document.text(), offset, unit));
        }
        self.analyses().find_map(|analysis| {
            let file = analysis.outcome.as_ref()?.sources.get(analysis.file(path)?)?;
            Some(file.lines().position(&file.text, offset, unit))
        })
    }

    /// Every finding of every project, by file; a file without any has an empty list.
    #[must_use]
    pub fn diagnostics(&self) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
        let mut found = BTreeMap::new();
        for analysis in self.analyses() {
            diagnostics::diagnostics(&analysis, &mut found);
        }
        found
    }

    /// The edits that bring a text into the one style; none for a text with syntax errors.
    #[must_use]
    pub fn format(&self, path: &Path) -> Option<Vec<Edit>> {
        self.mesh(path).and_then(formatting::format)
    }

    /// The outline of a text.
    #[must_use]
    pub fn symbols(&self, path: &Path) -> Vec<Symbol> {
        self.mesh(path).map_or_else(Vec::new, symbols::symbols)
    }

    /// What of a text can be folded away.
    #[must_use]
    pub fn folds(&self, path: &Path) -> Vec<Fold> {
        self.mesh(path).map_or_else(Vec::new, folding::folds)
    }

    /// What is to be said of a place.
    #[must_use]
    pub fn hover(&self, path: &Path, offset: u32) -> Option<Hover> {
        let document = self.document(path)?;
        hover::hover(&*self.analysis(path)?, document, path, offset)
    }

    /// Where the name at a place is declared; of a namespace, every place that opens it.
    #[must_use]
    pub fn definition(&self, path: &Path, offset: u32) -> Vec<FileRange> {
        let found = self.analysis(path);
        found.map_or_else(Vec::new, |analysis| definition::definition(&analysis, path, offset))
    }

    /// Every place where the name at a place is written; with or without those that declare it.
    #[must_use]
    pub fn references(&self, path: &Path, offset: u32, declaring: bool) -> Vec<FileRange> {
        let found = self.analysis(path);
        found.map_or_else(Vec::new, |analysis| {
            references::references(&analysis, path, offset, declaring)
        })
    }

    /// The places of the same text where the name at a place is written.
    #[must_use]
    pub fn highlights(&self, path: &Path, offset: u32) -> Vec<Highlight> {
        let found = self.analysis(path);
        found.map_or_else(Vec::new, |analysis| references::highlights(&analysis, path, offset))
    }

    /// A text of the language that is open.
    pub(super) fn mesh(&self, path: &Path) -> Option<&Document> {
        let document = self.document(path)?;
        projects::is_mesh(path).then_some(&**document)
    }

    /// The project of an open text.
    pub(super) fn analysis(&self, path: &Path) -> Option<Arc<Analysis>> {
        let home = self.homes.get(&clean(path))?;
        Some(self.of_project(home, self.projects.get(home)?))
    }

    fn analyses(&self) -> impl Iterator<Item = Arc<Analysis>> {
        self.projects
            .iter()
            .map(|(project, analysis)| self.of_project(project, analysis))
    }

    fn of_project(&self, project: &Path, analysis: &OnceLock<Arc<Analysis>>) -> Arc<Analysis> {
        let found = analysis.get_or_init(|| {
            let files = projects::overlay(&self.documents, &*self.files);
            Arc::new(Analysis::of(&files, project, &self.library))
        });
        Arc::clone(found)
    }
}

/// Whether a range holds an offset, its end included.
pub(super) const fn touches(range: &TextRange, offset: u32) -> bool {
    range.start <= offset && offset <= range.end
}
