//! What is read: every field in its place, and one meaning for all of its spellings.

use proptest::prelude::*;

use crate::backends::istio_legacy;
use crate::backends::manifests::{self, Manifests};
use crate::diagnostics::Diagnostics;
use crate::policy::legacy::{
    AuthenticationPolicy, Jwt, Origin, PeerMethod, PrincipalBinding, ServicePort, ServiceTarget, StringMatch,
    TriggerRule,
};
use crate::policy::{Keys, Meta, StringMap, Target};
use crate::source::{FileId, Span};

fn read(text: &str, target: Target) -> (Manifests, Vec<&'static str>) {
    let mut acc = Diagnostics::default();
    let manifests = manifests::read(FileId(0), text, target, &mut acc);
    (manifests, acc.into_sorted().iter().map(|d| d.code.id).collect())
}

fn policy(spec: &str) -> AuthenticationPolicy {
    let text = format!(
        "apiVersion: authentication.istio.io/v1alpha1\nkind: Policy\nmetadata: {{name: default}}\nspec: {spec}\n"
    );
    let (manifests, found) = read(&text, Target::LEGACY);
    let policies = manifests.policies.authentication_policies;
    assert_eq!(policies.len(), 1, "{text}: {found:?}");
    policies.into_iter().next().unwrap()
}

#[test]
fn every_field_is_read() {
    let text = "\
apiVersion: authentication.istio.io/v1alpha1
kind: Policy
metadata: {name: jwt-example, namespace: foo, labels: {a: b}, annotations: {c: d}}
spec:
  targets: [{name: web, ports: [{number: 80}, {name: http}]}, {name: api}]
  peers:
  - jwt: {issuer: a, jwks: '{\"keys\": []}'}
  - mtls: {mode: PERMISSIVE, allowTls: true}
  peerIsOptional: true
  origins:
  - jwt:
      issuer: b
      audiences: [c]
      jwksUri: https://d/e
      jwtHeaders: [f]
      jwtParams: [g]
      triggerRules:
      - excludedPaths: [{exact: /h}, {prefix: /i}]
        includedPaths: [{suffix: /j}, {regex: /k}]
      - {}
  originIsOptional: true
  principalBinding: USE_ORIGIN
";
    let (manifests, _) = read(text, Target::LEGACY);
    assert_eq!(manifests.objects, 1);
    let policy = &manifests.policies.authentication_policies[0];
    assert_eq!(policy.meta.name, "jwt-example");
    assert_eq!(policy.meta.namespace.as_deref(), Some("foo"));
    assert_eq!(policy.meta.labels["a"], "b");
    assert_eq!(policy.meta.annotations["c"], "d");
    assert_eq!(
        policy.targets[0].ports,
        [ServicePort::Number(80), ServicePort::Name("http".to_owned())]
    );
    assert_eq!(
        (policy.targets[1].name.as_str(), policy.targets[1].ports.len()),
        ("api", 0)
    );
    let PeerMethod::Jwt(peer) = &policy.peers[0] else {
        panic!("{policy:?}")
    };
    assert_eq!(
        (peer.issuer.as_str(), &peer.keys),
        ("a", &Keys::Inline("{\"keys\": []}".to_owned()))
    );
    assert_eq!(
        policy.peers[1],
        PeerMethod::Mtls {
            permissive: true,
            allow_tls: true
        }
    );
    assert!(policy.peer_is_optional && policy.origin_is_optional);
    assert_eq!(policy.principal_binding, PrincipalBinding::Origin);
    let origin = &policy.origins[0];
    assert_eq!(origin.jwt.issuer, "b");
    assert_eq!(origin.jwt.keys, Keys::Uri("https://d/e".to_owned()));
    assert_eq!(origin.jwt.audiences, ["c"]);
    assert_eq!(origin.jwt.headers, ["f"]);
    assert_eq!(origin.jwt.params, ["g"]);
    assert_eq!(
        origin.triggers[0].excluded,
        [
            StringMatch::Exact("/h".to_owned()),
            StringMatch::Prefix("/i".to_owned())
        ]
    );
    assert_eq!(
        origin.triggers[0].included,
        [
            StringMatch::Suffix("/j".to_owned()),
            StringMatch::Regex("/k".to_owned())
        ]
    );
    assert_eq!(origin.triggers.len(), 2);
    let place = |span: Span| &text[span.range()];
    assert_eq!(place(origin.jwt.origin), "b");
    assert_eq!(place(policy.meta.origin), "jwt-example");
}

#[test]
fn mutual_tls_has_three_spellings() {
    let strict = [PeerMethod::Mtls {
        permissive: false,
        allow_tls: false,
    }];
    for spec in [
        "{peers: [{mtls: {}}]}",
        "{peers: [{mtls: }]}",
        "{peers: [{mtls: null}]}",
        "{peers: [{mtls: {mode: STRICT}}]}",
    ] {
        assert_eq!(policy(spec).peers, strict, "{spec}");
    }
    assert_eq!(policy("{peer: [{mtls: {}}]}").peers, []);
}

