//! Names that are declared: those that can be written bare where the place is, and others with their namespace.

use super::super::{hover, items};
use super::{Completion, CompletionKind, Place, library};
use crate::diagnostics::Diagnostics;
use crate::hir::{Declaration, NameKind};
use crate::source::{FileId, Span};
use crate::syntax;
use crate::syntax::ast::{ItemKind, Param};
use crate::syntax::lexer::TokenKind;
use crate::syntax::parser::Concept;

impl Place<'_> {
    pub(super) fn names(&self, found: &mut Vec<Completion>) {
        if let Some(file) = self.imported_file() {
            found.extend(
                library::items(file)
                    .iter()
                    .map(|item| self.of_library(item, Vec::new())),
            );
            return;
        }
        let kinds = self.kinds();
        let declared = self.analysis.names.declarations().iter();
        for declaration in declared.filter(|declaration| kinds.contains(&declaration.kind)) {
            found.extend(self.declared(declaration));
        }
        found.extend(self.parameters());
        if !kinds.is_empty() && self.has_head() {
            found.extend(library::not_used(self, kinds));
        }
    }

    /// Whether a `use` can be put at the head of this text.
    fn has_head(&self) -> bool {
        !self.before.is_empty()
    }

    fn kinds(&self) -> &'static [NameKind] {
        const CALLERS: &[NameKind] = &[
            NameKind::Identity,
            NameKind::Issuer,
            NameKind::Workload,
            NameKind::Gateway,
            NameKind::Waypoint,
            NameKind::Argument,
        ];
        if self.has(Concept::Caller) || self.has(Concept::RequestLine) {
            CALLERS
        } else if self.has(Concept::Operation) {
            &[NameKind::Operation]
        } else if self.has(Concept::Issuer) || self.back(1) == "token" {
            &[NameKind::Issuer]
        } else if self.has(Concept::Reference) {
            if self.back(1) == "apply" {
                &[NameKind::Template]
            } else {
                &[NameKind::Issuer]
            }
        } else {
            &[]
        }
    }

    /// A declared name as it is written here; none if it means nothing here.
    fn declared(&self, declaration: &Declaration) -> Option<Completion> {
        let sources = &self.analysis.outcome.as_ref()?.sources;
        let std = sources.get(declaration.span.file).is_some_and(|file| file.is_std);
        if declaration.kind == NameKind::Argument && !self.in_template_of(declaration) {
            return None;
        }
        if std && !library::is_used(self.analysis, declaration.span) {
            return None;
        }
        let near = declaration.namespace.is_none() || declaration.namespace == self.namespace();
        let label = match &declaration.namespace {
            Some(namespace) if !near || syntax::keywords::is_reserved(&declaration.name) => {
                format!("{namespace}/{}", declaration.name)
            }
            _ => declaration.name.clone(),
        };
        Some(Completion {
            key: Some(key(declaration.span)),
            detail: Some(sources.path(declaration.span.file).to_owned()),
            ..self.offer(label, kind(declaration.kind))
        })
    }

    /// Whether a parameter belongs to the template that the place is in.
    fn in_template_of(&self, parameter: &Declaration) -> bool {
        let names = self.around.iter().filter_map(|item| match &item.kind {
            ItemKind::Template { params, .. } => Some(params),
            ItemKind::Issuer(issuer) => Some(&issuer.params),
            _ => None,
        });
        names.flatten().any(|param| param.name.text == parameter.name)
    }

    /// Names of arguments between the parentheses behind a template or issuer.
    fn parameters(&self) -> Vec<Completion> {
        if !matches!(
            self.before.last().map(|t| t.kind),
            Some(TokenKind::OpenParen | TokenKind::Comma)
        ) {
            return Vec::new();
        }
        let Some(params) = self.params() else { return Vec::new() };
        let offers = params.iter().map(|param| Completion {
            insert: format!("{}: ", param.name.text),
            ..self.offer(format!("{}:", param.name.text), CompletionKind::Param)
        });
        offers.collect()
    }

    /// The parameters of what the open parenthesis belongs to.
    fn params(&self) -> Option<Vec<Param>> {
        let mut depth = 0u32;
        for (at, token) in self.before.iter().enumerate().rev() {
            match token.kind {
                TokenKind::CloseParen => depth += 1,
                TokenKind::OpenParen if depth > 0 => depth -= 1,
                TokenKind::OpenParen => {
                    let name = self.before.get(at.checked_sub(1)?)?;
                    return params_of(self.analysis, self.text(name));
                }
                TokenKind::OpenBrace | TokenKind::CloseBrace => return None,
                _ => {}
            }
        }
        None
    }

    /// The file of the standard library whose names are listed: `use FILE (…`.
    fn imported_file(&self) -> Option<&str> {
        let open = self
            .before
            .iter()
            .rposition(|token| token.kind == TokenKind::OpenParen)?;
        let file = self.before.get(open.checked_sub(1)?)?;
        let word = self.before.get(open.checked_sub(2)?)?;
        (self.text(word) == "use" && self.has(Concept::Name)).then(|| self.text(file))
    }

    pub(super) fn of_library(&self, item: &library::Entry, also: Vec<super::Edit>) -> Completion {
        Completion {
            detail: Some(item.file.to_owned()),
            key: Some(format!("{} {}", item.file, item.name)),
            also,
            ..self.offer(item.name.as_str(), kind(item.kind))
        }
    }
}

/// The parameters of a template or issuer by its name, `ns/` before it or not.
pub(in crate::ide) fn params_of(analysis: &super::Analysis, name: &str) -> Option<Vec<Param>> {
    let bare = name.rsplit('/').next().unwrap_or(name);
    let declared = analysis.names.declarations().iter();
    let mut declared = declared.filter(|d| matches!(d.kind, NameKind::Template | NameKind::Issuer) && d.name == bare);
    let declaration = declared.next()?;
    let sources = &analysis.outcome.as_ref()?.sources;
    let file = declaration.span.file;
    let parsed = syntax::parse(file, sources.text(file), &mut Diagnostics::default());
    let item = items::declared_at(&parsed.file.items, declaration.span)?;
    match &item.kind {
        ItemKind::Template { params, .. } => Some(params.clone()),
        ItemKind::Issuer(issuer) => Some(issuer.params.clone()),
        _ => None,
    }
}

fn key(span: Span) -> String {
    format!("{} {} {}", span.file.0, span.start, span.end)
}

/// What is said of a declared name.
pub(super) fn documentation(analysis: &super::Analysis, key: &str) -> Option<String> {
    let mut parts = key.split(' ').map(str::parse::<u32>);
    let (file, start, end) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let declaration = analysis.names.declaration(Span::new(FileId(file), start, end))?;
    hover::about(analysis, declaration)
}

const fn kind(kind: NameKind) -> CompletionKind {
    match kind {
        NameKind::Namespace => CompletionKind::Namespace,
        NameKind::Workload | NameKind::Gateway | NameKind::Waypoint => CompletionKind::Workload,
        NameKind::Identity => CompletionKind::Identity,
        NameKind::Issuer => CompletionKind::Issuer,
        NameKind::Operation => CompletionKind::Operation,
        NameKind::Template => CompletionKind::Template,
        NameKind::Param | NameKind::Argument => CompletionKind::Param,
        NameKind::Provider => CompletionKind::Provider,
    }
}
