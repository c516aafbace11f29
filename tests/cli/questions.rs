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
    project(&both)
        .run(["test", "--filter", "who"])
        .clean()
        .says("of 1 test");
    project(&both)
        .run(["test", "--filter", "WHO"])
        .found()
        .says("error: no test has `WHO` in its name; there is `who gets in`");
    // A pipeline must not stay green because of a typo.
    for format in ["human", "json", "junit"] {
        project(&both)
            .run(["test", "--format", format, "--filter", "nobody"])
            .found()
            .says("error: no test has `nobody` in its name; there are 2 other tests");
    }
    Shell::project()
        .run(["test", "--filter", "who"])
        .found()
        .says("no test has `who` in its name: the project has no tests");
}

#[test]
fn what_cannot_be_judged_is_said() {
    let shell = Shell::project();
    shell.file("broken.mesh", "namespace x { alow anyone to GET / }\n");
    shell.run(["test"]).found().says("no question about it was answered");
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
        r#"{"id": null, "at": "shop/web", "pod": null, "port": null, "service-port": null, "from": null, "peer-ip": null, "client-ip": null, "dest-ip": null, "protocol": null, "method": null, "path": null, "host": null, "headers": null, "sni": null, "token": null, "answers": null, "dry-run": null, "now": null}"#,
        "reset",
    ),
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
    (
        r#"{"id": 8, "at": "web", "from": {"principal": "cluster.local/ns/a/sa/b"}, "method": "get"}"#,
        "400",
    ),
    (
        r#"{"id": 9, "at": "web", "from": {"principal": "cluster.local/ns/a/sa/b"}, "method": "get", "protocol": "http2"}"#,
        "403",
    ),
    (
        r#"{"id": 10, "at": "shop/web", "from": {"principal": "cluster.local/ns/a/sa/b"}, "headers": {"x-a": "a:\tb"}}"#,
        "200",
    ),
    (
        r#"{"id": 11, "at": "shop/web", "from": {"principal": "cluster.local/ns/a/sa/b"}, "headers": {"x-a": "a\u0001"}}"#,
        "400",
    ),
];

