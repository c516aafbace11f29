//! What helps to read: colours, hints, lenses, links, selections, symbols, and findings for those who ask.

use serde_json::{Value, json};

use crate::client::Client;

const MESH: &str = "target = \"istio-1.31\"\n";

const WEB: &str = "\
use std/http (health)

mesh { mtls strict }

namespace shop {
    default deny
    workload web {
        select app=web account web
        ports 8080 http
        allow ns shop to health
    }
}
";

fn project(capabilities: Value) -> Client {
    let mut client = Client::start(&[("mesh.toml", MESH), ("web.mesh", WEB)], capabilities);
    client.open("web.mesh", WEB);
    client
}

/// Line, column, length, kind and modifiers of each token.
fn tokens(data: &Value) -> Vec<[u64; 5]> {
    let numbers: Vec<u64> = data.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    let (mut line, mut column) = (0, 0);
    let tokens = numbers.chunks(5).map(|token| {
        column = if token[0] == 0 { column + token[1] } else { token[1] };
        line += token[0];
        [line, column, token[2], token[3], token[4]]
    });
    tokens.collect()
}

#[test]
fn names_have_the_colour_of_what_they_are() {
    let mut client = project(json!({}));
    let legend = client.capabilities["semanticTokensProvider"]["legend"].clone();
    let kind = |name: &str| {
        let kinds = legend["tokenTypes"].as_array().unwrap();
        kinds.iter().position(|kind| kind == name).unwrap() as u64
    };
    let whole = client.of("textDocument/semanticTokens/full", "web.mesh", json!({}));
    let all = tokens(&whole["data"]);
    assert!(all.contains(&[4, 0, 9, kind("keyword"), 0]), "{all:?}");
    assert!(all.contains(&[4, 10, 4, kind("namespace"), 1]), "{all:?}");
    assert!(all.contains(&[6, 13, 3, kind("class"), 1]), "{all:?}");
    assert!(all.contains(&[9, 17, 4, kind("namespace"), 0]), "{all:?}");
    assert!(all.contains(&[9, 25, 6, kind("method"), 2]), "{all:?}");

    let line = json!({ "start": { "line": 9, "character": 0 }, "end": { "line": 10, "character": 0 } });
    let part = client.of(
        "textDocument/semanticTokens/range",
        "web.mesh",
        json!({ "range": line }),
    );
    let expected: Vec<_> = all.iter().filter(|token| token[0] == 9).copied().collect();
    assert_eq!(tokens(&part["data"]), expected);

    // What changed since: nothing, and then a comment.
    let before = json!({ "previousResultId": whole["resultId"] });
    let delta = client.of("textDocument/semanticTokens/full/delta", "web.mesh", before);
    assert_eq!(delta["edits"], json!([]));
    let end = json!({ "start": { "line": 10, "character": 5 }, "end": { "line": 10, "character": 5 } });
    client.change("web.mesh", 2, json!([{ "range": end, "text": " # 😀" }]));
    let before = json!({ "previousResultId": delta["resultId"] });
    let delta = client.of("textDocument/semanticTokens/full/delta", "web.mesh", before);
    let mut numbers = whole["data"].as_array().unwrap().clone();
    for edit in delta["edits"].as_array().unwrap() {
        let start = usize::try_from(edit["start"].as_u64().unwrap()).unwrap();
        let count = usize::try_from(edit["deleteCount"].as_u64().unwrap()).unwrap();
        numbers.splice(start..start + count, edit["data"].as_array().unwrap().iter().cloned());
    }
    let fresh = client.of("textDocument/semanticTokens/full", "web.mesh", json!({}));
    assert_eq!(Value::Array(numbers), fresh["data"]);
    let stale = json!({ "previousResultId": "nobody's" });
    let again = client.of("textDocument/semanticTokens/full/delta", "web.mesh", stale);
    assert_eq!(again["data"], fresh["data"]);
}

