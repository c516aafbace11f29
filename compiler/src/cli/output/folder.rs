//! A folder of generated files: what is in it, and what a build would change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{HEADER, diff};
use crate::cli::disk::{self, Change};
use crate::source::{Disk, EntryKind, Files as _};

/// What a build would do to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Same,
    Missing,
    Differs,
    /// It is ours, but this build does not make it.
    LeftOver,
}

/// A folder beside what a build makes of it.
pub(crate) struct Folder {
    path: PathBuf,
    made: BTreeMap<String, String>,
    /// The files of ours that are there.
    ours: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    /// Looks at the folder. It need not exist.
    ///
    /// # Errors
    /// It cannot be read, or a file that is not ours stands where one of ours belongs.
    pub(crate) fn open(path: &Path, made: BTreeMap<String, String>) -> anyhow::Result<Self> {
        let mut folder = Self {
            path: path.to_path_buf(),
            made,
            ours: BTreeMap::new(),
        };
        match Disk.kind(path) {
            None => return Ok(folder),
            Some(EntryKind::File) => bail!("`{}` is a file, not a folder", path.display()),
            Some(EntryKind::Folder) => {}
        }
        let entries = Disk
            .list(path)
            .with_context(|| format!("cannot read the folder `{}`", path.display()))?;
        for entry in entries {
            let file = path.join(&entry.name);
            let is_made = folder.made.contains_key(&entry.name);
            if entry.kind == EntryKind::Folder {
                if is_made {
                    bail!("a folder stands where `{}` is to be written", file.display());
                }
                continue;
            }
            if !is_made && !entry.name.ends_with(".yaml") {
                continue;
            }
            let content = match Disk.read(&file) {
                Ok(content) => content,
                Err(error) if is_made => bail!("cannot read `{}`: {error}", file.display()),
                // What cannot be read is not known to be ours.
                Err(_) => continue,
            };
            if is_ours(&content) {
                folder.ours.insert(entry.name, content);
            } else if is_made {
                bail!(
                    "`{}` is not overwritten, because its first line is not `{HEADER}`; move it away, or write to \
                     another folder",
                    file.display()
                );
            }
        }
        Ok(folder)
    }

    /// Every file that the build makes or would remove.
    pub(crate) fn states(&self) -> Vec<(&str, State)> {
        let made = self.made.iter().map(|(name, content)| {
            let state = match self.ours.get(name) {
                None => State::Missing,
                Some(there) if there == content.as_bytes() => State::Same,
                Some(_) => State::Differs,
            };
            (name.as_str(), state)
        });
        let left = self.ours.keys().filter(|name| !self.made.contains_key(*name));
        let mut states: Vec<_> = made.chain(left.map(|name| (name.as_str(), State::LeftOver))).collect();
        states.sort_by_key(|(name, _)| *name);
        states
    }

    /// A short diff from what is there to what the build makes of a file.
    pub(crate) fn diff(&self, name: &str) -> String {
        let before = self.ours.get(name).map(|bytes| String::from_utf8_lossy(bytes));
        let after = self.made.get(name).map_or("", String::as_str);
        diff::short(before.as_deref().unwrap_or(""), after)
    }

    /// Brings the folder up to date. Files that are the same are not touched.
    pub(crate) fn write(self) -> anyhow::Result<()> {
        let mut changes = Vec::new();
        for (name, state) in self.states() {
            let path = self.path.join(name);
            match (state, self.made.get(name)) {
                (State::Same, _) => {}
                (State::Missing | State::Differs, Some(content)) => changes.push(Change::Write {
                    path,
                    content: content.clone(),
                }),
                (State::Missing | State::Differs | State::LeftOver, _) => changes.push(Change::Remove { path }),
            }
        }
        if !changes.is_empty() {
            disk::create_folder(&self.path)?;
        }
        Ok(disk::apply(changes)?)
    }
}

fn is_ours(content: &[u8]) -> bool {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line) == HEADER.as_bytes()
}
