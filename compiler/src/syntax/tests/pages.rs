//! The pages of the codes keep what they promise.

use super::{findings, read};
use crate::diagnostics::{Applicability, Diagnostic};
use crate::syntax::errors::CODES;

fn blocks<'p>(page: &'p str, section: &str) -> Vec<&'p str> {
    let Some((_, rest)) = page.split_once(&format!("\n## {section}\n")) else {
        return Vec::new();
    };
    let section = rest.split("\n## ").next().unwrap();
    section
        .split("```mesh\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn examples_trigger_their_code_and_the_repaired_do_not() {
    for code in CODES {
        assert!(
            code.page
                .starts_with(&format!("# {} {}\n\n{}\n", code.id, code.name, code.summary)),
            "{}",
            code.id
        );
        assert!(code.page.contains("\n## Why\n"), "{}", code.id);
        let examples = blocks(code.page, "Example");
        // Only a file of gigabytes, or of a hundred mistakes, triggers these.
        let too_long_to_show = ["E0122", "E0123"].contains(&code.id);
        assert_eq!(examples.is_empty(), too_long_to_show, "{}", code.id);
        for example in examples {
            let found = read(example).1;
            assert!(
                !found.is_empty() && found.iter().all(|found| found.code.id == code.id),
                "{}",
                findings(example)
            );
        }
        for repaired in blocks(code.page, "Repaired") {
            assert_eq!(findings(repaired), "", "{}", code.id);
        }
    }
}

#[test]
fn ids_are_in_order() {
    assert!(CODES.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!(CODES.iter().all(|code| code.id.starts_with("E01")));
}

#[test]
fn more_than_a_hundred_errors_are_counted() {
    let found = read(&"alow x to y\n".repeat(150)).1;
    assert_eq!(found.len(), 101);
    assert!(
        found
            .iter()
            .any(|found| found.message == "50 more syntax errors in this file are not shown")
    );
}

/// A fix that tools may apply unasked removes its finding.
#[test]
fn automatic_fixes_repair() {
    let messages = include_str!("messages.txt")
        .split("-----\n")
        .filter_map(|case| case.split("=====\n").next());
    let pages = CODES.iter().flat_map(|code| blocks(code.page, "Example"));
    for text in messages.chain(pages) {
        let before = read(text).1;
        for found in &before {
            for fix in found
                .fixes
                .iter()
                .filter(|fix| fix.applicability == Applicability::Automatic)
            {
                let mut repaired = text.to_owned();
                for edit in fix.edits.iter().rev() {
                    repaired.replace_range(edit.span.range(), &edit.text);
                }
                let stays = |after: &Diagnostic| {
                    after.code.id == found.code.id && after.primary.span.start == found.primary.span.start
                };
                assert!(
                    !read(&repaired).1.iter().any(stays),
                    "{} in {text}\nbecomes {repaired}",
                    fix.title
                );
            }
        }
    }
}
