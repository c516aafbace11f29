//! What people hand in by mistake: each gets a clear sentence at the right place, and the right exit code.

use super::{POLICY, Shell};

/// Arguments, and a part of what is said; in a folder with a project and the file `note.yaml`.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["eval"],
        "one request takes `--at WORKLOAD`, a file of them `--requests FILE`",
    ),
    (
        &["eval", "--at", "shop/wev", "--path", "/"],
        "there is no workload `shop/wev`; did you mean `shop/web`?",
    ),
    (
        &["eval", "--at", "wev"],
        "there is no workload `wev`; did you mean `shop/web`?",
    ),
    (
        &["eval", "--at", "shop/web", "--port", "http"],
        "a port is a number from 1 to 65535",
    ),
    (
        &["effective", "web", "--port", "0"],
        "a port is a number from 1 to 65535",
    ),
    (
        &["graph", "web", "--port", "99999"],
        "a port is a number from 1 to 65535",
    ),
    (
        &["eval", "--at", "shop/web", "--header", "x y=1"],
        "`x y` is no name of a header",
    ),
    (
        &["eval", "--at", "shop/web", "--header", "=1"],
        "`` is no name of a header",
    ),
    (
        &["eval", "--at", "shop/web", "--header", "x=a\nb"],
        "the header `x` has a line break",
    ),
    (
        &["eval", "--at", "shop/web", "--token", "corp", "--claims", "{\"a\":"],
        "`--claims`: this is no JSON: it ends too early, at column 5",
    ),
    (
        &["eval", "--requests", "none.jsonl"],
        "cannot read `none.jsonl`: No such file",
    ),
    (
        &["jwt", "mint", "--key", "k.pem", "--claims", "{\"a\": 1, \"a\": 2}"],
        "`--claims`: `a` stands twice in one object, at column 12",
    ),
    (
        &["jwt", "inspect", "a.b"],
        "neither a token nor a file that can be read",
    ),
    (&["fmt", "note.yaml"], "`note.yaml` is no `.mesh` file"),
    (&["check", "none.yaml"], "`none.yaml` is not there"),
    (
        &["check", "/dev/null"],
        "`/dev/null` is neither a file nor a folder; pipe it in, and write `-` for it",
    ),
    (
        &["build", "--target", "istio-9.9"],
        "`istio-9.9` is no known target; use a release from `istio-1.4`",
    ),
    (&["eval", "--at", "shop/web", "--requests", "r"], "cannot be used with"),
];

#[test]
fn what_cannot_be_asked_is_said_plainly() {
    let shell = Shell::project();
    shell.file("note.yaml", "a: b\n");
    for (args, said) in REFUSED {
        shell.run_all(args, "").could_not_run().says(said);
    }
    assert_eq!(shell.names(""), ["mesh.toml", "note.yaml", "policy.mesh"]);
}

#[test]
fn each_line_that_is_no_request_says_why() {
    let shell = Shell::project();
    let lines = [
        (
            "\u{feff}{\"at\": \"shop/web\", \"path\": \"/\"}",
            "\"outcome\":\"reset\"",
        ),
        ("what", "this is no JSON from column 1 on: `what`"),
        (
            "{\"at\": \"shop/web\"",
            "this is no JSON: it ends too early, at column 17",
        ),
        (
            "{\"at\": \"shop/web\", \"at\": \"shop/api\"}",
            "`at` stands twice in one object, at column 23",
        ),
        ("[]", "a request is a JSON object"),
        ("{}", "`at` is missing"),
        ("{\"at\": \"shop/none\"}", "there is no workload `shop/none`"),
        ("{\"at\": \"shop/web\", \"paht\": 1}", "`paht` is no key here"),
        ("{\"at\": \"shop/web\", \"path\": 1}", "`path` is a string"),
        (
            "{\"at\": \"shop/web\", \"port\": 0}",
            "`port` is a number from 1 to 65535",
        ),
        (
            "{\"at\": \"shop/web\", \"peer-ip\": \"1.2\"}",
            "`peer-ip` is no address: `1.2`",
        ),
        (
            "{\"at\": \"shop/web\", \"headers\": {\"a b\": \"x\"}}",
            "`a b` is no name of a header",
        ),
        ("{\"at\": \"shop/web\", \"now\": \"soon\"}", "`soon` is no time"),
    ];
    let input: Vec<&str> = lines.iter().map(|(line, _)| *line).collect();
    let ran = shell.run_with(["eval", "--requests", "-"], &input.join("\n")).clean();
    let answers: Vec<&str> = ran.out.lines().collect();
    assert_eq!(answers.len(), lines.len(), "{answers:?}");
    for ((line, said), answer) in lines.iter().zip(answers) {
        let said = if said.starts_with('"') {
            (*said).to_owned()
        } else {
            said.replace('"', "\\\"")
        };
        assert!(answer.contains(&said), "{line}: {answer}");
    }
}

#[test]
fn a_huge_request_is_answered_or_refused() {
    let shell = Shell::project();
    let long = "x".repeat(1 << 20);
    let header = format!("{{\"at\": \"shop/web\", \"from\": \"shop/web\", \"headers\": {{\"a\": \"{long}\"}}}}\n");
    let ran = shell.run_with(["eval", "--requests", "-"], &header).clean();
    ran.prints("more than 60 KiB of headers");
}

#[test]
fn a_project_that_is_named_twice_is_one() {
    let shell = Shell::project();
    shell.run(["check", ".", "mesh.toml"]).clean();
    shell.file("other/policy.mesh", POLICY);
    shell
        .run(["check", ".", "other"])
        .could_not_run()
        .says("are two projects");
}

#[test]
fn text_of_the_language_is_no_manifest() {
    let shell = Shell::project();
    shell.file("mesh.toml", "target = \"istio-1.31\"\nmanifests = [\"*\"]\n");
    shell
        .run(["check"])
        .clean()
        .says("`*` matches no YAML or JSON file of the project");
    shell.file("k8s.yaml", "a: b\n");
    shell.run(["check"]).clean().does_not_say("matches no");
}

#[test]
fn a_test_without_lines_or_expectation_is_a_mistake() {
    let shell = Shell::project();
    shell.file("a.mesh", "test \"nothing\" at shop/web { }\n");
    let ran = shell.run(["test"]).found();
    ran.says("a.mesh:1:6").says("the test \"nothing\" has no line");
    shell.file("a.mesh", "test \"open\" at shop/web { outsider to GET / }\n");
    let ran = shell.run(["test"]).found();
    ran.says("a.mesh:1:45")
        .says("expected `expect` after `/`")
        .does_not_say("has no line");
}
