//! A case: a small project in one file, with what the compiler says of it as comments under the lines it speaks of.
//!
//! ```text
//! # target: istio-1.4
//! # file: web.mesh
//! allow web to GET /
//! #     ^^^ error[unknown-name]: there is no `web`
//! #         help: declare it
//! ```
//!
//! The comments are taken out before the project is compiled, so that they cannot change what it means.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use meshc::diagnostics::{Diagnostic, Severity};
use meshc::source::{Memory, SourceMap, Span, Unit};

/// The project of a case, without the comments.
pub struct Case {
    /// What stands before the first `# file:` line, if there is one.
    preamble: String,
    files: Vec<File>,
}

struct File {
    path: String,
    /// Whether the case names it; else the case is this one file.
    named: bool,
    text: String,
}

impl Case {
    /// Reads a case.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::of_file("main.mesh", text)
    }

    /// Reads a case; one that names no file is the one of this path.
    #[must_use]
    pub fn of_file(path: &str, text: &str) -> Self {
        let mut case = Self {
            preamble: String::new(),
            files: Vec::new(),
        };
        let mut remark = false;
        for line in text.split_inclusive('\n') {
            remark = is_remark(line, remark);
            if remark {
                continue;
            }
            if let Some(path) = line.strip_prefix("# file: ") {
                case.files.push(File {
                    path: path.trim().to_owned(),
                    named: true,
                    text: String::new(),
                });
            } else {
                case.files
                    .last_mut()
                    .map_or(&mut case.preamble, |file| &mut file.text)
                    .push_str(line);
            }
        }
        if case.files.is_empty() {
            let text = std::mem::take(&mut case.preamble);
            case.files.push(File {
                path: path.to_owned(),
                named: false,
                text,
            });
        }
        case
    }

    /// The release that the first line asks for.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        let text = if self.preamble.is_empty() {
            self.files.first().map_or("", |file| &file.text)
        } else {
            &self.preamble
        };
        Some(text.lines().next()?.strip_prefix("# target: ")?.trim())
    }

    /// The project's files, in a folder of their own.
    #[must_use]
    pub fn project(&self, folder: &str) -> Memory {
        let mut files = Memory::new();
        for file in &self.files {
            files.insert(format!("{folder}/{}", file.path), file.text.as_bytes());
        }
        files
    }

    /// Each file's path and text.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|file| (&*file.path, &*file.text))
    }

    /// Gives each file another text.
    pub fn rewrite<E>(&mut self, mut text_of: impl FnMut(&str, &str) -> Result<String, E>) -> Result<(), E> {
        for file in &mut self.files {
            file.text = text_of(&file.path, &file.text)?;
        }
        Ok(())
    }

    /// The case as it would be written if these findings were expected.
    #[must_use]
    pub fn with(&self, findings: &[Diagnostic], sources: &SourceMap) -> String {
        let mut remarks = Remarks::new(findings, sources);
        let mut out = self.preamble.clone();
        for file in &self.files {
            if file.named {
                out.push_str(&format!("# file: {}\n", file.path));
            }
            for (number, line) in (0..).zip(file.text.split_inclusive('\n')) {
                out.push_str(line);
                let below = remarks.under(&file.path, number);
                if !below.is_empty() && !line.ends_with('\n') {
                    out.push('\n');
                }
                out.push_str(&below);
            }
            out.push_str(&remarks.rest_of(&file.path));
        }
        out.push_str(&remarks.rest());
        out
    }
}

/// Whether a line is one that [`Case::with`] writes; details only stand under a finding or another detail.
fn is_remark(line: &str, under_remark: bool) -> bool {
    let Some(comment) = line.strip_prefix('#') else {
        return false;
    };
    let said = comment.trim_start_matches([' ', '^']);
    let finding = SEVERITIES
        .iter()
        .any(|severity| said.starts_with(&format!("{severity}[")));
    let elsewhere = comment.starts_with(" at ") && SEVERITIES.iter().any(|it| said.contains(&format!(": {it}[")));
    let detail = comment.starts_with("  ") && DETAILS.iter().any(|detail| said.starts_with(detail));
    finding || elsewhere || (under_remark && detail)
}

const SEVERITIES: [&str; 3] = ["error", "warning", "note"];
const DETAILS: [&str; 4] = ["here: ", "also ", "help: ", "fix: "];

/// Findings as comments, by file and line.
struct Remarks(BTreeMap<(String, u32), String>);

impl Remarks {
    fn new(findings: &[Diagnostic], sources: &SourceMap) -> Self {
        let mut by_line: BTreeMap<(String, u32), String> = BTreeMap::new();
        for finding in findings {
            let (start, _) = sources.positions(finding.primary.span, Unit::Character);
            let path = sources.path(finding.primary.span.file).to_owned();
            by_line
                .entry((path, start.line))
                .or_default()
                .push_str(&remark(finding, sources));
        }
        Self(by_line)
    }

    fn under(&mut self, path: &str, line: u32) -> String {
        self.0.remove(&(path.to_owned(), line)).unwrap_or_default()
    }

    /// What is said of a line that the file does not have, which is that after its last.
    fn rest_of(&mut self, path: &str) -> String {
        let lines: Vec<_> = self.0.keys().filter(|(of, _)| of == path).cloned().collect();
        lines.iter().filter_map(|line| self.0.remove(line)).collect()
    }

