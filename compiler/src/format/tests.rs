//! The style, and what formatting must not change.

use expect_test::expect_file;

use super::format;
use crate::diagnostics::Diagnostics;
use crate::source::FileId;
use crate::syntax::ast::{Body, Item, ItemKind, RuleKind, TermKind, TestBody, What, WhatKind};
use crate::syntax::{parse, tests::samples};

fn formatted(text: &str) -> String {
    format(FileId(0), text).unwrap_or_else(|found| panic!("{found:#?}\nin {text}"))
}

/// The comments of a text, in order.
fn comments(text: &str) -> Vec<String> {
    let tokens = parse(FileId(0), text, &mut Diagnostics::default()).tokens;
    let comments = tokens.iter().filter(|token| token.kind.is_trivia());
    comments
        .map(|token| text[token.span.range()].trim_end().to_owned())
        .collect()
}

/// The tree without what the style may change: positions, quotes, the words `method` and `path`, the order of terms.
fn shape(text: &str) -> String {
    let mut file = parse(FileId(0), text, &mut Diagnostics::default()).file;
    file.items.iter_mut().for_each(sort_item);
    bare(&format!("{file:#?}"))
}

fn bare(tree: &str) -> String {
    let mut out = String::new();
    let mut lines = tree.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().trim_start_matches("span: ").starts_with("Span {")
            || line.contains(": Span {")
            || line.trim() == "Span {"
        {
            let indent = line.len() - line.trim_start().len();
            for inner in lines.by_ref() {
                if inner.len() - inner.trim_start().len() == indent && inner.trim_start().starts_with('}') {
                    break;
                }
            }
            continue;
        }
        out += &line
            .replace("form: Quoted", "form: Word")
            .replace("keyword: true", "keyword: false");
        out.push('\n');
    }
    out
}

fn sort_item(item: &mut Item) {
    match &mut item.kind {
        ItemKind::Operation { what, .. } => sort(what),
        ItemKind::Invariant(invariant) => sort(&mut invariant.what),
        ItemKind::Rule(rule) => match &mut rule.kind {
            RuleKind::Access {
                body: Body { what, .. },
                ..
            }
            | RuleKind::Ask {
                body: Body { what, .. },
                ..
            } => sort(what),
            RuleKind::Accept { on, .. } => on.iter_mut().for_each(sort),
            RuleKind::Require { on, except, .. } => on.iter_mut().chain(except).for_each(sort),
            _ => {}
        },
        ItemKind::Test(test) => {
            if let TestBody::At { lines, .. } = &mut test.body {
                lines.iter_mut().for_each(|line| sort(&mut line.what));
            }
        }
        ItemKind::Template { items, .. }
        | ItemKind::Mesh { items }
        | ItemKind::Namespace { items, .. }
        | ItemKind::Scope { items, .. }
        | ItemKind::Object { items, .. } => items.iter_mut().for_each(sort_item),
        _ => {}
    }
}

fn sort(what: &mut What) {
    match &mut what.kind {
        WhatKind::Any => {}
        WhatKind::Terms(terms) => {
            for term in terms.iter_mut() {
                if let TermKind::Group(what) = &mut term.kind {
                    sort(what);
                }
            }
            terms.sort_by_key(|term| bare(&format!("{:#?}", term.kind)));
        }
        WhatKind::Or(parts) => parts.iter_mut().for_each(sort),
        WhatKind::Except(a, b) => {
            sort(a);
            sort(b);
        }
    }
}

pub(crate) fn check(text: &str) -> String {
    let once = formatted(text);
    assert_eq!(formatted(&once), once, "not stable");
    assert_eq!(comments(text), comments(&once));
    assert_eq!(shape(text), shape(&once), "another tree:\n{once}");
    once
}

#[test]
fn sources_keep_tree_and_comments() {
    for (path, text) in samples::all() {
        println!("{}", path.display());
        check(&text);
    }
}

/// `style.txt` holds texts and what becomes of them, written by the test itself.
#[test]
fn style() {
    let recorded = include_str!("style.txt");
    let mut now = String::new();
    for case in recorded.split("-----\n").filter(|case| !case.is_empty()) {
        let text = case.split("=====\n").next().unwrap();
        now += &format!("-----\n{text}=====\n{}", check(text));
    }
    expect_file!["style.txt"].assert_eq(&now);
}

#[test]
fn a_broken_text_is_not_touched() {
    let found = format(FileId(0), "mesh {\n").unwrap_err();
    assert_eq!(found.len(), 1);
}

/// Layout means nothing: whatever the blanks were, the same tree comes out, and windows lines change no byte.
#[test]
fn other_blanks_give_the_same_tree() {
    for (_, text) in samples::all() {
        let parsed = parse(FileId(0), &text, &mut Diagnostics::default());
        let words = |comments: bool| {
            let tokens = parsed
                .tokens
                .iter()
                .filter(move |token| comments || !token.kind.is_trivia());
            tokens.map(|token| &text[token.span.range()])
        };
        let one_line: Vec<&str> = words(false).collect();
        check(&one_line.join(" "));
        let one_a_line: Vec<&str> = words(true).collect();
        check(&one_a_line.join("\n\n\n"));
        assert_eq!(formatted(&text.replace('\n', "\r\n")), formatted(&text));
    }
}
