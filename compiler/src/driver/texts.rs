//! The parsed texts of a run.

use rayon::prelude::*;

use super::project::{Project, without_mark};
use super::suppress::{self, Suppression};
use crate::diagnostics::Diagnostics;
use crate::source::SourceMap;
use crate::syntax::ast::{self, Arg, ItemKind, Name};
use crate::syntax::parse;

/// The trees of a project and of the standard library.
pub(super) struct Texts {
    files: Vec<Text>,
    library: Vec<ast::File>,
}

struct Text {
    tree: ast::File,
    environment: Option<String>,
    suppressions: Vec<Suppression>,
}

impl Texts {
    /// Parses every file, and the standard library where a file uses it.
    pub(super) fn parse(project: &Project, sources: &mut SourceMap, acc: &mut Diagnostics) -> Self {
        // A thread costs more than a handful of files of the usual size.
        let parsed: Vec<(Text, Diagnostics)> = project
            .files
            .par_iter()
            .with_min_len(8)
            .map(|file| {
                let mut acc = Diagnostics::default();
                let text = without_mark(sources.text(file.id));
                let parsed = parse(file.id, &text, &mut acc);
                let suppressions = suppress::read(&parsed, &mut acc);
                let text = Text {
                    tree: parsed.file,
                    environment: file.environment.clone(),
                    suppressions,
                };
                (text, acc)
            })
            .collect();
        let mut files = Vec::with_capacity(parsed.len());
        for (text, findings) in parsed {
            acc.append(findings);
            files.push(text);
        }
        let uses_library = files
            .iter()
            .flat_map(|text| &text.tree.items)
            .any(|item| matches!(item.kind, ItemKind::Use { .. }));
        let mut library = Vec::new();
        if uses_library {
            for (name, text) in meshc_stdlib::FILES {
                let id = sources.add_std(format!("{name}.mesh"), *text);
                library.push(parse(id, text, acc).file);
            }
        }
        Self { files, library }
    }

    /// The trees of an environment, in the order of their paths.
    pub(super) fn of(&self, environment: Option<&str>) -> Vec<&ast::File> {
        self.texts_of(environment).map(|text| &text.tree).collect()
    }

    /// The files of the standard library by the path that `use` gives them; none where nothing is used.
    pub(super) fn library(&self) -> impl Iterator<Item = (&'static str, &ast::File)> {
        meshc_stdlib::FILES.iter().map(|(name, _)| *name).zip(&self.library)
    }

    /// Every `param` of an environment, in order.
    pub(super) fn params(&self, environment: Option<&str>) -> impl Iterator<Item = (&Name, Option<&Arg>)> {
        self.texts_of(environment)
            .flat_map(|text| &text.tree.items)
            .filter_map(|item| match &item.kind {
                ItemKind::Param { name, default } => Some((name, default.as_ref())),
                _ => None,
            })
    }

    fn texts_of(&self, environment: Option<&str>) -> impl Iterator<Item = &Text> {
        self.files
            .iter()
            .filter(move |text| text.environment.is_none() || text.environment.as_deref() == environment)
    }

    /// Every suppression of the project, in order.
    pub(super) fn suppressions(&self) -> impl Iterator<Item = &Suppression> {
        self.files.iter().flat_map(|text| &text.suppressions)
    }
}
