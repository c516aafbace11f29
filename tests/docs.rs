//! What the documents show is true: every fenced block of the language is compiled.
//!
//! | block | what it must be |
//! |---|---|
//! | `mesh` | a whole program, with neither errors nor warnings |
//! | `mesh namespace`, `mesh workload` | the same for items that stand in such a block |
//! | `mesh wrong` | a program with its findings as a case has them |
//! | `yaml` right after one of the first three | all that it emits |
//!
//! A page of a code has an example that earns the code, and the same repaired. Any other block is not looked at.

use std::path::Path;

use meshc::catalogue;
use meshc::diagnostics::Severity;
use meshc_tests::case::Case;
use meshc_tests::fenced::{self, Block};
use meshc_tests::repository;

use crate::compile;
use crate::golden::Golden;
use crate::manifests;

#[test]
fn documents_show_what_is_true() {
    let mut golden = Golden::default();
    let mut paths = repository::files("spec", ".md").unwrap();
    paths.extend(repository::files("examples", "README.md").unwrap());
    paths.extend(["README.md", "ARCHITECTURE.md"].map(|name| repository::root().join(name)));
    let generated = |path: &Path| path.ends_with("spec/diagnostics.md");
    for path in paths.into_iter().filter(|path| path.is_file() && !generated(path)) {
        judge(&path, &mut golden);
    }
    golden.finish();
}

#[test]
fn pages_show_what_earns_their_code_and_what_does_not() {
    let mut golden = Golden::default();
    for code in catalogue::all() {
        let page = format!("the page of {} {}", code.id, code.name);
        for block in fenced::blocks(code.page) {
            let repaired = match block.heading.as_str() {
                "Example" => false,
                "Repaired" => true,
                _ => continue,
            };
            let text = match block.info.as_str() {
                "yaml" => {
                    if manifests::earns(&block.text, code.id) == repaired {
                        golden.mistake(Path::new(&page), &format!("the manifest under \"{}\"", block.heading));
                    }
                    continue;
                }
                "mesh" => block.text,
                // The manifest of a project that is empty unless the block goes on with other files.
                "toml" if block.text.contains("# file: ") => {
                    format!("# target: none\n# file: mesh.toml\n{}", block.text)
                }
                "toml" => format!("# target: none\n# file: mesh.toml\n{}# file: main.mesh\n", block.text),
                _ => continue,
            };
            match compile::check_case(&Case::parse(&text)) {
                Ok(outcome) => {
                    let earned = outcome.diagnostics.iter().any(|finding| finding.code.id == code.id);
                    if earned == repaired {
                        let what = if earned { "still earns it" } else { "does not earn it" };
                        golden.mistake(
                            Path::new(&page),
                            &format!("the block under \"{}\" {what}", block.heading),
                        );
                    }
                }
                Err(error) => golden.mistake(Path::new(&page), &error),
            }
        }
    }
    golden.finish();
}

fn judge(path: &Path, golden: &mut Golden) {
    let mut document = repository::read(path).unwrap();
    let count = fenced::blocks(&document).len();
    let mut program: Option<String> = None;
    for index in 0..count {
        // A block before this one may have become longer.
        let block = fenced::blocks(&document).swap_remove(index);
        let text: Result<String, String> = match (block.info.as_str(), program.take()) {
            ("yaml", Some(program)) if block.follows => emitted(&program),
            ("mesh wrong", _) => findings(&block.text),
            (_, _) => {
                program = program_of(&block);
                program.as_deref().map_or(Ok(block.text.clone()), |program| {
                    clean(program).map(|()| block.text.clone())
                })
            }
        };
        match text {
            Ok(text) => document = fenced::replace(&document, &block, &text),
            Err(error) => golden.mistake(path, &format!("line {}: {error}", block.lines.start + 1)),
        }
    }
    golden.file(path, &document);
}

/// The block as a whole program, if it is to be one.
fn program_of(block: &Block) -> Option<String> {
    match block.info.as_str() {
        "mesh" => Some(block.text.clone()),
        "mesh namespace" => Some(format!("namespace demo {{\n{}}}\n", block.text)),
        "mesh workload" => Some(format!("namespace demo {{ workload demo {{\n{}}} }}\n", block.text)),
        _ => None,
    }
}

fn clean(program: &str) -> Result<(), String> {
    let case = Case::parse(program);
    let outcome = compile::check_case(&case)?;
    if outcome
        .diagnostics
        .iter()
        .all(|finding| finding.severity == Severity::Note)
    {
        return Ok(());
    }
    Err(format!(
        "it is not without findings:\n{}",
        case.with(&outcome.diagnostics, &outcome.sources)
    ))
}

fn findings(program: &str) -> Result<String, String> {
    let case = Case::parse(program);
    let outcome = compile::check_case(&case)?;
    Ok(case.with(&outcome.diagnostics, &outcome.sources))
}

fn emitted(program: &str) -> Result<String, String> {
    compile::build_case(&Case::parse(program))
}
