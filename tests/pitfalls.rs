//! The table of `spec/pitfalls.md` is true: what it says is found is found in the wrong form of a case, and neither that
//! nor any other warning in the right one.
//!
//! A case is a folder `cases/pitfalls/ID-NAME` with `wrong` and `right`, each `.yaml` or `.mesh`, and `facts.yaml` where
//! both need objects beside them. The findings stand as remarks in the wrong form.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use meshc::catalogue;
use meshc::diagnostics::Severity;
use meshc::driver::manifests::Source;
use meshc::driver::project::Location;
use meshc::driver::{self, Inputs, Options, Outcome};
use meshc::policy::Target;
use meshc_tests::case::Case;
use meshc_tests::repository;

use crate::compile;
use crate::golden::Golden;

const TABLE: &str = "spec/pitfalls.md";
const CASES: &str = "tests/cases/pitfalls";

/// How many entries each letter of the catalogue has.
const ENTRIES: [(char, usize); 11] = [
    ('A', 13),
    ('B', 10),
    ('C', 13),
    ('D', 20),
    ('E', 11),
    ('F', 12),
    ('G', 10),
    ('H', 7),
    ('I', 7),
    ('J', 7),
    ('K', 4),
];

/// A row of the table.
struct Row {
    id: String,
    answer: String,
    codes: Vec<String>,
}

impl Row {
    fn is_detected(&self) -> bool {
        self.answer.contains("detected")
    }

    fn is_answered(&self) -> bool {
        self.is_detected() || self.answer.contains("unsayable")
    }
}

fn rows() -> Vec<Row> {
    let text = repository::read(&repository::root().join(TABLE)).unwrap();
    let mut rows = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, answer, codes, ..] = cells.as_slice() else {
            continue;
        };
        if !line.starts_with('|')
            || !id.starts_with(|c: char| c.is_ascii_uppercase())
            || !id.ends_with(|c: char| c.is_ascii_digit())
        {
            continue;
        }
        let code = |word: &str| {
            let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let digits = word.get(1..).unwrap_or_default();
            (word.len() == 5 && word.starts_with(['E', 'W', 'N']) && digits.bytes().all(|b| b.is_ascii_digit()))
                .then(|| word.to_owned())
        };
        rows.push(Row {
            id: (*id).to_owned(),
            answer: (*answer).to_owned(),
            codes: codes.split([' ', ',']).filter_map(code).collect(),
        });
    }
    rows
}

/// The folders of cases, by the entry that they are of.
fn folders() -> BTreeMap<String, PathBuf> {
    let mut folders = BTreeMap::new();
    for entry in fs::read_dir(repository::root().join(CASES)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let id = name.split('-').next().unwrap().to_owned();
        assert!(
            folders.insert(id, path).is_none(),
            "{name} is the second case of its entry"
        );
    }
    folders
}

/// The findings on one form of a case.
fn check(folder: &Path, form: &str) -> (PathBuf, Case, Outcome) {
    let path = ["yaml", "mesh"]
        .iter()
        .map(|ending| folder.join(format!("{form}.{ending}")))
        .find(|path| path.is_file());
    let path = path.unwrap_or_else(|| panic!("{} has no {form} form", folder.display()));
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let case = Case::of_file(&name, &repository::read(&path).unwrap());
    let mut files = case.project("/case");
    let options = Options {
        target: Some(
            case.target()
                .map_or(Target::NEWEST, |name| compile::target(name).unwrap()),
        ),
        ..Options::default()
    };
    let source = |name: &str| Source::File {
        path: Path::new("/case").join(name),
        shown: name.to_owned(),
    };
    let mut inputs = Inputs::default();
    let facts = folder.join("facts.yaml");
    if facts.is_file() {
        files.insert("/case/facts.yaml", repository::read(&facts).unwrap().as_bytes());
        inputs.manifests.push(source("facts.yaml"));
    }
    if name.ends_with(".mesh") {
        inputs.project = Some(Location::find(&files, Path::new("/case"), Some(Path::new("."))).unwrap());
    } else {
        inputs.manifests.push(source(&name));
    }
    let outcome = driver::check(&files, &inputs, &options).unwrap();
    (path, case, outcome)
}

/// The codes that cases earn.
pub(crate) fn findings_of_cases() -> BTreeSet<&'static str> {
    let found = folders()
        .into_values()
        .flat_map(|folder| check(&folder, "wrong").2.diagnostics);
    found.map(|d| d.code.id).collect()
}

#[test]
fn the_table_has_every_entry_once() {
    let found: Vec<String> = rows().into_iter().map(|row| row.id).collect();
    let all = ENTRIES
        .iter()
        .flat_map(|(letter, count)| (1..=*count).map(move |n| format!("{letter}{n}")));
    assert_eq!(found, all.collect::<Vec<_>>());
}

#[test]
fn most_entries_are_answered() {
    let answered = rows().iter().filter(|row| row.is_answered()).count();
    assert!(answered >= 80, "{answered} entries are unsayable or detected");
}

#[test]
fn codes_exist_and_what_is_detected_has_a_case() {
    let mut golden = Golden::default();
    let table = repository::root().join(TABLE);
    let mut folders = folders();
    for row in rows() {
        for code in &row.codes {
            if catalogue::find(code).is_none() {
                golden.mistake(&table, &format!("{} names {code}, which does not exist", row.id));
            }
        }
        match (row.is_detected(), folders.remove(&row.id)) {
            (true, Some(folder)) => judge(&row, &folder, &mut golden),
            (true, None) => golden.mistake(&table, &format!("{} is detected and has no case", row.id)),
            (false, Some(folder)) => golden.mistake(&folder, "the table does not say that it is detected"),
            (false, None) => {}
        }
    }
    for folder in folders.into_values() {
        golden.mistake(&folder, "the table has no such entry");
    }
    golden.finish();
}

fn judge(row: &Row, folder: &Path, golden: &mut Golden) {
    let (path, case, outcome) = check(folder, "wrong");
    golden.file(&path, &case.with(&outcome.diagnostics, &outcome.sources));
    let of_row = |id: &str| row.codes.iter().any(|code| code == id);
    if !outcome.diagnostics.iter().any(|d| of_row(d.code.id)) {
        golden.mistake(&path, &format!("it earns none of {:?}", row.codes));
    }
    let (path, case, outcome) = check(folder, "right");
    let weighs = |severity: Severity| severity > Severity::Note;
    if outcome
        .diagnostics
        .iter()
        .any(|d| of_row(d.code.id) || weighs(d.severity))
    {
        golden.mistake(&path, &case.with(&outcome.diagnostics, &outcome.sources));
    }
}
