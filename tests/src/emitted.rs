//! The Istio objects that the repository holds as meshc's output: golden files, and what the examples are expected to
//! give.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::repository;

/// One file of output.
pub struct Emitted {
    pub path: PathBuf,
    pub text: String,
    pub release: Release,
}

/// The Istio release that a file is for, as far as judging it needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 1.4 or 1.5, whose custom resource definitions are long gone.
    Legacy(u32),
    /// Any later release; today's definitions and webhook still take its objects.
    Current,
}

/// Every file of output, in order.
pub fn everything() -> Result<Vec<Emitted>> {
    let mut all = Vec::new();
    let examples = repository::files("examples", ".yaml")?;
    let cases = repository::files("tests/cases/istio", ".yaml")?;
    let golden = repository::files("compiler/src/backends", ".yaml")?;
    let expected = |path: &PathBuf| repository::shown(path).split('/').any(|part| part == "expected");
    for path in examples.into_iter().filter(expected).chain(cases).chain(golden) {
        if path.file_name().is_some_and(|name| name == "kustomization.yaml") {
            continue;
        }
        let text = repository::read(&path)?;
        let release = release(&path);
        all.push(Emitted { path, text, release });
    }
    Ok(all)
}

/// A golden file stands beside its program, which may name its target; elsewhere the innermost folder or file name with a
/// release in it decides.
fn release(path: &Path) -> Release {
    let program = path.with_extension("mesh");
    if let Ok(text) = repository::read(&program)
        && let Some(target) = text.lines().next().and_then(|line| line.strip_prefix("# target: "))
    {
        return minor(target).map_or(Release::Current, of_minor);
    }
    let shown = repository::shown(path);
    shown.rsplit('/').find_map(minor).map_or(Release::Current, of_minor)
}

fn of_minor(minor: u32) -> Release {
    if minor <= 5 {
        Release::Legacy(minor)
    } else {
        Release::Current
    }
}

/// The `N` of the first `1.N` in a name.
fn minor(name: &str) -> Option<u32> {
    let starts = name
        .match_indices("1.")
        .filter(|(at, _)| !name[..*at].ends_with(|c: char| c.is_ascii_digit()));
    starts.map(|(at, dot)| &name[at + dot.len()..]).find_map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_release_in_a_path_decides() {
        let of = |path: &str| release(&repository::root().join(path));
        assert_eq!(
            of("examples/authentication-policy-1.4/expected/istio-1.31/foo.yaml"),
            Release::Current
        );
        assert_eq!(
            of("examples/authentication-policy-1.4/expected/istio-1.4/foo.yaml"),
            Release::Legacy(4)
        );
        assert_eq!(
            of("examples/authentication-policy-1.4/expected/foo.yaml"),
            Release::Legacy(4)
        );
        assert_eq!(of("examples/shop/expected/v11.4.yaml"), Release::Current);
        assert_eq!(of("examples/shop/expected/prod.yaml"), Release::Current);
    }
}
