//! What Envoy is started with: where its listeners stand, and the application behind them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::authorizer::{self, Authorizer};

/// The cluster that answers HTTP.
pub(super) const HTTP: &str = "http";
/// The cluster that sends bytes back.
pub(super) const BYTES: &str = "bytes";

/// The application: one address for HTTP, one for bytes.
#[derive(Clone, Copy, Debug)]
pub struct Upstream {
    pub http: SocketAddr,
    pub bytes: SocketAddr,
}

/// The configuration with which Envoy starts. Listeners come from the file `listeners`, which Envoy reads again whenever
/// another file takes its place.
#[must_use]
pub fn config(listeners: &Path, upstream: Upstream, authorizers: &BTreeMap<String, Authorizer>) -> Value {
    let folder = listeners.parent().unwrap_or(listeners);
    let mut clusters = vec![cluster(HTTP, upstream.http), cluster(BYTES, upstream.bytes)];
    clusters.extend(authorizer::clusters(authorizers));
    json!({
        "node": { "id": "meshc", "cluster": "meshc" },
        "admin": { "address": socket("127.0.0.1", 0) },
        // As in Istio's own bootstrap: a fragment is cut off, not answered with 400.
        "layeredRuntime": { "layers": [{ "name": "istio", "staticLayer": {
            "envoy.reloadable_features.http_reject_path_with_fragment": false } }] },
        "dynamicResources": { "ldsConfig": { "pathConfigSource": {
            "path": listeners, "watchedDirectory": { "path": folder } } } },
        "staticResources": { "clusters": clusters },
    })
}

/// A cluster of one address.
pub(super) fn cluster(name: &str, address: SocketAddr) -> Value {
    let endpoint = json!({ "endpoint": { "address": socket(&address.ip().to_string(), address.port()) } });
    json!({
        "name": name,
        "connectTimeout": "5s",
        "loadAssignment": { "clusterName": name, "endpoints": [{ "lbEndpoints": [endpoint] }] },
    })
}

/// The file of listeners.
#[must_use]
pub fn listeners(version: u32, listeners: &[Value]) -> Value {
    let typed = listeners.iter().map(|listener| {
        let mut listener = listener.clone();
        if let Some(fields) = listener.as_object_mut() {
            fields.insert(
                "@type".to_owned(),
                json!("type.googleapis.com/envoy.config.listener.v3.Listener"),
            );
        }
        listener
    });
    json!({ "versionInfo": version.to_string(), "resources": typed.collect::<Vec<_>>() })
}

pub(super) fn socket(address: &str, port: u16) -> Value {
    json!({ "socketAddress": { "address": address, "portValue": port } })
}
