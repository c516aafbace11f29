//! The standard library: what it offers, and the `use` that brings it in.

use std::sync::OnceLock;

use super::{Completion, Place};
use crate::diagnostics::Diagnostics;
use crate::hir::NameKind;
use crate::ide::Edit;
use crate::ide::analysis::Analysis;
use crate::source::{FileId, Span};
use crate::syntax;
use crate::syntax::ast::{Item, ItemKind};

/// An item of the standard library.
pub(super) struct Entry {
    /// As `use` names it.
    pub(super) file: &'static str,
    pub(super) name: String,
    pub(super) kind: NameKind,
    documentation: String,
}

fn all() -> &'static [Entry] {
    static ALL: OnceLock<Vec<Entry>> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = meshc_stdlib::FILES.iter();
        let entries = files.flat_map(|(file, text)| {
            let parsed = syntax::parse(FileId(0), text, &mut Diagnostics::default());
            let items = parsed.file.items.into_iter();
            items.filter_map(|item| entry(file, text, &item))
        });
        entries.collect()
    })
}

fn entry(file: &'static str, text: &str, item: &Item) -> Option<Entry> {
    let (name, kind) = match &item.kind {
        ItemKind::Identity { name, .. } => (name, NameKind::Identity),
        ItemKind::Operation { name, .. } => (name, NameKind::Operation),
        ItemKind::Template { name, .. } => (name, NameKind::Template),
        ItemKind::Issuer(issuer) => (&issuer.name, NameKind::Issuer),
        _ => return None,
    };
    let written = text.get(item.span.range()).unwrap_or_default();
    Some(Entry {
        file,
        name: name.text.clone(),
        kind,
        documentation: format!("```mesh\n{written}\n```\n\n{}", item.doc.join("\n")),
    })
}

/// What a file of the library offers.
pub(super) fn items(file: &str) -> Vec<&'static Entry> {
    all().iter().filter(|entry| entry.file == file).collect()
}

/// What is said of an item by its key, `FILE NAME`.
pub(super) fn documentation(key: &str) -> Option<String> {
    let (file, name) = key.split_once(' ')?;
    let mut entries = all().iter();
    let entry = entries.find(|entry| entry.file == file && entry.name == name)?;
    Some(entry.documentation.clone())
}

/// Whether a declaration of the library is brought in by a `use` of the project.
pub(super) fn is_used(analysis: &Analysis, declaration: Span) -> bool {
    analysis
        .names
        .places(declaration)
        .any(|place| place.span.file != declaration.file)
}

/// Items of these kinds that no `use` brings in, each with its `use`.
pub(super) fn not_used(place: &Place<'_>, kinds: &[NameKind]) -> Vec<Completion> {
    let declared = place.analysis.names.declarations();
    let known = |entry: &Entry| {
        let visible = |d: &&crate::hir::Declaration| d.namespace.is_none() && d.name == entry.name;
        declared.iter().filter(visible).any(|d| {
            let sources = place.analysis.outcome.as_ref().map(|outcome| &outcome.sources);
            let std = sources
                .and_then(|sources| sources.get(d.span.file))
                .is_some_and(|file| file.is_std);
            !std || is_used(place.analysis, d.span)
        })
    };
    let entries = all()
        .iter()
        .filter(|entry| kinds.contains(&entry.kind) && !known(entry));
    entries
        .map(|entry| place.of_library(entry, vec![use_of(place, entry)]))
        .collect()
}

/// The edit that brings an item in: into the `use` of its file, or in a line at the head of the text.
fn use_of(place: &Place<'_>, entry: &Entry) -> Edit {
    let items = &place.document.parsed().file.items;
    for item in items {
        if let ItemKind::Use { path, names } = &item.kind
            && crate::ide::items::text(path) == entry.file
            && let Some(last) = names.last()
        {
            let end = last.alias.as_ref().unwrap_or(&last.name).span.end;
            return Edit {
                range: end..end,
                text: format!(", {}", entry.name),
            };
        }
    }
    let line = format!("use {} ({})\n", entry.file, entry.name);
    let mut uses = items.iter().filter(|item| matches!(item.kind, ItemKind::Use { .. }));
    match uses.next_back() {
        Some(last) => Edit {
            range: last.span.end..last.span.end,
            text: format!("\n{}", line.trim_end()),
        },
        // Behind the comment that heads the file, before the first item with its own.
        None => Edit {
            range: 0..0,
            text: format!("{line}\n"),
        },
    }
}
