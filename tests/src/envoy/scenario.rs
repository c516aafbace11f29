//! One mesh as people write it: settings, pods, and Istio's objects. The Kubernetes objects around a pod follow from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Keys;
use crate::parts::{self, ProxyKind};

/// The label of a Service whose requests go through a waypoint.
pub const USE_WAYPOINT: &str = "istio.io/use-waypoint";

/// One mesh, in which requests are asked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    #[serde(default, skip)]
    pub name: String,
    /// Settings of the mesh, over Istio's defaults.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub mesh: Value,
    /// The first is asked where a request names none.
    #[serde(default = "httpbin", skip_serializing_if = "is_httpbin")]
    pub pods: Vec<Pod>,
    /// A program of the Mesh language, which says the same as the objects: they are what it emits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Value>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: String::new(),
            mesh: Value::Null,
            pods: httpbin(),
            program: None,
            objects: Vec::new(),
        }
    }
}

/// Which ways out proxies are configured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outbound {
    None,
    /// To every Service, with their clusters.
    All,
}

/// A pod behind a Service, both of one name.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pod {
    pub name: String,
    pub namespace: String,
    pub proxy: Served,
    pub ip: IpAddr,
    /// The Service's ports by name, which says the protocol as in Istio.
    pub ports: BTreeMap<String, u16>,
    /// What is added to a port of the Service to get the pod's.
    pub target_offset: u16,
    /// Besides `app`, which is the name.
    pub labels: BTreeMap<String, String>,
    pub service_labels: BTreeMap<String, String>,
    /// `None`: of the pod's name.
    pub account: Option<String>,
    /// The Service's address.
    pub vip: IpAddr,
}

/// What runs beside, or in, a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Served {
    Sidecar,
    Gateway,
    Waypoint,
    /// Nothing: it is only there to be reached by others.
    None,
}

impl Served {
    /// The kind of proxy that istiod configures.
    #[must_use]
    pub const fn proxy(self) -> Option<ProxyKind> {
        match self {
            Self::Sidecar => Some(ProxyKind::Sidecar),
            Self::Gateway => Some(ProxyKind::Router),
            Self::Waypoint => Some(ProxyKind::Waypoint),
            Self::None => None,
        }
    }
}

/// HTTP on 80, TCP on 5000, and on 7000 a port whose protocol Envoy has to find out.
impl Default for Pod {
    fn default() -> Self {
        let ports = [("http", 80), ("tcp-db", 5000), ("any", 7000)];
        Self {
            name: "httpbin".to_owned(),
            namespace: "foo".to_owned(),
            proxy: Served::Sidecar,
            ip: IpAddr::from([10, 0, 0, 1]),
            ports: ports.map(|(name, port)| (name.to_owned(), port)).into(),
            target_offset: 0,
            labels: BTreeMap::new(),
            service_labels: BTreeMap::new(),
            account: None,
            vip: IpAddr::from([10, 96, 0, 10]),
        }
    }
}

fn httpbin() -> Vec<Pod> {
    vec![Pod::default()]
}

fn is_httpbin(pods: &[Pod]) -> bool {
    pods == httpbin()
}

/// As a request names it.
impl fmt::Display for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.namespace)
    }
}

