//! Tokens as text: `meshc jwt`, and tokens in tests and requests.

use serde_json::{Value, json};

use super::{MANIFEST, Shell};

/// One issuer whose keys are elsewhere, one whose keys stand in the text.
const POLICY: &str = r#"mesh { workload-label app }
issuer far { iss "https://far.test"  jwks-uri "https://far.test/keys"  audiences shop  from header x-far "JWT " }
issuer near { iss "https://near.test"  jwks "KEYS" }
namespace shop {
    accept far, near
    workload web {
        ports 80 http
        allow far to GET /far
        allow near where role has admin to any
        allow near to GET /near
    }
}
"#;

/// A project, with a key for each issuer.
fn project() -> Shell {
    let shell = Shell::new();
    let _far = mint(&shell, "far", &[]);
    let _near = mint(&shell, "near", &[]);
    shell.file("mesh.toml", MANIFEST);
    let keys = shell.read("near.jwks");
    let keys: Value = serde_json::from_str(&keys).unwrap();
    shell.file(
        "policy.mesh",
        POLICY.replace("KEYS", &keys.to_string().replace('"', "\\\"")),
    );
    shell
}

/// A token of one of the issuers.
fn mint(shell: &Shell, issuer: &str, more: &[&str]) -> String {
    let (key, jwks, iss) = (
        format!("{issuer}.pem"),
        format!("{issuer}.jwks"),
        format!("https://{issuer}.test"),
    );
    let mut args = vec![
        "jwt", "mint", "--key", &key, "--jwks", &jwks, "--iss", &iss, "--sub", "ann", "--aud", "shop",
    ];
    args.extend(more);
    shell.run_all(&args, "").clean().out.trim().to_owned()
}

