//! Every kind of finding there is, in order of its id: what `meshc explain` and `spec/diagnostics.md` are made from.

use crate::analysis;
use crate::backends;
use crate::diagnostics::{Code, Severity, suggest};
use crate::driver;
use crate::hir;
use crate::lower;
use crate::syntax;

/// All codes, ordered by id.
#[must_use]
pub fn all() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = [
        driver::errors::CODES,
        syntax::errors::CODES,
        hir::errors::CODES,
        lower::errors::CODES,
        lower::legacy::errors::CODES,
        analysis::errors::CODES,
        analysis::composed::errors::CODES,
        analysis::invariants::errors::CODES,
        backends::istio::import::errors::CODES,
        backends::kubernetes::errors::CODES,
        backends::istio_legacy::import::errors::CODES,
    ]
    .concat();
    codes.sort_by_key(|code| number(code.id));
    codes
}

/// The digits of an id: errors, warnings and notes of one stage share one row of numbers.
fn number(id: &str) -> &str {
    id.get(1..).unwrap_or(id)
}

/// The code with this id, whatever the case of its letter, or with this name.
#[must_use]
pub fn find(id_or_name: &str) -> Option<&'static Code> {
    all()
        .into_iter()
        .find(|code| code.name == id_or_name || code.id.eq_ignore_ascii_case(id_or_name))
}

/// The name that a misspelt one is nearest to.
#[must_use]
pub fn nearest_name(name: &str) -> Option<&'static str> {
    suggest::nearest(name, all().into_iter().map(|code| code.name))
}

/// The text of `spec/diagnostics.md`.
#[must_use]
pub fn document() -> String {
    let mut out = String::from(
        "# Diagnostics\n\n\
         <!-- Generated from the code; `UPDATE_EXPECT=1 cargo test -p meshc` writes it anew. -->\n\n\
         Every kind of finding, as `meshc explain CODE` shows it.\n\n\
         | code | name | severity | what it finds |\n|---|---|---|---|\n",
    );
    for code in all() {
        let severity = match code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let summary = code.summary.replace('|', "\\|");
        out.push_str(&format!("| {} | `{}` | {severity} | {summary} |\n", code.id, code.name));
    }
    for code in all() {
        out.push('\n');
        let mut fenced = false;
        for line in code.page.trim_end().lines() {
            fenced ^= line.starts_with("```");
            // A page is a section of this document.
            if line.starts_with('#') && !fenced {
                out.push('#');
            }
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_and_names_are_unique_and_well_formed() {
        let (mut numbers, mut names) = (BTreeSet::new(), BTreeSet::new());
        for code in all() {
            let (letter, digits) = code.id.split_at(1);
            assert!("EWNL".contains(letter), "{}", code.id);
            assert!(
                digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()),
                "{}",
                code.id
            );
            assert!(numbers.insert(digits), "{} is not the only code of its number", code.id);
            assert!(
                names.insert(code.name),
                "{} is not the only code of its name",
                code.name
            );
            let plain = code
                .name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            assert!(plain && !code.name.is_empty(), "{}", code.name);
        }
    }

    #[test]
    fn every_code_is_found_by_id_and_name() {
        for code in all() {
            for key in [code.id, code.name, &code.id.to_lowercase()] {
                assert_eq!(find(key).map(|found| found.id), Some(code.id));
            }
        }
        assert!(find("E9999").is_none());
    }

    #[test]
    fn every_page_has_its_sections() {
        for code in all() {
            let title = format!("# {} {}\n", code.id, code.name);
            assert!(
                code.page.starts_with(&title),
                "the page of {} starts with another title",
                code.id
            );
            assert!(
                code.page.contains("\n## Why\n"),
                "the page of {} does not say why",
                code.id
            );
            assert!(code.summary.ends_with('.'), "the summary of {} is no sentence", code.id);
        }
    }

    #[test]
    fn the_document_is_up_to_date() {
        expect_test::expect_file!["../../spec/diagnostics.md"].assert_eq(&document());
    }
}
