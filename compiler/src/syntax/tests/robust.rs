//! No text makes the parser panic, hang or point outside the text.

use std::fmt::Write as _;

use super::samples::all;
use super::{findings, read};
use crate::diagnostics::Diagnostic;
use crate::source::Span;

fn check(text: &str) {
    let (parsed, found) = read(text);
    let inside = |span: Span| {
        let range = span.range();
        assert!(
            range.start <= range.end && range.end <= text.len(),
            "{span:?} in {text:?}"
        );
        assert!(
            text.is_char_boundary(range.start) && text.is_char_boundary(range.end),
            "{span:?} in {text:?}"
        );
    };
    let mut end = 0;
    for token in &parsed.tokens {
        inside(token.span);
        assert!(token.span.start >= end, "tokens overlap in {text:?}");
        end = token.span.end;
    }
    for item in &parsed.file.items {
        inside(item.span);
    }
    for Diagnostic {
        primary,
        secondary,
        fixes,
        ..
    } in &found
    {
        inside(primary.span);
        secondary.iter().for_each(|label| inside(label.span));
        fixes
            .iter()
            .flat_map(|fix| &fix.edits)
            .for_each(|edit| inside(edit.span));
    }
}

/// Where the whole sources are long, a part of the prefixes is enough.
#[test]
fn every_prefix_is_read() {
    for (_, text) in all() {
        let step = (text.len() / 100).max(1);
        for end in (0..text.len()).step_by(step).filter(|end| text.is_char_boundary(*end)) {
            check(&text[..end]);
        }
    }
}

#[test]
fn every_token_can_be_missing_or_doubled() {
    for (_, text) in all() {
        let tokens = read(&text).0.tokens;
        let step = (tokens.len() / 40).max(1);
        for token in tokens.iter().step_by(step) {
            let range = token.span.range();
            check(&format!("{}{}", &text[..range.start], &text[range.end..]));
            check(&format!("{} {}", &text[..range.end], &text[range.start..]));
        }
    }
}

#[test]
fn odd_texts_are_read() {
    for text in [
        "",
        "\u{feff}",
        "\u{feff}mesh { }",
        "\r\n",
        "mesh {\r\n}\r\n",
        "\r",
        "\0",
        "é",
        "\"",
        "\"\\",
        "\"\"\"",
        "\"\"\"\"",
        "$",
        "${",
        "${x",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "::",
        "!",
        "!=",
        "=",
        "&",
        "&&",
        ",",
        "#",
        "##",
        "# meshc:",
        "# meshc: allow(\u{e9}) because x",
        "'",
        "''",
        "'é",
        "a:é",
        "a\u{202e}b",
        "x\u{301}",
        "\\u",
        "\"\\ud83d\"",
        "allow",
        "allow (",
        "test",
        "test \"",
        "test \"x\" at",
        "issuer",
        "issuer x =",
        "workload x,",
        "service x, y",
        "deny anyone to (((",
        "mesh { ] ) }",
        "namespace ( { ) }",
        "[{(}])",
        "test \"x\" at y { with token z { a: [",
    ] {
        check(text);
    }
}

#[test]
fn a_byte_order_mark_and_windows_lines_change_nothing() {
    let text = "# c\nmesh {\n    root istio-system # d\n}\n";
    assert_eq!(findings(text), "");
    assert_eq!(findings(&format!("\u{feff}{}", text.replace('\n', "\r\n"))), "");
}

#[test]
fn deep_nesting_is_one_finding() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("mesh {", "}"),
        ("namespace x { allow (", ") }"),
    ] {
        for depth in [65, 10_000] {
            let found = read(&format!("{}{}", open.repeat(depth), close.repeat(depth))).1;
            let deep = found.iter().filter(|found| found.code.id == "E0108").count();
            assert_eq!(deep, 1, "{open}");
            check(&open.repeat(depth));
        }
    }
    let deep = |depth: usize| format!("identity x = {}web{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(findings(&deep(64)), "");
    assert_eq!(
        findings(&deep(10_000)),
        "1:78 E0108 brackets and blocks nest at most 64 deep, and this is the 65th [(]\n    \
         help: give a part of the expression a name with `identity` or `operation`\n"
    );
}

/// Whatever repeats ten thousand times ends, and keeps its promises; how fast is a matter of the benchmarks.
#[test]
fn long_texts_are_read() {
    let many = |part: &str, count: usize| part.repeat(count);
    let cases: [fn(usize) -> String; 9] = [
        |n| {
            (0..n).fold(String::new(), |mut text, i| {
                writeln!(
                    text,
                    "namespace n{i} {{ workload w {{ select app=x\n allow a via b to GET /x/* port 80 }} }}"
                )
                .unwrap();
                text
            })
        },
        |n| format!("identity x = a{}", " or b".repeat(n)),
        |n| format!("allow sa a/b{} to any", ", a/b".repeat(n)),
        |n| "alow x to y\n".repeat(n),
        |n| "(".repeat(n),
        |n| "} ) ]".repeat(n),
        |n| "# meshc: allow(x) because y\n".repeat(n),
        |n| format!("allow web to{}", " GET".repeat(n)),
        |n| "'\"#é$ ".repeat(n),
    ];
    for case in cases {
        check(&case(10_000));
    }
    for part in ["a:", "a::", "é", "{*}", "\"é", "# é", "\t\n"] {
        check(&many(part, 100_000));
    }
    check(&many("mesh {\n", 100_000));
}

/// Texts cut, doubled and spliced at random places; the sequence is always the same.
#[test]
fn spliced_texts_are_read() {
    let texts: Vec<String> = all().into_iter().map(|(_, text)| text).collect();
    let signs = [
        "{", "}", "(", ")", "[", "]", ",", "=", "\"", "#", "${p}", " or ", " except ", " to ", "é", "\n", "*", ":",
        "::", " where ",
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below.max(1) as u64).unwrap()
    };
    for _ in 0..1_500 {
        let mut text: Vec<char> = texts[random(texts.len())].chars().collect();
        let start = random(text.len());
        text = text[start..(start + 400).min(text.len())].to_vec();
        for _ in 0..1 + random(4) {
            let at = random(text.len() + 1);
            let end = (at + random(12)).min(text.len());
            match random(3) {
                0 => drop(text.drain(at..end)),
                1 => {
                    let copy: Vec<char> = text[at..end].to_vec();
                    let to = random(text.len() + 1);
                    text.splice(to..to, copy);
                }
                _ => drop(text.splice(at..at, signs[random(signs.len())].chars())),
            }
        }
        let text: String = text.into_iter().collect();
        check(&text);
        if findings(&text).is_empty() {
            crate::format::tests::check(&text);
        }
    }
}
