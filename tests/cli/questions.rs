//! Questions to a policy: `meshc test` and `meshc eval`.

use serde_json::{Value, json};

use super::Shell;

const TESTS: &str =
    "test \"who gets in\" at shop/web {\n    sa shop/api to GET / expect 200\n    outsider to GET / expect reset\n}\n";

fn project(tests: &str) -> Shell {
    let shell = Shell::project();
    shell.file("tests.mesh", tests);
    shell
}

#[test]
fn tests_that_hold_are_counted() {
    project(TESTS)
        .run(["test"])
        .clean()
        .says("ok: 2 lines of 1 test as expected");
    Shell::project().run(["test"]).clean().says("the project has no tests");
}

#[test]
fn a_failing_line_says_why() {
    let wrong = TESTS
        .replace("expect 200", "expect 403")
        .replace("expect reset", "expect 200");
    let ran = project(&wrong)
        .run(["test"])
        .found()
        .says("2 of 2 lines in 1 test failed");
    ran.prints("failed: \"who gets in\"\n  tests.mesh:2:5: sa shop/api to GET / expect 403\n  expected 403, got 200\n")
        .prints("because of AuthorizationPolicy shop/web-allow, rule 1 (policy.mesh:12)")
        .prints("expected 200, got reset")
        .prints("because of PeerAuthentication istio-system/default (policy.mesh:2)");
}

#[test]
fn a_line_without_an_answer_says_what_is_missing() {
    let shell = project("test \"x\" at net/web { sa shop/api to GET / expect 200 }\n");
    shell.file("net.mesh", "namespace net {\n    workload web {\n        ports 80 http\n        deny peer-ip 10.0.0.0/8 to any\n    }\n}\n");
    shell
        .run(["test"])
        .found()
        .prints("expected 200, but there is no answer: the answer depends on the address of the TCP peer");
}

#[test]
fn a_filter_chooses_by_name() {
    let both = format!(
        "{TESTS}{}",
        TESTS
            .replace("who gets in", "other")
            .replace("expect 200", "expect 403")
    );
    project(&both).run(["test"]).found();
    project(&both).run(["test", ".", "who"]).clean().says("of 1 test");
    project(&both)
        .run(["test", ".", "nobody"])
        .clean()
        .says("no test has `nobody` in its name");
}

#[test]
fn what_cannot_be_judged_is_said() {
    let ran = project(TESTS).run(["test", "--target", "istio-1.4"]);
    assert_ne!(ran.code, meshc::cli::ExitCode::Clean);
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.4\"\n");
    shell.file("a.mesh", "mesh { mtls strict }\n");
    shell.run(["test"]).could_not_run().says("current releases only");
    shell
        .run(["eval", "--requests", "-"])
        .could_not_run()
        .says("current releases only");
    let shell = Shell::project();
    shell.file("broken.mesh", "namespace x { alow anyone to GET / }\n");
    shell.run(["test"]).found().says("no test was run");
}

#[test]
fn results_for_machines() {
    let wrong = TESTS.replace("expect 200", "expect 403");
    let ran = project(&wrong).run(["test", "--format", "json"]).found();
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    let line = &answer["tests"][0]["lines"][0];
    assert_eq!(
        (&line["passed"], &line["got"], &line["stage"]),
        (&json!(false), &json!("200"), &json!("allow"))
    );
    let ran = project(&wrong).run(["test", "--format", "junit"]).found();
    ran.prints("<testsuite name=\"who gets in\" tests=\"2\" failures=\"1\">")
        .prints("<failure message=\"expected 403, got 200\">");
}

const REQUESTS: &[(&str, &str)] = &[
    (
        r#"{"id": 1, "at": "shop/web", "from": {"principal": "cluster.local/ns/a/sa/b"}}"#,
        "200",
    ),
    (
        r#"{"id": "two", "at": "shop/web", "from": {"principal": "cluster.local/ns/a/sa/b"}, "path": "/x"}"#,
        "403",
    ),
    (r#"{"id": 3, "at": "shop/web", "path": "/"}"#, "reset"),
    (
        r#"{"id": 4, "at": "shop/web", "from": "shop/web", "pod": false, "headers": {"x-a": ["1", "2"]}}"#,
        "200",
    ),
    (
        r#"{"id": 5, "at": {"namespace": "shop", "labels": {"app": "new"}, "ports": {"80": "http"}}, "from": {"principal": "cluster.local/ns/a/sa/b"}, "port": 80}"#,
        "403",
    ),
    (
        r#"{"id": 6, "at": {"namespace": "free"}, "from": {"principal": "cluster.local/ns/a/sa/b"}, "port": 80, "protocol": "tcp"}"#,
        "200",
    ),
    (
        r#"{"id": 7, "at": "shop/web", "from": {"principal": "other/ns/a/sa/b"}}"#,
        "tls-error",
    ),
];

const WRONG: &[(&str, &str)] = &[
    (r#"{"id": 1}"#, "`at` is missing"),
    (
        r#"{"id": 1, "at": "shop/wbe"}"#,
        "there is no workload `shop/wbe`; there is `shop/web`",
    ),
    (
        r#"{"id": 1, "at": "shop/web", "metod": "GET"}"#,
        "`metod` is no key here",
    ),
    (
        r#"{"id": 1, "at": "shop/web", "port": 0}"#,
        "`port` is a number from 1 to 65535",
    ),
    (
        r#"{"id": 1, "at": "shop/web", "token": "eyJ"}"#,
        "a token as text is not judged yet",
    ),
    (
        r#"{"id": 1, "at": "shop/web", "peer-ip": "10.0.0.0/8"}"#,
        "`peer-ip` is no address",
    ),
    ("[]", "a request is a JSON object"),
    ("{", "this is no JSON"),
];

#[test]
fn eval_answers_a_line_for_a_line() {
    let schema = |text| jsonschema::validator_for(&serde_json::from_str::<Value>(text).unwrap()).unwrap();
    let requests = schema(include_str!("../../spec/eval-request.schema.json"));
    let answers = schema(include_str!("../../spec/eval-answer.schema.json"));
    let shell = Shell::project();
    let lines: Vec<&str> = REQUESTS.iter().chain(WRONG).map(|(line, _)| *line).collect();
    shell.file("requests.jsonl", lines.join("\n"));
    let ran = shell.run(["eval", "--requests", "requests.jsonl"]).clean();
    let found: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(found.len(), lines.len());
    for ((line, outcome), answer) in REQUESTS.iter().zip(&found) {
        let request: Value = serde_json::from_str(line).unwrap();
        assert!(requests.is_valid(&request), "{line}");
        assert!(answers.is_valid(answer), "{answer}");
        assert_eq!(answer["id"], request["id"]);
        assert_eq!(answer["outcome"], *outcome, "{line}\n{answer}");
    }
    for ((line, error), answer) in WRONG.iter().zip(&found[REQUESTS.len()..]) {
        assert!(answers.is_valid(answer), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(error), "{line}\n{answer}");
    }
    assert_eq!(found[1]["stage"], "allow");
    let because = &found[0]["because"][0];
    assert_eq!(because["object"], "AuthorizationPolicy shop/web-allow");
    assert_eq!((&because["rule"], &because["line"]), (&json!(1), &json!(12)));
}
