//! What nobody should have to say in a review: which part may know which, what a file looks like, what must not be in one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use meshc_tests::repository;

/// Each part of the compiler, and which parts below it it may name. Every part may name `source` and `diagnostics`, those
/// two in that order. `lib.rs` and `main.rs` put the parts together and are not in the table.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("diagnostics", &["source"]),
    ("rfc3339", &[]),
    ("syntax", &[]),
    ("format", &["syntax"]),
    // Of `policy` the plain values, such as an address block, which have no reason to be said twice.
    ("hir", &["syntax", "policy"]),
    ("policy", &[]),
    ("lower", &["hir", "policy"]),
    ("analysis", &["policy"]),
    ("lints", &["hir", "policy", "analysis"]),
    ("backends", &["policy", "analysis", "jwt", "rfc3339"]),
    ("jwt", &["policy"]),
    ("proxy", &["policy"]),
    (
        "catalogue",
        &[
            "syntax", "format", "hir", "policy", "lower", "analysis", "lints", "backends", "jwt", "driver",
        ],
    ),
    (
        "driver",
        &[
            "syntax",
            "format",
            "hir",
            "policy",
            "lower",
            "analysis",
            "lints",
            "backends",
            "jwt",
            "catalogue",
            "rfc3339",
        ],
    ),
    (
        "ide",
        &[
            "syntax",
            "format",
            "hir",
            "policy",
            "lower",
            "analysis",
            "lints",
            "backends",
            "jwt",
            "catalogue",
            "driver",
        ],
    ),
    (
        "cli",
        &[
            "syntax",
            "format",
            "hir",
            "policy",
            "lower",
            "analysis",
            "lints",
            "backends",
            "jwt",
            "catalogue",
            "driver",
            "proxy",
            "rfc3339",
        ],
    ),
];

/// Each crate with a large interface, and the one place that names it, so that replacing it stays a small change.
const DOORS: &[(&str, &[&str])] = &[
    ("logos", &["compiler/src/syntax/lexer.rs"]),
    ("chumsky", &["compiler/src/syntax/parser"]),
    ("ariadne", &["compiler/src/diagnostics/render/human.rs"]),
    ("petgraph", &["compiler/src/policy"]),
    ("batsat", &["compiler/src/analysis"]),
    (
        "ipnet",
        &[
            "compiler/src/policy",
            "compiler/src/analysis",
            "compiler/src/backends/envoy",
        ],
    ),
    (
        "rayon",
        &["compiler/src/driver", "compiler/src/analysis", "compiler/src/cli"],
    ),
    ("mimalloc", &["compiler/src/main.rs"]),
    ("toml", &["compiler/src/driver"]),
    ("serde_saphyr", &["compiler/src/backends"]),
    ("saphyr_parser", &["compiler/src/backends/yaml/tree.rs"]),
    // A program may hold JSON itself: key sets, and the claims of a token in a test.
    (
        "serde_json",
        &[
            "compiler/src/hir",
            "compiler/src/diagnostics/render",
            "compiler/src/backends",
            "compiler/src/cli",
            "compiler/src/proxy",
            "compiler/src/jwt/tests.rs",
            "lsp/src",
        ],
    ),
    (
        "serde",
        &[
            "compiler/src/diagnostics",
            "compiler/src/backends",
            "compiler/src/driver",
            "compiler/src/cli/strict_json.rs",
        ],
    ),
    ("jsonwebtoken", &["compiler/src/jwt/crypto.rs"]),
    (
        "aws_lc_rs",
        &["compiler/src/jwt/crypto.rs", "compiler/src/jwt/test_key.rs"],
    ),
    ("clap", &["compiler/src/cli"]),
    ("clap_complete", &["compiler/src/cli"]),
    ("anyhow", &["compiler/src/cli"]),
    ("rcgen", &["compiler/src/proxy/authority.rs"]),
    ("tower_lsp_server", &["lsp/src"]),
    ("tokio", &["lsp/src"]),
];

/// What does not pass, and why. In two halves, so that this file passes.
const NOT_IN_CODE: &[(&str, &str, &str)] = &[
    ("todo", "!(", "unfinished code is not merged"),
    ("unimplemented", "!(", "unfinished code is not merged"),
    ("#[ig", "nore", "a test is run or is not there"),
    ("allow(cl", "ippy", "an exception is an `expect` with its reason"),
];