#[test]
fn a_token_is_found_where_its_issuer_is_read() {
    let shell = project();
    let (far, near) = (
        mint(&shell, "far", &[]),
        mint(&shell, "near", &["--claims", r#"{"role": ["dev", "admin"]}"#]),
    );
    let plain = mint(&shell, "near", &[]);
    let ask = |token: &str, path: &str| {
        let args = [
            "eval",
            "--at",
            "shop/web",
            "--path",
            path,
            "--token",
            token,
            "--jwks",
            "far=far.jwks",
        ];
        shell.run(args).clean()
    };
    ask(&far, "/far").prints("200: ");
    ask(&far, "/other").prints("403: ");
    ask(&near, "/anything").prints("200: ");
    ask(&plain, "/anything").prints("403: ");
    ask(&plain, "/near").prints("200: ");
    // In the place of another issuer it is another's token.
    let header = format!("x-far=JWT {near}");
    let args = [
        "eval",
        "--at",
        "shop/web",
        "--header",
        &header,
        "--jwks",
        "far=far.jwks",
    ];
    shell
        .run(args)
        .clean()
        .prints("401: ")
        .prints("its `iss` is `https://near.test`, not `https://far.test`");
}

#[test]
fn tests_with_a_real_token_are_run() {
    let shell = project();
    let (far, near) = (
        mint(&shell, "far", &[]),
        mint(&shell, "near", &["--exp", "2030-01-01T00:00:00Z"]),
    );
    shell.file(
        "tests.mesh",
        format!(
            "test \"real\" at shop/web {{\n    outsider with token \"{far}\" to GET /far expect 200\n    outsider with token \"{near}\" to \
             GET /near expect 200\n}}\n"
        ),
    );
    let jwks = "https://far.test=far.jwks";
    shell
        .run(["test", "--jwks", jwks, "--now", "2029-12-31"])
        .clean()
        .says("2 lines of 1 test as expected");
    let ran = shell
        .run(["test", "--jwks", jwks, "--now", "2030-01-01T00:01:01Z"])
        .found();
    // Of a token in a report no more is shown than one needs to find it.
    assert!(!ran.out.contains(&near), "{}", ran.out);
    ran.prints("expected 200, got 401").prints("it has expired");
    shell
        .run(["test", "--jwks", jwks, "--now", "2030-01-01T00:01:00Z"])
        .clean();
    shell
        .run(["test", "--now", "2029-12-31"])
        .found()
        .prints("`--jwks https://far.test=FILE`");
    shell
        .run(["test", "--now", "tomorrow"])
        .could_not_run()
        .says("`tomorrow` is no time");
}

#[test]
fn an_answer_by_the_clock_says_so() {
    let shell = project();
    let long = mint(&shell, "near", &["--exp", "2999-01-01T00:00:00Z"]);
    let ask = |now: Value| {
        let request = json!({ "at": "shop/web", "path": "/near", "token": long, "now": now });
        let ran = shell
            .run_with(["eval", "--requests", "-"], &format!("{request}\n"))
            .clean();
        serde_json::from_str::<Value>(&ran.out).unwrap()
    };
    let answer = ask(Value::Null);
    assert_eq!(answer["outcome"], "200");
    assert!(answer["clock"].is_i64() && answer["why"].as_str().unwrap().contains("by the clock of this machine"));
    let answer = ask(json!("2020-01-01T00:00:00Z"));
    assert!(answer["outcome"] == "200" && answer["clock"].is_null(), "{answer}");
    assert_eq!(ask(json!(32_503_680_000_i64))["outcome"], "401");
}

/// What a request carries, and the outcome at a workload that takes tokens of `near` and `far`.
const ODD: &[(&str, &str)] = &[
    (r#"{"token": ""}"#, "403"),
    (r#"{"token": "eyJ"}"#, "401"),
    (r#"{"token": "a.b.c"}"#, "401"),
    (r#"{"token": "....."}"#, "401"),
    (
        r#"{"token": "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL25lYXIudGVzdCJ9."}"#,
        "401",
    ),
    (
        r#"{"token": "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL25lYXIudGVzdCJ9.AAAA"}"#,
        "401",
    ),
    (r#"{"token": "\ud83d\ude00.\u00e9.x"}"#, "401"),
    (r#"{"token": "\u0000.\u00e9.x"}"#, "400"),
    (r#"{"headers": {"authorization": "Basic YTpi"}}"#, "403"),
    (r#"{"headers": {"authorization": ["Bearer x", "Bearer y"]}}"#, "401"),
    (r#"{"path": "/near?access_token="}"#, "401"),
    (r#"{"path": "/near?access_token=%"}"#, "401"),
];

#[test]
fn odd_tokens_are_answered() {
    let shell = project();
    let mut requests = String::new();
    for (extra, _) in ODD {
        let mut request: Value = serde_json::from_str(extra).unwrap();
        request["at"] = "shop/web".into();
        requests.push_str(&format!("{request}\n"));
    }
    let huge = json!({ "at": "shop/web", "token": format!("eyJ{}", "A".repeat(1 << 20)) });
    requests.push_str(&format!("{huge}\n"));
    let ran = shell.run_with(["eval", "--requests", "-"], &requests).clean();
    let answers: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (answer, (request, outcome)) in answers.iter().zip(ODD) {
        assert_eq!(answer["outcome"], *outcome, "{request}: {answer}");
    }
    assert!(answers.last().unwrap()["error"].as_str().unwrap().contains("60 KiB"));
}

#[test]
fn verify_names_the_issuer_and_the_place() {
    let shell = project();
    let far = mint(&shell, "far", &[]);
    let verify = |args: &[&str]| shell.run_all(&[&["jwt", "verify", &far], args].concat(), "");
    verify(&[])
        .found()
        .prints("not known of https://far.test")
        .prints("its `iss` is `https://far.test`, not `https://near.test`");
    verify(&["--jwks", "far=far.jwks"])
        .clean()
        .prints("accepted by https://far.test in RequestAuthentication shop/default (policy.mesh:5)\n  where it stands in the header `x-far` behind `JWT `");
    verify(&["--jwks", "far=near.jwks"])
        .found()
        .prints("the issuer has no key for its `kid`");
    verify(&["--jwks", "near=near.jwks"])
        .could_not_run()
        .says("stand in the policy itself");
    verify(&["--jwks", "nobody=near.jwks"])
        .could_not_run()
        .says("the policy has no issuer `nobody`");
    verify(&["--jwks", "far=policy.mesh"])
        .could_not_run()
        .says("`policy.mesh` is no key set");
    // With a key set alone no project is asked.
    verify(&["--jwks", "far.jwks"])
        .clean()
        .prints("its signature is by these keys");
    verify(&["--jwks", "near.jwks"])
        .found()
        .prints("refused: the issuer has no key");
    let old = mint(&shell, "far", &["--exp", "2020-01-01"]);
    shell
        .run(["jwt", "verify", &old, "--jwks", "far.jwks"])
        .found()
        .prints("it has expired");
    let json = verify(&["--jwks", "far=far.jwks", "--format", "json"]).clean().out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["rules"][0]["accepted"], &json["rules"][1]["accepted"]),
        (&json!(true), &json!(false))
    );
}

#[test]
fn inspect_believes_nothing() {
    let shell = Shell::new();
    let token = mint(
        &shell,
        "far",
        &["--exp", "2020-01-01", "--claims", r#"{"scope": "a b", "x": [1, 2.5]}"#],
    );
    let ran = shell.run(["jwt", "inspect", &token, "--now", "2020-01-02"]).clean();
    ran.prints("exp    1577836800  2020-01-01T00:00:00Z (24 hours ago)")
        .prints("x      [1,2.5]")
        .prints("odd: it has expired")
        .prints("odd: rules see its `scope` as a list of words")
        .prints("The signature was not checked");
    // From a file, and from standard input, with what stands before it in a header.
    shell.file("token.txt", format!("Bearer {token}\n"));
    shell
        .run(["jwt", "inspect", "token.txt"])
        .clean()
        .prints("\"https://far.test\"");
    shell
        .run_with(["jwt", "inspect", "-", "--format", "json"], &token)
        .clean()
        .prints("\"verified\": false");
    shell
        .run(["jwt", "inspect", "a.b.c"])
        .found()
        .prints("Envoy refuses this token");
    shell
        .run(["jwt", "inspect", "nowhere.txt"])
        .could_not_run()
        .says("neither a token nor a file");
    shell
        .run_with(["jwt", "inspect", "-"], " ")
        .could_not_run()
        .says("there is no token");
    let unsigned = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTU3MzYxMjYwMDB9.x";
    shell
        .run(["jwt", "inspect", unsigned])
        .found()
        .prints("\"none\"")
        .prints("does not know the algorithm `none`");
}

#[test]
fn mint_keeps_keys_to_their_owner() {
    let shell = Shell::new();
    let first = mint(&shell, "far", &[]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(shell.path("far.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(shell.read("far.pem").starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(!shell.read("far.jwks").contains("\"d\""));
    // The key is used again, and RSA signs alike each time.
    assert_eq!(mint(&shell, "far", &[]), first);
    let elliptic = [
        "jwt", "mint", "--alg", "ES256", "--key", "e.pem", "--jwks", "e.jwks", "--format", "json",
    ];
    let made: Value = serde_json::from_str(&shell.run(elliptic).clean().out).unwrap();
    shell
        .run(["jwt", "verify", made["token"].as_str().unwrap(), "--jwks", "e.jwks"])
        .clean();
    let again: Value = serde_json::from_str(&shell.run(elliptic).clean().out).unwrap();
    assert_eq!(again["jwks"], made["jwks"]);
    shell
        .run(["jwt", "mint", "--key", "e.pem", "--jwks", "far.jwks"])
        .could_not_run()
        .says("holds something else");
    shell.file("no.pem", "hello");
    shell
        .run(["jwt", "mint", "--key", "no.pem"])
        .could_not_run()
        .says("it is no private key in PEM");
    shell.run(["jwt", "mint", "--iss", "x"]).could_not_run().says("--key");
    shell
        .run(["jwt", "mint", "--key", "new.pem", "--claims", "[1]"])
        .could_not_run()
        .says("`--claims` is a JSON object");
    shell
        .run(["jwt", "mint", "--key", "new.pem", "--exp", "+1w"])
        .could_not_run()
        .says("`+1w` is no time");
    let twice = [
        "jwt",
        "mint",
        "--key",
        "new.pem",
        "--iss",
        "x",
        "--claims",
        r#"{"iss": "y"}"#,
    ];
    shell
        .run(twice)
        .could_not_run()
        .says("`iss` is said by `--iss` and by `--claims`");
    // What fails leaves nothing behind.
    assert_eq!(shell.names("."), ["e.jwks", "e.pem", "far.jwks", "far.pem", "no.pem"]);
}

/// Releases, and what they make of a token that expired half a minute ago.
const RELEASES: &[(&str, &str)] = &[
    ("istio-1.4", "401"),
    ("istio-1.5", "401"),
    ("istio-1.8", "401"),
    ("istio-1.9", "200"),
    ("istio-1.31", "200"),
];

#[test]
fn a_real_token_is_judged_for_a_release() {
    let shell = Shell::new();
    let token = mint(&shell, "near", &["--exp", "2026-01-01T00:00:00Z"]);
    shell.file("mesh.toml", MANIFEST);
    shell.file(
        "policy.mesh",
        "mesh { mtls permissive  workload-label app }
issuer near { iss \"https://near.test\"  jwks-uri https://near.test/keys  forward }
namespace shop { workload web { account web  ports 80 http  service web 80:80  require near } }
",
    );
    for (release, outcome) in RELEASES {
        let args = [
            "eval", "--at", "shop/web", "--from", "outsider", "--port", "80", "--path", "/", "--target", release,
        ];
        let tokens = [
            "--token",
            &token,
            "--jwks",
            "near=near.jwks",
            "--now",
            "2026-01-01T00:00:30Z",
        ];
        let ran = shell.run_all(&[args.as_slice(), &tokens].concat(), "");
        let ran = if *outcome == "200" { ran.clean() } else { ran };
        assert!(ran.out.starts_with(outcome), "{release}: {ran:#?}");
    }
}

/// Manifests that say what the project of the other tests says of `near`.
const MANIFESTS: &str = r#"apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: near, namespace: shop }
spec:
  jwtRules:
  - issuer: https://near.test
    audiences: [shop]
    jwksUri: https://near.test/keys
    fromHeaders: [{ name: x-near }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: near, namespace: shop }
spec:
  rules:
  - from: [{ source: { requestPrincipals: ["https://near.test/ann"] } }]
"#;

#[test]
fn issuers_of_manifests_are_known() {
    let shell = Shell::new();
    let near = mint(&shell, "near", &[]);
    shell.file("near.yaml", MANIFESTS);
    let at = json!({ "namespace": "shop", "ports": { "80": "http" } });
    let ask = |token: Value, jwks: &[&str]| {
        let request = json!({ "at": at, "token": token });
        let args = [&["eval", "near.yaml", "--requests", "-"], jwks].concat();
        let ran = shell.run_all(&args, &format!("{request}\n")).clean();
        serde_json::from_str::<Value>(&ran.out).unwrap()
    };
    let keys = ["--jwks", "https://near.test/keys=near.jwks"];
    assert_eq!(ask(json!(near), &keys)["outcome"], "200");
    assert!(
        ask(json!(near), &[])["error"]
            .as_str()
            .unwrap()
            .contains("--jwks https://near.test=FILE")
    );
    let given = |claims: Value, state: &str| json!({ "issuer": "https://near.test", "claims": claims, "state": state });
    assert_eq!(ask(given(json!({ "sub": "ann" }), "valid"), &[])["outcome"], "200");
    assert_eq!(ask(given(json!({ "sub": "bob" }), "valid"), &[])["outcome"], "403");
    assert_eq!(
        ask(given(json!({ "sub": "ann", "aud": "other" }), "valid"), &[])["outcome"],
        "403"
    );
    assert_eq!(ask(given(json!({ "sub": "ann" }), "forged"), &[])["outcome"], "401");
    let unknown = json!({ "issuer": "https://far.test" });
    assert_eq!(
        ask(unknown, &[])["error"],
        "there is no issuer `https://far.test`; did you mean `https://near.test`?"
    );
    let strange = json!({ "issuer": "elsewhere" });
    assert_eq!(ask(strange, &[])["error"], "there is no issuer `elsewhere`");
    shell
        .run([
            "jwt",
            "verify",
            &near,
            "near.yaml",
            "--jwks",
            "https://near.test=near.jwks",
        ])
        .clean()
        .prints("accepted by https://near.test in RequestAuthentication shop/near (near.yaml:");
}
