//! Environments, levels and suppressions, over files in memory.

use std::path::Path;

use expect_test::{Expect, expect};

use super::project::Location;
use super::{Options, Outcome, check};
use crate::source::Memory;

fn outcome<const N: usize>(files: [(&str, &str); N]) -> Outcome {
    let files: Memory = files.into_iter().collect();
    let location = Location::find(&files, Path::new("/p"), None).unwrap();
    check(&files, &location.into(), &Options::default()).unwrap()
}

/// One line a finding: its place, severity and name, and the environments where it does not arise in all.
#[track_caller]
fn says<const N: usize>(files: [(&str, &str); N], expected: Expect) {
    let outcome = outcome(files);
    let mut out = String::new();
    for d in &outcome.diagnostics {
        let (start, _) = outcome
            .sources
            .positions(d.primary.span, crate::source::Unit::Character);
        let path = outcome.sources.path(d.primary.span.file);
        out.push_str(&format!("{path}:{} {:?} {}", start.line + 1, d.severity, d.code.name));
        if !d.environments.is_empty() {
            out.push_str(&format!(" {:?}", d.environments));
        }
        out.push('\n');
    }
    expected.assert_eq(&out);
}

#[test]
fn a_finding_names_the_environments_where_it_arises() {
    says(
        [
            (
                "/p/mesh.toml",
                "target = \"istio-1.31\"\n[env.a]\nx = 1\n[env.b]\n[env.c]\ny = 1",
            ),
            ("/p/main.mesh", "param x\nidentity everywhere = nobody"),
            ("/p/env/b/only.mesh", "identity here = nobody"),
        ],
        expect![[r#"
            env/b/only.mesh:1 Error unknown-name ["b"]
            main.mesh:1 Error param-without-value ["b", "c"]
            main.mesh:2 Error unknown-name
            mesh.toml:6 Error value-without-param ["c"]
        "#]],
    );
}

#[test]
fn a_parameter_may_be_of_one_environment() {
    says(
        [
            (
                "/p/mesh.toml",
                "target = \"istio-1.31\"\n[env.a]\nx = 1\n[env.b]\nx = 1",
            ),
            ("/p/main.mesh", "namespace n { default deny }"),
            ("/p/env/a/only.mesh", "param x"),
        ],
        expect![[r#"
            mesh.toml:5 Error value-without-param ["b"]
        "#]],
    );
}

#[test]
fn a_suppression_is_for_the_item_that_follows() {
    says(
        [
            ("/p/mesh.toml", "target = \"istio-1.31\""),
            (
                "/p/main.mesh",
                "# meshc: allow(nested-manifest) because it is elsewhere\nnamespace n { default deny }\n",
            ),
            ("/p/inner/mesh.toml", ""),
        ],
        expect![[r#"
            inner/mesh.toml:1 Warning nested-manifest
            main.mesh:1 Warning unused-suppression
        "#]],
    );
}

#[test]
fn the_standard_library_is_called_by_its_name() {
    let outcome = outcome([("/p/main.mesh", "use std/http (read)")]);
    let paths: Vec<&str> = outcome.sources.iter().map(|(_, file)| file.path.as_str()).collect();
    assert!(paths.contains(&"std/http.mesh"), "{paths:?}");
    assert!(
        outcome
            .sources
            .iter()
            .all(|(_, file)| file.is_std == file.path.starts_with("std/"))
    );
}
