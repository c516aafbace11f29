//! Trees, without their positions: `trees.txt` holds texts and what they become, written by the test itself.

use super::read;
use expect_test::expect_file;

/// A value's debug form without spans, on one line.
fn dump(tree: &impl std::fmt::Debug) -> String {
    let mut rest = format!("{tree:?}");
    let mut out = String::new();
    while let Some(at) = rest.find("Span {") {
        let end = at + rest[at..].find(" }").unwrap() + 2;
        let before = rest[..at].trim_end_matches(|c: char| c.is_ascii_lowercase() || c == '_' || ": ".contains(c));
        out += before.strip_suffix(',').unwrap_or(before);
        rest = rest[end..].trim_start_matches(", ").to_owned();
        if out.ends_with('{') {
            out.push(' ');
        } else if !rest.starts_with([' ', ')', ']', '}']) {
            out += ", ";
        }
    }
    out += &rest;
    let out = shorten(&out, "Value { form: Word, pieces: [Text(", ")] }");
    shorten(&out, "Name { text: ", " }")
}

/// Leaves out what stands around a word.
fn shorten(tree: &str, before: &str, after: &str) -> String {
    let mut parts = tree.split(before);
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |out, part| out + &part.replacen(after, "", 1))
}

#[test]
fn texts_become_these_trees() {
    let recorded = include_str!("trees.txt");
    let mut now = String::new();
    for case in recorded.split("-----\n").filter(|case| !case.is_empty()) {
        let text = case.split("=====\n").next().unwrap();
        let (parsed, found) = read(text);
        now += &format!("-----\n{text}=====\n");
        for item in &parsed.file.items {
            now += &format!("{:?} {}\n", item.doc, dump(&item.kind));
        }
        for found in found {
            now += &format!(
                "{}
",
                found.code.id
            );
        }
    }
    expect_file!["trees.txt"].assert_eq(&now);
}

/// Five mistakes give five messages, and what is right around them is kept.
#[test]
fn mistakes_do_not_hide_the_rest() {
    let text = "\
mesh {
    mtls
}

namespace shop {
    alow web to GET

    workload web {
        select app=web
        allow anyone to GET POST
        allow web or jobs except staff to any
        account web
    }

    workload {
        ports 80 htpp
        account x
    }

    default deny
}
";
    let (parsed, found) = read(text);
    let codes: Vec<_> = found.iter().map(|found| found.code.id).collect();
    assert_eq!(codes, ["E0100", "E0101", "E0113", "E0111", "E0100", "E0119"]);
    let tree = dump(&parsed.file.items[1].kind);
    for kept in ["Select(", "key: Account", "DefaultDeny", "Bad"] {
        assert!(tree.contains(kept), "{kept} in {tree}");
    }
}
