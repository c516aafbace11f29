//! Meshes for the client half: DestinationRules and PeerAuthentications out of nothing, over what decides the TLS that a
//! sidecar speaks.

use serde_json::{Map, Value, json};

use super::policies::{self, Scope};
use super::{ROOT, own, pod};
use crate::envoy::{Scenario, Served};
use crate::generate::Die;

const PODS: u8 = 4;

/// A mesh of this seed, one of many.
#[must_use]
pub fn clients(seed: u64, index: u64) -> Scenario {
    let mut die = Die::new(seed.wrapping_mul(0x2_0000_0003).wrapping_add(index));
    let mut scenario = Scenario {
        name: format!("clients-{seed}-{index}"),
        pods: (1..=PODS).map(|number| pod(number, &mut die)).collect(),
        ..Scenario::default()
    };
    if die.once_in(6) {
        scenario.mesh = json!({ "enableAutoMtls": false });
    }
    if let Some(last) = scenario.pods.last_mut() {
        last.proxy = if die.once_in(2) { Served::Sidecar } else { Served::None };
    }
    let mut names = (1..).map(|number| format!("p{number}"));
    let mut name = || names.next().unwrap_or_default();
    for namespace in [ROOT, "foo", "bar"] {
        if die.once_in(4) {
            let scope = Scope {
                namespace: namespace.to_owned(),
                labels: None,
                targets: Vec::new(),
            };
            scenario.objects.push(policies::peer(&name(), &scope, &mut die));
        }
    }
    for pod in &scenario.pods {
        if die.once_in(3) {
            scenario.objects.push(policies::peer(&name(), &own(pod), &mut die));
        }
    }
    let mut hosts = vec![
        "*.foo.svc.cluster.local".to_owned(),
        "*.local".to_owned(),
        "*".to_owned(),
    ];
    for pod in &scenario.pods {
        // Short names are left out: what istiod's tests read objects with does not complete them, as a cluster does.
        hosts.extend(vec![format!("{}.{}.svc.cluster.local", pod.name, pod.namespace); 2]);
    }
    for _ in 0..1 + die.below(3) {
        let host = hosts.get(die.below(hosts.len())).cloned().unwrap_or_default();
        let rule = destination(&name(), &host, &mut die);
        scenario.objects.push(rule);
    }
    scenario
}

fn destination(name: &str, host: &str, die: &mut Die) -> Value {
    let mut spec = Map::from_iter([("host".to_owned(), json!(host))]);
    let mut policy = Map::new();
    if !die.once_in(4) {
        policy.insert("tls".to_owned(), tls(die));
    }
    if die.once_in(2) {
        let mut setting = json!({ "port": { "number": die.pick(&[80, 5000, 7000]) } });
        let (field, value) = if die.once_in(4) {
            ("connectionPool", json!({ "tcp": { "maxConnections": 10 } }))
        } else {
            ("tls", tls(die))
        };
        if let Some(fields) = setting.as_object_mut() {
            fields.insert(field.to_owned(), value);
        }
        policy.insert("portLevelSettings".to_owned(), json!([setting]));
    }
    if !policy.is_empty() {
        spec.insert("trafficPolicy".to_owned(), Value::Object(policy));
    }
    match die.below(8) {
        0 => drop(spec.insert("exportTo".to_owned(), json!(["."]))),
        1 => drop(spec.insert("exportTo".to_owned(), json!([die.one(&["*", "foo", "bar"])]))),
        2 => {
            let labels = match die.below(3) {
                0 => json!({ "tier": "front" }),
                1 => json!({ "tier": "back" }),
                _ => json!({ "app": "w1" }),
            };
            spec.insert("workloadSelector".to_owned(), json!({ "matchLabels": labels }));
        }
        _ => {}
    }
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": { "name": name, "namespace": die.one(&[ROOT, "foo", "foo", "bar"]) },
        "spec": spec,
    })
}

fn tls(die: &mut Die) -> Value {
    match die.below(8) {
        0 | 1 => json!({ "mode": "DISABLE" }),
        2 => json!({ "mode": "SIMPLE" }),
        3 => json!({ "mode": "SIMPLE", "sni": "a.test", "credentialName": "cred" }),
        4 => {
            json!({ "mode": "MUTUAL", "clientCertificate": "/c.pem", "privateKey": "/k.pem", "caCertificates": "/a.pem" })
        }
        _ => json!({ "mode": "ISTIO_MUTUAL" }),
    }
}
