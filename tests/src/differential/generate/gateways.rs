//! Worlds with an ingress gateway or a waypoint.

use serde_json::{Value, json};

use super::policies::{self, Scope};
use super::{ROOT, add_authorizers, domains, settings};
use crate::envoy::request::{Request, Version};
use crate::envoy::{Pod, Scenario, Served, USE_WAYPOINT};
use crate::generate::Die;

const WAYPOINT: &str = "way";
const PLAIN: u16 = 8080;
const TLS: u16 = 8443;

/// Adds a gateway to the pods, with HTTP and HTTPS, and a way from it to the first of them.
pub(super) fn add_gateway(scenario: &mut Scenario) {
    let Some(first) = scenario.pods.first() else { return };
    let host = format!("{}.{}.svc.cluster.local", first.name, first.namespace);
    let port = |number: u16, protocol: &str| json!({ "number": number, "name": protocol.to_lowercase(), "protocol": protocol });
    let object = |kind: &str, spec: Value| {
        json!({ "apiVersion": "networking.istio.io/v1", "kind": kind,
            "metadata": { "name": "gw", "namespace": ROOT }, "spec": spec })
    };
    let destination = json!({ "host": host, "port": { "number": 80 } });
    scenario.objects.extend([
        object(
            "Gateway",
            json!({ "selector": { "app": "gw" }, "servers": [
                { "port": port(PLAIN, "HTTP"), "hosts": ["*"] },
                { "port": port(TLS, "HTTPS"), "hosts": ["*"], "tls": { "mode": "SIMPLE", "credentialName": "cred" } },
            ]}),
        ),
        object(
            "VirtualService",
            json!({ "hosts": ["*"], "gateways": ["gw"], "http": [{ "route": [{ "destination": destination }] }] }),
        ),
    ]);
    scenario.pods.push(Pod {
        name: "gw".to_owned(),
        namespace: ROOT.to_owned(),
        proxy: Served::Gateway,
        ip: [10, 0, 0, 100].into(),
        vip: [10, 96, 0, 100].into(),
        ports: [("http2".to_owned(), PLAIN), ("https".to_owned(), TLS)].into(),
        ..Pod::default()
    });
}

/// A waypoint with two Services behind it.
pub(super) fn compose_waypoint(scenario: &mut Scenario, die: &mut Die) {
    scenario.mesh = settings(die);
    let waypoint = Pod {
        name: WAYPOINT.to_owned(),
        proxy: Served::Waypoint,
        ip: [10, 0, 0, 100].into(),
        vip: [10, 96, 0, 100].into(),
        ports: [("mesh".to_owned(), 15_008)].into(),
        ..Pod::default()
    };
    let served = (1..=2).map(|number: u8| Pod {
        name: format!("w{number}"),
        proxy: Served::None,
        ip: [10, 0, 0, number].into(),
        vip: [10, 96, 0, number].into(),
        ports: [("http".to_owned(), 80), ("tcp-db".to_owned(), 5000)].into(),
        target_offset: die.pick(&[0, 1000]),
        service_labels: [(USE_WAYPOINT.to_owned(), WAYPOINT.to_owned())].into(),
        ..Pod::default()
    });
    scenario.pods = served.chain([waypoint]).collect();
    add_authorizers(scenario, die);
    let own = &Pod::default().namespace;
    let mut targets = Vec::new();
    for name in ["w1", "w2"] {
        targets.push((own.as_str(), ("Service", name.to_owned(), "")));
    }
    targets.push((own, ("Gateway", WAYPOINT.to_owned(), "gateway.networking.k8s.io")));
    targets.push((
        ROOT,
        ("GatewayClass", "istio-waypoint".to_owned(), "gateway.networking.k8s.io"),
    ));
    let mut names = (1..).map(|number| format!("p{number}"));
    let mut name = || names.next().unwrap_or_default();
    for (namespace, target) in targets {
        let wide = target.0 != "Service";
        let mut targets = vec![target];
        if !wide && die.once_in(4) {
            // Now and then one policy is for both, or for one twice.
            targets.push(("Service", "w2".to_owned(), ""));
        }
        let scope = Scope {
            namespace: namespace.to_owned(),
            labels: None,
            targets,
        };
        if die.once_in(3) {
            scenario.objects.push(policies::request(&name(), &scope, die));
        }
        if !wide || die.once_in(4) {
            for _ in 0..die.pick(&[1, 1, 2]) {
                scenario.objects.push(policies::authorization(&name(), &scope, die));
            }
        }
    }
}

/// Turns requests to a pod into such to where it is reached: a gateway's own ports, or a Service behind a waypoint.
pub(super) fn direct(requests: &mut Vec<Request>, pod: &Pod, scenario: &Scenario, die: &mut Die) {
    let served = scenario.pods.iter().find(|waypoint| pod.is_served_by(waypoint));
    if pod.proxy != Served::Gateway && served.is_none() {
        return;
    }
    if let Some(waypoint) = served {
        let accepted = domains(&scenario.mesh);
        for request in requests {
            request.to = waypoint.to_string();
            request.destination = Some(pod.vip);
            request.sni = None;
            request.port = if request.path.is_some() { 80 } else { 5000 };
            // Plaintext goes past the waypoint.
            let own = accepted.first().map(String::as_str).unwrap_or_default();
            request.peer.get_or_insert_with(|| format!("{own}/ns/foo/sa/web"));
        }
        return;
    }
    requests.retain(|request| request.path.is_some());
    let mut secure = false;
    let mut last = None;
    for request in requests {
        // Those of one connection stay together.
        let connection = (request.source, request.sni.clone(), request.peer.clone());
        if last.as_ref() != Some(&connection) {
            secure = die.once_in(2);
            last = Some(connection);
        }
        request.port = if secure { TLS } else { PLAIN };
        request.destination = None;
        request.peer = secure.then(String::new);
        request.sni = request.sni.take().filter(|_| secure);
        let offered = if request.version == Version::Http1 {
            "http/1.1"
        } else {
            "h2"
        };
        request.alpn = secure.then(|| vec![offered.to_owned()]);
    }
}
