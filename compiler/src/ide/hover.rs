//! What is to be said of a place: what a name is, what a piece of text emits, what a code means.

use std::fmt::Write as _;
use std::path::Path;

use super::analysis::{Analysis, range};
use super::document::Document;
use super::emitted::emitted;
use super::snapshot::touches;
use super::{TextRange, in_force, items, manifests, projects};
use crate::catalogue;
use crate::diagnostics::{Code, Diagnostics};
use crate::driver::manifests::is_manifest;
use crate::hir::{Declaration, NameKind};
use crate::source::Span;
use crate::syntax::ast::Item;
use crate::syntax::{self, ast};

/// What is shown beside a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    pub range: TextRange,
    pub markdown: String,
}

/// More objects than a reader would look through.
const MOST_OBJECTS: usize = 4;

/// What is to be said of a place of an open text.
pub(super) fn hover(analysis: &Analysis, document: &Document, path: &Path, offset: u32) -> Option<Hover> {
    if !projects::is_mesh(path) {
        return if is_manifest(path) {
            manifests::hover(analysis, document, path, offset)
        } else {
            code_in_manifest(document, offset).or_else(|| name(analysis, path, offset))
        };
    }
    suppressed_code(document, offset)
        .or_else(|| name(analysis, path, offset))
        .or_else(|| keyword(analysis, document, path, offset))
}

/// The page of a code that a comment allows.
fn suppressed_code(document: &Document, offset: u32) -> Option<Hover> {
    let suppressions = &document.parsed().suppressions;
    let found = suppressions.iter().find(|s| touches(&range(s.code.span), offset))?;
    Some(page(catalogue::find(&found.code.text)?, range(found.code.span)))
}

/// The page of a code whose level `mesh.toml` sets.
fn code_in_manifest(document: &Document, offset: u32) -> Option<Hover> {
    let (text, at) = (document.text(), offset as usize);
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let before = text.get(..at)?;
    let start = before.rfind(|c| !part(c)).map_or(0, |last| last + 1);
    let behind = text.get(at..)?;
    let end = at + behind.find(|c| !part(c)).unwrap_or(behind.len());
    let code = catalogue::find(text.get(start..end)?)?;
    Some(page(code, u32::try_from(start).ok()?..u32::try_from(end).ok()?))
}

fn page(code: &Code, range: TextRange) -> Hover {
    Hover {
        range,
        markdown: code.page.trim_end().to_owned(),
    }
}

/// What a name is: its declaration, what is written above it, and what it emits.
fn name(analysis: &Analysis, path: &Path, offset: u32) -> Option<Hover> {
    let name = analysis.name_at(path, offset)?;
    let declaration = analysis.names.declaration(name.declaration)?;
    let mut markdown = about(analysis, declaration)?;
    if let Some(section) = in_force::section(analysis, declaration.span) {
        let _infallible = write!(markdown, "\n\n{section}");
    }
    if name.declares {
        let file = declaration.span.file;
        let sources = &analysis.outcome.as_ref()?.sources;
        let parsed = syntax::parse(file, sources.text(file), &mut Diagnostics::default());
        let item = items::declared_at(&parsed.file.items, declaration.span);
        if let Some(item) = here(item, name.span) {
            add_emitted(&mut markdown, analysis, item.span);
        }
    }
    Some(Hover {
        range: range(name.span),
        markdown,
    })
}

/// The declaration of a name and what is written above it.
pub(super) fn about(analysis: &Analysis, declaration: &Declaration) -> Option<String> {
    let sources = &analysis.outcome.as_ref()?.sources;
    let file = declaration.span.file;
    let parsed = syntax::parse(file, sources.text(file), &mut Diagnostics::default());
    let item = items::declared_at(&parsed.file.items, declaration.span);
    let mut markdown = code_block("mesh", &head(analysis, declaration, item));
    if let Some(item) = item {
        add_doc(&mut markdown, item);
    }
    if sources.get(file).is_some_and(|file| file.is_std) {
        let _infallible = write!(markdown, "\n\nFrom `{}`.", sources.path(file).trim_end_matches(".mesh"));
    }
    Some(markdown)
}

/// The item of a declaration if it is the place that is looked at.
fn here(item: Option<&Item>, name: Span) -> Option<&Item> {
    item.filter(|item| item.span.file == name.file && item.span.start <= name.start && name.end <= item.span.end)
}

/// What is written of a declaration up to its block.
fn head(analysis: &Analysis, declaration: &Declaration, item: Option<&Item>) -> String {
    let namespace = declaration.namespace.as_deref();
    let comment = namespace.map_or(String::new(), |namespace| format!("# namespace {namespace}\n"));
    let Some(item) = item.filter(|_| declaration.kind != NameKind::Argument) else {
        let kind = match declaration.kind {
            NameKind::Argument => "parameter",
            NameKind::Provider => "provider",
            NameKind::Waypoint => "waypoint",
            _ => "",
        };
        return format!("{comment}{kind} {}", declaration.name).trim_start().to_owned();
    };
    let written = analysis.slice(item.span);
    let is_block = !items::inner(item).is_empty()
        || matches!(item.kind, ast::ItemKind::Issuer(_) | ast::ItemKind::Template { .. });
    let head = if is_block {
        written.split('{').next().unwrap_or_default()
    } else {
        written
    };
    format!("{comment}{}", head.trim_end())
}

/// What an item emits, at its keyword.
fn keyword(analysis: &Analysis, document: &Document, path: &Path, offset: u32) -> Option<Hover> {
    let around = items::around(&document.parsed().file.items, offset);
    let item = around
        .into_iter()
        .rev()
        .find(|item| touches(&range(item.keyword), offset))?;
    let mut markdown = String::new();
    add_doc(&mut markdown, item);
    let file = analysis.file(path)?;
    add_emitted(&mut markdown, analysis, Span { file, ..item.span });
    let markdown = markdown.trim_start().to_owned();
    (!markdown.is_empty()).then_some(Hover {
        range: range(item.keyword),
        markdown,
    })
}

fn add_doc(markdown: &mut String, item: &Item) {
    if !item.doc.is_empty() {
        markdown.push_str("\n\n");
        markdown.push_str(&item.doc.join("\n"));
    }
}

/// Adds the objects that a piece of text makes.
fn add_emitted(markdown: &mut String, analysis: &Analysis, piece: Span) {
    let artifacts = emitted(analysis, piece);
    if artifacts.is_empty() {
        return;
    }
    let count = artifacts.len();
    let shown: Vec<&str> = artifacts.iter().take(MOST_OBJECTS).map(|a| a.text.trim_end()).collect();
    let environment = analysis.build().and_then(|build| build.environment.as_deref());
    let objects = if count == 1 {
        "1 object".to_owned()
    } else {
        format!("{count} objects")
    };
    let place = environment.map_or(String::new(), |name| format!(" in environment `{name}`"));
    let _infallible = write!(markdown, "\n\nEmits {objects}{place}:\n\n");
    markdown.push_str(&code_block("yaml", &shown.join("\n---\n")));
    if let Some(more @ 1..) = count.checked_sub(MOST_OBJECTS) {
        let _infallible = write!(markdown, "\n\nand {more} more.");
    }
}

/// A block of code whose fence is longer than any in it.
fn code_block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}
