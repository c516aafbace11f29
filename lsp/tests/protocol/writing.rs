//! What helps to write: completions, arguments, new names, repairs.

use serde_json::{Value, json};

use crate::basics::apply;
use crate::client::Client;

const MESH: &str = "target = \"istio-1.31\"\n";

const WEB: &str = "\
identity staff = ns shop

template seen(identity by, path = /) {
    allow by to GET path ${path}
}

namespace shop {
    workload web {
        select app=web account web
        ports 8080 http
        
    }
}
";

fn able() -> Value {
    json!({
        "textDocument": {
            "completion": { "completionItem": { "snippetSupport": true } },
            "publishDiagnostics": {},
        },
    })
}

fn project(web: &str) -> Client {
    let mut client = Client::start(&[("mesh.toml", MESH), ("web.mesh", web)], able());
    client.open("web.mesh", web);
    client
}

/// What is offered behind a line of the workload.
#[track_caller]
fn offered(line: &str) -> (Client, Vec<Value>) {
    let text = WEB.replace("        \n", &format!("        {line}\n"));
    let mut client = project(&text);
    let column = u32::try_from(8 + line.len()).unwrap();
    let items = client.at("textDocument/completion", "web.mesh", (10, column), json!({}));
    (client, items.as_array().unwrap().clone())
}

#[track_caller]
fn check_offered(line: &str, wanted: &[&str], unwanted: &[&str]) {
    let (_, items) = offered(line);
    let labels: Vec<&str> = items.iter().map(|item| item["label"].as_str().unwrap()).collect();
    for label in wanted {
        assert!(labels.contains(label), "{label} behind `{line}`: {labels:?}");
    }
    for label in unwanted {
        assert!(!labels.contains(label), "{label} behind `{line}`: {labels:?}");
    }
}

#[test]
fn what_the_grammar_takes_is_offered() {
    check_offered(
        "",
        &["allow", "allow … to …", "mtls", "service"],
        &["namespace", "root", "to"],
    );
    check_offered("al", &["allow"], &[]);
    check_offered(
        "allow ",
        &["anyone", "sa", "staff", "web", "outsider"],
        &["to", "GET", "read"],
    );
    check_offered("allow anyone ", &["to", "or", "except"], &["anyone", "staff"]);
    check_offered(
        "allow anyone to ",
        &["GET", "port", "any", "read"],
        &["staff", "anyone"],
    );
    check_offered("allow anyone to any ", &["when", "as", "deny"], &["anyone"]);
    check_offered("mtls ", &["strict", "permissive"], &["allow", "web"]);
    check_offered("allow ns ", &["shop"], &["staff"]);
    check_offered("allow sa ", &["shop/web"], &["staff"]);
    check_offered("allow anyone to port ", &["8080"], &["http"]);
    check_offered("dataplane ", &["ambient"], &["strict"]);
    check_offered("apply ", &["seen"], &["staff", "anyone"]);
    check_offered("apply seen(", &["by:", "path:"], &["anyone"]);
    check_offered("# allow ", &[], &["anyone", "staff"]);
}

#[test]
fn a_completion_takes_the_place_of_the_word_and_says_more_when_asked() {
    let (mut client, items) = offered("allow sta");
    let staff = items.iter().find(|item| item["label"] == "staff").unwrap().clone();
    assert_eq!(
        staff["textEdit"]["range"]["start"],
        json!({ "line": 10, "character": 14 })
    );
    assert_eq!(
        staff["textEdit"]["range"]["end"],
        json!({ "line": 10, "character": 17 })
    );
    assert_eq!(staff["documentation"], Value::Null);
    let whole = client.request("completionItem/resolve", staff);
    let text = whole["documentation"]["value"].as_str().unwrap();
    assert!(text.contains("identity staff = ns shop"), "{text}");
}

/// `health` is offered by two files.
fn of_http(items: &[Value]) -> &Value {
    let mut items = items.iter();
    items
        .find(|item| item["label"] == "health" && item["detail"] == "std/http")
        .unwrap()
}