    /// What is said of files that are not the case's, such as the standard library.
    fn rest(self) -> String {
        let mut out = String::new();
        for ((path, line), text) in self.0 {
            for said in text.lines() {
                let said = said.trim_start_matches(['#', ' ', '^']);
                let place = format!("# at {path}:{}: ", line + 1);
                let place = if SEVERITIES.iter().any(|severity| said.starts_with(severity)) {
                    &place
                } else {
                    "#      "
                };
                let _ = writeln!(out, "{place}{said}");
            }
        }
        out
    }
}

/// One finding: carets under its first line, then all that it says.
fn remark(finding: &Diagnostic, sources: &SourceMap) -> String {
    let (start, end) = sources.positions(finding.primary.span, Unit::Character);
    let first_line = sources
        .text(finding.primary.span.file)
        .lines()
        .nth(start.line as usize)
        .unwrap_or_default();
    let until = if end.line == start.line {
        end.column as usize
    } else {
        first_line.chars().count()
    };
    let column = start.column as usize;
    let width = until.saturating_sub(column).max(1);
    // The comment's own sign stands where the first caret of a line's start would.
    let carets = if column == 0 {
        format!("#{}", "^".repeat(width.saturating_sub(1)))
    } else {
        format!("#{}{}", " ".repeat(column.saturating_sub(1)), "^".repeat(width))
    };
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let mut out = format!("{carets} {severity}[{}]: {}\n", finding.code.name, finding.message);
    let indent = " ".repeat(carets.chars().count().max(2));
    let mut detail = |text: String| {
        let _ = writeln!(out, "#{indent}{}", text.replace('\n', "\\n"));
    };
    if !finding.primary.message.is_empty() {
        detail(format!("here: {}", finding.primary.message));
    }
    for label in &finding.secondary {
        detail(format!(
            "also {}: {}",
            place(label.span, finding.primary.span, sources),
            label.message
        ));
    }
    for help in &finding.help {
        detail(format!("help: {help}"));
    }
    for fix in &finding.fixes {
        let edits: Vec<_> = fix
            .edits
            .iter()
            .map(|edit| format!("`{}` -> `{}`", sources.slice(edit.span), edit.text))
            .collect();
        detail(format!("fix: {} ({})", fix.title, edits.join(", ")));
    }
    out
}

/// A place as `line:column`, with its file where that is another one.
fn place(span: Span, seen_from: Span, sources: &SourceMap) -> String {
    let (start, _) = sources.positions(span, Unit::Character);
    let position = format!("{}:{}", start.line + 1, start.column + 1);
    if span.file == seen_from.file {
        position
    } else {
        format!("{}:{position}", sources.path(span.file))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use meshc::diagnostics::{Applicability, Code, Fix};

    use super::*;

    static CODE: Code = Code {
        id: "E0000",
        name: "unknown-name",
        severity: Severity::Error,
        summary: "",
        page: "",
    };

    /// A finding at the first place of `text` in the file of this number, counted from 0.
    fn finding(sources: &SourceMap, file: usize, text: &str) -> Diagnostic {
        let (id, source) = sources.iter().nth(file).unwrap();
        let start = u32::try_from(source.text.find(text).unwrap()).unwrap();
        let span = Span::new(id, start, start + u32::try_from(text.len()).unwrap());
        Diagnostic::new(&CODE, span, format!("there is no `{}`", text.escape_debug()))
    }

    #[test]
    fn findings_are_written_under_their_lines_and_taken_out_again() {
        let text = "# target: istio-1.4\n# file: a.mesh\nallow web to any\ndeny \u{fc}\n\tx\n# file: b.mesh\nallow\n";
        let case = Case::parse(text);
        assert_eq!(case.target(), Some("istio-1.4"));
        let mut sources = SourceMap::default();
        sources.add("a.mesh", "allow web to any\ndeny \u{fc}\n\tx\n");
        sources.add("b.mesh", "allow\n");
        sources.add_std("std/http", "operation read\n");
        let web = finding(&sources, 0, "web").help("declare it");
        let span = web.primary.span;
        let web = web.fix(Fix::replace("write `w`", span, "w", Applicability::Suggestion));
        let findings = [
            web.secondary(finding(&sources, 1, "allow").primary.span, "like this one"),
            finding(&sources, 0, "\u{fc}\n\tx"),
            finding(&sources, 1, "allow"),
            finding(&sources, 2, "read").help("do not"),
        ];
        let written = case.with(&findings, &sources);
        expect![[r#"
            # target: istio-1.4
            # file: a.mesh
            allow web to any
            #     ^^^ error[unknown-name]: there is no `web`
            #         also b.mesh:1:1: like this one
            #         help: declare it
            #         fix: write `w` (`web` -> `w`)
            deny ü
            #    ^ error[unknown-name]: there is no `ü\n\tx`
            	x
            # file: b.mesh
            allow
            #^^^^ error[unknown-name]: there is no `allow`
            # at std/http:1: error[unknown-name]: there is no `read`
            #      help: do not
        "#]]
        .assert_eq(&written);
        assert_eq!(Case::parse(&written).with(&[], &sources), text);
    }
}
