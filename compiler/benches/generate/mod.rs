//! Projects of any size as text: tenants with a web frontend, an API behind it and a database, each calling the next one.

use std::fmt::Write as _;

/// Access rules in each namespace of [`tenants`].
pub(crate) const RULES_PER_TENANT: usize = 10;

/// A project by its files, each with its path in it.
pub(crate) type Project = Vec<(String, String)>;

/// `count` namespaces of [`RULES_PER_TENANT`] rules, each in a file of its own, in a mesh with two issuers.
pub(crate) fn tenants(count: usize) -> Project {
    let mut project = vec![
        ("mesh.toml".to_owned(), MANIFEST.to_owned()),
        ("mesh.mesh".to_owned(), MESH.to_owned()),
    ];
    project.extend((0..count).map(|number| (format!("tenants/{}.mesh", tenant(number)), namespace(number, count))));
    project
}

/// One namespace with `count` workloads, each with three rules about its neighbours and a destination for it.
pub(crate) fn village(count: usize) -> Project {
    let mut text = "namespace village {\n    default deny\n".to_owned();
    for number in 0..count {
        let neighbour = (number + 1) % count;
        let _ = write!(
            text,
            "\n    workload house-{number} {{\n        account house-{number}\n        service house-{number} 80:8080\n        \
             ports 8080 http, 5000 tcp\n        allow house-{neighbour} to GET /door\n        \
             deny house-{neighbour} to DELETE\n        require corp except health\n    }}\n\n    \
             destination house-{number}.village.svc.cluster.local {{ tls istio-mutual }}\n"
        );
    }
    text.push_str("}\n");
    vec![
        ("mesh.toml".to_owned(), MANIFEST.to_owned()),
        ("mesh.mesh".to_owned(), MESH.to_owned()),
        ("village.mesh".to_owned(), text),
    ]
}

/// One namespace with one workload that has `count` rules, no two alike.
pub(crate) fn crowded(count: usize) -> Project {
    let mut text =
        "namespace crowd {\n    default deny\n\n    workload api {\n        account api\n        ports 8080 http\n"
            .to_owned();
    for number in 0..count {
        let caller = number % 97;
        let _ = writeln!(
            text,
            "        allow sa team-{caller}/web to GET, HEAD /items/{number}/*"
        );
    }
    text.push_str("    }\n}\n");
    vec![
        ("mesh.toml".to_owned(), MANIFEST.to_owned()),
        ("mesh.mesh".to_owned(), MESH.to_owned()),
        ("crowd.mesh".to_owned(), text),
    ]
}

fn tenant(number: usize) -> String {
    format!("team-{number:05}")
}

const MANIFEST: &str = "target = \"istio-1.31\"\n";

const MESH: &str = r#"## The mesh of all tenants.
mesh {
    root istio-system
    trust-domain cluster.local
    workload-label app
    mtls strict
}

use std/issuers (keycloak)
use std/http (read, write, health, metrics)
use std/callers (prometheus)

issuer corp = keycloak(host: id.example.com, realm: staff) {
    audiences tenants-api
    claims groups list
}

identity admin = corp where groups has admin

namespace istio-system {
    gateway ingress {
        select istio=ingressgateway
        account istio-ingressgateway-service-account
        ports 8443 https
        accept corp
    }
}
"#;

fn namespace(number: usize, count: usize) -> String {
    let name = tenant(number);
    let neighbour = tenant((number + 1) % count);
    let guest = tenant((number * 7 + 3) % count);
    format!(
        r#"## What {name} runs. Its neighbour reads, nobody else does.
namespace {name} {{
    default deny

    workload web {{
        account web
        service web 80:8080
        ports 8080 http, 9090 http
        accept corp
        allow anyone to health
        allow prometheus to metrics port 9090
        allow istio-system/ingress to GET /, /static/*
    }}

    workload api {{
        account api
        service api 80:8080
        ports 8080 http, 9090 http
        require corp except health or metrics
        allow anyone to health
        allow web to read /items/*, /orders/{{*}}
        allow admin via web to write /items/{{*}}
        allow {neighbour}/web to GET /items/{{*}}/summary
        deny ns {guest} to DELETE
    }}

    workload db {{
        account db
        service db 5432
        ports 5432 tcp, 9187 http
        allow api to port 5432
        allow prometheus to metrics port 9187
    }}
}}
"#
    )
}
