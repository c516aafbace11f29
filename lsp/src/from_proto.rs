//! From the protocol's words to those of `meshc::ide`.

use std::path::{Path, PathBuf};

use meshc::ide::{Change, Document, TextRange};
use meshc::source::files::clean;
use meshc::source::{Position, Unit};
use tower_lsp_server::ls_types as lsp;

/// The path of a file; nothing for what is no file, such as a text that was never saved.
pub(crate) fn path(uri: &lsp::Uri) -> Option<PathBuf> {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    let path = uri.to_file_path().filter(|_| is_file)?;
    Some(clean(&path))
}

/// The byte of a position.
pub(crate) fn offset(document: &Document, position: lsp::Position, unit: Unit) -> u32 {
    let position = Position {
        line: position.line,
        column: position.character,
    };
    document.lines().offset(document.text(), position, unit)
}

/// The bytes of a range.
pub(crate) fn range(document: &Document, range: lsp::Range, unit: Unit) -> TextRange {
    offset(document, range.start, unit)..offset(document, range.end, unit)
}

/// One change of an open text, whose positions are those of `document`.
pub(crate) fn edit(
    path: &Path,
    document: &Document,
    change: lsp::TextDocumentContentChangeEvent,
    version: i32,
    unit: Unit,
) -> Change {
    Change::Edit {
        path: path.to_path_buf(),
        range: change.range.map(|r| range(document, r, unit)),
        text: change.text,
        version,
    }
}
