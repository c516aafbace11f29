//! The grammar of editors reads what the compiler reads.

use std::fs;
use std::path::PathBuf;

use meshc::diagnostics::Diagnostics;
use meshc::source::FileId;
use meshc::syntax;
use meshc_tests::case::Case;
use meshc_tests::parts::{self, TreeSitter};
use meshc_tests::{fenced, repository};

use crate::golden::inputs;

/// A copy of the grammar, since its tools leave files beside it.
fn grammar() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    repository::copy(&repository::root().join("editors/tree-sitter-mesh"), copy.path()).unwrap();
    copy
}

fn tools() -> Option<(&'static TreeSitter, tempfile::TempDir)> {
    Some((parts::tree_sitter().unwrap()?, grammar()))
}

#[test]
fn the_parser_is_the_one_of_the_grammar_and_passes_its_tests() {
    let Some((tree_sitter, grammar)) = tools() else {
        return;
    };
    let grammar = grammar.path();
    tree_sitter
        .run(grammar, &["generate", "--js-runtime", "native"])
        .unwrap();
    for file in ["src/parser.c", "src/grammar.json", "src/node-types.json"] {
        let kept = repository::root().join("editors/tree-sitter-mesh").join(file);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::copy(grammar.join(file), &kept).unwrap();
        }
        let same = fs::read(&kept).unwrap() == fs::read(grammar.join(file)).unwrap();
        assert!(
            same,
            "{file} is not what `tree-sitter generate` makes; UPDATE_EXPECT=1 keeps the new one"
        );
    }
    tree_sitter.run(grammar, &["test"]).unwrap();
}

#[test]
fn it_reads_what_the_compiler_reads() {
    let Some((tree_sitter, grammar)) = tools() else {
        return;
    };
    let texts = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (at, text) in correct_texts().iter().enumerate() {
        let path = texts.path().join(format!("{at}.mesh"));
        fs::write(&path, text).unwrap();
        files.push(path);
    }
    assert!(files.len() > 400, "only {} texts", files.len());
    let unknown = tree_sitter.unknown(grammar.path(), &files).unwrap();
    let report: String = unknown
        .iter()
        .map(|(path, place)| format!("{place} of\n{}\n", fs::read_to_string(path).unwrap()))
        .collect();
    assert!(report.is_empty(), "{report}");
    // A reader that takes everything would pass too.
    let wrong = texts.path().join("wrong.mesh");
    fs::write(&wrong, "namespace a { allow to to }\n").unwrap();
    assert_eq!(tree_sitter.unknown(grammar.path(), &[wrong]).unwrap().len(), 1);
}

/// Every text of the repository that the compiler's own parser takes.
fn correct_texts() -> Vec<String> {
    let folders = ["examples", "stdlib", "tests/cases", "compiler/src"];
    let paths = folders.into_iter().flat_map(|folder| inputs(folder, ".mesh", &[]));
    let cases = paths.flat_map(|path| mesh_files(&fs::read_to_string(path).unwrap()));
    let pages: Vec<PathBuf> = ["spec", "compiler/src"]
        .into_iter()
        .flat_map(|folder| repository::files(folder, ".md").unwrap())
        .collect();
    let shown = pages.iter().flat_map(|page| {
        let blocks = fenced::blocks(&fs::read_to_string(page).unwrap());
        let mesh = blocks.into_iter().filter(|block| block.info.starts_with("mesh"));
        mesh.flat_map(|block| mesh_files(&block.text)).collect::<Vec<_>>()
    });
    cases.chain(shown).filter(|text| is_correct(text)).collect()
}

fn mesh_files(text: &str) -> Vec<String> {
    let case = Case::parse(text);
    let files = case.files().filter(|(path, _)| path.ends_with(".mesh"));
    files.map(|(_, text)| text.to_owned()).collect()
}

/// Whether the compiler's own parser takes a text.
pub(crate) fn is_correct(text: &str) -> bool {
    let mut found = Diagnostics::default();
    syntax::parse(FileId(0), text, &mut found);
    !found.has_errors()
}
