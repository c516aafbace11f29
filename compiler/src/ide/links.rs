//! Pieces of text that lead to a file.

use std::path::{Path, PathBuf};

use super::TextRange;
use super::analysis::range;
use super::document::Document;
use crate::syntax::ast::ItemKind;

/// A piece that leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub range: TextRange,
    pub target: PathBuf,
}

/// The files of the standard library that a text uses.
pub(super) fn links(document: &Document, library: &Path) -> Vec<Link> {
    let items = document.parsed().file.items.iter();
    items
        .filter_map(|item| match &item.kind {
            ItemKind::Use { path, .. } => {
                let name = super::items::text(path);
                let is_there = meshc_stdlib::source(&name).is_some();
                is_there.then(|| Link {
                    range: range(path.span),
                    target: library.join(format!("{name}.mesh")),
                })
            }
            _ => None,
        })
        .collect()
}
