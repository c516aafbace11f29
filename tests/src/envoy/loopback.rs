//! From the listener that istiod generates to one that takes the same decisions on a free port of 127.0.0.1, in an Envoy
//! without Istio's own filters. Each rewrite has its reason here; everything else stays as it was generated.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::parts::Configuration;

use super::bootstrap::{AUTHORIZER, ECHO, GRPC_AUTHORIZER, MIRROR};

/// What stands before the name of a message type.
const TYPE: &str = "type.googleapis.com/";

/// Filters of Istio's own Envoy that no other has, by the type of their configuration. They carry telemetry and facts for
/// it, and take no decision. The list is closed: a filter that is not here and that Envoy does not know stops the start.
const LACKING: &[&str] = &[
    "envoy.tcp.metadataexchange.config.MetadataExchange",
    "io.istio.http.peer_metadata.Config",
    "stats.PluginConfig",
    "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
];

/// Goes nowhere, and must go on doing so: a call of the proxy's own port 15006.
const BLACK_HOLE: &str = "BlackHoleCluster";

/// The port at which ztunnel reaches a waypoint.
pub(super) const TUNNEL: u16 = 15_008;

/// The listener behind a waypoint's tunnel, and the cluster that leads there.
const INSIDE: &str = "main_internal";

/// The files that a rewritten listener names.
pub(super) struct Files<'a> {
    /// The certificate and key of the server, in one PEM.
    pub(super) certificate: &'a Path,
    /// The authority that signs certificates of the mesh.
    pub(super) authority: &'a Path,
}

/// The rewritten listener.
pub(super) fn rewrite(
    name: &str,
    listener: &Value,
    routes: &BTreeMap<&str, &Value>,
    files: &Files<'_>,
) -> Result<Value> {
    let rewriter = Rewriter {
        routes,
        files,
        inside: None,
    };
    let mut listener = rewriter.value(listener)?;
    let fields = listener.as_object_mut().context("a listener is no object")?;
    // Many proxies share this machine, and nothing redirects to them.
    for field in ["additionalAddresses", "bindToPort", "useOriginalDst"] {
        fields.remove(field);
    }
    fields.insert("name".to_owned(), json!(name));
    fields.insert("address".to_owned(), loopback());
    let mut filters = vec![stated()];
    let own = fields.remove("listenerFilters");
    let own = own.as_ref().and_then(Value::as_array).into_iter().flatten();
    filters.extend(
        own.filter(|filter| text(filter, "name") != "envoy.filters.listener.original_dst")
            .cloned(),
    );
    fields.insert("listenerFilters".to_owned(), Value::Array(filters));
    Ok(listener)
}

/// What a waypoint's tunnel comes to.
pub(super) struct Front {
    /// The one that ends the tunnel, and the one behind it.
    pub(super) listeners: [Value; 2],
    /// What leads from one to the other.
    pub(super) cluster: Value,
}

/// The way into a waypoint as ztunnel takes it. What is behind the tunnel has the addresses that the tunnel states, and who
/// the client is, as in a mesh: of that nothing is rewritten but types that only Istio's Envoy knows.
pub(super) fn front(
    prefix: &str,
    configuration: &Configuration,
    routes: &BTreeMap<&str, &Value>,
    files: &Files<'_>,
) -> Result<Front> {
    let name = format!("{prefix}/inside");
    let rewriter = Rewriter {
        routes,
        files,
        inside: Some(&name),
    };
    let called = |list: &[Value], name: &str| -> Result<Value> {
        let found = list.iter().find(|it| text(it, "name") == name);
        rewriter.value(found.with_context(|| format!("a waypoint without `{name}`"))?)
    };
    let mut inside = called(&configuration.listeners, INSIDE)?;
    let mut cluster = called(configuration.clusters.as_deref().unwrap_or_default(), INSIDE)?;
    for it in [&mut inside, &mut cluster] {
        if let Some(fields) = it.as_object_mut() {
            fields.insert("name".to_owned(), json!(name));
        }
    }
    let mut tunnel = called(&configuration.listeners, "connect_terminate")?;
    if let Some(fields) = tunnel.as_object_mut() {
        fields.insert("name".to_owned(), json!(format!("{prefix}/{TUNNEL}")));
        fields.insert("address".to_owned(), loopback());
        fields.insert("listenerFilters".to_owned(), json!([stated()]));
    }
    Ok(Front {
        listeners: [tunnel, inside],
        cluster,
    })
}

