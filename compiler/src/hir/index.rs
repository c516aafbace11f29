//! Which name in the text means which declaration, as data: what an editor asks when it follows or renames a name.
//!
//! Resolution writes it down as it binds names, so that nothing has to be resolved a second time.

use std::collections::BTreeMap;

use super::names::Env;
use super::resolver::Resolver;
use crate::source::{FileId, Span};
use crate::syntax::ast;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    Namespace,
    Workload,
    Gateway,
    Waypoint,
    Identity,
    Issuer,
    Operation,
    Template,
    /// A parameter of the project.
    Param,
    /// A parameter of an issuer or template.
    Argument,
    /// An external authorizer.
    Provider,
}

/// A name that the text declares. Its place is its identity; of a namespace, the first of its places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declaration {
    pub span: Span,
    pub kind: NameKind,
    pub name: String,
    /// The namespace that it stands in.
    pub namespace: Option<String>,
}

/// A place where a name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The name alone, without the namespace before it and without quotes.
    pub span: Span,
    /// The place of its declaration.
    pub declaration: Span,
    /// Whether this is a place that declares it.
    pub declares: bool,
}

/// All names of a program and where they are written.
#[derive(Clone, Debug, Default)]
pub struct NameIndex {
    declarations: Vec<Declaration>,
    uses: Vec<Use>,
    namespaces: BTreeMap<String, Span>,
    params: BTreeMap<String, Span>,
    providers: BTreeMap<String, Span>,
    /// Names of namespaces, which may be declared later than they are written.
    waiting: Vec<(String, Span)>,
}

impl NameIndex {
    /// Every declaration, in the order of files and places.
    #[must_use]
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// Every place of a name, in the order of files and places.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The name that is written at an offset, or that ends there.
    #[must_use]
    pub fn at(&self, file: FileId, offset: u32) -> Option<&Use> {
        let end = self
            .uses
            .partition_point(|u| (u.span.file, u.span.start) <= (file, offset));
        let before = self.uses.get(..end).unwrap_or_default();
        before
            .iter()
            .rev()
            .take(4)
            .find(|u| u.span.file == file && offset <= u.span.end)
    }

    /// Every name that is written in a file, in order.
    #[must_use]
    pub fn in_file(&self, file: FileId) -> &[Use] {
        let start = self.uses.partition_point(|u| u.span.file < file);
        let end = self.uses.partition_point(|u| u.span.file <= file);
        self.uses.get(start..end).unwrap_or_default()
    }

    /// The declaration at a place.
    #[must_use]
    pub fn declaration(&self, span: Span) -> Option<&Declaration> {
        let at = self.declarations.binary_search_by_key(&span, |d| d.span).ok()?;
        self.declarations.get(at)
    }

    /// Every place where a declared name is written.
    pub fn places(&self, declaration: Span) -> impl Iterator<Item = &Use> {
        self.uses.iter().filter(move |u| u.declaration == declaration)
    }

    /// Adds the names of the same texts in another environment.
    pub fn merge(&mut self, other: &Self) {
        self.declarations.extend(other.declarations.iter().cloned());
        self.uses.extend(&other.uses);
        self.sort();
    }

    /// Values that are given to parameters outside the text, as in `mesh.toml`.
    pub fn give_params<'n>(&mut self, names: impl Iterator<Item = &'n ast::Name>) {
        for name in names {
            self.param_used(name);
        }
        self.sort();
    }

    pub(super) fn declare(&mut self, kind: NameKind, name: &str, span: Span, namespace: Option<&str>) {
        let first = match kind {
            NameKind::Namespace => *self.namespaces.entry(name.to_owned()).or_insert(span),
            NameKind::Param => *self.params.entry(name.to_owned()).or_insert(span),
            NameKind::Provider => *self.providers.entry(name.to_owned()).or_insert(span),
            _ => span,
        };
        if first == span {
            self.declarations.push(Declaration {
                span,
                kind,
                name: name.to_owned(),
                namespace: namespace.map(str::to_owned),
            });
        }
        self.put(name, span, first, true);
    }

    /// A name that means the declaration at `declared`; what stands before a `/` in it is a namespace.
    pub(super) fn used(&mut self, name: &str, span: Span, declared: Span) {
        match name.rsplit_once('/') {
            Some((namespace, rest)) => {
                if let Some((before, after)) = parts(name, span, namespace.len()) {
                    self.namespace_used(namespace, before);
                    self.put(rest, after, declared, false);
                }
            }
            None => self.put(name, span, declared, false),
        }
    }

    pub(super) fn namespace_used(&mut self, name: &str, span: Span) {
        self.waiting.push((name.to_owned(), span));
    }

    /// The namespace of `namespace/name`, where only that is known.
    pub(super) fn namespace_of(&mut self, text: &str, span: Span) {
        if let Some((namespace, _)) = text.split_once('/')
            && let Some((before, _)) = parts(text, span, namespace.len())
        {
            self.namespace_used(namespace, before);
        }
    }

    pub(super) fn param_used(&mut self, name: &ast::Name) {
        if let Some(declaration) = self.params.get(&name.text).copied() {
            self.put(&name.text, name.span, declaration, false);
        }
    }

    pub(super) fn provider_used(&mut self, name: &str, span: Span) {
        if let Some(declaration) = self.providers.get(name).copied() {
            self.put(name, span, declaration, false);
        }
    }

    /// Puts everything in order; a template that is expanded twice says everything twice.
    pub(super) fn finish(&mut self) {
        for (name, span) in std::mem::take(&mut self.waiting) {
            if let Some(declaration) = self.namespaces.get(&name).copied() {
                self.put(&name, span, declaration, false);
            }
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.declarations.sort_unstable();
        self.declarations.dedup();
        self.uses.sort_unstable();
        self.uses.dedup();
    }

    fn put(&mut self, name: &str, span: Span, declaration: Span, declares: bool) {
        if let Some(span) = written(name, span) {
            self.uses.push(Use {
                span,
                declaration,
                declares,
            });
        }
    }
}

/// Where exactly a text is written, of which the place of its value is known: bare, or between quotes. None where it
/// is made of parameters or escapes, or was given elsewhere.
fn written(text: &str, span: Span) -> Option<Span> {
    let (there, text) = (span.end.saturating_sub(span.start) as usize, text.len());
    match there.checked_sub(text) {
        Some(0) => Some(span),
        Some(2) => Some(Span::new(span.file, span.start + 1, span.end - 1)),
        _ => None,
    }
}

/// The places of what stands before and behind a `/`.
fn parts(text: &str, span: Span, slash: usize) -> Option<(Span, Span)> {
    let span = written(text, span)?;
    let slash = span.start + u32::try_from(slash).ok()?;
    Some((
        Span::new(span.file, span.start, slash),
        Span::new(span.file, slash + 1, span.end),
    ))
}

impl Resolver<'_, '_> {
    /// Writes down that a name means an argument of the expansion that it stands in.
    pub(super) fn argument_used(&mut self, name: &ast::Name, env: &Env) {
        if let Some(declared) = env.frame.as_ref().and_then(|f| f.declared.get(&name.text)) {
            self.program.names.used(&name.text, name.span, *declared);
        }
    }
}
