//! What an editor asks of a project, in the editor's words: paths, byte offsets, plain data.
//!
//! A [`Workspace`] takes changes; a [`Snapshot`] of it answers. Each feature has its file, and a method of its name on
//! the snapshot. Nothing here knows a protocol, and nothing reads a rule on its own: what a text means is asked of the
//! driver's outcome.

mod actions;
mod analysis;
mod completion;
mod definition;
mod diagnostics;
mod document;
mod emitted;
mod extract;
mod folding;
mod formatting;
mod highlighting;
mod hover;
mod in_force;
mod items;
mod lenses;
mod links;
mod manifests;
mod projects;
pub mod reference;
mod references;
mod rename;
mod run_test;
mod selection;
mod signature;
mod snapshot;
mod state;
mod symbols;
#[cfg(test)]
mod tests;
mod touched;
mod witness_test;
mod workspace;
mod workspace_symbols;

use std::ops::Range;
use std::path::PathBuf;

pub use crate::diagnostics::{Applicability, Severity};
pub use actions::{Action, ActionKind};
pub use completion::{Completion, CompletionKind};
pub use diagnostics::{Diagnostic, Fix, Related, Tag};
pub use document::Document;
pub use folding::{Fold, FoldKind};
pub use highlighting::{HighlightKind, Highlighted};
pub use hover::Hover;
pub use in_force::Hint;
pub use lenses::{Emitted, Lens, LensKind};
pub use links::Link;
pub use references::Highlight;
pub use rename::Renaming;
pub use run_test::{TestLine, TestRun};
pub use signature::Signature;
pub use snapshot::Snapshot;
pub use symbols::{Symbol, SymbolKind};
pub use workspace::{Change, Settings, Workspace};
pub use workspace_symbols::Found;

/// A range of bytes of a text.
pub type TextRange = Range<u32>;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRange {
    pub path: PathBuf,
    pub range: TextRange,
}

/// Replace the text of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub range: TextRange,
    pub text: String,
}
