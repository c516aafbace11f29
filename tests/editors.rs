//! Editors, the real ones.

use std::fs;
use std::path::Path;

use meshc_tests::{parts, repository};

use crate::golden::inputs;

/// A copy of the parts for editors, since building them leaves files there.
fn copy(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        repository::copy(
            &repository::root().join("editors").join(name),
            &folder.path().join(name),
        )
        .unwrap();
    }
    folder
}

#[test]
fn neovim_knows_the_language() {
    let Some(neovim) = parts::neovim().unwrap() else {
        return;
    };
    let editors = copy(&["neovim", "tree-sitter-mesh"]);
    let plugin = editors.path().join("neovim");
    let script = repository::root().join("tests/editors/neovim_text.lua");
    let mut args = vec![plugin.to_str().unwrap().to_owned()];
    // The first has all kinds of blocks.
    args.push("examples/shop/shop.mesh".to_owned());
    args.extend(
        inputs("examples", ".mesh", &[])
            .iter()
            .map(|path| repository::shown(path)),
    );
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    neovim
        .run(repository::root(), editors.path(), &script, &args)
        .unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn the_extension_for_vs_code_is_packaged() {
    let Some(node) = parts::node().unwrap() else {
        return;
    };
    let editors = copy(&["vscode"]);
    let package = package(node, editors.path());
    assert!(fs::metadata(package).unwrap().len() > 50_000);
}

/// The extension as a file that VS Code installs.
fn package(node: &parts::Node, editors: &Path) -> std::path::PathBuf {
    let folder = editors.join("vscode");
    node.install(&folder).unwrap_or_else(|error| panic!("{error:#}"));
    node.run(&folder, "package").unwrap_or_else(|error| panic!("{error:#}"));
    folder.join("meshc.vsix")
}
