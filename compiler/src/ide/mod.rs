//! What an editor asks of a project, in the editor's words: paths, byte offsets, plain data.
//!
//! A [`Workspace`] takes changes; a [`Snapshot`] of it answers. Each feature has its file, and a method of its name on
//! the snapshot. Nothing here knows a protocol, and nothing reads a rule on its own: what a text means is asked of the
//! driver's outcome.

mod analysis;
mod definition;
mod diagnostics;
mod document;
mod emitted;
mod folding;
mod formatting;
mod hover;
mod items;
mod projects;
pub mod reference;
mod references;
mod snapshot;
mod symbols;
#[cfg(test)]
mod tests;
mod workspace;

use std::ops::Range;
use std::path::PathBuf;

pub use crate::diagnostics::{Applicability, Severity};
pub use diagnostics::{Diagnostic, Fix, Related, Tag};
pub use document::Document;
pub use folding::{Fold, FoldKind};
pub use hover::Hover;
pub use references::Highlight;
pub use snapshot::Snapshot;
pub use symbols::{Symbol, SymbolKind};
pub use workspace::{Change, Workspace};

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
