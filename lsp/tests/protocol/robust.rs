//! What goes wrong on a wire: messages that are none, methods that are not there, clients that die.

use serde_json::{Value, json};

use crate::client::Client;

#[test]
fn a_message_that_is_none_is_answered_and_the_conversation_goes_on() {
    let mut client = Client::start(&[], json!({}));
    for bytes in [
        "Content-Length: 9\r\n\r\n{\"broken\"",
        "Content-Length: 2\r\n\r\n[]",
        "Content-Length: 4\r\n\r\n\u{fffd}\r",
        "Content-Length: nine\r\n\r\n",
        "Content-Type: text\r\n\r\n",
    ] {
        client.raw(bytes.as_bytes());
        client.open("web.mesh", "namespace shop { }\n");
        let symbols = client.of("textDocument/documentSymbol", "web.mesh", json!({}));
        assert_eq!(symbols[0]["name"], "shop", "after {bytes:?}");
    }
}

#[test]
fn an_unknown_method_is_an_error_and_an_unknown_notice_nothing() {
    let mut client = Client::start(&[], json!({}));
    client.notify("$/whatever", json!({}));
    client.notify("mesh/whatever", json!({}));
    let id = client.ask("mesh/whatever", json!({}));
    assert_eq!(client.answer(id)["error"]["code"], -32601);
    let id = client.ask("textDocument/hover", json!({ "textDocument": 7 }));
    assert_eq!(client.answer(id)["error"]["code"], -32602);
    assert_eq!(client.finish().code(), Some(0));
}

#[test]
fn nothing_is_answered_before_the_handshake_and_after_the_farewell() {
    let mut client = Client::spawn(&[]);
    let id = client.ask("textDocument/hover", json!({}));
    assert_eq!(client.answer(id)["error"]["code"], -32002);
    let mut client = Client::start(&[], json!({}));
    client.request("shutdown", Value::Null);
    let id = client.ask("textDocument/hover", json!({}));
    assert_eq!(client.answer(id)["error"]["code"], -32600);
}

#[test]
fn a_client_that_dies_takes_the_server_with_it() {
    assert_eq!(Client::start(&[], json!({})).hang_up().code(), Some(1));
    assert_eq!(Client::spawn(&[]).hang_up().code(), Some(1));
    let mut client = Client::start(&[], json!({}));
    client.raw(b"Content-Length: 100\r\n\r\n{");
    assert_eq!(client.hang_up().code(), Some(1));
}

#[test]
fn what_is_no_file_and_what_is_not_open_has_no_answer() {
    let mut client = Client::start(&[], json!({}));
    let document = json!({ "uri": "untitled:Untitled-1", "languageId": "mesh", "version": 1, "text": "mesh {}" });
    client.notify("textDocument/didOpen", json!({ "textDocument": document }));
    let params = json!({ "textDocument": { "uri": "untitled:Untitled-1" } });
    assert_eq!(client.request("textDocument/documentSymbol", params), Value::Null);
    assert_eq!(
        client.of("textDocument/foldingRange", "not-open.mesh", json!({})),
        Value::Null
    );
    let far = client.at("textDocument/hover", "not-open.mesh", (u32::MAX, u32::MAX), json!({}));
    assert_eq!(far, Value::Null);
    client.open("web.mesh", "mesh { }");
    let far = client.at("textDocument/hover", "web.mesh", (u32::MAX, u32::MAX), json!({}));
    assert_eq!(far, Value::Null);
}

#[test]
fn a_request_that_is_taken_back_is_not_answered() {
    let rules = (0..400).map(|number| format!("        allow sa a/b{} to GET /items/{number}/*\n", number % 97));
    let text = format!(
        "namespace shop {{\n    workload web {{\n        account web\n        ports 8080 http\n{}    }}\n}}\n",
        rules.collect::<String>()
    );
    let pulling = json!({ "textDocument": { "diagnostic": {} } });
    let mut client = Client::start(&[], pulling);
    client.open("web.mesh", &text);
    let params = json!({ "textDocument": { "uri": client.uri("web.mesh") } });
    let id = client.ask("textDocument/diagnostic", params.clone());
    client.notify("$/cancelRequest", json!({ "id": id }));
    assert_eq!(client.answer(id)["error"]["code"], -32800);
    // What was begun is of use to whoever asks next, and taking back what is long answered does nothing.
    assert_eq!(client.request("textDocument/diagnostic", params)["kind"], "full");
    client.notify("$/cancelRequest", json!({ "id": id }));
    assert_eq!(client.finish().code(), Some(0));
}
