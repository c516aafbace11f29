//! What the driver says of one project, once for each state of its texts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{FileRange, TextRange};
use crate::driver::project::Location;
use crate::driver::{self, Build, Inputs, Options, Outcome};
use crate::hir::{NameIndex, Use};
use crate::source::{EntryKind, FileId, Files, Span, files::clean};

/// A project that is judged.
pub(super) struct Analysis {
    /// `None`: there is nothing to judge.
    pub(super) outcome: Option<Outcome>,
    /// The names of every environment.
    pub(super) names: NameIndex,
    /// Every text by its path, and every path by its text.
    ids: BTreeMap<PathBuf, FileId>,
    paths: Vec<PathBuf>,
}

impl Analysis {
    /// Judges the project in a folder, or that of a single file. `library` is the folder from which the standard
    /// library is shown.
    pub(super) fn of(files: &dyn Files, project: &Path, library: &Path) -> Self {
        let (root, inputs) = inputs(files, project);
        let outcome = inputs.and_then(|inputs| driver::check(files, &inputs, &Options::default()).ok());
        let mut names = NameIndex::default();
        let mut paths = Vec::new();
        if let Some(outcome) = &outcome {
            for build in &outcome.builds {
                names.merge(&build.program.names);
            }
            paths.extend(outcome.sources.iter().map(|(_, file)| {
                let base = if file.is_std { library } else { &root };
                clean(&base.join(&file.path))
            }));
        }
        let ids = (0u32..).map(FileId);
        Self {
            outcome,
            names,
            ids: paths.iter().cloned().zip(ids).collect(),
            paths,
        }
    }

    /// The text of a path, if it belongs to the project.
    pub(super) fn file(&self, path: &Path) -> Option<FileId> {
        self.ids.get(path).copied()
    }

    /// The path of a text.
    pub(super) fn path(&self, file: FileId) -> Option<&Path> {
        self.paths.get(file.0 as usize).map(PathBuf::as_path)
    }

    /// Where a span is.
    pub(super) fn place(&self, span: Span) -> Option<FileRange> {
        Some(FileRange {
            path: self.path(span.file)?.to_path_buf(),
            range: range(span),
        })
    }

    /// The text of a span.
    pub(super) fn slice(&self, span: Span) -> &str {
        self.outcome.as_ref().map_or("", |outcome| outcome.sources.slice(span))
    }

    /// The name at a place.
    pub(super) fn name_at(&self, path: &Path, offset: u32) -> Option<&Use> {
        self.names.at(self.file(path)?, offset)
    }

    /// The environment that is shown where one has to be chosen: the defaults if they are judged, else the first.
    pub(super) fn build(&self) -> Option<&Build> {
        self.outcome.as_ref()?.builds.first()
    }
}

pub(super) fn range(span: Span) -> TextRange {
    span.start..span.end.max(span.start)
}

/// What to ask the driver, and the folder that it calls its files from.
fn inputs(files: &dyn Files, project: &Path) -> (PathBuf, Option<Inputs>) {
    if files.kind(project) == Some(EntryKind::File) {
        let location = Location {
            path: project.to_path_buf(),
            kind: EntryKind::File,
            prefix: String::new(),
        };
        let root = project.parent().map(Path::to_path_buf).unwrap_or_default();
        return (root, Some(location.into()));
    }
    let location = Location {
        path: project.to_path_buf(),
        kind: EntryKind::Folder,
        prefix: String::new(),
    };
    (project.to_path_buf(), Some(location.into()))
}