#[test]
fn what_the_standard_library_has_comes_with_its_use() {
    let (mut client, items) = offered("allow anyone to he");
    let health = of_http(&items).clone();
    let also = &health["additionalTextEdits"][0];
    assert_eq!(also["newText"], "use std/http (health)\n\n");
    let whole = client.request("completionItem/resolve", health);
    assert!(
        whole["documentation"]["value"]
            .as_str()
            .unwrap()
            .contains("Health checks")
    );
    // A `use` that is there gets the name.
    client.open(
        "b.mesh",
        "use std/http (read)\nnamespace b { workload c { select app=c\nallow anyone to  } }\n",
    );
    let items = client.at("textDocument/completion", "b.mesh", (2, 16), json!({}));
    let items = items.as_array().unwrap();
    assert!(
        items
            .iter()
            .any(|item| item["label"] == "read" && item.get("additionalTextEdits").is_none())
    );
    let health = of_http(items);
    assert_eq!(health["additionalTextEdits"][0]["newText"], ", health");
    client.open("c.mesh", "use std/http (");
    let items = client.at("textDocument/completion", "c.mesh", (0, 14), json!({}));
    assert!(items.as_array().unwrap().iter().any(|item| item["label"] == "health"));
}

#[test]
fn snippets_are_for_clients_that_know_them() {
    let mut client = Client::start(&[], json!({}));
    client.open("web.mesh", "");
    let items = client.at("textDocument/completion", "web.mesh", (0, 0), json!({}));
    let items = items.as_array().unwrap();
    assert!(!items.is_empty() && items.iter().all(|item| item.get("insertTextFormat").is_none()));
}

#[test]
fn arguments_show_their_parameters() {
    let text = WEB.replace("        \n", "        apply seen(by: staff, path: /x)\n");
    let mut client = project(&text);
    let mut help = |column| client.at("textDocument/signatureHelp", "web.mesh", (10, column), json!({}));
    let first = help(19);
    assert_eq!(first["signatures"][0]["label"], "seen(identity by, path = /)");
    assert_eq!(first["activeParameter"], 0);
    assert_eq!(help(31)["activeParameter"], 1);
    assert_eq!(help(37)["activeParameter"], 1);
    assert_eq!(help(4), Value::Null);
}

#[test]
fn a_name_is_changed_in_every_file() {
    let text = WEB.replace("        \n", "        allow staff to any\n");
    let other =
        "never staff to any at shop/web\ntest \"t\" at shop/web {\n    shop/web to GET / port 8080 expect 403\n}\n";
    let mut client = Client::start(&[("mesh.toml", MESH), ("web.mesh", &text), ("z.mesh", other)], able());
    client.open("web.mesh", &text);
    let range = client.at("textDocument/prepareRename", "web.mesh", (10, 16), json!({}));
    assert_eq!(range["start"], json!({ "line": 10, "character": 14 }));
    let edit = client.at(
        "textDocument/rename",
        "web.mesh",
        (10, 16),
        json!({ "newName": "team" }),
    );
    let changed = |client: &Client, edit: &Value, name: &str, text: &str| {
        let edits = edit["changes"][client.uri(name)].as_array().unwrap().clone();
        apply(text, &edits, "utf-16")
    };
    assert_eq!(
        changed(&client, &edit, "web.mesh", &text),
        text.replace("staff", "team")
    );
    assert_eq!(changed(&client, &edit, "z.mesh", other), other.replace("staff", "team"));
    // A namespace, where it is opened and wherever it is written before a name.
    let edit = client.at(
        "textDocument/rename",
        "web.mesh",
        (6, 12),
        json!({ "newName": "store" }),
    );
    assert_eq!(
        changed(&client, &edit, "web.mesh", &text),
        text.replace("shop", "store")
    );
    assert_eq!(changed(&client, &edit, "z.mesh", other), other.replace("shop", "store"));
}

#[test]
fn a_name_that_cannot_be_is_refused_with_a_reason() {
    let text = format!(
        "use std/http (health)\n{}",
        WEB.replace("        \n", "        allow staff to health\n")
    );
    let mut client = project(&text);
    let mut refused = |method: &str, at: (u32, u32), name: &str| {
        let id = client.ask(
            method,
            json!({
                "textDocument": { "uri": client.uri("web.mesh") },
                "position": { "line": at.0, "character": at.1 },
                "newName": name,
            }),
        );
        client.answer(id)["error"]["message"].as_str().unwrap().to_owned()
    };
    let rename = "textDocument/rename";
    assert!(refused(rename, (11, 16), "Team").contains("lower-case"));
    assert!(refused(rename, (11, 16), "any").contains("word of the language"));
    assert!(refused(rename, (11, 16), "web").contains("declared already"));
    assert!(refused(rename, (11, 25), "ok").contains("standard library"));
    assert!(refused("textDocument/prepareRename", (11, 9), "").contains("no name here"));
}

