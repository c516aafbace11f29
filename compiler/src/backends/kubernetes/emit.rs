//! Facts as the objects that would make them true: the inverse of reading them.
//!
//! Only what says a fact is written. A workload is a Deployment here, whatever it is in the cluster.

use serde_json::{Map, Value, json};

use super::complete::{GATEWAY_NAME, planes};
use super::protocols::declared;
use crate::backends::yaml;
use crate::policy::StringMap;
use crate::policy::inventory::{Inventory, Normalization, Protocol, Service, Workload, WorkloadKind};

/// One document for each object: the mesh, namespaces, workloads and gateways, Services, waypoints.
#[must_use]
pub fn emit(inventory: &Inventory) -> Vec<String> {
    let mut objects = vec![mesh(inventory)];
    objects.extend(namespaces(inventory));
    // What stands for others is seen by them.
    let workloads = inventory.workloads.iter().enumerate();
    let workloads = workloads.filter(|(_, it)| it.stands_for.is_empty());
    for (_, workload) in workloads.clone().filter(|(_, it)| !is_gateway_api(it)) {
        objects.extend(pods(inventory, workload));
    }
    for (_, workload) in workloads.clone().filter(|(_, it)| is_gateway_api(it)) {
        objects.extend(pods(inventory, workload));
    }
    objects.extend(inventory.services.iter().map(|it| service(inventory, it)));
    objects.extend(workloads.filter_map(|(index, it)| undeclared_ports(inventory, index, it)));
    for waypoint in &inventory.waypoints {
        let account = waypoint.account.as_ref().filter(|it| it.name != waypoint.name);
        let spec = json!({
            "gatewayClassName": "istio-waypoint",
            "listeners": [{ "name": "mesh", "port": 15008, "protocol": "HBONE" }],
        });
        objects.push(api_gateway(
            (&waypoint.namespace, &waypoint.name),
            account.map(|it| &*it.name),
            &spec,
        ));
    }
    objects.iter().map(text).collect()
}

const fn is_gateway_api(workload: &Workload) -> bool {
    matches!(workload.kind, WorkloadKind::Gateway { gateway_api: true, .. })
}

#[expect(
    clippy::expect_used,
    reason = "maps, lists, strings and numbers are all that is in it, which cannot fail"
)]
fn text(object: &Value) -> String {
    yaml::to_text(object).expect("an object can be written")
}

fn object(version: &str, kind: &str, metadata: Value, rest: (&str, Value)) -> Value {
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), json!(version));
    object.insert("kind".to_owned(), json!(kind));
    object.insert("metadata".to_owned(), metadata);
    object.insert(rest.0.to_owned(), rest.1);
    Value::Object(object)
}

fn mesh(inventory: &Inventory) -> Value {
    let mesh = &inventory.mesh;
    let mut config = Map::new();
    config.insert("rootNamespace".to_owned(), json!(mesh.root));
    config.insert("trustDomain".to_owned(), json!(mesh.trust_domain));
    if !mesh.aliases.is_empty() {
        config.insert("trustDomainAliases".to_owned(), json!(mesh.aliases));
    }
    if !mesh.trusts.is_empty() {
        config.insert(
            "caCertificates".to_owned(),
            json!([{ "trustDomains": mesh.trusts, "pem": PLACEHOLDER }]),
        );
    }
    let normalization = match mesh.normalization {
        Normalization::None => "NONE",
        Normalization::Base => "BASE",
        Normalization::MergeSlashes => "MERGE_SLASHES",
        Normalization::DecodeAndMergeSlashes => "DECODE_AND_MERGE_SLASHES",
    };
    config.insert(
        "pathNormalization".to_owned(),
        json!({ "normalization": normalization }),
    );
    config.insert("enableAutoMtls".to_owned(), json!(mesh.auto_mtls));
    let providers = mesh.providers.iter().map(|(name, provider)| {
        let key = if provider.grpc {
            "envoyExtAuthzGrpc"
        } else {
            "envoyExtAuthzHttp"
        };
        json!({ "name": name, key: { "service": PLACEHOLDER, "port": 9000 } })
    });
    let providers: Vec<Value> = providers.collect();
    if !providers.is_empty() {
        config.insert("extensionProviders".to_owned(), json!(providers));
    }
    let config = text(&Value::Object(config));
    object(
        "v1",
        "ConfigMap",
        json!({ "name": "istio", "namespace": mesh.root }),
        ("data", json!({ "mesh": config.trim_end() })),
    )
}

/// What no fact says.
const PLACEHOLDER: &str = "FILL-IN";

