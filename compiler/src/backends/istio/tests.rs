//! One object of each kind with every field, and what the releases differ in. The golden files are manifests, so that
//! Istio itself can be asked about them.

use std::collections::BTreeMap;

use expect_test::{ExpectFile, expect_file};

use super::*;
use crate::backends::Artifact;
use crate::policy::{
    Action, Authorization, ClientTls, Condition, ConditionKey, DestinationRule, HeaderPlace, IpBlock, JwtRule, Keys,
    Labels, Lists, Meta, MtlsMode, OneOrMore, Operation, PeerAuthentication, PeerScope, PolicySet,
    RequestAuthentication, Rule, Selection, Source, StringMap, Subset, Target, TargetRef, TargetRefKind, TlsByPort,
    TlsMode,
};
use crate::source::Span;

#[track_caller]
fn check(policies: &PolicySet, target: &str, golden: ExpectFile) {
    let artifacts = emit(policies, Target::parse(target).unwrap());
    golden.assert_eq(&stream(&artifacts));
}

pub(crate) fn stream(artifacts: &[Artifact]) -> String {
    let texts: Vec<&str> = artifacts.iter().map(|artifact| artifact.text.as_str()).collect();
    texts.join("---\n")
}

#[test]
fn every_field_of_every_kind() {
    let policies = PolicySet {
        peer_authentications: peer_authentications(),
        request_authentications: request_authentications(),
        authorizations: authorizations(),
        destination_rules: destination_rules(),
        ..PolicySet::default()
    };
    check(&policies, "istio-1.31", expect_file!["golden/every-field.yaml"]);
}

#[test]
fn releases_before_v1() {
    let policies = PolicySet {
        peer_authentications: vec![mesh_wide(MtlsMode::Permissive)],
        request_authentications: vec![RequestAuthentication {
            meta: meta("default", "shop"),
            selection: Selection::All,
            rules: vec![jwt_rule()],
        }],
        authorizations: vec![allow("viewer", Selection::All, vec![get_from_web()])],
        destination_rules: vec![tls_everywhere()],
        ..PolicySet::default()
    };
    check(&policies, "istio-1.5", expect_file!["golden/istio-1.5.yaml"]);
    check(&policies, "istio-1.21", expect_file!["golden/istio-1.21.yaml"]);
}

#[test]
fn the_oldest_release_has_no_actions() {
    let policies = PolicySet {
        authorizations: vec![
            allow("viewer", labels([("app", "web")]), vec![get_from_web()]),
            allow("default-deny", Selection::All, vec![]),
        ],
        destination_rules: vec![tls_everywhere()],
        ..PolicySet::default()
    };
    check(&policies, "istio-1.4", expect_file!["golden/istio-1.4.yaml"]);
}

#[test]
fn strings_that_yaml_would_take_for_something_else() {
    let texts: Vec<String> = serde_json::from_str(include_str!("../hostile_strings.json")).unwrap();
    let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    let mut policy = allow(
        "hostile",
        Selection::All,
        vec![Rule {
            operations: vec![Operation {
                methods: only(texts.iter().map(String::as_str)),
                ..Operation::default()
            }],
            conditions: vec![Condition {
                key: ConditionKey::Header("on".to_owned()),
                lists: Lists {
                    values: vec![],
                    not_values: texts.clone(),
                },
            }],
            ..Rule::default()
        }],
    );
    policy.meta.annotations = texts
        .into_iter()
        .enumerate()
        .map(|(number, text)| (format!("hostile/text-{number:03}"), text))
        .collect();
    let policies = PolicySet {
        authorizations: vec![policy],
        ..PolicySet::default()
    };
    check(&policies, "istio-1.31", expect_file!["golden/hostile-strings.yaml"]);
}

#[test]
fn a_dry_run_is_an_annotation_among_others() {
    let mut policy = allow("a", Selection::All, vec![]);
    policy.meta.annotations = map([("istio.io/dry-run", "false"), ("z", "z")]);
    policy.dry_run = true;
    let resource = authorization(&policy, Target::NEWEST);
    assert_eq!(
        *resource.metadata.annotations,
        map([("istio.io/dry-run", "true"), ("z", "z")])
    );
}

