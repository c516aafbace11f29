//! One state of a workspace, which answers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::analysis::Analysis;
use super::document::Document;
use super::state::State;
use super::touched::Findings;
use super::workspace::Source;
use super::{
    Action, Completion, Diagnostic, Edit, Emitted, FileRange, Fold, Found, Highlight, Highlighted, Hint, Hover, Lens,
    Link, Renaming, Settings, Signature, Symbol, TestRun, TextRange, actions, completion, definition, diagnostics,
    extract, folding, formatting, highlighting, hover, in_force, lenses, links, manifests, projects, references,
    rename, run_test, selection, signature, symbols, witness_test, workspace_symbols,
};
use crate::driver::manifests::is_manifest;
use crate::source::{Position, Unit, files::clean};

/// A state of a workspace. What it is asked first it works out, for every snapshot of the same state.
pub struct Snapshot {
    pub(super) files: Source,
    pub(super) library: Arc<Path>,
    pub(super) settings: Settings,
    pub(super) documents: BTreeMap<PathBuf, Arc<Document>>,
    pub(super) projects: BTreeMap<PathBuf, State>,
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
        let mut found = Findings::new();
        for (project, state) in &self.projects {
            diagnostics::merge(&self.findings(project, state), &mut found);
        }
        if !self.settings.yaml {
            found.retain(|path, _| !is_manifest(path));
        }
        found
    }

    /// The findings of one open text.
    #[must_use]
    pub fn diagnostics_of(&self, path: &Path) -> Vec<Diagnostic> {
        let path = clean(path);
        if !self.settings.yaml && is_manifest(&path) {
            return Vec::new();
        }
        let home = self.homes.get(&path);
        let found = home.and_then(|home| Some(self.findings(home, self.projects.get(home)?)));
        found.and_then(|found| found.get(&path).cloned()).unwrap_or_default()
    }

    /// Whether every project was judged whole in this state.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.projects.values().all(State::is_whole)
    }

    /// Judges every project whole. Findings may be known before, and are the same.
    pub fn judge(&self) {
        self.analyses().for_each(drop);
    }

    /// What can be done in a range of a text.
    #[must_use]
    pub fn actions(&self, path: &Path, range: &TextRange) -> Vec<Action> {
        let Some(document) = self.document(path) else {
            return Vec::new();
        };
        let mut found = actions::actions(document, path, &self.diagnostics_of(path), range);
        if let Some((document, analysis)) = self.mesh(path).zip(self.names(path)) {
            found.extend(extract::extract(&analysis, document, path, range));
            if let Some(analysis) = self.settled(path) {
                found.extend(witness_test::tests(&analysis, document, path, range));
            }
        }
        found
    }

    /// What could be written at a place.
    #[must_use]
    pub fn completions(&self, path: &Path, offset: u32) -> Vec<Completion> {
        let found = self.mesh(path).zip(self.names(path));
        found.map_or_else(Vec::new, |(document, analysis)| {
            completion::completions(&analysis, document, offset)
        })
    }

    /// The rest of what is to be said of a completion of a text, as Markdown.
    #[must_use]
    pub fn documentation(&self, path: &Path, key: &str) -> Option<String> {
        completion::documentation(&*self.names(path)?, key)
    }

    /// The parameters of what is being applied at a place.
    #[must_use]
    pub fn signature(&self, path: &Path, offset: u32) -> Option<Signature> {
        signature::signature(&*self.names(path)?, self.mesh(path)?, offset)
    }

    /// The name at a place if it can have another one.
    ///
    /// # Errors
    /// Why it cannot, as a sentence.
    pub fn prepare_rename(&self, path: &Path, offset: u32) -> Result<TextRange, String> {
        let analysis = self.analysis(path).ok_or_else(no_project)?;
        rename::prepare(&analysis, path, offset)
    }

    /// The edits that give the name at a place another one.
    ///
    /// # Errors
    /// Why that cannot be, as a sentence.
    pub fn rename(&self, path: &Path, offset: u32, new: &str) -> Result<Renaming, String> {
        let analysis = self.analysis(path).ok_or_else(no_project)?;
        rename::rename(&analysis, path, offset, new)
    }

    /// The declarations of all projects whose name has the letters of the query in their order.
    #[must_use]
    pub fn find(&self, query: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for analysis in self.analyses() {
            workspace_symbols::find(&analysis, query, &mut found);
        }
        found
    }

    /// The words of a text by what they are.
    #[must_use]
    pub fn highlighting(&self, path: &Path) -> Vec<Highlighted> {
        let found = self.mesh(path).zip(self.analysis(path));
        found.map_or_else(Vec::new, |(document, analysis)| {
            highlighting::highlighting(&analysis, document, path)
        })
    }

    /// Ever larger pieces around a place.
    #[must_use]
    pub fn selection(&self, path: &Path, offset: u32) -> Vec<TextRange> {
        self.mesh(path)
            .map_or_else(Vec::new, |document| selection::selection(document, offset))
    }

    /// Pieces of a text that lead to a file.
    #[must_use]
    pub fn links(&self, path: &Path) -> Vec<Link> {
        self.mesh(path)
            .map_or_else(Vec::new, |document| links::links(document, &self.library))
    }

    /// What is in force at the workloads that a part of a text describes.
    #[must_use]
    pub fn hints(&self, path: &Path, part: &TextRange) -> Vec<Hint> {
        let found = self.mesh(path).and_then(|_| self.analysis(path));
        found.map_or_else(Vec::new, |analysis| in_force::hints(&analysis, path, part))
    }

    /// What the blocks of a text emit, in a few words.
    #[must_use]
    pub fn lenses(&self, path: &Path) -> Vec<Lens> {
        let found = self.mesh(path).zip(self.analysis(path));
        found.map_or_else(Vec::new, |(document, analysis)| {
            lenses::lenses(&analysis, document, path)
        })
    }

    /// The YAML of the rule or block at a place.
    #[must_use]
    pub fn emitted(&self, path: &Path, offset: u32) -> Emitted {
        let found = self.mesh(path).zip(self.analysis(path));
        let nothing = || Emitted {
            yaml: String::new(),
            problem: Some(no_project()),
        };
        found.map_or_else(nothing, |(document, analysis)| {
            lenses::yaml(&analysis, document, path, offset)
        })
    }

    /// Runs the test at a place. `machine` says what time it is, in seconds since 1970, where a token rests on that.
    ///
    /// # Errors
    /// Why it cannot be run, as a sentence.
    pub fn run_test(&self, path: &Path, offset: u32, machine: fn() -> i64) -> Result<TestRun, String> {
        let found = self.mesh(path).zip(self.analysis(path)).ok_or_else(no_project)?;
        run_test::run(&found.1, found.0, path, offset, machine)
    }

    /// The edits that bring a text into the one style; none for a text with syntax errors.
    #[must_use]
    pub fn format(&self, path: &Path) -> Option<Vec<Edit>> {
        self.mesh(path).and_then(formatting::format)
    }

    /// The same for a part of a text.
    #[must_use]
    pub fn format_part(&self, path: &Path, part: &TextRange) -> Option<Vec<Edit>> {
        formatting::format_part(self.mesh(path)?, part)
    }

    /// The same for the block that a bracket closes which was just written.
    #[must_use]
    pub fn format_closed(&self, path: &Path, offset: u32) -> Option<Vec<Edit>> {
        formatting::format_closed(self.mesh(path)?, offset)
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
        if !self.settings.yaml && is_manifest(path) {
            return None;
        }
        hover::hover(&*self.analysis(path)?, document, path, offset)
    }

    /// Where the name at a place is declared; of a namespace, every place that opens it.
    #[must_use]
    pub fn definition(&self, path: &Path, offset: u32) -> Vec<FileRange> {
        let Some((document, analysis)) = self.document(path).zip(self.analysis(path)) else {
            return Vec::new();
        };
        match (is_manifest(path), self.settings.yaml) {
            (true, true) => manifests::definition(&analysis, document, path, offset),
            (true, false) => Vec::new(),
            (false, _) => definition::definition(&analysis, path, offset),
        }
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

    /// The project of an open text, where nobody has to wait for it who can do without.
    fn settled(&self, path: &Path) -> Option<Arc<Analysis>> {
        let state = self.projects.get(self.homes.get(&clean(path))?)?;
        let is_known = state.is_whole() || state.quick(&self.documents).is_none();
        is_known.then(|| self.analysis(path)).flatten()
    }

    /// The names of the project of an open text.
    fn names(&self, path: &Path) -> Option<Arc<Analysis>> {
        let home = self.homes.get(&clean(path))?;
        let known = self.projects.get(home)?.names(&self.documents);
        known.or_else(|| self.analysis(path))
    }

    fn findings(&self, project: &Path, state: &State) -> Arc<Findings> {
        if let Some(found) = state.quick(&self.documents) {
            return found;
        }
        drop(self.of_project(project, state));
        state.quick(&self.documents).unwrap_or_default()
    }

    fn of_project(&self, project: &Path, state: &State) -> Arc<Analysis> {
        let files = projects::overlay(&self.documents, &*self.files);
        state.whole(&files, project, &self.library)
    }
}

fn no_project() -> String {
    "the file does not belong to a project".to_owned()
}

/// Whether a range holds an offset, its end included.
pub(super) const fn touches(range: &TextRange, offset: u32) -> bool {
    range.start <= offset && offset <= range.end
}