/// Each namespace with workloads, and each that says something.
fn namespaces(inventory: &Inventory) -> Vec<Value> {
    let named = inventory.namespaces.keys().chain(inventory.waypoint_namespaces.keys());
    let mut names: Vec<&String> = named
        .chain(inventory.workloads.iter().map(|it| &it.namespace))
        .collect();
    names.sort_unstable();
    names.dedup();
    let namespace = |name: &String| {
        let (key, value) = planes::label_of_namespace(inventory.data_plane(name));
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": name, "labels": { key: value } },
        })
    };
    names.into_iter().map(namespace).collect()
}

/// The pods of a workload, and what they listen on as a gateway.
fn pods(inventory: &Inventory, workload: &Workload) -> Vec<Value> {
    let account = workload.account.as_ref().map(|it| &*it.name);
    let place = (&*workload.namespace, &*workload.name);
    let metadata = json!({ "name": workload.name, "namespace": workload.namespace });
    let mut labels = workload.labels.clone();
    let mut annotations = Map::new();
    let mut objects = Vec::new();
    match workload.kind {
        WorkloadKind::Gateway {
            gateway_api,
            trusted_proxies,
        } => {
            if trusted_proxies > 0 {
                let config = json!({ "gatewayTopology": { "numTrustedProxies": trusted_proxies } });
                annotations.insert("proxy.istio.io/config".to_owned(), json!(config.to_string()));
            }
            if gateway_api {
                let spec = json!({ "gatewayClassName": "istio", "listeners": listeners(workload) });
                return vec![api_gateway(place, account, &spec)];
            }
            annotations.insert("inject.istio.io/templates".to_owned(), json!("gateway"));
            let spec = json!({ "selector": labels, "servers": servers(workload) });
            objects.push(object(
                "networking.istio.io/v1",
                "Gateway",
                metadata.clone(),
                ("spec", spec),
            ));
        }
        WorkloadKind::Application => {
            if workload.data_plane != inventory.data_plane(&workload.namespace) {
                for (key, value) in planes::labels_of_pods(workload.data_plane) {
                    labels.entry((*key).to_owned()).or_insert_with(|| (*value).to_owned());
                }
            }
            let unproxied = workload.ports.iter().filter(|(_, it)| **it == Protocol::Unproxied);
            let unproxied: Vec<String> = unproxied.map(|(port, _)| port.to_string()).collect();
            if !unproxied.is_empty() {
                annotations.insert(
                    "traffic.sidecar.istio.io/excludeInboundPorts".to_owned(),
                    json!(unproxied.join(",")),
                );
            }
        }
    }
    let mut of_pods = Map::new();
    of_pods.insert("labels".to_owned(), json!(labels));
    if !annotations.is_empty() {
        of_pods.insert("annotations".to_owned(), Value::Object(annotations));
    }
    let mut template = Map::new();
    template.insert("metadata".to_owned(), Value::Object(of_pods));
    let account = account.unwrap_or(PLACEHOLDER);
    template.insert("spec".to_owned(), json!({ "serviceAccountName": account }));
    let spec = json!({ "template": template });
    objects.insert(0, object("apps/v1", "Deployment", metadata, ("spec", spec)));
    objects
}

/// Ports whose protocol no Service says are said by one that selects the pods.
fn undeclared_ports(inventory: &Inventory, index: usize, workload: &Workload) -> Option<Value> {
    let said = |port: u16| {
        let mut services = inventory.services.iter().filter(|it| it.workloads.contains(&index));
        services.any(|service| service.ports.iter().any(|(_, target)| *target == port))
    };
    let application = workload.kind == WorkloadKind::Application;
    let ports = workload.ports.iter().filter(|(port, protocol)| {
        let declared = matches!(protocol, Protocol::Http | Protocol::Tcp | Protocol::Tls);
        application && declared && !said(**port)
    });
    let ports: Vec<Value> = ports
        .map(|(port, protocol)| service_port((*port, *port), None, Some(*protocol)))
        .collect();
    if ports.is_empty() || workload.labels.is_empty() {
        return None;
    }
    let metadata = json!({ "name": format!("{}-ports", workload.name), "namespace": workload.namespace });
    let spec = json!({ "clusterIP": "None", "selector": workload.labels, "ports": ports });
    Some(object("v1", "Service", metadata, ("spec", spec)))
}

/// Under its own name, where that says the protocol.
fn service_port((number, target): (u16, u16), name: Option<&String>, protocol: Option<Protocol>) -> Value {
    let name = name.filter(|name| !name.is_empty() && declared(number, Some(name), None) == protocol);
    let word = match protocol {
        Some(protocol @ (Protocol::Http | Protocol::Tcp | Protocol::Tls)) => protocol.word(),
        _ => "port",
    };
    let mut port = Map::new();
    let name = name.cloned().unwrap_or_else(|| format!("{word}-{number}"));
    port.insert("name".to_owned(), json!(name));
    port.insert("port".to_owned(), json!(number));
    if number != target {
        port.insert("targetPort".to_owned(), json!(target));
    }
    Value::Object(port)
}

