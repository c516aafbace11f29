//! Pages that meshc writes, in a real browser.

use std::fs;

use meshc_tests::{command, parts, repository};

#[test]
fn the_page_of_a_graph_can_be_searched_moved_and_clicked() {
    let Some(browser) = parts::browser().unwrap() else {
        return;
    };
    let root = repository::root();
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("graph.html");
    let ran = command::run(root, ["graph", "examples/shop", "--format", "html"], "").clean();
    fs::write(&page, ran.out).unwrap();
    let picture = parts::pictures().unwrap().join("graph.png");
    let script = root.join("tests/browser/graph.mjs");
    let arguments = [page.to_str().unwrap(), picture.to_str().unwrap()];
    browser
        .run(&script, &arguments)
        .unwrap_or_else(|error| panic!("{error:#}"));
}
