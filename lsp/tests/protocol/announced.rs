//! Nothing is announced that is not tried here.

use serde_json::{Value, json};

use crate::client::Client;

/// What can be announced, and the messages by which it is used.
const USED_BY: &[(&str, &[&str])] = &[
    ("positionEncoding", &["positionEncoding"]),
    ("textDocumentSync", &["client.open", "client.change", "client.close"]),
    ("workspace", &["workspace/didChangeWorkspaceFolders"]),
    ("documentFormattingProvider", &["textDocument/formatting"]),
    ("documentRangeFormattingProvider", &["textDocument/rangeFormatting"]),
    ("documentOnTypeFormattingProvider", &["textDocument/onTypeFormatting"]),
    ("documentSymbolProvider", &["textDocument/documentSymbol"]),
    ("workspaceSymbolProvider", &["workspace/symbol"]),
    ("foldingRangeProvider", &["textDocument/foldingRange"]),
    ("selectionRangeProvider", &["textDocument/selectionRange"]),
    ("documentLinkProvider", &["textDocument/documentLink"]),
    ("hoverProvider", &["textDocument/hover"]),
    ("signatureHelpProvider", &["textDocument/signatureHelp"]),
    (
        "completionProvider",
        &["textDocument/completion", "completionItem/resolve"],
    ),
    ("definitionProvider", &["textDocument/definition"]),
    ("referencesProvider", &["textDocument/references"]),
    ("documentHighlightProvider", &["textDocument/documentHighlight"]),
    ("renameProvider", &["textDocument/rename", "textDocument/prepareRename"]),
    ("codeActionProvider", &["textDocument/codeAction"]),
    (
        "semanticTokensProvider",
        &[
            "textDocument/semanticTokens/full",
            "textDocument/semanticTokens/full/delta",
            "textDocument/semanticTokens/range",
        ],
    ),
    ("inlayHintProvider", &["textDocument/inlayHint"]),
    ("codeLensProvider", &["textDocument/codeLens"]),
    ("executeCommandProvider", &["workspace/executeCommand"]),
    ("diagnosticProvider", &["textDocument/diagnostic"]),
];

/// The conversations.
const TRIED: [&str; 5] = [
    include_str!("basics.rs"),
    include_str!("names.rs"),
    include_str!("reading.rs"),
    include_str!("robust.rs"),
    include_str!("writing.rs"),
];

#[test]
fn everything_that_is_announced_is_tried() {
    // A client that can do all, and one that asks for findings.
    let able = json!({
        "window": { "showDocument": { "support": true }, "workDoneProgress": true },
        "textDocument": { "diagnostic": {} },
    });
    let announced = Client::start(&[], able).capabilities.clone();
    for (name, capability) in announced.as_object().unwrap() {
        if *capability == Value::Null {
            continue;
        }
        let used = USED_BY.iter().find(|(known, _)| known == name);
        let (_, words) = used.unwrap_or_else(|| panic!("`{name}` is announced and in no table"));
        for word in *words {
            assert!(TRIED.iter().any(|text| text.contains(word)), "`{word}` is never tried");
        }
    }
    for command in announced["executeCommandProvider"]["commands"].as_array().unwrap() {
        let command = command.as_str().unwrap();
        // Some are given by the lens that offers them.
        let offered = ["meshc.showEmitted", "meshc.runTest"].contains(&command);
        assert!(offered || TRIED.iter().any(|text| text.contains(command)), "{command}");
    }
}