#[test]
fn findings_are_repaired() {
    let text = WEB.replace("        \n", "        alow anyone to any\n");
    let mut client = project(&text);
    let [finding] = client
        .wait_for("web.mesh", "a finding", |list| list.len() == 1)
        .try_into()
        .unwrap();
    let more = json!({ "range": finding["range"], "context": { "diagnostics": [finding] } });
    let actions = client.of("textDocument/codeAction", "web.mesh", more);
    let fix = actions
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["kind"] == "quickfix")
        .unwrap();
    let edits = fix["edit"]["changes"][client.uri("web.mesh")].as_array().unwrap();
    assert_eq!(apply(&text, edits, "utf-16"), text.replace("alow", "allow"), "{fix}");
    assert_eq!(fix["diagnostics"][0]["code"], finding["code"]);
    // All that can be repaired safely, when a text is saved.
    let everything = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
    let more = json!({ "range": everything, "context": { "diagnostics": [], "only": ["source.fixAll"] } });
    let actions = client.of("textDocument/codeAction", "web.mesh", more);
    for action in actions.as_array().unwrap() {
        assert_eq!(action["kind"], "source.fixAll.meshc");
    }
}

#[test]
fn a_finding_is_accepted_with_a_reason() {
    let text = WEB.replace("        \n", "        deny ns a & ns b to any\n");
    let mut client = project(&text);
    let list = client.wait_for("web.mesh", "a warning", |list| list.iter().any(|d| d["severity"] != 1));
    let warning = list.iter().find(|d| d["severity"] != 1).unwrap();
    let more = json!({ "range": warning["range"], "context": { "diagnostics": [] } });
    let actions = client.of("textDocument/codeAction", "web.mesh", more);
    let title = format!("Accept `{}` here, with a reason", warning["code"].as_str().unwrap());
    let accept = actions
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["title"] == title.as_str())
        .unwrap();
    let edits = accept["edit"]["changes"][client.uri("web.mesh")].as_array().unwrap();
    let accepted = apply(&text, edits, "utf-16");
    client.change("web.mesh", 2, json!([{ "text": accepted }]));
    client.wait_for("web.mesh", "no such warning", |list| {
        list.iter().all(|d| d["code"] != warning["code"])
    });
}

#[test]
fn a_piece_of_a_rule_gets_a_name() {
    let text = "namespace shop {\n    workload web { select app=web deny ns a to any }\n}\n";
    let mut client = project(text);
    let cursor = json!({ "line": 1, "character": 41 });
    let more = json!({
        "range": { "start": cursor, "end": cursor },
        "context": { "diagnostics": [], "only": ["refactor"] },
    });
    let actions = client.of("textDocument/codeAction", "web.mesh", more);
    assert_eq!(actions[0]["kind"], "refactor.extract", "{actions}");
    let edits = actions[0]["edit"]["changes"][client.uri("web.mesh")]
        .as_array()
        .unwrap();
    assert_eq!(
        apply(text, edits, "utf-16"),
        "namespace shop {\n    identity callers = ns a\n\n    workload web { select app=web deny callers to any }\n}\n"
    );
}

#[test]
fn a_part_is_formatted_and_a_block_when_it_is_closed() {
    let text = "identity   a = ns b\nnamespace   shop {\n  workload web {   }\n}\n";
    let mut client = Client::start(&[], json!({}));
    client.open("web.mesh", text);
    let options = json!({ "tabSize": 4, "insertSpaces": true });
    let line = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 19 } });
    let more = json!({ "range": line, "options": options });
    let edits = client.of("textDocument/rangeFormatting", "web.mesh", more);
    assert_eq!(
        apply(text, edits.as_array().unwrap(), "utf-16"),
        text.replace("identity   a", "identity a")
    );
    let more = json!({ "ch": "}", "options": options });
    let edits = client.at("textDocument/onTypeFormatting", "web.mesh", (2, 20), more);
    let formatted = apply(text, edits.as_array().unwrap(), "utf-16");
    assert!(formatted.contains("\n    workload web {"), "{formatted}");
    assert!(formatted.contains("identity   a"), "{formatted}");
}
