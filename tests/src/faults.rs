//! Faults planted into the compiler, to see whether the differential test would find them.
//!
//! All of them are planted into one copy, each behind a switch, so that the copy is built once: a fault is an expression
//! (or, if it ends in `;` or `}`, statements) and another one that stands for it while the fault is on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::repository;

/// A planted compiler has this fault, by its number, switched on.
pub const SWITCH: &str = "MESHC_FAULT";

/// One way in which the compiler could be wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What it gets wrong.
    pub say: String,
    /// A file below `compiler/src`.
    pub file: String,
    /// A text that is in the file exactly once.
    pub find: String,
    /// What stands for it.
    pub plant: String,
}

/// All of them: the files of `tests/cases/faults`.
pub fn all() -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for path in repository::files("tests/cases/faults", ".yaml")? {
        let own: Vec<Fault> =
            serde_saphyr::from_str(&repository::read(&path)?).with_context(|| repository::shown(&path))?;
        faults.extend(own);
    }
    Ok(faults)
}

/// A name in the copy for which the compiler's own crates need not be built anew when the copy was built, and the other
/// way round.
const VERSION: &str = "0.0.0-planted";

/// What of the repository the copy needs.
const COPIED: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "compiler",
    "lsp",
    "stdlib",
    "tests",
];

/// Copies the workspace into a folder and plants the faults there, the first as number 0. Files that are there already
/// keep their age, so that little is built again.
pub fn plant(faults: &[Fault], folder: &Path) -> Result<()> {
    let mut planted: BTreeMap<&str, Vec<(usize, &Fault)>> = BTreeMap::new();
    for (number, fault) in faults.iter().enumerate() {
        planted.entry(&fault.file).or_default().push((number, fault));
    }
    let mut copied = BTreeSet::new();
    for part in COPIED {
        let whole = repository::root().join(part);
        let files = if whole.is_dir() {
            let all = repository::files(part, "")?;
            let cases = repository::root().join("tests/cases");
            all.into_iter().filter(|path| !path.starts_with(&cases)).collect()
        } else {
            vec![whole]
        };
        for path in files {
            let shown = repository::shown(&path);
            let mut bytes = fs::read(&path).with_context(|| shown.clone())?;
            if let Some(own) = shown
                .strip_prefix("compiler/src/")
                .and_then(|file| planted.remove(file))
            {
                bytes = with_faults(&String::from_utf8(bytes)?, &own)
                    .with_context(|| shown.clone())?
                    .into_bytes();
            }
            match shown.as_str() {
                "Cargo.toml" => bytes = with_version(&String::from_utf8(bytes)?)?.into_bytes(),
                "compiler/src/lib.rs" => bytes.extend(switch().as_bytes()),
                _ => {}
            }
            write(&folder.join(&shown), &bytes)?;
            copied.insert(folder.join(&shown));
        }
    }
    // What has gone since would be a second file for a module.
    for part in COPIED {
        for path in repository::files(&folder.join(part).to_string_lossy(), ".rs")? {
            if !copied.contains(&path) {
                fs::remove_file(&path)?;
            }
        }
    }
    match planted.pop_first() {
        Some((file, _)) => bail!("a fault names compiler/src/{file}, which is not there"),
        None => Ok(()),
    }
}

fn with_version(manifest: &str) -> Result<String> {
    let line = manifest.lines().find(|line| line.starts_with("version = "));
    let line = line.context("the workspace has no version")?;
    Ok(manifest.replacen(line, &format!("version = \"{VERSION}\""), 1))
}

/// Answers whether a fault is on.
fn switch() -> String {
    format!(
        "\nmod fault {{\n    static ON: std::sync::LazyLock<Option<usize>> =\n        std::sync::LazyLock::new(|| std::env::var(\"{SWITCH}\").ok()?.parse().ok());\n\n    \
         pub(crate) fn is(number: usize) -> bool {{\n        *ON == Some(number)\n    }}\n}}\n"
    )
}

/// A file with its faults, each behind its switch.
fn with_faults(text: &str, faults: &[(usize, &Fault)]) -> Result<String> {
    let mut places = Vec::new();
    for (number, fault) in faults {
        let mut found = text.match_indices(fault.find.trim());
        match (found.next(), found.next()) {
            (Some((at, found)), None) => places.push((at, found, *number, *fault)),
            (None, _) => bail!(
                "the fault \"{}\" looks for `{}`, which is no longer there: say what it is now, in tests/cases/faults",
                fault.say,
                fault.find
            ),
            (Some(_), Some(_)) => bail!(
                "the fault \"{}\" looks for `{}`, which is there more than once: say more of it",
                fault.say,
                fault.find
            ),
        }
    }
    places.sort_by_key(|(at, ..)| *at);
    let mut out = String::new();
    let mut end = 0;
    for (at, found, number, fault) in places {
        let before = text.get(end..at);
        out.push_str(before.with_context(|| format!("the fault \"{}\" overlaps another one", fault.say))?);
        let either = format!(
            "if crate::fault::is({number}) {{ {} }} else {{ {found} }}",
            fault.plant.trim()
        );
        if found.ends_with([';', '}']) {
            out.push_str(&either);
        } else {
            out.push_str(&format!("({either})"));
        }
        end = at + found.len();
    }
    out.push_str(text.get(end..).unwrap_or_default());
    Ok(out)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().context("a file without a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;

    use super::*;

    #[test]
    fn a_fault_must_be_found_exactly_once() -> Result<()> {
        let fault = Fault {
            say: "less".to_owned(),
            file: "x.rs".to_owned(),
            find: "a + 1".to_owned(),
            plant: "a".to_owned(),
        };
        let plant = |text: &str| with_faults(text, &[(3, &fault)]);
        let planted = plant("let b = a + 1;")?;
        ensure!(
            planted == "let b = (if crate::fault::is(3) { a } else { a + 1 });",
            "{planted}"
        );
        for (text, why) in [
            ("let b = a + 2;", "no longer there"),
            ("a + 1; a + 1", "more than once"),
        ] {
            let said = plant(text).unwrap_or_else(|error| error.to_string());
            ensure!(said.contains(why), "{said}");
        }
        Ok(())
    }
}
