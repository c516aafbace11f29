//! Editors, the real ones.

use std::fs;

use meshc_tests::{editors, parts, repository};

use crate::golden::inputs;

#[test]
fn neovim_knows_the_language() {
    let Some(neovim) = parts::neovim().unwrap() else {
        return;
    };
    let editors = editors::copy(&["neovim", "tree-sitter-mesh"]).unwrap();
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
    let editors = editors::copy(&["vscode"]).unwrap();
    let package = editors::package(node, editors.path()).unwrap_or_else(|error| panic!("{error:#}"));
    assert!(fs::metadata(package).unwrap().len() > 50_000);
}
