//! What each renderer makes of one finding, and that the one for people draws any span.

use expect_test::{Expect, expect};

use super::{Style, github, human, json, sarif};
use crate::diagnostics::{Applicability, Code, Diagnostic, Fix, Severity};
use crate::source::{FileId, SourceMap, Span};

static CODE: Code = Code {
    id: "E0999",
    name: "unknown-thing",
    severity: Severity::Error,
    summary: "A thing is not known.",
    page: "# E0999",
};

const TEXT: &str = "namespace shop {\n    allow wéb to any\n}\n";

fn sources() -> SourceMap {
    let mut sources = SourceMap::default();
    sources.add("a b/shop.mesh", TEXT);
    sources.add("empty.mesh", "");
    sources.add("odd.mesh", "a \u{1b}[31m b\r\nc\u{2028}d\r\n");
    sources
}

fn span(start: u32, end: u32) -> Span {
    Span::new(FileId(0), start, end)
}

fn finding() -> Diagnostic {
    let mut d = Diagnostic::new(&CODE, span(27, 31), "`wéb` is not known, 100% sure")
        .secondary(span(10, 14), "in this namespace")
        .help("write `web`")
        .fix(Fix::replace(
            "write `web`",
            span(27, 31),
            "web",
            Applicability::Suggestion,
        ));
    d.environments = vec!["prod".to_owned()];
    d
}

#[track_caller]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(text);
}

