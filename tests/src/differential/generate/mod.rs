//! Meshes out of nothing: each seed is one, with its policies and what is asked in it.

pub mod clients;
mod facts;
mod gateways;
mod policies;
mod programs;
mod requests;

use std::net::Ipv6Addr;

use serde_json::{Map, Value, json};

use super::program;
use crate::envoy::request::{ANSWER, Request};
use crate::envoy::{Pod, Scenario, Served};
use crate::generate::Die;
use policies::Scope;

const ROOT: &str = "istio-system";
const NAMESPACES: &[&str] = &["foo", "bar", "foo", "bar", ROOT];
const PODS: u8 = 8;

/// A mesh and its requests.
#[derive(Clone, Debug)]
pub struct World {
    pub scenario: Scenario,
    pub requests: Vec<Request>,
}

/// Of so many worlds in a row one is a program of the Mesh language; the others are Istio's objects.
const PROGRAMS: u64 = 4;
/// And of so many one has a waypoint.
const WAYPOINTS: u64 = 12;

/// A mesh of this seed, one of many.
#[must_use]
pub fn world(seed: u64, index: u64) -> World {
    let mut die = Die::new(
        seed.wrapping_mul(0x1_0000_0001)
            .wrapping_add(index.wrapping_mul(0x9e37_79b9)),
    );
    let mut scenario = Scenario {
        name: format!("{seed}-{index}"),
        ..Scenario::default()
    };
    if index % PROGRAMS == PROGRAMS - 1 {
        compose_program(&mut scenario, &mut die);
    } else if index.is_multiple_of(WAYPOINTS) {
        gateways::compose_waypoint(&mut scenario, &mut die);
    } else {
        compose_objects(&mut scenario, &mut die);
    }
    let mut asked = Vec::new();
    for pod in scenario.pods.iter().filter(|pod| pod.proxy != Served::Waypoint) {
        // Aimed at what can be meant for this pod; what is for others must not matter, and is in the mesh all the same.
        let near: Vec<Value> = scenario
            .objects
            .iter()
            .filter(|object| may_select(object, pod))
            .cloned()
            .collect();
        let mut own = requests::requests(pod, &near, &domains(&scenario.mesh), &mut die);
        if pod.ip.is_ipv6() {
            requests::over_ipv6(&mut own);
        }
        if near
            .iter()
            .any(|object| object.pointer("/spec/action") == Some(&json!("CUSTOM")))
        {
            requests::add_answers(&mut own, &mut die);
        }
        gateways::direct(&mut own, pod, &scenario, &mut die);
        asked.extend(own);
    }
    World {
        scenario,
        requests: asked,
    }
}

/// Lines that are wrong are left out so many times; more are seldom needed.
const ROUNDS: usize = 8;

fn compose_program(scenario: &mut Scenario, die: &mut Die) {
    scenario.pods = (1..=PODS).map(|number| pod(number, die)).collect();
    for pod in &mut scenario.pods {
        // What would select pods in the root namespace selects them everywhere, which the language says in `mesh`.
        if pod.namespace == ROOT {
            "foo".clone_into(&mut pod.namespace);
        }
    }
    scenario.mesh = settings(die);
    add_authorizers(scenario, die);
    let mut text = programs::program(&scenario.pods, &scenario.mesh, die);
    for _ in 0..ROUNDS {
        match program::objects(&text) {
            Ok(Ok(objects)) => {
                scenario.objects = objects;
                scenario.program = Some(text);
                return;
            }
            Ok(Err(wrong)) => {
                let lines = text.lines().enumerate().filter(|(line, _)| !wrong.contains(line));
                text = lines.map(|(_, line)| format!("{line}\n")).collect();
            }
            Err(_) => return,
        }
    }
}

fn compose_objects(scenario: &mut Scenario, die: &mut Die) {
    scenario.pods = (1..=PODS).map(|number| pod(number, die)).collect();
    if die.once_in(6) {
        for (pod, number) in scenario.pods.iter_mut().zip(1..) {
            pod.ip = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, number).into();
            pod.vip = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, number).into();
        }
    }
    gateways::add_gateway(scenario);
    scenario.mesh = settings(die);
    add_authorizers(scenario, die);
    let wide = |namespace: &str| Scope {
        namespace: namespace.to_owned(),
        labels: None,
        targets: Vec::new(),
    };
    let mut names = (1..).map(|number| format!("p{number}"));
    let mut name = || names.next().unwrap_or_default();
    let objects = &mut scenario.objects;
    for namespace in [ROOT, "foo", "bar"] {
        let scope = wide(namespace);
        if die.once_in(3) {
            objects.push(policies::peer(&name(), &scope, die));
        }
        if die.once_in(4) {
            objects.push(policies::request(&name(), &scope, die));
        }
        // What holds in the whole mesh hides what holds at a pod.
        if die.once_in(if namespace == ROOT { 6 } else { 4 }) {
            objects.push(policies::authorization(&name(), &scope, die));
        }
    }
    for pod in &scenario.pods {
        let scope = selecting(pod, die);
        if die.once_in(3) {
            objects.push(policies::peer(&name(), &own(pod), die));
        }
        for _ in 0..die.pick(&[0, 0, 1, 1, 2]) {
            objects.push(policies::request(&name(), &scope, die));
        }
        for _ in 0..die.pick(&[1, 1, 2, 3]) {
            let scope = selecting(pod, die);
            objects.push(policies::authorization(&name(), &scope, die));
        }
    }
}

