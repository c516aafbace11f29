//! Reading and listing files, so that disk, memory and editor are one to the compiler.
//!
//! [`Disk`] is the only place of the library that touches a file system; the command's output writer is the other one
//! in the house. Paths are what the caller makes of them: the three kinds of [`Files`] compare them after removing `.`
//! and `..`, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

/// The most that a file may hold: far more than a person writes, and little enough to read whole.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why a file or folder cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("there is no such file or folder")]
    NotFound,
    #[error("permission denied")]
    Denied,
    #[error("it holds {} MiB, more than the {} MiB that a file may have", .bytes.div_ceil(1 << 20), MAX_FILE_BYTES >> 20)]
    TooLarge { bytes: u64 },
    #[error("{0}")]
    Other(String),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Self::NotFound
        } else if error.kind() == io::ErrorKind::PermissionDenied {
            Self::Denied
        } else {
            Self::Other(error.to_string())
        }
    }
}

/// What a path leads to, symbolic links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Folder,
}

/// A file or folder in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
}

/// Where files come from.
pub trait Files: Sync {
    /// The whole file, as bytes: whether they are text is the reader's to judge.
    ///
    /// # Errors
    /// It is not there, not a file, larger than [`MAX_FILE_BYTES`], or the system says no.
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError>;

    /// What the folder holds, ordered by name. Entries that are neither file nor folder, or whose name is not UTF-8,
    /// are left out.
    ///
    /// # Errors
    /// It is not there, not a folder, or the system says no.
    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError>;

    /// What is there; `None` for nothing.
    fn kind(&self, path: &Path) -> Option<EntryKind>;

    /// One path for every way to the same folder or file, so that a walk can tell that it has been there.
    fn identity(&self, path: &Path) -> PathBuf;
}

/// The path without `.` and `name/..`.
#[must_use]
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => out.push(part),
        }
    }
    out
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// By which a change of a file is noticed: when it was written, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(std::time::SystemTime, u64);

impl Disk {
    /// The stamp of a file or folder; `None` where there is none.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the library that reads the file system"
    )]
    pub fn stamp(self, path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Stamp(metadata.modified().ok()?, metadata.len()))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the library that reads the file system"
)]
impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let bytes = std::fs::metadata(path)?.len();
        if bytes > MAX_FILE_BYTES {
            return Err(FileError::TooLarge { bytes });
        }
        Ok(std::fs::read(path)?)
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if let Some(kind) = self.kind(&entry.path()) {
                entries.push(Entry { name, kind });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        let metadata = std::fs::metadata(path).ok()?;
        if metadata.is_dir() {
            Some(EntryKind::Folder)
        } else if metadata.is_file() {
            Some(EntryKind::File)
        } else {
            None
        }
    }

    fn identity(&self, path: &Path) -> PathBuf {
        std::fs::canonicalize(path).unwrap_or_else(|_| clean(path))
    }
}

/// Files that exist in memory only; folders exist by what they hold.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Memory {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: impl AsRef<Path>, content: impl Into<Vec<u8>>) {
        self.files.insert(clean(path.as_ref()), content.into());
    }

    /// Takes a file away.
    pub fn remove(&mut self, path: &Path) {
        self.files.remove(&clean(path));
    }
}

impl<P: AsRef<Path>, C: Into<Vec<u8>>> FromIterator<(P, C)> for Memory {
    fn from_iter<I: IntoIterator<Item = (P, C)>>(files: I) -> Self {
        let mut memory = Self::new();
        for (path, content) in files {
            memory.insert(path, content);
        }
        memory
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let content = self.files.get(&clean(path)).ok_or(FileError::NotFound)?;
        let bytes = content.len() as u64;
        if bytes > MAX_FILE_BYTES {
            return Err(FileError::TooLarge { bytes });
        }
        Ok(content.clone())
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        if self.kind(folder) != Some(EntryKind::Folder) {
            return Err(FileError::NotFound);
        }
        let folder = clean(folder);
        let mut entries = BTreeMap::new();
        for path in self.files.keys() {
            let Ok(rest) = path.strip_prefix(&folder) else {
                continue;
            };
            let mut parts = rest.components();
            let Some(name) = parts.next().and_then(|part| part.as_os_str().to_str()) else {
                continue;
            };
            let kind = if parts.next().is_some() {
                EntryKind::Folder
            } else {
                EntryKind::File
            };
            entries.insert(name.to_owned(), kind);
        }
        Ok(entries.into_iter().map(|(name, kind)| Entry { name, kind }).collect())
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        let path = clean(path);
        if self.files.contains_key(&path) {
            return Some(EntryKind::File);
        }
        let holds = self.files.keys().any(|file| file.starts_with(&path));
        holds.then_some(EntryKind::Folder)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        clean(path)
    }
}

/// Files in memory laid over others: what an editor has open hides what is saved.
pub struct Overlay<'a> {
    pub top: Memory,
    pub below: &'a dyn Files,
}

impl Files for Overlay<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        match self.top.read(path) {
            Err(FileError::NotFound) => self.below.read(path),
            answer => answer,
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        let (mut entries, below) = match (self.top.list(folder), self.below.list(folder)) {
            (Ok(top), Ok(below)) => (top, below),
            (Err(_), below) => return below,
            (top, Err(_)) => return top,
        };
        let names: BTreeSet<String> = entries.iter().map(|entry| entry.name.clone()).collect();
        entries.extend(below.into_iter().filter(|entry| !names.contains(&entry.name)));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        self.top.kind(path).or_else(|| self.below.kind(path))
    }

    fn identity(&self, path: &Path) -> PathBuf {
        self.below.identity(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &dyn Files, folder: &str) -> Vec<String> {
        let entries = files.list(Path::new(folder)).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn memory_has_the_folders_that_its_files_need() {
        let files: Memory = [("p/b.mesh", "b"), ("p/a/c.mesh", "c"), ("q.mesh", "q")]
            .into_iter()
            .collect();
        assert_eq!(names(&files, "p"), ["a", "b.mesh"]);
        assert_eq!(names(&files, "./p/a/.."), ["a", "b.mesh"]);
        assert_eq!(files.kind(Path::new("p/a")), Some(EntryKind::Folder));
        assert_eq!(files.kind(Path::new("p/x")), None);
        assert_eq!(files.read(Path::new("p/x")), Err(FileError::NotFound));
    }

    #[test]
    fn an_overlay_hides_what_lies_below() {
        let below: Memory = [("p/a.mesh", "saved"), ("p/b.mesh", "b")].into_iter().collect();
        let top: Memory = [("p/a.mesh", "open"), ("p/new.mesh", "new")].into_iter().collect();
        let files = Overlay { top, below: &below };
        assert_eq!(files.read(Path::new("p/a.mesh")).unwrap(), b"open");
        assert_eq!(files.read(Path::new("p/b.mesh")).unwrap(), b"b");
        assert_eq!(names(&files, "p"), ["a.mesh", "b.mesh", "new.mesh"]);
    }

    #[test]
    fn clean_keeps_leading_parents() {
        assert_eq!(clean(Path::new("./a/../../b/./c")), Path::new("../b/c"));
        assert_eq!(clean(Path::new("/a/../b")), Path::new("/b"));
    }
}
