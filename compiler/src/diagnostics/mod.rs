//! What the compiler says to its user: a diagnostic is data, and a renderer only translates it.

pub mod code;
mod data;
pub mod fix;
pub mod render;
pub mod shell;
pub mod suggest;

use std::collections::BTreeSet;

pub use code::{Code, Severity};
pub use data::Data;
pub use fix::{Applicability, Edit, Fix};

use crate::source::{FileId, Span};

/// A place in the text, and what is to be said of it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    /// May be empty for a primary label: then the message alone speaks.
    pub message: String,
}

/// One finding, complete on its own.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub code: &'static Code,
    /// The severity after levels and configuration; begins as the code's own.
    pub severity: Severity,
    /// One lowercase sentence without a final period, user input in backticks.
    pub message: String,
    pub primary: Label,
    pub secondary: Vec<Label>,
    /// What to do next: imperative sentences.
    pub help: Vec<String>,
    pub fixes: Vec<Fix>,
    /// The environments in which it arises, where that is not each of those that were judged; else empty.
    pub environments: Vec<String>,
    /// A request that shows it, as `meshc eval` takes it.
    pub witness: Option<Data>,
}

impl Diagnostic {
    /// A finding of `code` at `span`.
    #[must_use]
    pub fn new(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            primary: Label {
                span,
                message: String::new(),
            },
            secondary: Vec::new(),
            help: Vec::new(),
            fixes: Vec::new(),
            environments: Vec::new(),
            witness: None,
        }
    }

    /// Adds another place that belongs to the finding.
    #[must_use]
    pub fn secondary(mut self, span: Span, message: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    /// Adds an imperative sentence that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds a help where there is one.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Adds a request that shows it, where there is one.
    #[must_use]
    pub fn witness(mut self, witness: Option<Data>) -> Self {
        self.witness = witness;
        self
    }

    /// Adds an edit that repairs it.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fixes.push(fix);
        self
    }
}

/// The findings of a run, in the order in which they were met.
#[derive(Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds the findings of a run that is over.
    pub fn append(&mut self, mut other: Self) {
        self.list.append(&mut other.list);
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// The places of which something is to be warned.
    #[must_use]
    pub fn warned(&self) -> BTreeSet<Span> {
        let list = self.list.iter().filter(|d| d.severity >= Severity::Warning);
        list.map(|d| d.primary.span).collect()
    }

    /// The files with a finding of this code.
    pub(crate) fn files_with(&self, code: &Code) -> BTreeSet<FileId> {
        let own = self.list.iter().filter(|d| d.code.id == code.id);
        own.map(|d| d.primary.span.file).collect()
    }

    /// The findings ordered by place, then by code; equal ones once.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list
            .sort_by(|a, b| (a.primary.span, a.code.id, &a.message).cmp(&(b.primary.span, b.code.id, &b.message)));
        self.list
            .dedup_by(|a, b| a.primary.span == b.primary.span && a.code.id == b.code.id && a.message == b.message);
        self.list
    }
}