#[test]
fn a_workload_says_what_is_in_force() {
    let mut client = project(json!({}));
    let all = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 20, "character": 0 } });
    let hints = client.of("textDocument/inlayHint", "web.mesh", json!({ "range": all }));
    assert_eq!(hints[0]["position"], json!({ "line": 6, "character": 16 }));
    assert_eq!(hints[0]["label"], "mtls strict by the mesh, otherwise denied");
    assert_eq!(
        hints[0]["tooltip"],
        "mutual TLS strict, set by the mesh (web.mesh:3); requests are otherwise denied"
    );
    let hover = client.at("textDocument/hover", "web.mesh", (6, 14), json!({}));
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("In force: mutual TLS strict, set by the mesh"), "{text}");
    let nothing = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 1, "character": 0 } });
    let hints = client.of("textDocument/inlayHint", "web.mesh", json!({ "range": nothing }));
    assert_eq!(hints, json!([]));
}

#[test]
fn blocks_show_what_they_emit() {
    let mut client = project(json!({ "window": { "showDocument": { "support": true } } }));
    let lenses = client.of("textDocument/codeLens", "web.mesh", json!({}));
    let titles: Vec<_> = lenses
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["command"]["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["emits 1 object · show", "emits 1 object · show"]);
    let command = lenses[1]["command"].clone();
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    let answer = client.request("workspace/executeCommand", params);
    assert!(
        answer["yaml"].as_str().unwrap().contains("kind: AuthorizationPolicy"),
        "{answer}"
    );
    let shown = client
        .asked
        .iter()
        .find(|asked| asked["method"] == "window/showDocument")
        .unwrap();
    let path = shown["params"]["uri"]
        .as_str()
        .unwrap()
        .strip_prefix("file://")
        .unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), answer["yaml"].as_str().unwrap());
}

#[test]
fn a_test_is_run_where_it_stands() {
    let text = format!(
        "{WEB}test \"health\" at shop/web {{\n    sa shop/a to GET /healthz expect 200\n    sa b/b to GET /healthz expect 200\n}}\n"
    );
    let mut client = Client::start(&[("mesh.toml", MESH), ("web.mesh", &text)], json!({}));
    client.open("web.mesh", &text);
    let lenses = client.of("textDocument/codeLens", "web.mesh", json!({}));
    assert_eq!(lenses[0]["command"]["title"], "run test");
    assert_eq!(
        lenses[0]["range"]["start"],
        json!({ "line": 12, "character": 0 }),
        "{lenses}"
    );
    let command = lenses[0]["command"].clone();
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    let run = client.request("workspace/executeCommand", params.clone());
    assert_eq!((&run["name"], &run["passed"]), (&json!("health"), &json!(false)));
    let passed: Vec<_> = run["lines"].as_array().unwrap().iter().map(|l| &l["passed"]).collect();
    assert_eq!(passed, [&json!(true), &json!(false)]);
    assert_eq!(run["lines"][1]["range"]["start"], json!({ "line": 14, "character": 4 }));
    let why = run["lines"][1]["message"].as_str().unwrap();
    assert!(why.starts_with("expected 200, got 403\n"), "{why}");
    let told = |client: &mut Client, kind: u32| {
        let told = client.wait_for_message("window/showMessage", |params| params["type"] == kind);
        told["message"].as_str().unwrap().to_owned()
    };
    let message = told(&mut client, 2);
    assert!(
        message.starts_with("`health`: 1 of 2 lines failed; the first one: expected 200, got 403; "),
        "{message}"
    );
    client.change("web.mesh", 2, json!([{ "text": text.replace("sa b/b", "sa shop/b") }]));
    let run = client.request("workspace/executeCommand", params.clone());
    assert_eq!(run["passed"], true);
    assert_eq!(told(&mut client, 3), "`health`: 2 lines as expected");
    client.change(
        "web.mesh",
        3,
        json!([{ "text": text.replace("ns shop to", "nobody to") }]),
    );
    let run = client.request("workspace/executeCommand", params);
    assert_eq!(run["problem"], "the test cannot be run: the project has an error");
}

