//! Every place where a name is written.

use std::path::Path;

use super::analysis::{Analysis, range};
use super::{FileRange, TextRange};

/// A place of a name in the text that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    pub range: TextRange,
    /// Whether the name is declared there.
    pub declares: bool,
}

/// The places of the name at a place, in all files.
pub(super) fn references(analysis: &Analysis, path: &Path, offset: u32, declaring: bool) -> Vec<FileRange> {
    let Some(name) = analysis.name_at(path, offset) else {
        return Vec::new();
    };
    let places = analysis.names.places(name.declaration);
    places
        .filter(|place| declaring || !place.declares)
        .filter_map(|place| analysis.place(place.span))
        .collect()
}

/// The places of the name at a place, in the same file.
pub(super) fn highlights(analysis: &Analysis, path: &Path, offset: u32) -> Vec<Highlight> {
    let Some(name) = analysis.name_at(path, offset) else {
        return Vec::new();
    };
    let places = analysis.names.places(name.declaration);
    places
        .filter(|place| place.span.file == name.span.file)
        .map(|place| Highlight {
            range: range(place.span),
            declares: place.declares,
        })
        .collect()
}
