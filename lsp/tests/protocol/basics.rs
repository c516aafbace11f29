//! Beginning and end, texts as they change, findings, and what is read off a text alone.

use serde_json::{Value, json};

use crate::client::{Client, write};

const UTF8: &str = "utf-8";

fn speaking(encodings: &[&str]) -> Value {
    json!({ "general": { "positionEncodings": encodings } })
}

const WEB: &str = "\
namespace shop {
    workload web {
        select app=web account web
        ports 8080 http
        allow anyone to GET /
    }
}
";

#[test]
fn a_conversation_begins_and_ends() {
    let client = Client::start(&[("web.mesh", WEB)], json!({}));
    assert_eq!(client.capabilities["positionEncoding"], "utf-16");
    assert_eq!(client.finish().code(), Some(0));
}

#[test]
fn bytes_are_counted_where_the_client_can() {
    let client = Client::start(&[], speaking(&[UTF8, "utf-16"]));
    assert_eq!(client.capabilities["positionEncoding"], UTF8);
    let client = Client::start(&[], speaking(&["utf-32", "utf-16"]));
    assert_eq!(client.capabilities["positionEncoding"], "utf-16");
}

#[test]
fn the_whole_project_is_judged_as_check_does() {
    let mut client = Client::start(
        &[
            ("mesh.toml", "target = \"istio-1.31\"\n"),
            ("a/web.mesh", &WEB.replace("anyone", "nobody")),
            ("b.mesh", "namespace shop {\n    workload web { select app=b }\n}\n"),
        ],
        json!({}),
    );
    let [unknown] = client
        .wait_for_codes("a/web.mesh", &["unknown-name"])
        .try_into()
        .unwrap();
    assert_eq!(unknown["severity"], 1);
    assert_eq!(unknown["source"], "meshc");
    assert_eq!(
        unknown["range"],
        json!({ "start": { "line": 4, "character": 14 }, "end": { "line": 4, "character": 20 } })
    );
    let page = unknown["codeDescription"]["href"].as_str().unwrap();
    assert!(page.ends_with(".md"), "{page}");
    let [twice] = client.wait_for_codes("b.mesh", &["declared-twice"]).try_into().unwrap();
    let related = &twice["relatedInformation"][0]["location"];
    assert_eq!(related["uri"], client.uri("a/web.mesh"));
    assert_eq!(related["range"]["start"], json!({ "line": 1, "character": 13 }));
}

#[test]
fn unsaved_text_counts_and_closing_it_takes_that_back() {
    let files = [("mesh.toml", "target = \"istio-1.31\"\n"), ("web.mesh", WEB)];
    let mut client = Client::start(&files, json!({}));
    client.open("web.mesh", WEB);
    client.wait_for_codes("web.mesh", &[]);
    let word = json!({ "start": { "line": 4, "character": 14 }, "end": { "line": 4, "character": 20 } });
    client.change("web.mesh", 2, json!([{ "range": word, "text": "nobody" }]));
    client.wait_for_codes("web.mesh", &["unknown-name"]);
    let uri = client.uri("web.mesh");
    assert_eq!(client.diagnostics[&uri]["version"], 2);
    // Two changes in one message: the second one's places are those that the first one leaves.
    let start = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
    let moved = json!({ "start": { "line": 5, "character": 14 }, "end": { "line": 5, "character": 20 } });
    let changes = json!([{ "range": start, "text": "# 𝕏\r\n" }, { "range": moved, "text": "outsider" }]);
    client.change("web.mesh", 3, changes);
    client.wait_for_codes("web.mesh", &[]);
    client.change("web.mesh", 4, json!([{ "text": "namespace" }]));
    client.wait_for("web.mesh", "a finding", |list| !list.is_empty());
    client.close("web.mesh");
    client.wait_for_codes("web.mesh", &[]);
}

#[test]
fn nothing_stays_of_a_file_that_is_gone() {
    let broken = WEB.replace("anyone", "nobody");
    let files = [
        ("mesh.toml", "target = \"istio-1.31\"\n"),
        ("web.mesh", &broken),
        ("z.mesh", ""),
    ];
    let mut client = Client::start(&files, json!({}));
    client.wait_for_codes("web.mesh", &["unknown-name"]);
    std::fs::rename(client.path("web.mesh"), client.path("shop.mesh")).unwrap();
    let changes = json!([{ "uri": client.uri("web.mesh"), "type": 3 }, { "uri": client.uri("shop.mesh"), "type": 1 }]);
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    client.wait_for_codes("web.mesh", &[]);
    client.wait_for_codes("shop.mesh", &["unknown-name"]);
    std::fs::remove_file(client.path("shop.mesh")).unwrap();
    let changes = json!([{ "uri": client.uri("shop.mesh"), "type": 3 }]);
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    client.wait_for_codes("shop.mesh", &[]);
}

#[test]
fn files_are_watched_where_the_client_can() {
    let able = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let mut client = Client::start(&[("web.mesh", &WEB.replace("anyone", "nobody"))], able);
    client.wait_for("web.mesh", "a finding", |list| !list.is_empty());
    client.request("shutdown", Value::Null);
    let watched = client.asked.iter().any(|message| {
        message["method"] == "client/registerCapability"
            && message["params"]["registrations"][0]["method"] == "workspace/didChangeWatchedFiles"
    });
    assert!(watched, "{:?}", client.asked);
}

