//! Answers about manifests: alone, with a project, and from standard input.

use super::Shell;

/// Two Deployments behind one Service, and who may call them.
const SHOP: &str = r#"apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { istio-injection: enabled } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  template:
    metadata: { labels: { app: web } }
    spec: { serviceAccountName: frontend }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews-v1, namespace: shop }
spec:
  template:
    metadata: { labels: { app: reviews, version: v1 } }
    spec: { containers: [{ name: a, ports: [{ name: web, containerPort: 9080 }] }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews-v2, namespace: shop }
spec:
  template:
    metadata: { labels: { app: reviews, version: v2 } }
    spec: { containers: [{ name: a, ports: [{ name: web, containerPort: 9080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  selector: { app: reviews }
  ports: [{ name: http, port: 80, targetPort: web }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: reviews, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews } }
  rules:
  - from: [{ source: { principals: [cluster.local/ns/shop/sa/frontend] } }]
    to: [{ operation: { methods: [GET] } }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: closed, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews, version: v2 } }
  action: DENY
  rules: [{ to: [{ operation: { paths: [/admin/*] } }] }]
"#;

/// A block for both Deployments, and what is asked of them.
const TESTS: &str = r#"mesh {
    workload-label app
}

namespace shop {
    workload web { account frontend }
    workload reviews {}
}

test "reviews" at shop/reviews {
    shop/web to GET /1 expect 200
    shop/web to POST /1 expect 403
    outsider to GET /1 expect reset
}

test "clients" from shop/web {
    to host reviews.shop.svc.cluster.local port 80 expect istio-mutual
}
"#;

#[test]
fn manifests_alone_are_asked() {
    let shell = Shell::new();
    shell.file("k8s/shop.yaml", SHOP);
    let ask = |at: &'static str, from: &'static str, path: &'static str| {
        shell.run(["eval", "k8s", "--at", at, "--from", from, "--path", path])
    };
    let ran = ask("shop/reviews-v1", "shop/web", "/admin/x").clean();
    ran.prints("200: sidecar")
        .prints("AuthorizationPolicy shop/reviews, rule 1 (k8s/shop.yaml:47)");
    let ran = ask("shop/reviews-v2", "shop/web", "/admin/x").clean();
    ran.prints("403: ")
        .prints("AuthorizationPolicy shop/closed, rule 1 (k8s/shop.yaml:56)");
    ask("shop/reviews-v1", "shop/reviews-v2", "/").clean().prints("403: ");
    ask("shop/reviews-v1", "outsider", "/").clean().prints("reset: ");
    ask("shop/review-v1", "outsider", "/")
        .could_not_run()
        .says("there is no workload `shop/review-v1`; did you mean `shop/reviews-v1`?");
    ask("reviews-v1", "web", "/").clean().prints("200: sidecar");
    ask("webb", "outsider", "/")
        .could_not_run()
        .says("there is no workload `webb`; did you mean `shop/web`?");
    shell.run(["test", "k8s"]).clean().says("no tests");
}

#[test]
fn services_that_disagree_on_a_port_leave_it_unknown() {
    let shell = Shell::new();
    let service = |name: &str, port: &str, created: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop{created}}}\n\
             spec: {{selector: {{app: web}}, ports: [{{name: {port}, port: 80}}]}}\n"
        )
    };
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\nspec: {containers: [{name: web}]}\n";
    let ask = |one: &str, other: &str| {
        let objects = format!("{pod}{}{}", service("a", "http", one), service("b", "tcp", other));
        shell.run_with(
            ["eval", "-", "--at", "shop/web", "--port", "80", "--path", "/"],
            &objects,
        )
    };
    let (old, new) = (
        ", creationTimestamp: '2024-01-01T00:00:00Z'",
        ", creationTimestamp: '2024-01-02T00:00:00Z'",
    );
    ask(old, new).clean().prints("200: ");
    ask("", "")
        .could_not_run()
        .says("Service shop/a and Service shop/b name port 80 of `shop/web` differently");
    ask("", new).could_not_run().says("creationTimestamp");
}

#[test]
fn manifests_come_from_standard_input() {
    let shell = Shell::new();
    let ran = shell.run_with(["eval", "-", "--at", "shop/reviews-v2", "--path", "/"], SHOP);
    ran.clean()
        .prints("reset: ")
        .prints("PeerAuthentication shop/default (stdin:38)");
}

#[test]
fn a_project_and_manifests_are_one_policy() {
    let shell = Shell::new();
    shell.file("k8s/shop.yaml", SHOP);
    shell.file("mesh.toml", "target = \"istio-1.31\"\nmanifests = [\"k8s/*.yaml\"]\n");
    shell.file("main.mesh", TESTS);
    shell.run(["test"]).clean().says("ok: 4 lines of 2 tests");
    // Of a block for both Deployments nothing can be said that holds for one of them only.
    let ran = shell.run([
        "eval",
        "--at",
        "shop/reviews",
        "--from",
        "shop/web",
        "--path",
        "/admin/x",
    ]);
    ran.could_not_run()
        .says("`shop/reviews` stands for `shop/reviews-v1` and `shop/reviews-v2`");
    shell.file("k8s/shop.yaml", SHOP.replace("[GET]", "[POST]"));
    let ran = shell.run(["test"]).found();
    ran.prints("expected 200, got 403");
}

#[test]
fn a_protocol_that_nobody_names_is_detected() {
    let shell = Shell::new();
    shell.file("shop.yaml", SHOP.replace("name: http, port", "name: x, port"));
    let requests = r#"{"id": 1, "at": "shop/reviews-v1", "port": 9080, "from": "shop/web", "path": "/"}
{"id": 2, "at": "shop/reviews-v1", "port": 9080, "from": "shop/web", "protocol": "tcp"}
{"id": 3, "at": "shop/reviews-v2", "port": 9080, "from": "shop/web", "protocol": "tcp"}
"#;
    let ran = shell
        .run_with(["eval", "shop.yaml", "--requests", "-"], requests)
        .clean();
    let outcomes: Vec<String> = ran
        .out
        .lines()
        .map(|line| {
            let answer: serde_json::Value = serde_json::from_str(line).unwrap();
            answer["outcome"].as_str().unwrap_or("none").to_owned()
        })
        .collect();
    // On bytes, a rule about methods is dropped by ALLOW.
    assert_eq!(outcomes, ["200", "reset", "reset"], "{}", ran.out);
}

/// Fields in snake case, a target of one port, and a policy of no namespace.
const LEGACY: &str = r#"apiVersion: authentication.istio.io/v1alpha1
kind: MeshPolicy
metadata: { name: default }
spec: { peers: [{ mtls: {} }] }
---
apiVersion: authentication.istio.io/v1alpha1
kind: Policy
metadata: { name: web, namespace: shop }
spec:
  targets: [{ name: web, ports: [{ number: 80 }] }]
  peers: [{ mtls: { mode: PERMISSIVE } }]
  origins: [{ jwt: { issuer: x, jwks_uri: "https://x/k", trigger_rules: [{ excluded_paths: [{ exact: /open }] }] } }]
  principal_binding: USE_ORIGIN
"#;

#[test]
fn manifests_of_istio_1_4_are_asked() {
    let shell = Shell::new();
    shell.file("mesh.toml", "target = \"istio-1.4\"\n");
    shell.file(
        "a.mesh",
        "mesh { workload-label app }\nnamespace shop {\n    workload web { service web 80  ports 80 http }\n    \
         workload api { service api 80  ports 80 http }\n}\n",
    );
    shell.file("k8s/old.yaml", LEGACY);
    let ask =
        |at: &'static str, path: &'static str| shell.run(["eval", ".", "k8s", "--at", at, "--path", path]).clean();
    ask("web", "/")
        .prints("401: ")
        .prints("because of Policy shop/web (k8s/old.yaml:12)");
    ask("web", "/open").prints("200: ");
    ask("api", "/")
        .prints("reset: ")
        .prints("because of MeshPolicy default (k8s/old.yaml:");
}