#[test]
fn human_shows_lines_help_and_fixes() {
    check(
        &human(&sources(), &[finding()], Style::default()),
        expect![[r#"
            error[E0999 unknown-thing]: `wéb` is not known, 100% sure
               ╭─[ a b/shop.mesh:2:11 ]
               │
             1 │ namespace shop {
               │           ──┬─
               │             ╰─── in this namespace
             2 │     allow wéb to any
               │           ─┬─
               │            ╰─── here
            ───╯
              note: only in environment `prod`
              fix: write `web`
        "#]],
    );
}

#[test]
fn human_without_text_names_the_file() {
    let d = Diagnostic::new(&CODE, Span::new(FileId(1), 0, 0), "it cannot be read").help("look at it");
    check(
        &human(&sources(), &[d], Style::default()),
        expect![[r#"
            error[E0999 unknown-thing]: it cannot be read
               ╰─ empty.mesh
              help: look at it
        "#]],
    );
}

#[test]
fn human_is_safe_for_terminals() {
    let at = |start, end| Diagnostic::new(&CODE, Span::new(FileId(2), start, end), "bad \u{1b}[0m text");
    let text = human(&sources(), &[at(2, 4), at(12, 13), at(99, 99)], Style::default());
    assert!(!text.contains('\u{1b}'));
    check(
        &text,
        expect![[r#"
            error[E0999 unknown-thing]: bad \u{1b}[0m text
               ╭─[ odd.mesh:1:3 ]
               │
             1 │ a �[31m b
               │   ─┬
               │    ╰── here
            ───╯

            error[E0999 unknown-thing]: bad \u{1b}[0m text
               ╭─[ odd.mesh:2:2 ]
               │
             2 │ c�d
               │  ┬
               │  ╰── here
            ───╯

            error[E0999 unknown-thing]: bad \u{1b}[0m text
               ╰─ odd.mesh:3:1
        "#]],
    );
}

#[test]
fn human_has_colours_on_request_only() {
    assert!(human(&sources(), &[finding()], Style { color: true }).contains('\u{1b}'));
    assert!(!human(&sources(), &[finding()], Style { color: false }).contains('\u{1b}'));
}

#[test]
fn human_shows_every_span_of_a_text() {
    let sources = sources();
    for (file, source) in sources.iter() {
        let len = u32::try_from(source.text.len()).unwrap();
        for start in 0..=len + 1 {
            for end in start..=len + 1 {
                let _drawn = human(
                    &sources,
                    &[Diagnostic::new(&CODE, Span::new(file, start, end), "m")],
                    Style::default(),
                );
            }
        }
    }
}

#[test]
fn json_counts_characters_from_one() {
    check(
        &json(&sources(), &[finding()]),
        expect![[r#"
        {
          "diagnostics": [
            {
              "code": "E0999",
              "name": "unknown-thing",
              "severity": "error",
              "message": "`wéb` is not known, 100% sure",
              "file": "a b/shop.mesh",
              "start": {
                "line": 2,
                "column": 11
              },
              "end": {
                "line": 2,
                "column": 14
              },
              "help": [
                "write `web`"
              ],
              "fixes": [
                {
                  "title": "write `web`",
                  "applicability": "suggestion",
                  "edits": [
                    {
                      "text": "web",
                      "file": "a b/shop.mesh",
                      "start": {
                        "line": 2,
                        "column": 11
                      },
                      "end": {
                        "line": 2,
                        "column": 14
                      }
                    }
                  ]
                }
              ],
              "related": [
                {
                  "message": "in this namespace",
                  "file": "a b/shop.mesh",
                  "start": {
                    "line": 1,
                    "column": 11
                  },
                  "end": {
                    "line": 1,
                    "column": 15
                  }
                }
              ],
              "environments": [
                "prod"
              ]
            }
          ]
        }
    "#]],
    );
}

#[test]
fn sarif_encodes_paths() {
    check(
        &sarif(&sources(), &[finding()]),
        expect![[r##"
        {
          "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
          "version": "2.1.0",
          "runs": [
            {
              "tool": {
                "driver": {
                  "name": "meshc",
                  "version": "0.1.0",
                  "rules": [
                    {
                      "id": "E0999",
                      "name": "unknown-thing",
                      "shortDescription": {
                        "text": "A thing is not known."
                      },
                      "help": {
                        "text": "# E0999",
                        "markdown": "# E0999"
                      },
                      "defaultConfiguration": {
                        "level": "error"
                      }
                    }
                  ]
                }
              },
              "columnKind": "unicodeCodePoints",
              "results": [
                {
                  "ruleId": "E0999",
                  "ruleIndex": 0,
                  "level": "error",
                  "message": {
                    "text": "`wéb` is not known, 100% sure\nonly in environment `prod`\nwrite `web`"
                  },
                  "locations": [
                    {
                      "physicalLocation": {
                        "artifactLocation": {
                          "uri": "a%20b/shop.mesh"
                        },
                        "region": {
                          "startLine": 2,
                          "startColumn": 11,
                          "endLine": 2,
                          "endColumn": 14
                        }
                      }
                    }
                  ],
                  "relatedLocations": [
                    {
                      "physicalLocation": {
                        "artifactLocation": {
                          "uri": "a%20b/shop.mesh"
                        },
                        "region": {
                          "startLine": 1,
                          "startColumn": 11,
                          "endLine": 1,
                          "endColumn": 15
                        }
                      },
                      "message": {
                        "text": "in this namespace"
                      }
                    }
                  ],
                  "fixes": [
                    {
                      "description": {
                        "text": "write `web`"
                      },
                      "artifactChanges": [
                        {
                          "artifactLocation": {
                            "uri": "a%20b/shop.mesh"
                          },
                          "replacements": [
                            {
                              "deletedRegion": {
                                "startLine": 2,
                                "startColumn": 11,
                                "endLine": 2,
                                "endColumn": 14
                              },
                              "insertedContent": {
                                "text": "web"
                              }
                            }
                          ]
                        }
                      ]
                    }
                  ]
                }
              ]
            }
          ]
        }
    "##]],
    );
}

#[test]
fn github_escapes_its_text() {
    check(
        &github(&sources(), &[finding()]),
        expect![[r#"
        ::error file=a b/shop.mesh,line=2,col=11,endLine=2,endColumn=14,title=E0999 unknown-thing::`wéb` is not known, 100%25 sure%0Aonly in environment `prod`%0Awrite `web`
    "#]],
    );
}
