//! The standard library says where its facts come from, and the keywords of the language are those of its grammar.

use std::path::Path;

use meshc::syntax::keywords;
use meshc_tests::repository;

use crate::golden::Golden;

#[test]
fn every_item_names_its_source() {
    let mut golden = Golden::default();
    for (file, text) in meshc_stdlib::FILES {
        let mut doc = String::new();
        for line in text.lines() {
            if let Some(more) = line.strip_prefix("## ") {
                doc.push_str(more);
                doc.push(' ');
                continue;
            }
            let declares = ["issuer ", "identity ", "operation "]
                .iter()
                .any(|word| line.starts_with(word));
            if declares && !doc.contains("Source: ") {
                golden.mistake(Path::new(file), &format!("`{line}` does not say where it is from"));
            }
            doc.clear();
        }
    }
    golden.finish();
}

#[test]
fn the_grammar_lists_every_keyword() {
    let grammar = repository::read(&repository::root().join("spec/grammar.md")).unwrap();
    let (_, section) = grammar.split_once("\n## Keywords\n").unwrap();
    let listed: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with('`'))
        .flat_map(|line| line.split(' '))
        .map(|word| word.trim_matches('`'))
        .collect();
    assert_eq!(listed, keywords::RESERVED);
}
