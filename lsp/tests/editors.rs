//! The server in the editors that people have.

use meshc_tests::{editors, parts, repository};

const SERVER: &str = env!("CARGO_BIN_EXE_meshc-lsp");

#[test]
fn neovim() {
    let Some(neovim) = parts::neovim().unwrap() else {
        return;
    };
    let plugin = editors::copy(&["neovim"]).unwrap();
    let project = editors::project().unwrap();
    let script = repository::root().join("tests/editors/neovim_server.lua");
    let plugin = plugin.path().join("neovim");
    let project = project.path().join("shop");
    let args = [plugin.to_str().unwrap(), SERVER, project.to_str().unwrap()];
    let state = tempfile::tempdir().unwrap();
    neovim
        .run(&project, state.path(), &script, &args)
        .unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn vs_code() {
    let (Some(node), Some(code_server), Some(browser)) = (
        parts::node().unwrap(),
        parts::code_server().unwrap(),
        parts::browser().unwrap(),
    ) else {
        return;
    };
    let copy = editors::copy(&["vscode"]).unwrap();
    let extension = editors::package(node, copy.path()).unwrap_or_else(|error| panic!("{error:#}"));
    let project = editors::project().unwrap();
    let data = tempfile::tempdir().unwrap();
    // The script sees to it that there is one.
    let window = code_server
        .start(
            data.path(),
            &extension,
            r#"{ "meshc.server.path": "/nowhere/meshc-lsp" }"#,
        )
        .unwrap_or_else(|error| panic!("{error:#}"));
    let pictures = parts::pictures().unwrap();
    let script = repository::root().join("tests/editors/vscode.mjs");
    let project = project.path().join("shop");
    let paths = [project.as_path(), &pictures, &window.data].map(|path| path.to_str().unwrap());
    let args = [window.address.as_str(), paths[0], paths[1], paths[2], SERVER];
    browser.run(&script, &args).unwrap_or_else(|error| panic!("{error:#}"));
}
