//! `never` and `always`: what a violation shows is what the other commands take, and says the same there.

use serde_json::Value;

use super::Shell;

/// What breaks an invariant, the invariant, and what repairs it.
struct Case {
    rules: &'static str,
    invariant: &'static str,
    repaired: &'static str,
}

const CASES: &[Case] = &[
    Case {
        rules: "mtls strict allow any-peer to GET",
        invariant: "never anyone except shop/web to any at shop/api",
        repaired: "mtls strict allow web to GET",
    },
    // Plaintext comes in where mutual TLS is not demanded.
    Case {
        rules: "mtls permissive allow anyone to GET /public/*",
        invariant: "never outsider to port 8080 at shop/api",
        repaired: "mtls permissive allow any-peer to GET /public/*",
    },
    Case {
        rules: "mtls strict allow web to GET port 8080",
        invariant: "always (shop/web or outsider) to GET port 8080 at shop/api",
        repaired: "mtls permissive allow web or outsider to GET port 8080",
    },
    // Claims, also in a list, and one that no rule has a say in.
    Case {
        rules: "mtls strict accept corp allow corp where groups has staff, \"ad\\*min\" to any",
        invariant: "never corp where groups has \"ad\\*min\" to DELETE at shop/api",
        repaired: "mtls strict accept corp allow corp where groups has staff, \"ad\\*min\" to any deny corp where groups has \"ad\\*min\" to DELETE",
    },
    Case {
        rules: "mtls strict accept own allow own to any",
        invariant: "never shop/own where sub = \"a\\\"${q}$\\\\\" to any at shop/api",
        repaired: "mtls strict accept own allow own where sub = b to any",
    },
    Case {
        rules: "mtls strict allow web to GET when header[x-debug] = \"on now\"",
        invariant: "never anyone to GET when header[x-debug] present at shop/api",
        repaired: "mtls strict allow web to GET when header[x-debug] absent",
    },
    Case {
        rules: "mtls strict allow web from peer-ip 10.0.0.0/8 to any",
        invariant: "never any-peer from peer-ip 10.1.0.0/16 to any at shop/api",
        repaired: "mtls strict allow web from peer-ip 192.0.2.0/24 to any",
    },
    // An authorizer may say what it likes.
    Case {
        rules: "mtls strict ask opa about anyone to any allow web to GET",
        invariant: "always shop/web to GET port 8080 at shop/api",
        repaired: "mtls strict ask opa about anyone to POST allow web to GET",
    },
    Case {
        rules: "mtls strict allow web to port 5432",
        invariant: "never anyone to port 5432 at shop/api",
        repaired: "mtls strict allow web to port 8080",
    },
    // No proxy takes what comes to this port, so that no rule is asked.
    Case {
        rules: "mtls strict allow web to any",
        invariant: "never outsider to port 9999 at shop/api",
        repaired: "mtls strict allow web to any",
    },
];

fn project(rules: &str, last: &str) -> Shell {
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.31\"\n");
    let unproxied = if last.starts_with("repaired") {
        ""
    } else {
        ", 9999 unproxied"
    };
    let last = last.trim_start_matches("repaired ");
    shell.file(
        "policy.mesh",
        format!(
            "param q = 7\nmesh {{ provider opa http }}\n\
             issuer corp {{ iss https://corp.example jwks-uri https://corp.example/jwks audiences shop claims groups list }}\n\
             namespace shop {{\n    issuer own {{ iss https://own.example jwks-uri https://own.example/jwks }}\n    \
             workload web {{ select app=web account web }}\n    \
             workload api {{ select app=api account api ports 8080 http, 5432 tcp{unproxied}\n        {rules}\n    }}\n}}\n{last}\n"
        ),
    );
    shell
}

#[test]
fn a_violation_is_a_request_a_curl_line_and_a_test() {
    for case in CASES {
        let ran = project(case.rules, case.invariant)
            .run(["check", "--format", "json"])
            .found();
        let found: Value = serde_json::from_str(&ran.out).unwrap();
        let mut findings = found["diagnostics"].as_array().unwrap().iter();
        let Some(violated) = findings.find(|it| it["name"] == "violated-invariant") else {
            panic!("{}: {}", case.invariant, ran.out);
        };
        let message = violated["message"].as_str().unwrap();

        // The evaluator answers to the request as the message says.
        let request = violated["witness"].to_string();
        let answer = project(case.rules, "")
            .run_with(["eval", "--requests", "-"], &request)
            .clean();
        let answer: Value = serde_json::from_str(answer.out.lines().next().unwrap()).unwrap();
        let outcome = answer["outcome"].as_str().unwrap_or_default();
        assert!(
            message.contains(&format!("is answered {outcome}")) && !outcome.is_empty(),
            "{message}: {answer}"
        );
        assert_eq!(outcome == "200", case.invariant.starts_with("never"), "{message}");

        let help = |prefix: &str| {
            let mut helps = violated["help"].as_array().unwrap().iter().filter_map(Value::as_str);
            helps.find_map(|help| help.strip_prefix(prefix)).map(str::to_owned)
        };
        let http = violated["witness"]["protocol"] == "http";
        assert_eq!(help("as that caller: curl -i ").is_some(), http, "{violated}");

        // The test fails until the rules are repaired.
        let test = help("as a test: ").unwrap_or_else(|| panic!("{violated}"));
        project(case.rules, &test).run(["test"]).found().says("1 of 1 line");
        let repaired = project(case.repaired, &format!("repaired {}", case.invariant));
        repaired.run(["check"]).clean();
        let port = case.invariant.contains("9999");
        if !port {
            project(case.repaired, &test).run(["test"]).clean();
        }
    }
}
