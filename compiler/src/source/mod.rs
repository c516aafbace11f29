//! Text and where it came from: files, positions in them, and how positions are shown.

pub mod files;
pub mod line_index;
pub mod span;

pub use span::{FileId, Span};