#[test]
fn the_yaml_of_a_place_is_an_answer() {
    let mut client = project(json!({}));
    let lenses = client.of("textDocument/codeLens", "web.mesh", json!({}));
    assert_eq!(lenses, json!([]), "a client that shows no files has nothing to press");
    let ask = |client: &mut Client, line: u32| {
        let arguments = json!([client.uri("web.mesh"), { "line": line, "character": 4 }]);
        client.request(
            "workspace/executeCommand",
            json!({ "command": "meshc.emittedYaml", "arguments": arguments }),
        )
    };
    let rule = ask(&mut client, 9);
    assert!(rule["yaml"].as_str().unwrap().contains("action: ALLOW"), "{rule}");
    let file = ask(&mut client, 1);
    assert!(
        file["yaml"].as_str().unwrap().contains("kind: PeerAuthentication"),
        "{file}"
    );
    client.change("web.mesh", 2, json!([{ "text": "namespace" }]));
    let broken = ask(&mut client, 0);
    assert_eq!((&broken["yaml"], broken["problem"].is_string()), (&json!(""), true));
    let id = client.ask(
        "workspace/executeCommand",
        json!({ "command": "meshc.nothing", "arguments": [] }),
    );
    assert_eq!(client.answer(id)["error"]["code"], -32602);
}

#[test]
fn a_use_leads_to_its_file() {
    let mut client = project(json!({}));
    let links = client.of("textDocument/documentLink", "web.mesh", json!({}));
    assert_eq!(links[0]["range"]["start"], json!({ "line": 0, "character": 4 }));
    assert!(
        links[0]["target"].as_str().unwrap().ends_with("std/http.mesh"),
        "{links}"
    );
}

#[test]
fn a_selection_grows() {
    let mut client = project(json!({}));
    let positions = json!({ "positions": [{ "line": 9, "character": 27 }] });
    let chain = client.of("textDocument/selectionRange", "web.mesh", positions);
    let mut at = &chain[0];
    let mut starts = Vec::new();
    while at.is_object() {
        let start = &at["range"]["start"];
        starts.push((start["line"].as_u64().unwrap(), start["character"].as_u64().unwrap()));
        at = &at["parent"];
    }
    assert_eq!(
        starts,
        [
            (9, 25),
            (9, 8),
            (6, 18),
            (6, 17),
            (6, 4),
            (4, 16),
            (4, 15),
            (4, 0),
            (0, 0)
        ]
    );
}

#[test]
fn declarations_are_found_by_their_letters() {
    let mut client = project(json!({}));
    client.wait_for_codes("web.mesh", &[]);
    let found = client.request("workspace/symbol", json!({ "query": "shwb" }));
    assert_eq!(found[0]["name"], "web");
    assert_eq!(found[0]["containerName"], "shop");
    assert_eq!(
        found[0]["location"]["range"]["start"],
        json!({ "line": 6, "character": 13 })
    );
    let none = client.request("workspace/symbol", json!({ "query": "nobody" }));
    assert_eq!(none, json!([]));
}

#[test]
fn findings_are_given_to_clients_that_ask_for_them() {
    let pulling = json!({ "textDocument": { "diagnostic": {} } });
    let mut client = Client::start(&[("mesh.toml", MESH)], pulling);
    assert_eq!(client.capabilities["diagnosticProvider"]["interFileDependencies"], true);
    client.open("web.mesh", &WEB.replace("ns shop", "nobody"));
    let report = client.of("textDocument/diagnostic", "web.mesh", json!({}));
    assert_eq!(report["kind"], "full");
    assert_eq!(report["items"][0]["code"], "unknown-name");
    assert!(client.diagnostics.is_empty());
    // Whoever takes them unasked is not told of the other way, and sees each once.
    let both = json!({ "textDocument": { "diagnostic": {}, "publishDiagnostics": {} } });
    let client = Client::start(&[], both);
    assert_eq!(client.capabilities["diagnosticProvider"], Value::Null);
}

const POLICY: &str = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: broken
  namespace: shop
spec:
  action: ALOW
";