const WRONG: &[(&str, &str)] = &[
    (r#"{"id": 1}"#, "`at` is missing"),
    (
        r#"{"id": 1, "at": "shop/wbe"}"#,
        "there is no workload `shop/wbe`; did you mean `shop/web`?",
    ),
    (r#"{"id": 1, "at": ""}"#, "there is no workload ``"),
    (
        r#"{"id": 1, "at": "shop/web", "from": "wbe"}"#,
        "there is no workload `wbe`; did you mean `shop/web`?",
    ),
    (
        r#"{"id": 1, "at": "shop/web", "protocol": "grpc"}"#,
        "`protocol` is `http`, `http2` or `tcp`, not `grpc`",
    ),
    (
        "{\"at\": \"shop/web\", \"path\": \"/a\tb\"}",
        "this is no JSON from column 31 on: a control character is written `\\t`",
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
        r#"{"id": 1, "at": "shop/web", "token": ["eyJ"]}"#,
        "`token` is the text of a token, or an object",
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

#[test]
fn eval_answers_one_request_from_flags() {
    let shell = Shell::project();
    let principal = "cluster.local/ns/a/sa/b";
    shell
        .run(["eval", "--at", "shop/web", "--from", principal])
        .clean()
        .prints("200: sidecar: an ALLOW rule matches\nbecause of AuthorizationPolicy shop/web-allow, rule 1 (policy.mesh:12)\n");
    shell
        .run([
            "eval", "--at", "shop/web", "--from", principal, "--path", "/x", "--header", "a=1",
        ])
        .clean()
        .prints("403: sidecar: no ALLOW rule matches\n");
    shell
        .run([
            "eval",
            "--at",
            "web",
            "--protocol",
            "http2",
            "--method",
            "get",
            "--from",
            principal,
        ])
        .clean()
        .prints("403: sidecar: no ALLOW rule matches\n");
    shell
        .run(["eval", "--at", "shop/web"])
        .clean()
        .prints("reset: sidecar: mutual TLS is demanded\n");
    shell
        .run(["eval", "--at", "shop/nobody"])
        .could_not_run()
        .says("there is no workload `shop/nobody`");
    shell
        .run(["eval", "--at", "shop/web", "--header", "a"])
        .could_not_run()
        .says("`a` is not of the form");
    shell.run(["eval"]).could_not_run().says("--requests");
    shell
        .run(["eval", "--at", "shop/web", "--requests", "-"])
        .could_not_run()
        .says("cannot be used with");
}

/// Requests that lack what the answer depends on, and what is said of them.
const LACKING: &[(&str, &str)] = &[
    (r#"{"at": "net/peer"}"#, "the address of the TCP peer"),
    (r#"{"at": "net/client"}"#, "the address of the client"),
    (r#"{"at": "net/goal"}"#, "the address of the destination"),
    (r#"{"at": "net/asks"}"#, "what the authorizer `opa` says"),
    (r#"{"at": "net/host", "path": "/"}"#, "the host"),
    (r#"{"at": "net/ports", "path": "/"}"#, "exactly one HTTP port"),
    (
        r#"{"at": "net/unknown", "path": "/"}"#,
        "the answer depends on the port",
    ),
    (
        r#"{"at": "net/tokens", "token": {"issuer": "idp", "claims": {"exp": 5}}}"#,
        "the clock",
    ),
    (
        // {"alg":"RS256"} and {"iss":"https://idp.test"}
        r#"{"at": "net/tokens", "token": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkcC50ZXN0In0.AAAA"}"#,
        "give them with `--jwks https://idp.test=FILE`",
    ),
    (r#"{"at": "net/behind", "path": "/"}"#, "the address of the client"),
    (
        r#"{"at": "net/behind", "path": "/", "peer-ip": "10.0.0.1"}"#,
        "the address of the client",
    ),
    (r#"{"at": "net/envoys"}"#, "`x-request-id`, which Envoy sets itself"),
];

const LACKED: &str = "mesh { workload-label app  provider opa grpc }
issuer idp { iss https://idp.test  jwks-uri https://idp.test/k }
namespace net {
    workload peer { ports 80 http  deny peer-ip 10.0.0.0/8 to any }
    workload client { ports 80 http  allow client-ip 10.0.0.0/8 to any }
    workload goal { ports 80 http  allow anyone to dest-ip 10.0.0.0/8 }
    workload asks { ports 80 http  ask opa about anyone to any }
    workload host { ports 80 http  allow anyone to host host.net.svc.cluster.local }
    workload ports { ports 80 http, 81 http }
    workload unknown { deny anyone to port 81 }
    workload tokens { ports 80 http  accept idp }
    workload envoys { ports 80 http  allow anyone to any when header[x-request-id] present }
    gateway behind { select a=b  ports 80 http  trusted-proxies 1  allow client-ip 10.0.0.0/8 to any }
}
";

#[test]
fn a_missing_fact_is_asked_for() {
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.31\"\n");
    shell.file("a.mesh", LACKED);
    let lines: Vec<&str> = LACKING.iter().map(|(line, _)| *line).collect();
    shell.file("requests.jsonl", lines.join("\n"));
    let ran = shell.run(["eval", "--requests", "requests.jsonl"]).clean();
    assert_eq!(ran.out.lines().count(), LACKING.len());
    for ((line, wanted), answer) in LACKING.iter().zip(ran.out.lines()) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert!(
            answer["error"].as_str().is_some_and(|error| error.contains(wanted)),
            "{line}\n{answer}"
        );
    }
    // With the fact, or where it changes nothing, there is an answer.
    shell
        .run(["eval", "--at", "net/peer", "--peer-ip", "10.1.2.3"])
        .clean()
        .prints("403");
    shell
        .run(["eval", "--at", "net/asks", "--answer", "opa=allow"])
        .clean()
        .prints("200");
    shell
        .run(["eval", "--at", "net/unknown", "--path", "/", "--port", "80"])
        .clean()
        .prints("200");
    shell
        .run([
            "eval",
            "--at",
            "net/tokens",
            "--token",
            "idp",
            "--claims",
            "{\"sub\": \"a\"}",
        ])
        .clean()
        .prints("200");
}

#[test]
fn older_releases_join_headers_and_leave_signs() {
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.31\"\n");
    shell.file(
        "a.mesh",
        "mesh { workload-label app }\nnamespace n {\n    workload h { ports 80 http  allow anyone to any when header[x-a] = v }\n    \
         workload s { ports 80 http  allow sa a/b.c of * to any }\n}\n",
    );
    let header = [
        "eval", "--at", "n/h", "--header", "x-a=w", "--header", "x-a=v", "--target",
    ];
    let with = |target| -> [&str; 9] { [&header[..], &[target]].concat().try_into().unwrap() };
    shell.run(with("istio-1.31")).clean().prints("200");
    shell.run(with("istio-1.29.0")).clean().prints("403");
    let account = |from, target| ["eval", "--at", "n/s", "--from", from, "--target", target];
    shell
        .run(account("cluster.local/ns/a/sa/b.c", "istio-1.28"))
        .clean()
        .prints("200");
    shell
        .run(account("cluster.local/ns/a/sa/bxc", "istio-1.31"))
        .clean()
        .prints("403");
    shell
        .run(account("cluster.local/ns/a/sa/bxc", "istio-1.28"))
        .could_not_run()
        .says("a meaning of its own");
}