#[test]
fn reading_the_projects_is_work_that_shows() {
    let able = json!({ "window": { "workDoneProgress": true } });
    let mut client = Client::start(&[("web.mesh", "namespace {")], able);
    client.wait_for("web.mesh", "a finding", |list| !list.is_empty());
    let progress = client.asked.iter().filter(|asked| asked["method"] == "$/progress");
    let kinds: Vec<_> = progress
        .map(|asked| asked["params"]["value"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["begin", "end"]);
}

#[test]
fn folders_come_and_go() {
    let mut client = Client::start(&[], json!({}));
    let broken = WEB.replace("anyone", "nobody");
    write(&client.folder.path().join("other/web.mesh"), &broken);
    let other = client.uri("../other");
    let folder = json!([{ "uri": other.replace("/project/..", ""), "name": "other" }]);
    let change = json!({ "event": { "added": folder, "removed": [] } });
    client.notify("workspace/didChangeWorkspaceFolders", change);
    let uri = client.uri("../other/web.mesh").replace("/project/..", "");
    client.wait_for_uri(&uri, "a finding", |list| !list.is_empty());
    let change = json!({ "event": { "added": [], "removed": folder } });
    client.notify("workspace/didChangeWorkspaceFolders", change);
    client.wait_for_uri(&uri, "nothing", <[Value]>::is_empty);
}

#[test]
fn a_text_is_brought_into_style_where_it_differs() {
    let text = "namespace   shop {\n  # 😀 stays\n  workload web { account web\n ports 8080 http }\n}";
    for (encoding, file) in [("utf-8", text.to_owned()), ("utf-16", text.replace('\n', "\r\n"))] {
        let mut client = Client::start(&[], speaking(&[encoding]));
        client.open("web.mesh", &file);
        let options = json!({ "options": { "tabSize": 4, "insertSpaces": true } });
        let edits = client.of("textDocument/formatting", "web.mesh", options);
        let edits = edits.as_array().unwrap();
        assert!(edits.len() > 1, "one edit of everything loses the cursor: {edits:?}");
        let formatted = apply(&file, edits, encoding);
        let expected = "namespace shop {\n    # 😀 stays\n    workload web {\n        account web\n        ports 8080 http\n    }\n}\n";
        assert_eq!(formatted, expected);
    }
}

/// The text after edits, as an editor would apply them.
pub(crate) fn apply(text: &str, edits: &[Value], encoding: &str) -> String {
    let offset = |at: &Value| {
        let line = usize::try_from(at["line"].as_u64().unwrap()).unwrap();
        let column = usize::try_from(at["character"].as_u64().unwrap()).unwrap();
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let mut units = 0;
        for (at, c) in text[start..].char_indices() {
            if units >= column {
                return start + at;
            }
            units += if encoding == UTF8 { c.len_utf8() } else { c.len_utf16() };
        }
        text.len()
    };
    let mut edits: Vec<_> = edits
        .iter()
        .map(|e| {
            (
                offset(&e["range"]["start"])..offset(&e["range"]["end"]),
                e["newText"].as_str().unwrap(),
            )
        })
        .collect();
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = text.to_owned();
    for (range, new) in edits.into_iter().rev() {
        out.replace_range(range, new);
    }
    out
}

#[test]
fn a_text_with_errors_is_not_formatted() {
    let mut client = Client::start(&[], json!({}));
    client.open("web.mesh", "namespace {");
    let options = json!({ "options": { "tabSize": 4, "insertSpaces": true } });
    assert_eq!(client.of("textDocument/formatting", "web.mesh", options), Value::Null);
}

#[test]
fn a_text_has_an_outline() {
    let nested = json!({ "textDocument": { "documentSymbol": { "hierarchicalDocumentSymbolSupport": true } } });
    let mut client = Client::start(&[], nested);
    client.open("web.mesh", WEB);
    let symbols = client.of("textDocument/documentSymbol", "web.mesh", json!({}));
    let workload = &symbols[0]["children"][0];
    assert_eq!(
        (&symbols[0]["name"], &workload["name"]),
        (&json!("shop"), &json!("web"))
    );
    assert_eq!(workload["children"][0]["name"], "allow anyone to GET /");
    assert_eq!(
        workload["selectionRange"]["start"],
        json!({ "line": 1, "character": 13 })
    );

    let mut client = Client::start(&[], json!({}));
    client.open("web.mesh", WEB);
    let symbols = client.of("textDocument/documentSymbol", "web.mesh", json!({}));
    assert_eq!(symbols[1]["containerName"], "shop");
}

#[test]
fn blocks_comments_and_imports_fold() {
    let mut client = Client::start(&[], json!({}));
    let text = format!("use std/http (health)\nuse std/grpc (grpc-health)\n\n# One\n# and two.\n{WEB}");
    client.open("web.mesh", &text);
    let folds = client.of("textDocument/foldingRange", "web.mesh", json!({}));
    let lines: Vec<_> = folds
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["startLine"].as_u64(), f["endLine"].as_u64()))
        .collect();
    let expected = [(0, 1), (3, 4), (5, 10), (6, 9)].map(|(start, end)| (Some(start), Some(end)));
    assert_eq!(lines, expected);
    assert_eq!(
        (&folds[0]["kind"], &folds[1]["kind"]),
        (&json!("imports"), &json!("comment"))
    );
}
