//! Writing, and reading by the line: with [`crate::source::Disk`] the only place that touches the file system.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A change to one file of a folder.
pub(super) enum Change {
    Write {
        path: PathBuf,
        content: String,
    },
    /// A file that nobody but its owner may read.
    Secret {
        path: PathBuf,
        content: String,
    },
    Remove {
        path: PathBuf,
    },
}

impl Change {
    fn path(&self) -> &Path {
        match self {
            Self::Write { path, .. } | Self::Secret { path, .. } | Self::Remove { path } => path,
        }
    }
}

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {reason}", path.display())]
pub(super) struct WriteError {
    action: &'static str,
    path: PathBuf,
    reason: String,
}

impl WriteError {
    fn new(action: &'static str, path: &Path, error: &io::Error) -> Self {
        // The kind alone: the text may name the file that stands in for a while, which nobody has heard of.
        let reason = error.kind().to_string();
        Self {
            action,
            path: path.to_path_buf(),
            reason,
        }
    }
}

/// Opens a file that may be too large to be read at once.
#[expect(clippy::disallowed_types, reason = "`Files` reads whole files")]
pub(super) fn open(path: &Path) -> io::Result<std::fs::File> {
    std::fs::File::open(path)
}

/// Makes a folder and those above it.
#[expect(clippy::disallowed_methods, reason = "the one place that writes")]
pub(super) fn create_folder(path: &Path) -> Result<(), WriteError> {
    std::fs::create_dir_all(path).map_err(|error| WriteError::new("create the folder", path, &error))
}

/// A folder with a name of its own that nobody but its owner may look into. It is removed when this is dropped.
pub(super) struct TemporaryFolder(tempfile::TempDir);

impl TemporaryFolder {
    pub(super) fn new(prefix: &str) -> io::Result<Self> {
        tempfile::Builder::new().prefix(prefix).tempdir().map(Self)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Removes a folder with all that is in it.
#[expect(clippy::disallowed_methods, reason = "the one place that writes")]
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    std::fs::remove_dir_all(path)
}

/// Makes all changes or none: every new content is on disk beside its place before the first file is replaced, and when
/// a replacement fails, those before it are undone.
pub(super) fn apply(changes: Vec<Change>) -> Result<(), WriteError> {
    let mut staged = Vec::with_capacity(changes.len());
    for change in changes {
        let temporary = match &change {
            Change::Write { path, content } | Change::Secret { path, content } => {
                let mode = if matches!(change, Change::Secret { .. }) {
                    0o600
                } else {
                    0o666
                };
                let written = stage(path, content, mode).map_err(|error| WriteError::new("write", path, &error))?;
                Some(written)
            }
            Change::Remove { .. } => None,
        };
        staged.push((change, temporary));
    }
    let mut done: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
    for (change, temporary) in staged {
        let path = change.path().to_path_buf();
        let before = read(&path);
        let result = match temporary {
            Some(temporary) => temporary.persist(&path).map(|_| ()).map_err(|error| error.error),
            None => remove(&path),
        };
        if let Err(error) = result {
            undo(done);
            let action = if matches!(change, Change::Remove { .. }) {
                "remove"
            } else {
                "write"
            };
            return Err(WriteError::new(action, &path, &error));
        }
        done.push((path, before));
    }
    Ok(())
}

/// The new content in a file of its own, in the folder where it belongs, so that a rename puts it in place.
/// `mode` is what it may have before the process' mask takes away some; a file that is there keeps its own.
fn stage(path: &Path, content: &str, mode: u32) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".meshc-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _only_on_unix = mode;
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(content.as_bytes())?;
    if let Some(permissions) = permissions(path) {
        file.as_file().set_permissions(permissions)?;
    }
    Ok(file)
}

/// Those of the file that is replaced, if there is one.
#[expect(clippy::disallowed_methods, reason = "the one place that writes")]
fn permissions(path: &Path) -> Option<std::fs::Permissions> {
    Some(std::fs::metadata(path).ok()?.permissions())
}

#[expect(clippy::disallowed_methods, reason = "the one place that writes")]
fn read(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok()
}

#[expect(clippy::disallowed_methods, reason = "the one place that writes")]
fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Puts back what was there. A failure here has nobody to be told to: the first one is what is reported.
#[expect(clippy::disallowed_methods, reason = "the one place that writes")]
fn undo(done: Vec<(PathBuf, Option<Vec<u8>>)>) {
    for (path, before) in done.into_iter().rev() {
        let _lost = match before {
            Some(content) => std::fs::write(&path, content),
            None => std::fs::remove_file(&path),
        };
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "what is on disk is what is tested")]
mod tests {
    use super::*;

    fn write(path: PathBuf, content: &str) -> Change {
        let content = content.to_owned();
        Change::Write { path, content }
    }

    #[test]
    fn a_failure_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("old"), "old").unwrap();
        std::fs::write(path("left"), "left").unwrap();
        std::fs::create_dir_all(path("folder/inner")).unwrap();
        let changes = vec![
            write(path("old"), "new"),
            write(path("other"), "new"),
            Change::Remove { path: path("left") },
            write(path("folder"), "new"),
        ];
        let error = apply(changes).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot write `") && error.contains("folder`: "),
            "{error}"
        );
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["folder", "left", "old"]);
        assert_eq!(std::fs::read_to_string(path("old")).unwrap(), "old");
    }
}
