//! MeshPolicy and Policy with every field, as Istio 1.4 documents them.

use expect_test::expect_file;

use super::*;
use crate::backends::istio::tests::stream;
use crate::policy::legacy::{
    AuthenticationPolicy, Jwt, Origin, PeerMethod, PrincipalBinding, ServicePort, ServiceTarget, StringMatch,
    TriggerRule,
};
use crate::policy::{Keys, Meta, PolicySet, StringMap};
use crate::source::Span;

#[test]
fn every_field() {
    let strict = PeerMethod::Mtls {
        permissive: false,
        allow_tls: false,
    };
    let permissive = PeerMethod::Mtls {
        permissive: true,
        allow_tls: false,
    };
    let policies = PolicySet {
        authentication_policies: vec![
            AuthenticationPolicy {
                peers: vec![strict.clone()],
                ..policy("default", None)
            },
            policy("default", Some("legacy")),
            AuthenticationPolicy {
                peers: vec![permissive],
                targets: vec![target("httpbin", &[1234, 8000]), named_port(), target("sleep", &[])],
                ..policy("httpbin", Some("bar"))
            },
            AuthenticationPolicy {
                targets: vec![target("httpbin", &[])],
                peers: vec![strict],
                origins: vec![
                    Origin {
                        jwt: Jwt {
                            audiences: vec!["a".to_owned(), "https://b".to_owned()],
                            headers: vec!["x-token".to_owned()],
                            params: vec!["token".to_owned()],
                            ..jwt("testing@secure.istio.io")
                        },
                        triggers: vec![
                            TriggerRule {
                                excluded: vec![
                                    StringMatch::Exact("/health".to_owned()),
                                    StringMatch::Prefix("/status/".to_owned()),
                                ],
                                included: vec![],
                            },
                            TriggerRule {
                                excluded: vec![StringMatch::Suffix(".html".to_owned())],
                                included: vec![StringMatch::Regex("/v[0-9]+/.*".to_owned())],
                            },
                            TriggerRule::default(),
                        ],
                    },
                    Origin {
                        jwt: Jwt {
                            keys: Keys::Inline(r#"{"keys":[]}"#.to_owned()),
                            ..jwt("inline")
                        },
                        triggers: vec![],
                    },
                ],
                origin_is_optional: true,
                principal_binding: PrincipalBinding::Origin,
                ..policy("jwt-example", Some("foo"))
            },
            AuthenticationPolicy {
                targets: vec![target("odd", &[])],
                peers: vec![
                    PeerMethod::Mtls {
                        permissive: true,
                        allow_tls: true,
                    },
                    PeerMethod::Jwt(Jwt {
                        keys: Keys::Discovery,
                        ..jwt("https://id.example.com")
                    }),
                ],
                peer_is_optional: true,
                ..policy("odd", Some("foo"))
            },
        ],
        ..PolicySet::default()
    };
    expect_file!["golden/istio-1.4.yaml"].assert_eq(&stream(&emit(&policies)));
}

fn policy(name: &str, namespace: Option<&str>) -> AuthenticationPolicy {
    AuthenticationPolicy {
        meta: Meta {
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            labels: StringMap::from([("app.kubernetes.io/managed-by".to_owned(), "meshc".to_owned())]),
            annotations: StringMap::new(),
            created: None,
            origin: Span::default(),
        },
        targets: vec![],
        peers: vec![],
        peer_is_optional: false,
        origins: vec![],
        origin_is_optional: false,
        principal_binding: PrincipalBinding::Peer,
    }
}

fn target(name: &str, ports: &[u16]) -> ServiceTarget {
    ServiceTarget {
        name: name.to_owned(),
        ports: ports.iter().map(|port| ServicePort::Number(*port)).collect(),
    }
}

fn named_port() -> ServiceTarget {
    ServiceTarget {
        name: "echo".to_owned(),
        ports: vec![ServicePort::Name("http".to_owned())],
    }
}

fn jwt(issuer: &str) -> Jwt {
    Jwt {
        issuer: issuer.to_owned(),
        keys: Keys::Uri("https://raw.githubusercontent.com/istio/istio/release-1.4/jwks.json".to_owned()),
        audiences: vec![],
        headers: vec![],
        params: vec![],
        origin: Span::default(),
    }
}
