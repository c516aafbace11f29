//! The words of a command line: which belong to the question, and which are paths.

use std::path::{Path, PathBuf};

use crate::source::files::clean;
use crate::source::{Disk, Files as _};

/// The words of a sentence, and the paths behind them. Nobody is called like a file, so there may be paths alone.
pub(super) fn sentence_and_paths(words: &[String], cwd: &Path) -> (Vec<String>, Vec<PathBuf>) {
    if words.iter().all(|word| exists(word, cwd)) {
        return (Vec::new(), words.iter().map(PathBuf::from).collect());
    }
    split(words, cwd)
}

/// Whether there is such a file or folder; `-` is standard input.
fn exists(word: &str, cwd: &Path) -> bool {
    word == "-" || Disk.kind(&clean(&cwd.join(word))).is_some()
}

/// The words of the question, and the paths behind them.
pub(super) fn split(words: &[String], cwd: &Path) -> (Vec<String>, Vec<PathBuf>) {
    let end = end_of_place(words).unwrap_or_else(|| {
        // An absolute path looks like the path of a request.
        let is_path = |word: &&String| !word.starts_with('/') && exists(word, cwd);
        words.len() - words.iter().rev().take_while(is_path).count()
    });
    let (question, paths) = words.split_at(end.min(words.len()));
    (question.to_vec(), paths.iter().map(PathBuf::from).collect())
}

/// Where the words after `at` end: places are joined by commas.
fn end_of_place(words: &[String]) -> Option<usize> {
    if let Some(quoted) = words.iter().rposition(|word| word.contains(" at ")) {
        return Some(quoted + 1);
    }
    let mut end = words.iter().rposition(|word| word == "at")? + 2;
    while words.get(end - 1).is_some_and(|word| word.ends_with(',')) {
        end += 1;
    }
    Some(end)
}

/// The caller and the operation: around `to`, or else the first word and the rest.
pub(super) fn who_and_what(words: &[String]) -> (Option<String>, Option<String>) {
    let (who, what) = match words.iter().position(|word| word == "to") {
        Some(at) => (words.get(..at), words.get(at + 1..)),
        None => (words.get(..1), words.get(1..)),
    };
    let text = |words: Option<&[String]>| words.filter(|words| !words.is_empty()).map(|words| words.join(" "));
    let (who, what) = (text(who), text(what));
    // One quoted sentence is both.
    match (&who, &what) {
        (Some(both), None) => match both.split_once(" to ") {
            Some((who, what)) => (Some(who.to_owned()), Some(what.to_owned())),
            None => (who, what),
        },
        _ => (who, what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, question: &str, paths: &[&str]) {
        let words: Vec<String> = line.split('|').map(str::to_owned).collect();
        let (own, rest) = split(&words, Path::new(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(own.join("|"), question, "{line}");
        assert_eq!(rest, paths.iter().map(PathBuf::from).collect::<Vec<_>>(), "{line}");
    }

    #[test]
    fn paths_stand_behind_the_place_or_exist() {
        check("GET|/x|at|shop/api", "GET|/x|at|shop/api", &[]);
        check(
            "GET|/x|at|shop/api,|shop/web|.|k8s",
            "GET|/x|at|shop/api,|shop/web",
            &[".", "k8s"],
        );
        check("GET /x at shop/api|src", "GET /x at shop/api", &["src"]);
        check("GET|/tmp", "GET|/tmp", &[]);
        check("GET|/x|src|-", "GET|/x", &["src", "-"]);
        check("at|at", "at|at", &[]);
        check("at", "at", &[]);
    }

    #[test]
    fn a_sentence_is_cut_at_to() {
        let cut = |line: &str| {
            let words: Vec<String> = line.split('|').map(str::to_owned).collect();
            let (who, what) = who_and_what(&words);
            format!("{}/{}", who.unwrap_or_default(), what.unwrap_or_default())
        };
        assert_eq!(cut("sa|a/b|to|GET|at|x/y"), "sa a/b/GET at x/y");
        assert_eq!(cut("web|GET|at|x/y"), "web/GET at x/y");
        assert_eq!(cut("web to GET at x/y"), "web/GET at x/y");
        assert_eq!(cut("web"), "web/");
    }
}