#[test]
fn manifests_are_judged_unless_the_user_says_otherwise() {
    let manifest = "target = \"istio-1.31\"\nmanifests = [\"k8s/*.yaml\"]\n";
    let files = [("mesh.toml", manifest), ("web.mesh", WEB), ("k8s/policy.yaml", POLICY)];
    let mut client = Client::start(&files, json!({}));
    let found = client.wait_for("k8s/policy.yaml", "a finding", |list| !list.is_empty());
    assert_eq!(found[0]["range"]["start"]["line"], 6);
    client.notify(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "meshc": { "yaml": false } } }),
    );
    client.wait_for("k8s/policy.yaml", "nothing", <[Value]>::is_empty);
    client.notify(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "meshc": { "yaml": true } } }),
    );
    client.wait_for("k8s/policy.yaml", "a finding", |list| !list.is_empty());
    // Unsaved text counts there too.
    client.open("k8s/policy.yaml", &POLICY.replace("ALOW", "ALLOW"));
    client.wait_for("k8s/policy.yaml", "nothing", <[Value]>::is_empty);
}

const DEPLOYED: &str = "\
apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop }
spec:
  selector: { app: cart }
  ports: [{ port: 80, targetPort: 8080 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: cart, namespace: shop }
spec:
  selector: { matchLabels: { app: cart } }
  template:
    metadata: { labels: { app: cart } }
    spec: { serviceAccountName: cart, containers: [{ name: c, image: i, ports: [{ containerPort: 8080 }] }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: cart, namespace: shop }
spec:
  selector: { matchLabels: { app: cart } }
  rules:
  - from: [{ source: { principals: [cluster.local/ns/shop/sa/web] } }]
    to: [{ operation: { hosts: [cart.shop.svc.cluster.local] } }]
";

#[test]
fn a_principal_and_a_host_in_a_manifest_lead_to_their_workloads() {
    let manifest = "target = \"istio-1.31\"\nmanifests = [\"k8s/*.yaml\"]\n";
    let files = [("mesh.toml", manifest), ("web.mesh", WEB), ("k8s/cart.yaml", DEPLOYED)];
    let mut client = Client::start(&files, json!({}));
    client.open("k8s/cart.yaml", DEPLOYED);
    let hover = |client: &mut Client, at: (u32, u32)| {
        let hover = client.at("textDocument/hover", "k8s/cart.yaml", at, json!({}));
        hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
    };
    let web = hover(&mut client, (22, 50));
    assert!(
        web.starts_with("In force at `shop/web`: mutual TLS strict, set by the mesh"),
        "{web}"
    );
    let cart = hover(&mut client, (23, 40));
    assert!(cart.starts_with("In force at `shop/cart`: "), "{cart}");
    assert_eq!(hover(&mut client, (9, 20)), cart, "at its own name");
    assert_eq!(hover(&mut client, (7, 3)), "");
    let found = client.at("textDocument/definition", "k8s/cart.yaml", (22, 50), json!({}));
    assert_eq!(found[0]["uri"], client.uri("web.mesh"));
    let found = client.at("textDocument/definition", "k8s/cart.yaml", (23, 40), json!({}));
    assert_eq!(found[0]["uri"], client.uri("k8s/cart.yaml"));
    client.notify(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "meshc": { "yaml": false } } }),
    );
    assert_eq!(hover(&mut client, (22, 50)), "");
}

#[test]
fn settings_are_asked_for_where_the_client_has_them() {
    let manifest = "target = \"istio-1.31\"\nmanifests = [\"k8s/*.yaml\"]\n";
    let files = [
        ("mesh.toml", manifest),
        ("web.mesh", "namespace {"),
        ("k8s/policy.yaml", POLICY),
    ];
    let mut client = Client::start(&files, json!({ "workspace": { "configuration": true } }));
    for (yaml, what) in [(true, "a finding"), (false, "nothing"), (true, "a finding again")] {
        client.settings = json!({ "yaml": yaml });
        client.notify("workspace/didChangeConfiguration", json!({ "settings": null }));
        client.wait_for("k8s/policy.yaml", what, |list| list.is_empty() != yaml);
    }
}