impl Pod {
    /// All labels that it carries.
    #[must_use]
    pub fn all_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.extend(self.waypoint_labels());
        labels.insert("app".to_owned(), self.name.clone());
        labels
    }

    /// The name of its service account.
    #[must_use]
    pub fn account(&self) -> &str {
        self.account.as_deref().unwrap_or(&self.name)
    }

    /// Whether the requests to its Service go through this waypoint of its namespace.
    #[must_use]
    pub fn is_served_by(&self, waypoint: &Self) -> bool {
        let used = self.service_labels.get(USE_WAYPOINT);
        waypoint.proxy == Served::Waypoint && self.namespace == waypoint.namespace && used == Some(&waypoint.name)
    }

    /// By which istiod knows its own waypoints.
    fn waypoint_labels(&self) -> BTreeMap<String, String> {
        let labels = [
            ("gateway.networking.k8s.io/gateway-name", self.name.as_str()),
            ("gateway.istio.io/managed", "istio.io-mesh-controller"),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        labels.into_iter().filter(|_| self.proxy == Served::Waypoint).collect()
    }

    /// What makes a pod a waypoint.
    fn gateway(&self) -> Option<Value> {
        (self.proxy == Served::Waypoint).then(|| {
            json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                "metadata": { "name": self.name, "namespace": self.namespace },
                "spec": { "gatewayClassName": "istio-waypoint",
                    "listeners": [{ "name": "mesh", "port": 15008, "protocol": "HBONE" }] },
                "status": { "addresses": [{ "type": "IPAddress", "value": self.vip }] } })
        })
    }

    fn objects(&self) -> Vec<Value> {
        let address_type = if self.ip.is_ipv6() { "IPv6" } else { "IPv4" };
        let meta = |labels: &BTreeMap<String, String>| json!({ "name": self.name, "namespace": self.namespace, "labels": labels });
        let of_service = [("kubernetes.io/service-name".to_owned(), self.name.clone())].into();
        let mut labels = self.all_labels();
        if self.proxy != Served::None {
            labels.insert("security.istio.io/tlsMode".to_owned(), "istio".to_owned());
        }
        let mut service_labels = self.service_labels.clone();
        service_labels.extend(self.waypoint_labels());
        let ports = self.ports.iter();
        let service_ports: Vec<Value> = ports
            .clone()
            .map(|(name, port)| json!({ "name": name, "port": port, "targetPort": port + self.target_offset }))
            .collect();
        let pod_ports: Vec<Value> = ports
            .map(|(name, port)| json!({ "name": name, "port": port + self.target_offset }))
            .collect();
        let mut objects = vec![
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": meta(&service_labels), "spec": {
                "selector": { "app": self.name }, "clusterIP": self.vip, "ports": service_ports } }),
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": meta(&labels),
                "spec": { "serviceAccountName": self.account(), "containers": [{ "name": "c", "image": "c" }] },
                "status": { "phase": "Running", "podIP": self.ip, "podIPs": [{ "ip": self.ip }],
                    "conditions": [{ "type": "Ready", "status": "True" }] } }),
            json!({ "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta(&of_service),
                "addressType": address_type,
                "endpoints": [{ "addresses": [self.ip], "conditions": { "ready": true },
                    "targetRef": { "kind": "Pod", "name": self.name, "namespace": self.namespace } }],
                "ports": pod_ports }),
        ];
        objects.extend(self.gateway());
        objects
    }
}

/// When objects were made that do not say it.
const CREATED: &str = "2024-01-01T00:00:00Z";

impl Scenario {
    /// Whether istiod must be told of waypoints.
    #[must_use]
    pub fn is_ambient(&self) -> bool {
        self.pods.iter().any(|pod| pod.proxy == Served::Waypoint)
    }

    /// The pods that have a proxy.
    pub fn proxies(&self) -> impl Iterator<Item = (&Pod, ProxyKind)> {
        self.pods.iter().filter_map(|pod| Some((pod, pod.proxy.proxy()?)))
    }

    /// The Istio objects as one stream, with key sets in place. Those that say no age are of one: istiod's store in memory
    /// would take the moment at which it is given each.
    pub fn manifests(&self, keys: &Keys) -> Result<String> {
        let mut objects = self.objects.clone();
        for meta in objects
            .iter_mut()
            .filter_map(|object| object.get_mut("metadata")?.as_object_mut())
        {
            meta.entry("creationTimestamp").or_insert_with(|| json!(CREATED));
        }
        keys.fill(&stream(&objects))
    }

    /// The same for istiod's code, with the Kubernetes objects around each pod.
    pub fn to_generator(&self, keys: &Keys, outbound: Outbound) -> Result<parts::Scenario> {
        // Every sidecar would be given the way to every Service: quadratic in the number of pods, and asked by nobody.
        let no_outbound = json!({
            "apiVersion": "networking.istio.io/v1", "kind": "Sidecar",
            "metadata": { "name": "no-outbound", "namespace": "istio-system" },
            "spec": { "egress": [{ "hosts": ["~/*"] }] },
        });
        let mut objects = Vec::new();
        if outbound == Outbound::None {
            objects.push(no_outbound);
        }
        objects.extend(self.pods.iter().flat_map(Pod::objects));
        if self.is_ambient() {
            let namespaces: BTreeSet<&str> = self.pods.iter().map(|pod| pod.namespace.as_str()).collect();
            objects.extend(
                namespaces
                    .into_iter()
                    .map(|name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })),
            );
        }
        let proxies = self.proxies().map(|(pod, kind)| parts::Proxy {
            name: pod.name.clone(),
            namespace: pod.namespace.clone(),
            kind,
            ip: pod.ip.to_string(),
            labels: pod.all_labels(),
            service_account: pod.account().to_owned(),
            // Among a waypoint's is what leads from its tunnel to the rest of it.
            clusters: outbound == Outbound::All || kind == ProxyKind::Waypoint,
        });
        Ok(parts::Scenario {
            mesh: if self.mesh.is_null() {
                String::new()
            } else {
                self.mesh.to_string()
            },
            objects: format!("{}\n---\n{}", stream(&objects), self.manifests(keys)?),
            proxies: proxies.collect(),
        })
    }
}

fn stream(objects: &[Value]) -> String {
    let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
    texts.join("\n---\n")
}