/// Any free port.
fn loopback() -> Value {
    json!({ "socketAddress": { "address": "127.0.0.1", "portValue": 0 } })
}

/// A listener filter that reads, before any inspector reads, what a client states in a PROXY header: the addresses and
/// ports that it would have in the mesh.
fn stated() -> Value {
    json!({ "name": "stated-addresses", "typedConfig": {
        "@type": format!("{TYPE}envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"),
    }})
}

struct Rewriter<'a> {
    routes: &'a BTreeMap<&'a str, &'a Value>,
    files: &'a Files<'a>,
    /// What stands for [`INSIDE`], in the parts of a tunnel.
    inside: Option<&'a str>,
}

impl Rewriter<'_> {
    fn value(&self, value: &Value) -> Result<Value> {
        match value {
            Value::Array(items) => {
                let kept = items.iter().filter(|item| !is_lacking(item));
                Ok(Value::Array(kept.map(|item| self.value(item)).collect::<Result<_>>()?))
            }
            Value::Object(fields) => {
                let mut result = Map::new();
                for (key, value) in fields {
                    if let Some((key, value)) = self.field(fields, key, value)? {
                        result.insert(key.to_owned(), value);
                    }
                }
                Ok(Value::Object(result))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
        }
    }

    fn field<'k>(&self, fields: &Map<String, Value>, key: &'k str, value: &Value) -> Result<Option<(&'k str, Value)>> {
        let file = |path: &Path| json!({ "filename": path });
        Ok(Some(match key {
            // It goes to the pod's standard output.
            "accessLog" => return Ok(None),
            // The physical peer is always this machine; this is the same fact as a PROXY header states it, and unlike
            // `remoteIp` it does not heed X-Forwarded-For.
            "directRemoteIp" if self.inside.is_none() => ("sourceIp", value.clone()),
            // The same, but for its hash, by which only Istio's filters look.
            "factoryKey" if value == "istio.hashable_string" => ("factoryKey", json!("envoy.hashable_string")),
            // There is no server of secrets.
            "tlsCertificateSdsSecretConfigs" => {
                let pem = file(self.files.certificate);
                (
                    "tlsCertificates",
                    json!([{ "certificateChain": pem, "privateKey": pem }]),
                )
            }
            // What it accepts of names stays: the trust domains.
            "combinedValidationContext" => {
                let mut context = value.get("defaultValidationContext").cloned().unwrap_or(json!({}));
                if let Some(fields) = context.as_object_mut() {
                    fields.insert("trustedCa".to_owned(), file(self.files.authority));
                }
                ("validationContext", context)
            }
            // Nor one of routes.
            "rds" => {
                let name = text(value, "routeConfigName");
                let routes = self.routes.get(name);
                let routes = routes.with_context(|| format!("no routes `{name}` were generated"))?;
                ("routeConfig", self.value(routes)?)
            }
            // Authorizers are in this process.
            "serverUri" => {
                let mut server = value.clone();
                if let Some(fields) = server.as_object_mut() {
                    fields.insert("cluster".to_owned(), json!(AUTHORIZER));
                }
                ("serverUri", server)
            }
            "envoyGrpc" => ("envoyGrpc", json!({ "clusterName": GRPC_AUTHORIZER })),
            "cluster" | "clusterName" | "serverListenerName" if value == INSIDE && self.inside.is_some() => {
                (key, json!(self.inside))
            }
            // What passes reaches an application that shows what it saw. A route has no type, a TCP proxy does.
            "cluster" | "weightedClusters" if value != BLACK_HOLE => {
                let raw = fields.contains_key("@type");
                ("cluster", json!(if raw { ECHO } else { MIRROR }))
            }
            _ => (key, self.value(value)?),
        }))
    }
}

fn is_lacking(node: &Value) -> bool {
    let Some(config) = node.get("typedConfig") else {
        return false;
    };
    [text(config, "@type"), text(config, "typeUrl")]
        .iter()
        .filter_map(|kind| kind.strip_prefix(TYPE))
        .any(|kind| LACKING.contains(&kind))
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
