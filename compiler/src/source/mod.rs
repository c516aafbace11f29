//! Text and where it came from: files, positions in them, and how positions are shown.

pub mod files;
pub mod line_index;
pub mod map;
pub mod span;

pub use files::{Disk, Entry, EntryKind, FileError, Files, Memory, Overlay};
pub use line_index::{LineIndex, Position, Unit};
pub use map::{SourceFile, SourceMap};
pub use span::{FileId, Span};
