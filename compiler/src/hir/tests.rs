//! What names mean, on small projects; and that the programs of the design resolve.

#![expect(clippy::disallowed_methods, reason = "a test reads what lies in the repository")]

use std::collections::BTreeMap;

use super::{Program, Surroundings, Unit, resolve};
use crate::diagnostics::Diagnostics;
use crate::source::FileId;
use crate::syntax::parser::{Parsed, parse};

/// Resolves one file of a project, the standard library beside it; the messages as `name: message`.
fn resolved(text: &str) -> (Program, Vec<String>) {
    let mut acc = Diagnostics::default();
    let main = parse(FileId(0), text, &mut acc);
    let std: Vec<(&str, Parsed)> = meshc_stdlib::FILES
        .iter()
        .enumerate()
        .map(|(at, (name, text))| (*name, parse(FileId(at as u32 + 1), text, &mut acc)))
        .collect();
    let mut units = vec![Unit {
        file: &main.file,
        std: None,
    }];
    units.extend(std.iter().map(|(name, parsed)| Unit {
        file: &parsed.file,
        std: Some(name),
    }));
    let program = resolve(&units, &BTreeMap::new(), &Surroundings::default(), &mut acc);
    let said = |d: crate::diagnostics::Diagnostic| {
        let range = d.primary.span.range();
        let line = text.get(..range.start).map_or(0, |before| before.lines().count());
        format!("{line}: {}: {}", d.code.name, d.message)
    };
    (program, acc.into_sorted().into_iter().map(said).collect())
}

#[test]
fn programs_of_the_design_resolve() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/design/samples");
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("left out: the programs of the design are not here");
        return;
    };
    let mut faults = Vec::new();
    for entry in entries.flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let (_, said) = resolved(&text);
        faults.extend(
            said.iter()
                .map(|said| format!("{}: {said}", entry.file_name().to_string_lossy())),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
