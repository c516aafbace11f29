//! What stands beside the project and in no registry.

use std::path::PathBuf;

use crate::repository;

/// The folder `shared/NAME` beside the project, or beside a folder around it.
pub(super) fn folder(name: &str) -> Option<PathBuf> {
    let around = repository::root().ancestors().skip(1);
    around
        .map(|folder| folder.join("shared").join(name))
        .find(|folder| folder.is_dir())
}
