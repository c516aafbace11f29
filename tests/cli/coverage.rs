//! Which rules the tests of a project exercised.

use serde_json::{Value, json};

use super::Shell;

/// Each rule stands on a line of its own.
const POLICY: &str = "mesh {
    workload-label app
    mtls strict
    provider opa grpc
}
issuer idp { iss https://idp.test  jwks-uri https://idp.test/k }
namespace net {
    workload web {
        ports 80 http, 81 tcp
        account web
        accept idp
        ask opa about anyone to /asked
        deny anyone to /admin/*
        deny anyone to /admin/x
        allow sa net/api to GET /orders/*
        allow sa net/api to GET /*
        allow sa net/db to port 81
    }
    workload closed {
        ports 80 http
        default deny
    }
}
";

/// A line of a test, and the lines of the policy that it exercises.
const LINES: &[(&str, &[u64])] = &[
    // Both that match, and who sets the mode.
    ("sa net/api to GET /orders/1 port 80 expect 200", &[3, 15, 16]),
    ("sa net/api to GET /x port 80 expect 200", &[3, 16]),
    ("sa net/api to GET /admin/x port 80 expect 403", &[3, 13, 14]),
    // No rule for access matches.
    ("sa net/api to POST /x port 80 expect 403", &[3]),
    ("outsider to port 81 expect reset", &[3]),
    ("sa net/db to port 81 expect 200", &[3, 17]),
    ("sa net/api with token idp to GET /x port 80 expect 200", &[3, 11, 16]),
    (
        "sa net/api with token idp expired to GET /x port 80 expect 401",
        &[3, 11],
    ),
    (
        "sa net/api with answer opa deny to GET /asked port 80 expect 403",
        &[3, 12],
    ),
    (
        "sa net/api with answer opa allow to GET /asked port 80 expect 200",
        &[3, 12, 16],
    ),
    // What has no answer exercises nothing.
    ("sa net/api to GET /asked port 80 expect 200", &[]),
];

fn results(shell: &Shell) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../spec/test-results.schema.json")).unwrap();
    let ran = shell.run(["test", "--coverage", "--format", "json"]);
    let results: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&results)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{results:#}");
    results
}

#[test]
fn a_line_exercises_what_matches_on_its_way() {
    for (line, exercised) in LINES {
        let shell = Shell::new();
        shell.file("mesh.toml", "target = \"istio-1.31\"\n");
        shell.file("a.mesh", POLICY);
        shell.file("t.mesh", format!("test \"t\" at net/web {{\n    {line}\n}}\n"));
        let results = results(&shell);
        let rules = results["coverage"]["files"][0]["by-rule"].as_array().unwrap();
        let found: Vec<&Value> = rules
            .iter()
            .filter(|rule| rule["lines"] == 1)
            .map(|rule| &rule["line"])
            .collect();
        assert_eq!(json!(found), json!(exercised), "{line}\n{results:#}");
    }
}

#[test]
fn the_rest_is_listed_with_its_line() {
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.31\"\n");
    shell.file("a.mesh", POLICY);
    shell.file("t.mesh", format!("test \"t\" at net/web {{\n    {}\n}}\n", LINES[0].0));
    shell
        .run(["test", "--coverage"])
        .clean()
        .prints("coverage: 3 of 9 rules exercised\n  a.mesh: 3 of 9\n")
        .prints("    a.mesh:17:9: allow sa net/db to port 81\n      AuthorizationPolicy net/web-allow, rule 3\n")
        .prints("    a.mesh:21:9: default deny\n");
    let ran = shell.run(["test"]).clean();
    assert!(!ran.out.contains("coverage"), "{}", ran.out);
    shell
        .run(["test", "--coverage", "--format", "junit"])
        .clean()
        .says("coverage: 3 of 9 rules exercised");
}

#[test]
fn manifests_have_lines_too() {
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.31\"\n");
    shell.file("a.mesh", "namespace net { workload w { select app=w  ports 80 http } }\ntest \"t\" at net/w { sa net/a to GET / expect 200 }\n");
    shell.file(
        "p.yaml",
        "apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: net}
spec:
  rules:
  - to: [{operation: {methods: [GET]}}]
  - to: [{operation: {methods: [POST]}}]
",
    );
    shell
        .run(["test", ".", "p.yaml", "--coverage"])
        .clean()
        .prints("  p.yaml: 1 of 2\n    p.yaml:7:5: to: [{operation: {methods: [POST]}}]\n");
}