const MOST_LINES: usize = 700;

#[test]
fn parts_name_only_what_is_below_them() {
    let mut report = String::new();
    for path in sources("compiler/src") {
        let shown = repository::shown(&path);
        let Some(part) = part_of(&shown) else { continue };
        let Some((_, below)) = MAY_NAME.iter().find(|(name, _)| *name == part) else {
            writeln!(report, "{shown}: the table of parts lacks `{part}`").unwrap();
            continue;
        };
        for (number, line) in code(&path) {
            for named in line
                .match_indices("crate::")
                .filter_map(|(at, found)| name_at(&line[at + found.len()..]))
            {
                let known = MAY_NAME.iter().any(|(name, _)| *name == named);
                let everywhere =
                    part != "source" && (named == "source" || (named == "diagnostics" && part != "policy"));
                if known && named != part && !everywhere && !below.contains(&named) {
                    writeln!(report, "{shown}:{number}: `{part}` must not know `{named}`").unwrap();
                }
            }
        }
    }
    assert!(report.is_empty(), "wrong direction:\n{report}");
}

#[test]
fn each_dependency_has_one_door() {
    let mut report = String::new();
    for path in sources("compiler/src").into_iter().chain(sources("lsp/src")) {
        let shown = repository::shown(&path);
        for (number, line) in code(&path) {
            for (name, doors) in DOORS {
                let open = doors.iter().any(|door| Path::new(&shown).starts_with(door));
                if !open && names_crate(&line, name) {
                    writeln!(
                        report,
                        "{shown}:{number}: `{name}` comes in only through {}",
                        doors.join(", ")
                    )
                    .unwrap();
                }
            }
        }
    }
    assert!(report.is_empty(), "a second door:\n{report}");
}

#[test]
fn every_file_is_small_and_says_what_it_is_for() {
    let mut report = String::new();
    for path in ["compiler", "lsp", "stdlib", "tests"].into_iter().flat_map(sources) {
        let shown = repository::shown(&path);
        let text = repository::read(&path).unwrap();
        if !text.starts_with("//!") {
            writeln!(report, "{shown}: the file does not start with `//!` and what it is for").unwrap();
        }
        if text.lines().count() > MOST_LINES && !is_test(&shown) {
            writeln!(
                report,
                "{shown}: {} lines, more than {MOST_LINES}",
                text.lines().count()
            )
            .unwrap();
        }
        for (number, line) in (1..).zip(text.lines()) {
            for (start, end, reason) in NOT_IN_CODE {
                if line.contains(&format!("{start}{end}")) {
                    writeln!(report, "{shown}:{number}: `{start}{end}`: {reason}").unwrap();
                }
            }
        }
    }
    assert!(report.is_empty(), "untidy:\n{report}");
}

fn sources(folder: &str) -> Vec<PathBuf> {
    repository::files(folder, ".rs").unwrap()
}

fn is_test(shown: &str) -> bool {
    shown.starts_with("tests/") || shown.contains("/tests/") || shown.ends_with("/tests.rs")
}

/// The folder or file directly under `compiler/src`; none for the crate roots and for tests, which may know everything.
fn part_of(shown: &str) -> Option<&str> {
    let inside = shown.strip_prefix("compiler/src/")?;
    let part = inside.split('/').next()?.trim_end_matches(".rs");
    (!matches!(part, "lib" | "main") && !is_test(shown)).then_some(part)
}

/// The lines of code with their numbers: no comments, and nothing from the unit tests at the foot of a file on.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = repository::read(path).unwrap();
    let foot = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = (1..).zip(text[..foot].lines());
    lines
        .map(|(number, line)| (number, line.split("//").next().unwrap_or_default().to_owned()))
        .collect()
}

fn name_at(rest: &str) -> Option<&str> {
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// `name::` as a path of its own, or `use name;`.
fn names_crate(line: &str, name: &str) -> bool {
    let alone =
        |at: usize| !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '"');
    let path = format!("{name}::");
    line.match_indices(&path).any(|(at, _)| alone(at)) || line.trim() == format!("use {name};")
}
