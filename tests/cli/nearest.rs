//! The nearest miss of what is refused: in answers, in sentences, and of lines of tests.

use serde_json::{Value, json};

use super::Shell;

const POLICY: &str = "mesh { workload-label app  provider opa grpc }
issuer idp { iss https://idp.test  jwks-uri https://idp.test/k  claims groups list }
namespace net {
    workload web {
        ports 80 http, 81 tcp
        accept idp
        deny anyone to /admin/*
        allow sa net/api to GET /orders/*
        allow (idp where groups has staff) via api to DELETE /orders/*
        allow sa net/db to port 81
    }
    workload api { account api }
    workload strict { ports 80 http  mtls strict }
    workload asks { ports 80 http  ask opa about anyone to any }
    workload closed { ports 80 http  deny anyone to any }
    workload header { ports 80 http  allow anyone to any when header[x-team] = blue }
    workload near { ports 80 http  allow peer-ip 10.0.0.0/8 to any }
}
";

/// A refused request, the facts to change with their new values, and the line that then admits it.
const MISSES: &[(&str, &str, Option<u64>)] = &[
    (
        r#"{"at": "net/web", "port": 80, "from": {"principal": "cluster.local/ns/net/sa/api"}, "method": "POST", "path": "/orders/1"}"#,
        r#"[["method", null, "GET"]]"#,
        Some(8),
    ),
    (
        r#"{"at": "net/web", "port": 80, "path": "/orders/1"}"#,
        r#"[["from", null, {"principal": "cluster.local/ns/net/sa/api"}]]"#,
        Some(8),
    ),
    (
        r#"{"at": "net/web", "port": 80, "from": "net/api", "path": "/admin/1"}"#,
        r#"[["path", null, "/orders/"]]"#,
        Some(8),
    ),
    (
        r#"{"at": "net/web", "port": 80, "from": {"principal": "cluster.local/ns/net/sa/api"}, "path": "/orders/1", "token": {"issuer": "idp", "state": "expired"}}"#,
        r#"[["token", null, {"issuer": "https://idp.test", "state": "valid"}]]"#,
        Some(8),
    ),
    (
        r#"{"at": "net/web", "port": 80, "from": {"principal": "cluster.local/ns/net/sa/api"}, "method": "DELETE", "path": "/orders/1", "token": {"issuer": "idp", "claims": {"groups": ["guest"]}}}"#,
        r#"[["method", null, "GET"]]"#,
        Some(8),
    ),
    (
        r#"{"at": "net/web", "port": 81}"#,
        r#"[["from", null, {"principal": "cluster.local/ns/net/sa/db"}]]"#,
        Some(10),
    ),
    (
        r#"{"at": "net/strict"}"#,
        r#"[["from", null, {"principal": "cluster.local/ns/other/sa/other"}]]"#,
        None,
    ),
    (
        r#"{"at": "net/asks", "answers": {"opa": "deny"}}"#,
        r#"[["answers", "opa", "allow"]]"#,
        None,
    ),
    (
        r#"{"at": "net/header", "headers": {"x-team": "red"}}"#,
        r#"[["headers", "x-team", ["blue"]]]"#,
        Some(16),
    ),
    (
        r#"{"at": "net/near", "peer-ip": "192.0.2.1"}"#,
        r#"[["peer-ip", null, "10.0.0.1"]]"#,
        Some(17),
    ),
    (
        r#"{"at": "net/near", "peer-ip": "10.0.0.1", "host": "a b"}"#,
        r#"[["host", null, "other"]]"#,
        Some(17),
    ),
    (
        r#"{"at": "net/header", "headers": {"x-team": "blue", "x-a": "\u0001"}}"#,
        r#"[["headers", "x-a", ["other"]]]"#,
        Some(16),
    ),
    (
        r#"{"at": "net/web", "port": 80, "protocol": "http2", "from": {"principal": "cluster.local/ns/net/sa/api"}, "method": "get", "path": "/orders/1"}"#,
        r#"[["method", null, "GET"]]"#,
        Some(8),
    ),
];

fn project() -> Shell {
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.31\"\n");
    shell.file("a.mesh", POLICY);
    shell
}

fn answers(shell: &Shell, requests: impl Iterator<Item = String>) -> Vec<Value> {
    shell.file("requests.jsonl", requests.collect::<Vec<_>>().join("\n"));
    let ran = shell.run(["eval", "--requests", "requests.jsonl"]).clean();
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_refusal_says_what_would_be_admitted() {
    let schema = |text| jsonschema::validator_for(&serde_json::from_str::<Value>(text).unwrap()).unwrap();
    let request_schema = schema(include_str!("../../spec/eval-request.schema.json"));
    let answer_schema = schema(include_str!("../../spec/eval-answer.schema.json"));
    let shell = project();
    let found = answers(&shell, MISSES.iter().map(|(line, _, _)| (*line).to_owned()));
    let mut proposed = Vec::new();
    for ((line, changes, by), answer) in MISSES.iter().zip(&found) {
        assert!(answer_schema.is_valid(answer), "{line}\n{answer}");
        let miss = &answer["nearest-miss"];
        let changed: Vec<Value> = miss["changes"]
            .as_array()
            .unwrap_or_else(|| panic!("{line}\n{answer}"))
            .iter()
            .map(|change| json!([change["fact"], change["name"], change["to"]]))
            .collect();
        assert_eq!(
            (Value::Array(changed), miss["by"]["line"].as_u64(), &miss["exact"]),
            (serde_json::from_str(changes).unwrap(), *by, &json!(true)),
            "{line}\n{answer}"
        );
        assert!(request_schema.is_valid(&miss["request"]), "{answer}");
        proposed.push(miss["request"].to_string());
    }
    // What is proposed is admitted when it is asked.
    for (proposal, answer) in proposed.iter().zip(answers(&shell, proposed.iter().cloned())) {
        assert_eq!(answer["outcome"], "200", "{proposal}\n{answer}");
        assert_eq!(answer["nearest-miss"], Value::Null);
    }
}

#[test]
fn nothing_is_proposed_where_nothing_is_admitted() {
    let found = answers(&project(), [r#"{"at": "net/closed"}"#.to_owned()].into_iter());
    assert_eq!(
        (&found[0]["outcome"], &found[0]["nearest-miss"]),
        (&json!("403"), &Value::Null)
    );
}

#[test]
fn it_is_said_in_a_sentence() {
    let shell = project();
    let principal = "cluster.local/ns/net/sa/api";
    shell
        .run(["eval", "--at", "net/web", "--port", "80", "--from", principal, "--method", "POST", "--path", "/orders/1"])
        .clean()
        .prints("nearest miss: the same request with `method` GET instead of POST is admitted by AuthorizationPolicy net/web-allow, rule 1 (a.mesh:8)\n");
    shell
        .run(["eval", "--at", "net/header"])
        .clean()
        .prints("nearest miss: the same request with `header x-team` blue is admitted by");
    shell.run(["eval", "--at", "net/strict"]).clean().prints(
        "with `from` cluster.local/ns/other/sa/other instead of outsider is admitted, as nothing stands in its way\n",
    );
}

#[test]
fn a_failing_line_has_it_too() {
    let shell = project();
    shell.file(
        "t.mesh",
        "test \"t\" at net/web {\n    sa net/api to POST /orders/1 port 80 expect 200\n    sa net/api to GET /orders/1 port 80 expect 403\n}\n",
    );
    let sentence = "nearest miss: the same request with `method` GET instead of POST is admitted by AuthorizationPolicy net/web-allow, rule 1 (a.mesh:8)";
    let ran = shell.run(["test"]).found();
    assert_eq!(ran.out.matches("nearest miss").count(), 1, "{}", ran.out);
    ran.prints(sentence)
        .prints("expected 403, got 200\n  sidecar: an ALLOW rule matches\n  because of AuthorizationPolicy net/web-allow, rule 1 (a.mesh:8)");
    shell
        .run(["test", "--format", "junit"])
        .found()
        .prints("nearest miss: the same request");
    let ran = shell.run(["test", "--format", "json"]).found();
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    let lines = &answer["tests"][0]["lines"];
    assert_eq!(lines[0]["nearest-miss"]["changes"][0]["to"], "GET");
    assert_eq!(lines[1]["nearest-miss"], Value::Null);
}

#[test]
fn istio_1_4_has_it_too() {
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.4\"\n");
    shell.file(
        "a.mesh",
        "mesh { workload-label app  mtls strict }
issuer idp { iss https://idp.test  jwks-uri https://idp.test/k  forward }
namespace net {
    workload web { service web 80:8080  ports 8080 http  account web  require idp }
}
",
    );
    let request = r#"{"at": "net/web", "port": 8080, "from": {"principal": "cluster.local/ns/net/sa/web"}}"#;
    let found = answers(&shell, [request.to_owned()].into_iter());
    let miss = &found[0]["nearest-miss"];
    assert_eq!(found[0]["outcome"], "401", "{found:?}");
    assert_eq!(
        (&miss["changes"][0]["fact"], &miss["exact"]),
        (&json!("token"), &json!(true)),
        "{miss}"
    );
}
