//! One name for another, in all files of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::analysis::{Analysis, range};
use super::{Edit, TextRange};
use crate::hir::values::{is_dns_label, is_dns_subdomain};
use crate::hir::{Declaration, NameKind, Use};
use crate::syntax::keywords::is_reserved;

/// The edits of each file.
pub type Renaming = BTreeMap<PathBuf, Vec<Edit>>;

/// The name at a place if it can have another one.
///
/// # Errors
/// Why it cannot, as a sentence.
pub(super) fn prepare(analysis: &Analysis, path: &Path, offset: u32) -> Result<TextRange, String> {
    let (name, _) = renamable(analysis, path, offset)?;
    Ok(range(name.span))
}

/// The edits that give the name at a place another one.
///
/// # Errors
/// Why that cannot be, as a sentence.
pub(super) fn rename(analysis: &Analysis, path: &Path, offset: u32, new: &str) -> Result<Renaming, String> {
    let (name, declaration) = renamable(analysis, path, offset)?;
    check_form(declaration, new)?;
    check_free(analysis, declaration, new)?;
    let mut edits = Renaming::new();
    for place in analysis.names.places(name.declaration) {
        if let Some(found) = analysis.place(place.span) {
            edits.entry(found.path).or_default().push(Edit {
                range: found.range,
                text: new.to_owned(),
            });
        }
    }
    Ok(edits)
}

fn renamable<'a>(analysis: &'a Analysis, path: &Path, offset: u32) -> Result<(&'a Use, &'a Declaration), String> {
    let found = analysis.name_at(path, offset);
    let found = found.and_then(|name| Some((name, analysis.names.declaration(name.declaration)?)));
    let Some((name, declaration)) = found else {
        return Err("there is no name here that the project declares".to_owned());
    };
    if is_std(analysis, declaration) {
        return Err(format!(
            "`{}` is declared in the standard library; bring it in under another name with `as`",
            declaration.name
        ));
    }
    Ok((name, declaration))
}

fn is_std(analysis: &Analysis, declaration: &Declaration) -> bool {
    let outcome = analysis.outcome.as_ref();
    let file = outcome.and_then(|outcome| outcome.sources.get(declaration.span.file));
    file.is_some_and(|file| file.is_std)
}

fn check_form(declaration: &Declaration, new: &str) -> Result<(), String> {
    let simple = new.starts_with(|c: char| c.is_ascii_lowercase())
        && new
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    let (ok, form) = match declaration.kind {
        NameKind::Namespace => (
            is_dns_label(new),
            "a namespace's name has lower-case letters, digits and inner dashes",
        ),
        NameKind::Workload | NameKind::Gateway | NameKind::Waypoint => (
            is_dns_subdomain(new),
            "the name of a workload has lower-case letters, digits, inner dashes and dots",
        ),
        NameKind::Provider => (crate::syntax::is_bare_word(new), "a provider's name is a word"),
        NameKind::Identity
        | NameKind::Issuer
        | NameKind::Operation
        | NameKind::Template
        | NameKind::Param
        | NameKind::Argument => (
            simple,
            "a name begins with a lower-case letter, and has lower-case letters, digits, `-` and `_`",
        ),
    };
    if !ok {
        return Err(format!("`{new}` cannot be its name: {form}"));
    }
    let is_bare = !matches!(
        declaration.kind,
        NameKind::Namespace | NameKind::Param | NameKind::Provider
    );
    if is_bare && is_reserved(new) {
        return Err(format!("`{new}` is a word of the language and cannot be a name"));
    }
    Ok(())
}

/// What a name must differ from: those that are looked up in one place.
#[derive(PartialEq, Eq)]
enum Class {
    Caller,
    Operation,
    Template,
    Param,
    Argument,
    Namespace,
    Provider,
}

const fn class(kind: NameKind) -> Class {
    match kind {
        NameKind::Workload | NameKind::Gateway | NameKind::Waypoint | NameKind::Identity | NameKind::Issuer => {
            Class::Caller
        }
        NameKind::Operation => Class::Operation,
        NameKind::Template => Class::Template,
        NameKind::Param => Class::Param,
        NameKind::Argument => Class::Argument,
        NameKind::Namespace => Class::Namespace,
        NameKind::Provider => Class::Provider,
    }
}

fn check_free(analysis: &Analysis, declaration: &Declaration, new: &str) -> Result<(), String> {
    if declaration.name == new {
        return Ok(());
    }
    let meets = |other: &&Declaration| {
        class(other.kind) == class(declaration.kind)
            && (other.namespace == declaration.namespace
                || other.namespace.is_none()
                || declaration.namespace.is_none())
            // Parameters of one kind of thing do not meet those of another; only a file's own are looked at.
            && (declaration.kind != NameKind::Argument || other.span.file == declaration.span.file)
    };
    let others = analysis.names.declarations().iter().filter(meets);
    for other in others {
        let is_taken = if is_std(analysis, other) {
            let mut places = analysis.names.places(other.span);
            places.any(|place| place.span.file != other.span.file && analysis.slice(place.span) == new)
        } else {
            other.name == new
        };
        if is_taken {
            return Err(format!("`{new}` is declared already"));
        }
    }
    Ok(())
}