#[test]
fn what_is_refused_has_no_part_in_the_policy() {
    let text = "apiVersion: authentication.istio.io/v1alpha1\nkind: MeshPolicy\nmetadata: {name: default}\n";
    let (manifests, found) = read(&format!("{text}spec: {{peers: [{{}}]}}\n---\n{text}"), Target::LEGACY);
    assert_eq!(found, ["E0552"]);
    assert_eq!(manifests.objects, 2);
    let policies = manifests.policies.authentication_policies;
    assert_eq!(policies.len(), 1);
    assert_eq!(
        (policies[0].meta.namespace.as_deref(), policies[0].peers.len()),
        (None, 0)
    );
}

#[test]
fn a_newer_release_has_no_such_policy() {
    let text = "apiVersion: authentication.istio.io/v1alpha1\nkind: MeshPolicy\nmetadata: {name: default}\n";
    for (target, code) in [
        ("istio-1.4.10", None),
        ("istio-1.5", Some("E0551")),
        ("istio-1.6", Some("W0550")),
        ("istio-1.31", Some("W0550")),
    ] {
        let (manifests, found) = read(text, Target::parse(target).unwrap());
        assert_eq!(found, code.into_iter().collect::<Vec<_>>(), "{target}");
        assert_eq!(
            manifests.policies.authentication_policies.len(),
            usize::from(code.is_none()),
            "{target}"
        );
    }
}

/// Text of any kind, now and then empty or hostile to YAML.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z/*.?(){}|-]{1,8}",
        "[ -~]{1,12}",
        "\\PC{1,6}",
        Just("yes".to_owned()),
        Just("012".to_owned())
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any_text(), 0..3)
}

fn any_jwt(issuer: &'static str) -> impl Strategy<Value = Jwt> {
    let keys = prop_oneof![
        Just(Keys::Discovery),
        Just(Keys::Uri("https://example.com/keys".to_owned())),
        Just(Keys::Inline("{\"keys\": []}".to_owned()))
    ];
    (keys, texts(), texts(), texts()).prop_map(move |(keys, audiences, headers, params)| Jwt {
        issuer: issuer.to_owned(),
        keys,
        audiences,
        headers,
        params,
        origin: Span::default(),
    })
}

fn any_trigger() -> impl Strategy<Value = TriggerRule> {
    let path = prop_oneof![
        any_text().prop_map(StringMatch::Exact),
        any_text().prop_map(StringMatch::Prefix),
        any_text().prop_map(StringMatch::Suffix),
        any_text().prop_map(StringMatch::Regex)
    ];
    let paths = prop::collection::vec(path, 0..3);
    (paths.clone(), paths).prop_map(|(excluded, included)| TriggerRule { excluded, included })
}

fn any_target() -> impl Strategy<Value = ServiceTarget> {
    let port = prop_oneof![
        (1..=u16::MAX).prop_map(ServicePort::Number),
        "[a-z]{1,5}".prop_map(ServicePort::Name)
    ];
    ("[a-z]{1,5}", prop::collection::vec(port, 0..3)).prop_map(|(name, ports)| ServiceTarget { name, ports })
}

fn any_policy() -> impl Strategy<Value = AuthenticationPolicy> {
    let mtls =
        (any::<bool>(), any::<bool>()).prop_map(|(permissive, allow_tls)| PeerMethod::Mtls { permissive, allow_tls });
    let peers = (prop::collection::vec(mtls, 0..3), prop::option::of(any_jwt("peer")));
    let origins = prop::option::of((any_jwt("origin"), prop::collection::vec(any_trigger(), 0..3)));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let targets = prop::collection::vec(any_target(), 0..3);
    (targets, peers, origins, flags, any::<bool>()).prop_map(
        |(targets, (mut peers, token), origins, (peer_is_optional, origin_is_optional, binds_origin), mesh)| {
            peers.extend(token.map(PeerMethod::Jwt));
            let targets = if mesh { Vec::new() } else { targets };
            let name = if targets.is_empty() { "default" } else { "web" };
            AuthenticationPolicy {
                meta: Meta {
                    name: name.to_owned(),
                    namespace: (!mesh).then(|| "shop".to_owned()),
                    labels: StringMap::new(),
                    annotations: StringMap::new(),
                    created: None,
                    origin: Span::default(),
                },
                targets,
                peers,
                peer_is_optional,
                origins: origins
                    .map(|(jwt, triggers)| Origin { jwt, triggers })
                    .into_iter()
                    .collect(),
                origin_is_optional,
                principal_binding: if binds_origin {
                    PrincipalBinding::Origin
                } else {
                    PrincipalBinding::Peer
                },
            }
        },
    )
}

proptest! {
    /// Whatever policy we write, it is read back as what it was.
    #[test]
    fn what_is_written_is_read(policy in any_policy()) {
        let text = istio_legacy::authentication_policy(&policy).artifact().text;
        let (manifests, found) = read(&text, Target::LEGACY);
        let mut policies = manifests.policies.authentication_policies;
        for read in &mut policies {
            read.meta.origin = Span::default();
            for method in &mut read.peers {
                if let PeerMethod::Jwt(jwt) = method {
                    jwt.origin = Span::default();
                }
            }
            read.origins.iter_mut().for_each(|origin| origin.jwt.origin = Span::default());
        }
        prop_assert_eq!(&policies, &[policy], "{}\n{:?}", text, found);
    }
}