fn pod(number: u8, die: &mut Die) -> Pod {
    let tier = die.one(&["front", "back"]);
    Pod {
        name: format!("w{number}"),
        namespace: die.one(NAMESPACES).to_owned(),
        ip: [10, 0, 0, number].into(),
        vip: [10, 96, 0, number].into(),
        labels: [("tier".to_owned(), tier.to_owned())].into(),
        ..Pod::default()
    }
}

fn settings(die: &mut Die) -> Value {
    let mut settings = Map::new();
    if die.once_in(3) {
        settings.insert("trustDomain".to_owned(), json!("td1"));
    }
    if die.once_in(3) {
        settings.insert(
            "trustDomainAliases".to_owned(),
            json!([die.one(&["td2", "td9", "cluster.local"])]),
        );
    }
    if die.once_in(6) {
        settings.insert(
            "caCertificates".to_owned(),
            json!([{ "pem": "unused", "trustDomains": ["td9"] }]),
        );
    }
    if die.once_in(2) {
        let option = die.one(&["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES", "DEFAULT"]);
        settings.insert("pathNormalization".to_owned(), json!({ "normalization": option }));
    }
    if settings.is_empty() {
        Value::Null
    } else {
        Value::Object(settings)
    }
}

/// Makes the authorizers known to most meshes, behind the Service of the first pod. Asked of others, Istio denies.
fn add_authorizers(scenario: &mut Scenario, die: &mut Die) {
    let Some(first) = scenario.pods.first().filter(|_| !die.once_in(6)) else {
        return;
    };
    let service = format!("{}.{}.svc.cluster.local", first.name, first.namespace);
    let providers = json!([
        { "name": "by-grpc", "envoyExtAuthzGrpc": { "service": service, "port": 80 } },
        { "name": "by-http", "envoyExtAuthzHttp": {
            "service": service, "port": 80, "includeRequestHeadersInCheck": [ANSWER] } },
    ]);
    if scenario.mesh.is_null() {
        scenario.mesh = json!({});
    }
    if let Some(settings) = scenario.mesh.as_object_mut() {
        settings.insert("extensionProviders".to_owned(), providers);
    }
}

/// The trust domains that the mesh accepts, and one more.
fn domains(settings: &Value) -> Vec<String> {
    let own = settings
        .get("trustDomain")
        .and_then(Value::as_str)
        .unwrap_or("cluster.local");
    let others = ["/trustDomainAliases", "/caCertificates/0/trustDomains"];
    let others = others
        .iter()
        .filter_map(|list| settings.pointer(list)?.as_array())
        .flatten();
    let accepted = others.filter_map(Value::as_str).map(str::to_owned);
    [own.to_owned(), own.to_owned(), own.to_owned()]
        .into_iter()
        .chain(accepted)
        .chain(["td8".to_owned()])
        .collect()
}

fn labels(pairs: &[(&str, &str)]) -> Option<Map<String, Value>> {
    Some(
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect(),
    )
}

/// Exactly this pod, in its namespace.
fn own(pod: &Pod) -> Scope {
    Scope {
        namespace: pod.namespace.clone(),
        labels: labels(&[("app", &pod.name)]),
        targets: Vec::new(),
    }
}

/// This pod in one way or another, now and then with others, or not at all.
fn selecting(pod: &Pod, die: &mut Die) -> Scope {
    let tier = pod.labels.get("tier").map(String::as_str).unwrap_or_default();
    let labels = match die.below(8) {
        0 => labels(&[("tier", tier)]),
        1 => labels(&[("app", &pod.name), ("tier", tier)]),
        2 => labels(&[("app", &pod.name), ("tier", "none")]),
        _ => labels(&[("app", &pod.name)]),
    };
    let namespace = if die.once_in(6) {
        ROOT.to_owned()
    } else {
        pod.namespace.clone()
    };
    Scope {
        namespace,
        labels,
        targets: Vec::new(),
    }
}

fn may_select(object: &Value, pod: &Pod) -> bool {
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    let many = object.pointer("/spec/targetRefs").and_then(Value::as_array);
    let targets: Vec<&Value> = object
        .pointer("/spec/targetRef")
        .into_iter()
        .chain(many.into_iter().flatten())
        .collect();
    if targets.iter().any(|target| target["kind"] == "Service") {
        return targets.iter().any(|target| target["name"] == pod.name);
    }
    let labels = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let app = labels.and_then(|labels| labels.get("app")).and_then(Value::as_str);
    namespace.is_some_and(|namespace| namespace == ROOT || namespace == pod.namespace)
        && app.is_none_or(|app| app == pod.name)
}
