//! From a name to its declaration.

use std::path::Path;

use super::FileRange;
use super::analysis::Analysis;
use crate::hir::NameKind;

/// Where the name at a place is declared: once, but a namespace in every place that opens it.
pub(super) fn definition(analysis: &Analysis, path: &Path, offset: u32) -> Vec<FileRange> {
    let Some(name) = analysis.name_at(path, offset) else {
        return Vec::new();
    };
    let is_namespace = analysis
        .names
        .declaration(name.declaration)
        .is_some_and(|declaration| declaration.kind == NameKind::Namespace);
    if !is_namespace {
        return analysis.place(name.declaration).into_iter().collect();
    }
    let places = analysis.names.places(name.declaration).filter(|place| place.declares);
    places.filter_map(|place| analysis.place(place.span)).collect()
}