fn service(inventory: &Inventory, service: &Service) -> Value {
    let workloads = service.workloads.iter().filter_map(|at| inventory.workloads.get(*at));
    let workloads: Vec<&Workload> = workloads.filter(|it| it.stands_for.is_empty()).collect();
    let ports = service.ports.iter().map(|(number, target)| {
        let mut protocols = workloads.iter().filter_map(|it| it.ports.get(target).copied());
        service_port((*number, *target), service.port_names.get(number), protocols.next())
    });
    let mut spec = Map::new();
    if service.headless {
        spec.insert("clusterIP".to_owned(), json!("None"));
    }
    let selector = shared(&workloads);
    if !selector.is_empty() {
        spec.insert("selector".to_owned(), json!(selector));
    }
    spec.insert("ports".to_owned(), json!(ports.collect::<Vec<_>>()));
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(service.name));
    metadata.insert("namespace".to_owned(), json!(service.namespace));
    if let Some((namespace, name)) = &service.waypoint {
        let mut labels = StringMap::from([(planes::WAYPOINT.to_owned(), name.clone())]);
        if *namespace != service.namespace {
            labels.insert(planes::WAYPOINT_NAMESPACE.to_owned(), namespace.clone());
        }
        metadata.insert("labels".to_owned(), json!(labels));
    }
    object("v1", "Service", Value::Object(metadata), ("spec", Value::Object(spec)))
}

/// The labels that all of them carry.
fn shared(workloads: &[&Workload]) -> StringMap {
    let Some((first, rest)) = workloads.split_first() else {
        return StringMap::new();
    };
    let labels = first.labels.iter();
    let everywhere = labels.filter(|(key, value)| rest.iter().all(|it| it.labels.get(*key) == Some(*value)));
    let everywhere = everywhere.filter(|(key, _)| *key != GATEWAY_NAME || rest.is_empty());
    everywhere.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn api_gateway((namespace, name): (&str, &str), account: Option<&str>, spec: &Value) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("namespace".to_owned(), json!(namespace));
    if let Some(account) = account {
        metadata.insert(
            "annotations".to_owned(),
            json!({ "gateway.istio.io/service-account": account }),
        );
    }
    object(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        Value::Object(metadata),
        ("spec", spec.clone()),
    )
}

/// What a gateway of the Gateway API listens on.
fn listeners(workload: &Workload) -> Vec<Value> {
    let listener = |(port, protocol): (&u16, &Protocol)| {
        let name = format!("port-{port}");
        match protocol {
            Protocol::Http | Protocol::Unproxied => json!({ "name": name, "port": port, "protocol": "HTTP" }),
            Protocol::Tcp => json!({ "name": name, "port": port, "protocol": "TCP" }),
            Protocol::Tls => {
                json!({ "name": name, "port": port, "protocol": "TLS", "tls": { "mode": "Passthrough" } })
            }
            Protocol::Https => {
                json!({ "name": name, "port": port, "protocol": "HTTPS", "tls": { "mode": "Terminate" } })
            }
            Protocol::HttpsMutual => {
                let options = json!({ "gateway.istio.io/tls-terminate-mode": "ISTIO_MUTUAL" });
                let tls = json!({ "mode": "Terminate", "options": options });
                json!({ "name": name, "port": port, "protocol": "HTTPS", "tls": tls })
            }
        }
    };
    workload.ports.iter().map(listener).collect()
}

/// What a gateway of Istio's API listens on.
fn servers(workload: &Workload) -> Vec<Value> {
    let server = |(number, protocol): (&u16, &Protocol)| {
        let (word, mode) = match protocol {
            Protocol::Http | Protocol::Unproxied => ("HTTP", None),
            Protocol::Tcp => ("TCP", None),
            Protocol::Tls => ("TLS", Some("PASSTHROUGH")),
            Protocol::Https => ("HTTPS", Some("SIMPLE")),
            Protocol::HttpsMutual => ("HTTPS", Some("ISTIO_MUTUAL")),
        };
        let port = json!({ "number": number, "name": format!("port-{number}"), "protocol": word });
        match mode {
            Some(mode) => json!({ "port": port, "hosts": ["*"], "tls": { "mode": mode } }),
            None => json!({ "port": port, "hosts": ["*"] }),
        }
    };
    workload.ports.iter().map(server).collect()
}
