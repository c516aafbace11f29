//! The parsed texts of a run.

use rayon::prelude::*;

use super::QUESTION;
use super::errors;
use super::follow_ups;
use super::project::{Project, without_mark};
use super::suppress::{self, Suppression};
use crate::diagnostics::Diagnostics;
use crate::hir::Unit;
use crate::source::{SourceMap, Span};
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
    /// Parses every file, last what is asked, and the standard library where a file uses it.
    pub(super) fn parse(
        project: &Project,
        question: Option<&str>,
        sources: &mut SourceMap,
        acc: &mut Diagnostics,
    ) -> Self {
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
        let damaged = acc.files_with(&errors::NOT_UTF8);
        for ((text, findings), file) in parsed.into_iter().zip(&project.files) {
            acc.append(if damaged.contains(&file.id) {
                follow_ups::beside_bad_bytes(findings, sources)
            } else {
                findings
            });
            files.push(text);
        }
        if let Some(question) = question {
            let id = sources.add(QUESTION, question);
            files.push(Text {
                tree: parse(id, question, acc).file,
                environment: None,
                suppressions: Vec::new(),
            });
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

    /// The trees of an environment, in the order of their paths, and those of the standard library.
    pub(super) fn units(&self, environment: Option<&str>) -> Vec<Unit<'_>> {
        let project = self.texts_of(environment).map(|text| Unit {
            file: &text.tree,
            std: None,
        });
        let library = meshc_stdlib::FILES.iter().zip(&self.library);
        let library = library.map(|((name, _), file)| Unit { file, std: Some(name) });
        project.chain(library).collect()
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

    /// The item that the parser could not read as it was meant, by its error.
    pub(super) fn spoilt(&self, error: Span) -> Option<Span> {
        self.files
            .iter()
            .find_map(|text| follow_ups::spoilt(&text.tree.items, error))
    }

    /// The trees of the project's files, in the order of their paths.
    pub(super) fn into_trees(self) -> Vec<ast::File> {
        self.files.into_iter().map(|text| text.tree).collect()
    }

    /// Every suppression of the project, in order.
    pub(super) fn suppressions(&self) -> impl Iterator<Item = &Suppression> {
        self.files.iter().flat_map(|text| &text.suppressions)
    }
}
