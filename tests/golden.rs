//! Files that hold what is expected: compared all together, and rewritten on request.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use meshc_tests::repository;

/// A difference is shown up to so many lines.
const MOST_SHOWN: usize = 60;

/// What was found, file by file, and every way in which it is not what was expected.
#[derive(Default)]
pub(crate) struct Golden {
    report: String,
}

impl Golden {
    /// Compares a file with what it should hold, or writes it under `UPDATE_EXPECT=1`.
    pub(crate) fn file(&mut self, path: &Path, found: &str) {
        let expected = fs::read_to_string(path).ok();
        if expected.as_deref() == Some(found) {
            return;
        }
        if env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, found).unwrap();
            return;
        }
        match expected {
            Some(expected) => self.mistake(path, &difference(&expected, found)),
            None => self.mistake(path, &format!("the file is missing; it would be\n{found}")),
        }
    }

    /// Notes something that no rewriting repairs.
    pub(crate) fn mistake(&mut self, path: &Path, what: &str) {
        writeln!(self.report, "== {}\n{}\n", repository::shown(path), what.trim_end()).unwrap();
    }

    /// Fails with everything at once.
    #[track_caller]
    pub(crate) fn finish(self) {
        let hint = "if this is what is meant, UPDATE_EXPECT=1 writes it";
        assert!(self.report.is_empty(), "not as expected ({hint}):\n\n{}", self.report);
    }
}

/// The files of a suite that stand for themselves: those with this suffix and none of the others.
pub(crate) fn inputs(folder: &str, suffix: &str, but: &[&str]) -> Vec<PathBuf> {
    let all = repository::files(folder, suffix).unwrap();
    let result = |path: &PathBuf| but.iter().any(|suffix| path.to_string_lossy().ends_with(suffix));
    all.into_iter().filter(|path| !result(path)).collect()
}

/// The lines that differ, between the first and the last of them.
pub(crate) fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let start = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let (old, new) = (&expected[start..], &found[start..]);
    let same_end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let old = old[..old.len() - same_end].iter().map(|line| format!("- {line}"));
    let new = new[..new.len() - same_end].iter().map(|line| format!("+ {line}"));
    let lines: Vec<_> = old.chain(new).collect();
    let mut shown = format!(
        "from line {}:\n{}",
        start + 1,
        lines[..lines.len().min(MOST_SHOWN)].join("\n")
    );
    if lines.len() > MOST_SHOWN {
        write!(shown, "\n… and {} lines more", lines.len() - MOST_SHOWN).unwrap();
    }
    if lines.is_empty() {
        shown = "the last line's end differs".to_owned();
    }
    shown
}
