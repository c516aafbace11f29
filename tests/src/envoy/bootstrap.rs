//! What Envoy is started with: the listeners of all proxies, and upstreams in the same process, so that no server is needed
//! beside it but the authorizer that speaks gRPC.

use std::path::Path;

use serde_json::{Value, json};

use super::request::ANSWER;

/// Answers every request with 200 and the head that arrived.
pub(super) const MIRROR: &str = "mirror";
/// Sends back what arrives on a raw connection.
pub(super) const ECHO: &str = "echo";

/// Answers what the header [`ANSWER`] of a request says.
pub(super) const AUTHORIZER: &str = "authorizer";
/// The same by gRPC; [`super::authorizer`] serves it.
pub(super) const GRPC_AUTHORIZER: &str = "grpc-authorizer";

const MIRROR_SCRIPT: &str = r#"
function envoy_on_request(handle)
  local lines = {}
  for name, value in pairs(handle:headers()) do lines[#lines + 1] = name .. ": " .. value end
  handle:respond({[":status"] = "200"}, table.concat(lines, "\n"))
end
"#;

/// A refusal has a body of its own, so that it cannot be taken for one of the proxy.
const AUTHORIZER_SCRIPT: &str = r#"
function envoy_on_request(handle)
  if handle:headers():get("ANSWER") == "allow" then handle:respond({[":status"] = "200"}, "")
  else handle:respond({[":status"] = "403"}, "refused by the authorizer") end
end
"#;

/// The whole configuration, with these listeners and clusters. The upstreams' sockets are in `folder`.
pub(super) fn config(mut listeners: Vec<Value>, mut clusters: Vec<Value>, folder: &Path) -> Value {
    let socket = |name: &str| json!({ "pipe": { "path": folder.join(name) } });
    let upstream = |name: &str, filter: Value| {
        json!({
            "name": format!("upstream/{name}"),
            "address": socket(name),
            "filterChains": [{ "filters": [filter] }],
        })
    };
    let cluster = |name: &str| {
        let endpoint = json!({ "endpoint": { "address": socket(name) } });
        json!({
            "name": name,
            "connectTimeout": "5s",
            "circuitBreakers": { "thresholds": [{ "maxConnections": 100_000, "maxPendingRequests": 100_000, "maxRequests": 100_000 }] },
            "loadAssignment": { "clusterName": name, "endpoints": [{ "lbEndpoints": [endpoint] }] },
        })
    };
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.filters.{name}");
    let scripted = |script: &str| {
        json!({ "name": "http", "typedConfig": {
            "@type": kind("network.http_connection_manager.v3.HttpConnectionManager"),
            "statPrefix": "scripted",
            "routeConfig": {},
            // Otherwise it would hide the certificate's names, which it has received.
            "forwardClientCertDetails": "ALWAYS_FORWARD_ONLY",
            "httpFilters": [
                { "name": "lua", "typedConfig": {
                    "@type": kind("http.lua.v3.Lua"), "defaultSourceCode": { "inlineString": script } } },
                { "name": "router", "typedConfig": { "@type": kind("http.router.v3.Router") } },
            ],
        }})
    };
    let echo = json!({ "name": "echo", "typedConfig": { "@type": kind("network.echo.v3.Echo") } });
    listeners.push(upstream(MIRROR, scripted(MIRROR_SCRIPT)));
    listeners.push(upstream(
        AUTHORIZER,
        scripted(&AUTHORIZER_SCRIPT.replace("ANSWER", ANSWER)),
    ));
    listeners.push(upstream(ECHO, echo));
    let mut grpc_authorizer = cluster(GRPC_AUTHORIZER);
    if let Some(fields) = grpc_authorizer.as_object_mut() {
        let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        fields.insert(
            "typedExtensionProtocolOptions".to_owned(),
            json!({ options: {
                "@type": format!("type.googleapis.com/{options}"),
                "explicitHttpConfig": { "http2ProtocolOptions": {} },
            }}),
        );
    }
    clusters.extend([
        cluster(MIRROR),
        cluster(ECHO),
        cluster(AUTHORIZER),
        grpc_authorizer,
        json!({ "name": "BlackHoleCluster", "type": "STATIC", "connectTimeout": "1s" }),
    ]);
    let inside = "envoy.extensions.bootstrap.internal_listener.v3.InternalListener";
    json!({
        // For what stands behind a waypoint's tunnel.
        "bootstrapExtensions": [{ "name": "envoy.bootstrap.internal_listener", "typedConfig": {
            "@type": format!("type.googleapis.com/{inside}") } }],
        "admin": { "address": { "socketAddress": { "address": "127.0.0.1", "portValue": 0 } } },
        // As in Istio's own bootstrap: a fragment is cut off, not answered with 400.
        "layeredRuntime": { "layers": [{ "name": "istio", "staticLayer": {
            "envoy.reloadable_features.http_reject_path_with_fragment": false } }] },
        "staticResources": {
            "listeners": listeners,
            "clusters": clusters,
        },
    })
}