fn peer_authentications() -> Vec<PeerAuthentication> {
    vec![
        mesh_wide(MtlsMode::Strict),
        PeerAuthentication {
            meta: meta("inherits", "shop"),
            mode: Some(MtlsMode::Unset),
            scope: PeerScope::Namespace,
        },
        PeerAuthentication {
            meta: meta("silent", "shop"),
            mode: None,
            scope: PeerScope::Namespace,
        },
        PeerAuthentication {
            meta: Meta {
                labels: map([
                    ("app.kubernetes.io/managed-by", "meshc"),
                    ("release", "1.0"),
                    ("on", "off"),
                ]),
                annotations: map([
                    (
                        "kubernetes.io/description",
                        "Prometheus scrapes in plaintext.\n\n  It always did: see #12.",
                    ),
                    ("example.com/short", "one: line"),
                ]),
                ..meta("productpage", "shop")
            },
            mode: Some(MtlsMode::Strict),
            scope: PeerScope::Workload {
                labels: Labels::new(map([("app", "productpage"), ("version", "1.20")])).unwrap(),
                ports: BTreeMap::from([
                    (80, MtlsMode::Unset),
                    (9080, MtlsMode::Disable),
                    (9090, MtlsMode::Permissive),
                ]),
            },
        },
        PeerAuthentication {
            meta: meta("only-ports", "shop"),
            mode: None,
            scope: PeerScope::Workload {
                labels: Labels::new(map([("app", "a")])).unwrap(),
                ports: BTreeMap::from([(8080, MtlsMode::Disable)]),
            },
        },
    ]
}

fn mesh_wide(mode: MtlsMode) -> PeerAuthentication {
    PeerAuthentication {
        meta: meta("default", "istio-system"),
        mode: Some(mode),
        scope: PeerScope::Namespace,
    }
}

