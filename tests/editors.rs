//! Editors, the real ones.

use std::collections::BTreeMap;
use std::fs;

use meshc_tests::{editors, parts, repository};

use crate::golden::inputs;
use crate::tree_sitter::is_correct;

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

#[test]
fn snippets_are_correct_where_they_belong() {
    let path = repository::root().join("editors/vscode/snippets/mesh.json");
    let snippets: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&repository::read(&path).unwrap()).unwrap();
    assert!(!snippets.is_empty());
    for (name, snippet) in snippets {
        let body = &snippet["body"];
        let lines = body.as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
        let lines: Vec<_> = lines.iter().map(|line| line.as_str().unwrap()).collect();
        let text = filled(&lines.join("\n"));
        let belongs = [
            ("", ""),
            ("namespace shop {", "}"),
            ("namespace shop { workload web {", "} }"),
        ];
        let found = belongs
            .iter()
            .any(|(before, after)| is_correct(&format!("{before}\n{text}\n{after}\n")));
        assert!(found, "{name}:\n{text}");
    }
}

/// A snippet whose places are left as they come: `${1:text}` is its text, `${1|one,other|}` the first.
fn filled(snippet: &str) -> String {
    let text = snippet.replace("$0", "");
    let mut pieces = text.split("${");
    let mut filled = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (place, rest) = piece.split_once('}').unwrap();
        let default = place.trim_start_matches(|c: char| c.is_ascii_digit());
        let first = default.trim_matches('|').split(',').next().unwrap();
        filled += default.strip_prefix(':').unwrap_or(first);
        filled += rest;
    }
    filled
}
