//! Notices when a run over the same files would read something else: [`Watched`] remembers what a run asked of the disk,
//! and [`Seen`] asks it again.
//!
//! It asks several times a second instead of being told by the system, because that works on every file system, for files
//! that are not there yet, and for editors that put a new file in the place of the old one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::source::files::Stamp;
use crate::source::{Disk, Entry, EntryKind, FileError, Files};

/// How long it looks away.
const PAUSE: Duration = Duration::from_millis(150);

/// The disk, which remembers what it was asked.
#[derive(Debug, Default)]
pub(super) struct Watched {
    seen: Mutex<Seen>,
}

/// What a run saw of the disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    read: BTreeMap<PathBuf, Option<Stamp>>,
    listed: BTreeMap<PathBuf, Result<Vec<Entry>, FileError>>,
    kinds: BTreeMap<PathBuf, Option<EntryKind>>,
}

impl Watched {
    /// What was asked of it.
    pub(super) fn into_seen(self) -> Seen {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, keep: impl FnOnce(&mut Seen)) {
        keep(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Files for Watched {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        // Before it is read: a change in between is then noticed.
        let stamp = Disk.stamp(path);
        self.remember(|seen| {
            seen.read.insert(path.to_path_buf(), stamp);
        });
        Disk.read(path)
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        let entries = Disk.list(folder);
        self.remember(|seen| {
            seen.listed.insert(folder.to_path_buf(), entries.clone());
        });
        entries
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        let kind = Disk.kind(path);
        self.remember(|seen| {
            seen.kinds.insert(path.to_path_buf(), kind);
        });
        kind
    }

    fn identity(&self, path: &Path) -> PathBuf {
        Disk.identity(path)
    }
}

impl Seen {
    /// Returns when the disk would answer otherwise, and has stopped changing: an editor may write a file in parts.
    pub(super) fn wait(&self) {
        loop {
            thread::sleep(PAUSE);
            let mut now = self.again();
            if now == *self {
                continue;
            }
            loop {
                thread::sleep(PAUSE);
                let next = self.again();
                if next == now {
                    return;
                }
                now = next;
            }
        }
    }

    /// The same questions now.
    fn again(&self) -> Self {
        Self {
            read: self.read.keys().map(|path| (path.clone(), Disk.stamp(path))).collect(),
            listed: self.listed.keys().map(|path| (path.clone(), Disk.list(path))).collect(),
            kinds: self.kinds.keys().map(|path| (path.clone(), Disk.kind(path))).collect(),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "what is on disk is what is tested")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_a_run_did_not_ask_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "1").unwrap();
        fs::create_dir(path("inner")).unwrap();
        let watched = Watched::default();
        watched.read(&path("a")).unwrap();
        watched.list(folder.path()).unwrap();
        assert_eq!(watched.kind(&path("none")), None);
        let seen = watched.into_seen();
        let changed = || seen.again() != seen;
        fs::write(path("inner/b"), "1").unwrap();
        assert!(!changed());
        fs::write(path("a"), "23").unwrap();
        assert!(changed());
    }

    #[test]
    fn new_files_and_folders_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let watched = Watched::default();
        watched.list(folder.path()).unwrap();
        let seen = watched.into_seen();
        fs::write(path("new"), "").unwrap();
        assert!(seen.again() != seen);
        let watched = Watched::default();
        assert!(watched.read(&path("later")).is_err());
        let seen = watched.into_seen();
        fs::write(path("later"), "").unwrap();
        assert!(seen.again() != seen);
    }
}
