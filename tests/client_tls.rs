//! The client half: the TLS that meshc says a sidecar speaks to a Service, against the clusters and endpoints with which
//! istiod's own code configures that sidecar.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use meshc::policy::TlsMode;
use meshc_tests::differential::generate::clients::clients;
use meshc_tests::differential::judge::Understood;
use meshc_tests::differential::run::KEY_SETS;
use meshc_tests::envoy::{Keys, Outbound, Scenario, Served};
use meshc_tests::parts::{self, Configuration};
use serde_json::Value;

const SEED: u64 = 1;
const MESHES: u64 = 120;

#[test]
fn clients_speak_as_istiod_configures_them() {
    let Some(oracle) = parts::oracle().unwrap() else { return };
    let keys = Keys::new(KEY_SETS).unwrap();
    let mut generator = oracle.generator(false).unwrap();
    let mut scenarios: Vec<Scenario> = (0..MESHES).map(|index| clients(SEED, index)).collect();
    let mut spoken: BTreeMap<String, usize> = BTreeMap::new();
    let mut unanswered: BTreeMap<String, usize> = BTreeMap::new();
    let mut report = String::new();
    // What a cluster refuses is left out, and the rest asked again.
    for _ in 0..2 {
        let asked: Vec<_> = scenarios
            .iter()
            .map(|it| it.to_generator(&keys, Outbound::All).unwrap())
            .collect();
        let mut again = Vec::new();
        generator
            .generate(&asked, |index, generated| {
                let mut scenario = scenarios[index].clone();
                if !generated.refused.is_empty() {
                    let refused = |object: &Value| generated.refused.iter().any(|it| it.is_about(object));
                    scenario.objects.retain(|object| !refused(object));
                    again.push(scenario);
                    return Ok(());
                }
                let understood = Understood::new(&scenario, &keys)?;
                let judge = understood.judge();
                let clients = (0..)
                    .zip(&scenario.pods)
                    .filter(|(_, pod)| pod.proxy == Served::Sidecar);
                for ((client, caller), configuration) in clients.zip(generated.proxies.iter().flatten()) {
                    for pod in &scenario.pods {
                        let host = format!("{}.{}.svc.cluster.local", pod.name, pod.namespace);
                        for port in pod.ports.values() {
                            let Some(seen) = configured(configuration, &host, *port) else {
                                writeln!(report, "{}: {caller} has no cluster for {host}:{port}", scenario.name)?;
                                continue;
                            };
                            *spoken.entry(seen.to_owned()).or_default() += 1;
                            match judge.client_tls(client, &host, Some(*port)) {
                                Ok(said) if word(said) == seen => {}
                                Ok(said) => {
                                    let objects: Vec<String> = scenario.objects.iter().map(Value::to_string).collect();
                                    writeln!(
                                        report,
                                        "{}: {caller} to {host}:{port}: istiod {seen}, meshc {}\n{}",
                                        scenario.name,
                                        word(said),
                                        objects.join("\n")
                                    )?;
                                }
                                Err(why) => *unanswered.entry(why.to_string()).or_default() += 1,
                            }
                        }
                    }
                }
                Ok(())
            })
            .unwrap();
        scenarios = again;
    }
    assert!(report.is_empty(), "they disagree:\n{report}");
    for mode in ["disable", "simple", "mutual", "istio-mutual"] {
        assert!(spoken.get(mode).is_some_and(|count| *count > 50), "{mode}: {spoken:?}");
    }
    let (all, left): (usize, usize) = (spoken.values().sum(), unanswered.values().sum());
    assert!(left * 20 < all, "meshc answers too little of {all}: {unanswered:?}");
}

const fn word(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "disable",
        TlsMode::Simple => "simple",
        TlsMode::Mutual => "mutual",
        TlsMode::IstioMutual => "istio-mutual",
    }
}

/// The mode of TLS to a Service's port, in meshc's words; `None`: the proxy knows no way there.
fn configured(configuration: &Configuration, host: &str, port: u16) -> Option<&'static str> {
    let name = format!("outbound|{port}||{host}");
    let called = |node: &&Value, field: &str| node.get(field).and_then(Value::as_str) == Some(&name);
    let cluster = configuration.clusters.iter().flatten().find(|it| called(it, "name"))?;
    if cluster.get("transportSocketMatches").is_some() {
        let endpoints = configuration.endpoints.iter().flatten();
        let endpoints = endpoints.into_iter().find(|it| called(it, "clusterName"))?;
        let of_istio = "/endpoints/0/lbEndpoints/0/metadata/filterMetadata/envoy.transport_socket_match/tlsMode";
        let istio = endpoints.pointer(of_istio).and_then(Value::as_str) == Some("istio");
        return Some(if istio { "istio-mutual" } else { "disable" });
    }
    let Some(context) = cluster.pointer("/transportSocket/typedConfig/commonTlsContext") else {
        return Some("disable");
    };
    let certificate = context
        .pointer("/tlsCertificateSdsSecretConfigs/0/name")
        .and_then(Value::as_str);
    Some(match certificate {
        Some("default") => "istio-mutual",
        Some(_) => "mutual",
        None => "simple",
    })
}
