//! The map of `cases/rows.txt`: what is known of Istio's meaning, row by row, and the cases that hold each.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use meshc_tests::differential::case::Case;
use meshc_tests::repository;

#[test]
fn each_row_is_held_by_cases_that_are_there() {
    let mut report = String::new();
    let (mut section, mut rows) = (String::new(), BTreeSet::new());
    let text = repository::read(&repository::root().join("tests/cases/rows.txt")).unwrap();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            continue;
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        let [row, file, cases @ ..] = cells.as_slice() else {
            writeln!(report, "`{line}` is no row").unwrap();
            continue;
        };
        if !rows.insert((section.clone(), (*row).to_owned(), (*file).to_owned())) {
            writeln!(report, "[{section}] {row}: {file} stands twice").unwrap();
        }
        if *file == "-" {
            assert_eq!(
                cases.len(),
                1,
                "[{section}] {row}: nothing holds it, and nothing says why"
            );
            continue;
        }
        for missing in missing(file, cases) {
            writeln!(report, "[{section}] {row}: {file} has no `{missing}`").unwrap();
        }
    }
    assert!(report.is_empty(), "rows without their cases:\n{report}");
    assert!(rows.len() > 200, "{}", rows.len());
}

/// The cases that a file does not have; the file itself, if it is not there.
fn missing<'c>(file: &'c str, cases: &[&'c str]) -> Vec<&'c str> {
    let below = if file.starts_with("compiler/") || file.starts_with("tests/") {
        ""
    } else {
        "tests/cases/"
    };
    let path = repository::root().join(format!("{below}{file}"));
    let Ok(text) = repository::read(&path) else {
        return vec![file];
    };
    let says: Vec<String> = if file.starts_with("differential/") {
        let asked = Case::read(&path).unwrap().asked;
        asked.into_iter().map(|asked| asked.known.say).collect()
    } else {
        Vec::new()
    };
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let has = |case: &str| match extension.as_str() {
        "mesh" => text.contains(&format!("\ntest \"{case}\" ")),
        "cases" => text.lines().any(|line| line.split(" | ").next() == Some(case)),
        "rs" => text.contains(&format!("#[test]\n    fn {case}()")) || text.contains(&format!("#[test]\nfn {case}()")),
        "json" => text.contains(&format!("\"name\": {case:?}")),
        _ => says.iter().any(|say| say == case),
    };
    cases.iter().copied().filter(|case| !has(case)).collect()
}
