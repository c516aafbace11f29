//! Texts that belong to the compiler, as files that an editor can open: the standard library and the pages of codes.

use std::path::{Path, PathBuf};

use meshc::ide::reference;

/// The folder of these files: in the user's cache, by version, so that two versions do not disagree.
pub(crate) fn folder() -> PathBuf {
    let var = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = var("XDG_CACHE_HOME")
        .or_else(|| var("LOCALAPPDATA"))
        .or_else(|| var("HOME").map(|home| home.join(".cache")))
        .filter(|cache| cache.is_absolute())
        .unwrap_or_else(std::env::temp_dir);
    cache.join("meshc").join(env!("CARGO_PKG_VERSION"))
}

/// Writes them, where they are not there as they should be.
pub(crate) fn write(folder: &Path) {
    for (name, text) in reference::files() {
        let path = folder.join(name);
        if std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        let parent = path.parent().unwrap_or(folder);
        if let Err(error) = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text)) {
            // Without them a definition in the standard library cannot be opened; all else works.
            eprint_line(&format!("cannot write {}: {error}", path.display()));
            return;
        }
    }
}

/// One line of the log.
pub(crate) fn eprint_line(text: &str) {
    use std::io::Write;
    let _gone = writeln!(std::io::stderr(), "meshc-lsp: {text}");
}