fn request_authentications() -> Vec<RequestAuthentication> {
    let full = JwtRule {
        audiences: strings(["shop-api", "https://shop.example.com"]),
        from_headers: vec![
            HeaderPlace {
                name: "x-corp-token".to_owned(),
                prefix: None,
            },
            HeaderPlace {
                name: "authorization".to_owned(),
                prefix: Some("Bearer ".to_owned()),
            },
        ],
        from_params: strings(["access_token"]),
        from_cookies: strings(["session", "__Host-id"]),
        forward_original_token: true,
        output_payload_to_header: Some("x-payload".to_owned()),
        output_claim_to_headers: vec![
            ("x-sub".to_owned(), "sub".to_owned()),
            ("x-group".to_owned(), "realm.group".to_owned()),
        ],
        timeout: Some("2s".to_owned()),
        space_delimited_claims: strings(["roles"]),
        ..jwt_rule()
    };
    let inline = JwtRule {
        issuer: Some("kubernetes/serviceaccount".to_owned()),
        keys: Keys::Inline(r#"{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#.to_owned()),
        ..jwt_rule()
    };
    let any_issuer = JwtRule {
        issuer: None,
        keys: Keys::Uri("https://keys.example.com/jwks.json?v=1&x=%20".to_owned()),
        ..jwt_rule()
    };
    vec![
        RequestAuthentication {
            meta: meta("tokens", "shop"),
            selection: labels([("app", "reviews")]),
            rules: vec![full, inline],
        },
        RequestAuthentication {
            meta: meta("service-cart", "shop"),
            selection: targets([TargetRefKind::Service]),
            rules: vec![any_issuer],
        },
    ]
}

fn jwt_rule() -> JwtRule {
    JwtRule::new(Some("https://id.example.com/realms/staff".to_owned()), Keys::Discovery)
}

fn authorizations() -> Vec<Authorization> {
    let with = |name: &str, selection: Selection, action: Action, dry_run: bool| Authorization {
        meta: meta(name, "shop"),
        selection,
        action,
        dry_run,
    };
    vec![
        with("default-deny", Selection::All, Action::Allow(vec![]), false),
        with(
            "anyone",
            labels([("app", "open")]),
            Action::Allow(vec![Rule::default()]),
            false,
        ),
        with(
            "deny",
            labels([("app", "a"), ("tier", "0")]),
            Action::Deny(OneOrMore::new(vec![full_rule(), accounts()]).unwrap()),
            true,
        ),
        with(
            "audit",
            targets([TargetRefKind::Gateway]),
            Action::Audit(vec![get_from_web()]),
            false,
        ),
        with(
            "ask",
            targets([TargetRefKind::Service, TargetRefKind::ServiceEntry]),
            Action::Custom {
                provider: "ext-authz-1".to_owned(),
                rules: OneOrMore::one(every_network_condition()),
            },
            false,
        ),
        Authorization {
            meta: meta("waypoint-all", "istio-system"),
            ..with(
                "",
                targets([TargetRefKind::GatewayClass]),
                Action::Allow(vec![every_condition()]),
                false,
            )
        },
    ]
}

fn allow(name: &str, selection: Selection, rules: Vec<Rule>) -> Authorization {
    Authorization {
        meta: meta(name, "shop"),
        selection,
        action: Action::Allow(rules),
        dry_run: false,
    }
}

fn get_from_web() -> Rule {
    Rule {
        sources: vec![Source {
            principals: only(["cluster.local/ns/shop/sa/web"]),
            ..Source::default()
        }],
        operations: vec![Operation {
            methods: only(["GET", "HEAD"]),
            paths: only(["/reviews/*"]),
            ports: Lists {
                values: vec![9080],
                not_values: vec![],
            },
            ..Operation::default()
        }],
        ..Rule::default()
    }
}

fn full_rule() -> Rule {
    Rule {
        sources: vec![
            Source {
                principals: both(["*", "cluster.local/ns/a/sa/b"]),
                namespaces: both(["a", "partner-*"]),
                trust_domains: both(["partner.example", "*.example"]),
                request_principals: both(["*", "https://id.example.com/*"]),
                ip_blocks: blocks(["10.0.0.0/8", "2001:db8::/32"]),
                remote_ip_blocks: blocks(["203.0.113.7", "::1"]),
                ..Source::default()
            },
            Source {
                principals: only(["*"]),
                ..Source::default()
            },
        ],
        operations: vec![
            Operation {
                methods: both(["GET", "*"]),
                paths: both(["/a/{*}/b", "/{**}"]),
                hosts: both(["shop.example.com", "shop.example.com:*"]),
                ports: Lists {
                    values: vec![80, 8080],
                    not_values: vec![65535],
                },
            },
            Operation {
                paths: only(["/healthz"]),
                ports: Lists {
                    values: vec![],
                    not_values: vec![5000],
                },
                ..Operation::default()
            },
        ],
        conditions: vec![Condition {
            key: ConditionKey::Claim(strings(["groups", "staff"])),
            lists: both(["admin", "*"]),
        }],
        ..Rule::default()
    }
}

fn accounts() -> Rule {
    Rule {
        sources: vec![Source {
            service_accounts: both(["shop/web", "monitoring/prometheus"]),
            ..Source::default()
        }],
        operations: vec![Operation {
            ports: Lists {
                values: vec![443],
                not_values: vec![],
            },
            ..Operation::default()
        }],
        ..Rule::default()
    }
}

fn every_condition() -> Rule {
    let of = |key: ConditionKey, value: &str| Condition {
        key,
        lists: only([value]),
    };
    let mut rule = every_network_condition();
    rule.conditions.extend([
        of(ConditionKey::SourceNamespace, "shop"),
        of(ConditionKey::SourcePrincipal, "*"),
        of(ConditionKey::SourceServiceAccount, "shop/web"),
        of(ConditionKey::SourceTrustDomain, "cluster.local"),
        of(ConditionKey::RequestPrincipal, "https://id.example.com/ann"),
        of(ConditionKey::Audiences, "shop-api"),
        of(ConditionKey::Presenter, "012"),
        of(ConditionKey::Claim(strings(["iss"])), "*"),
    ]);
    rule
}

fn every_network_condition() -> Rule {
    let of = |key: ConditionKey, value: &str| Condition {
        key,
        lists: only([value]),
    };
    Rule {
        conditions: vec![
            of(ConditionKey::Header("x-on".to_owned()), "on"),
            of(ConditionKey::SourceIp, "10.0.0.1"),
            of(ConditionKey::RemoteIp, "203.0.113.0/24"),
            of(ConditionKey::DestinationIp, "169.254.169.254"),
            of(ConditionKey::DestinationPort, "8080"),
            of(ConditionKey::Sni, "*.example.com"),
            of(
                ConditionKey::Filter {
                    filter: "envoy.filters.network.mysql_proxy".to_owned(),
                    key: "db.table".to_owned(),
                },
                "[update]",
            ),
        ],
        ..Rule::default()
    }
}

fn destination_rules() -> Vec<DestinationRule> {
    let mutual = ClientTls {
        client_certificate: Some("/etc/certs/cert.pem".to_owned()),
        private_key: Some("/etc/certs/key.pem".to_owned()),
        ca_certificates: Some("/etc/certs/ca.pem".to_owned()),
        ca_crl: Some("/etc/certs/ca.crl".to_owned()),
        subject_alt_names: strings(["db.example.com", "spiffe://partner.example/ns/db/sa/db"]),
        sni: Some("db.example.com".to_owned()),
        ..ClientTls::plain(TlsMode::Mutual)
    };
    let by_secret = ClientTls {
        credential_name: Some("db-secret".to_owned()),
        insecure_skip_verify: true,
        ..ClientTls::plain(TlsMode::Mutual)
    };
    vec![
        tls_everywhere(),
        DestinationRule {
            meta: meta("db-example-com", "shop"),
            host: "db.example.com".to_owned(),
            tls: Some(TlsByPort {
                all: Some(mutual),
                ports: BTreeMap::from([
                    (3306, Some(ClientTls::plain(TlsMode::Disable))),
                    (443, Some(ClientTls::plain(TlsMode::Simple))),
                ]),
            }),
            subsets: vec![
                Subset {
                    name: "v1".to_owned(),
                    labels: map([("version", "1")]),
                    tls: TlsByPort {
                        all: None,
                        ports: BTreeMap::from([(443, Some(by_secret))]),
                    },
                },
                Subset {
                    name: "all".to_owned(),
                    labels: StringMap::new(),
                    tls: TlsByPort::default(),
                },
            ],
            export_to: strings(["."]),
            clients: Some(map([("app", "web")])),
        },
        DestinationRule {
            export_to: strings(["*"]),
            tls: None,
            meta: meta("nothing", "shop"),
            ..tls_everywhere()
        },
    ]
}

fn tls_everywhere() -> DestinationRule {
    DestinationRule {
        meta: meta("default", "istio-system"),
        host: "*.local".to_owned(),
        tls: Some(TlsByPort {
            all: Some(ClientTls::plain(TlsMode::IstioMutual)),
            ports: BTreeMap::new(),
        }),
        subsets: vec![],
        export_to: vec![],
        clients: None,
    }
}

fn meta(name: &str, namespace: &str) -> Meta {
    Meta {
        name: name.to_owned(),
        namespace: Some(namespace.to_owned()),
        labels: map([("app.kubernetes.io/managed-by", "meshc")]),
        annotations: StringMap::new(),
        created: None,
        origin: Span::default(),
    }
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> StringMap {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Selection {
    Selection::Labels(Labels::new(map(pairs)).unwrap())
}

fn targets<const N: usize>(kinds: [TargetRefKind; N]) -> Selection {
    let of = |kind| TargetRef {
        kind,
        name: if kind == TargetRefKind::GatewayClass {
            "istio-waypoint"
        } else {
            "cart"
        }
        .to_owned(),
    };
    Selection::Targets(OneOrMore::new(kinds.into_iter().map(of).collect()).unwrap())
}

fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

fn only<'a>(values: impl IntoIterator<Item = &'a str>) -> Lists<String> {
    Lists {
        values: strings(values),
        not_values: vec![],
    }
}

fn both(values: [&str; 2]) -> Lists<String> {
    Lists {
        values: strings(values),
        not_values: strings(values.into_iter().rev()),
    }
}

fn blocks(values: [&str; 2]) -> Lists<IpBlock> {
    let parsed = values.map(|text| IpBlock::parse(text).unwrap());
    Lists {
        not_values: parsed.iter().rev().cloned().collect(),
        values: parsed.to_vec(),
    }
}
