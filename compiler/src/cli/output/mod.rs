//! From objects to files: which there are, what they hold, and how a folder is brought up to date.

pub(super) mod diff;
mod folder;
mod layout;

pub(super) use folder::{Folder, State};
pub(super) use layout::{Layout, files, stream};

use crate::backends::GENERATED as HEADER;
