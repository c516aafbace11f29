//! One port of a workload as a listener of Envoy.
//!
//! It is the shape that istiod gives it (its own configuration for sidecars and gateways was the model), on a port of
//! 127.0.0.1. What differs: an HTTP port takes mutual TLS whatever protocols the client offers (ALPN), because `curl`
//! cannot offer Istio's; and rules that name the pod's port are decided when the listener is made, because the port that
//! Envoy listens on is another one.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::bootstrap::{BYTES, HTTP, socket};
use super::log;
use crate::policy::MtlsMode;
use crate::policy::inventory::{Normalization, Protocol};

/// What a listener stands for.
#[derive(Clone, Debug)]
pub struct Port<'a> {
    /// By which its log lines are known.
    pub name: &'a str,
    /// The pod's.
    pub number: u16,
    /// On this machine; 0 for any.
    pub listen: u16,
    pub protocol: Protocol,
    /// Of a sidecar.
    pub mode: MtlsMode,
    /// Of a gateway, with the proxies that it trusts.
    pub gateway: Option<u32>,
    /// The filters of the policy: for HTTP, or else for connections.
    pub filters: Vec<Value>,
    pub normalization: Normalization,
    /// Whose certificates are accepted.
    pub trust_domains: Vec<&'a str>,
}

/// The files that listeners name.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The certificate and key of the server, in one PEM.
    pub certificate: &'a Path,
    /// The authority that signs certificates of the mesh.
    pub authority: &'a Path,
}

/// What Istio's clients offer, by which a server that takes both tells the mesh's TLS from an application's.
const MESH_PROTOCOLS: [&str; 5] = [
    "istio",
    "istio-peer-exchange",
    "istio-http/1.0",
    "istio-http/1.1",
    "istio-h2",
];

/// Leaves what the client sent in the log, before anything changes it.
const REMEMBER: &str = r#"
function envoy_on_request(handle)
  local lines = {}
  for name, value in pairs(handle:headers()) do lines[#lines + 1] = name .. ": " .. value end
  local head = table.concat(lines, "\n"):gsub(".", function(c) return string.format("%02x", c:byte()) end)
  handle:streamInfo():dynamicMetadata():set("meshc", "head", head)
end
"#;

fn kind(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}

/// The listener of a port.
#[must_use]
pub fn listener(port: &Port<'_>, files: Files<'_>) -> Value {
    let filters = filters(port);
    let chains = chains(port, files);
    let inspects = chains.iter().any(|chain| chain.transport.is_some());
    let chains: Vec<Value> = chains.into_iter().map(|chain| chain.value(&filters)).collect();
    let inspector =
        json!({ "name": "tls", "typedConfig": { "@type": kind("filters.listener.tls_inspector.v3.TlsInspector") } });
    json!({
        "name": port.name,
        "address": socket("127.0.0.1", port.listen),
        // Else two Envoys could share a port, and each request would reach either.
        "enableReusePort": false,
        "listenerFilters": if inspects { vec![inspector] } else { Vec::new() },
        "listenerFiltersTimeout": "0s",
        "continueOnListenerFiltersTimeout": true,
        "filterChains": chains,
        "accessLog": [log::connections(port.name)],
    })
}

/// One way to speak to a port.
struct Chain {
    name: &'static str,
    /// What the client has to speak, where that tells chains apart.
    transport: Option<&'static str>,
    /// What it has to offer.
    protocols: &'static [&'static str],
    tls: Option<Value>,
}

impl Chain {
    fn value(self, filters: &[Value]) -> Value {
        let mut chain = Map::new();
        chain.insert("name".to_owned(), json!(self.name));
        if let Some(transport) = self.transport {
            let mut wanted = json!({ "transportProtocol": transport });
            if let (false, Some(fields)) = (self.protocols.is_empty(), wanted.as_object_mut()) {
                fields.insert("applicationProtocols".to_owned(), json!(self.protocols));
            }
            chain.insert("filterChainMatch".to_owned(), wanted);
        }
        chain.insert("filters".to_owned(), json!(filters));
        chain.extend(self.tls.map(|tls| ("transportSocket".to_owned(), tls)));
        Value::Object(chain)
    }
}

fn chains(port: &Port<'_>, files: Files<'_>) -> Vec<Chain> {
    let chain = |transport, tls| Chain {
        name: if tls { log::TLS } else { "plaintext" },
        transport,
        protocols: &[],
        tls: tls.then(|| mesh_tls(port, files)),
    };
    let plaintext = || chain(Some("raw_buffer"), false);
    if port.gateway.is_some() {
        return vec![match port.protocol {
            Protocol::HttpsMutual => chain(None, true),
            Protocol::Https => Chain {
                tls: Some(server_tls(files)),
                ..chain(None, true)
            },
            Protocol::Tls => chain(Some("tls"), false),
            Protocol::Http | Protocol::Tcp | Protocol::Unproxied => chain(None, false),
        }];
    }
    match port.mode {
        MtlsMode::Strict => vec![chain(Some("tls"), true)],
        MtlsMode::Disable => vec![chain(None, false)],
        MtlsMode::Permissive | MtlsMode::Unset if port.protocol.is_http() => {
            vec![chain(Some("tls"), true), plaintext()]
        }
        MtlsMode::Permissive | MtlsMode::Unset => vec![
            Chain {
                protocols: &MESH_PROTOCOLS,
                ..chain(Some("tls"), true)
            },
            // The application's own TLS.
            Chain {
                name: "passed on",
                ..chain(Some("tls"), false)
            },
            plaintext(),
        ],
    }
}

/// TLS with a client certificate of a trust domain that the mesh accepts.
fn mesh_tls(port: &Port<'_>, files: Files<'_>) -> Value {
    let accepted = port.trust_domains.iter();
    let accepted: Vec<Value> = accepted
        .map(|domain| json!({ "prefix": format!("spiffe://{domain}/") }))
        .collect();
    let offered: &[&str] = if port.protocol.is_http() {
        &["h2", "http/1.1"]
    } else {
        &["istio-peer-exchange", "h2", "http/1.1"]
    };
    tls(json!({
        "commonTlsContext": {
            "tlsCertificates": [certificate(files)],
            "validationContext": {
                "trustedCa": { "filename": files.authority },
                "matchSubjectAltNames": accepted,
            },
            "alpnProtocols": offered,
        },
        "requireClientCertificate": true,
    }))
}

/// TLS without a client certificate.
fn server_tls(files: Files<'_>) -> Value {
    tls(json!({ "commonTlsContext": {
        "tlsCertificates": [certificate(files)],
        "alpnProtocols": ["h2", "http/1.1"],
    } }))
}

fn certificate(files: Files<'_>) -> Value {
    let pem = json!({ "filename": files.certificate });
    json!({ "certificateChain": pem, "privateKey": pem })
}

fn tls(mut context: Value) -> Value {
    let context_type = kind("transport_sockets.tls.v3.DownstreamTlsContext");
    if let Some(fields) = context.as_object_mut() {
        fields.insert("@type".to_owned(), json!(context_type));
    }
    json!({ "name": "tls", "typedConfig": context })
}

/// The network filters.
fn filters(port: &Port<'_>) -> Vec<Value> {
    let mut own: Vec<Value> = port.filters.iter().map(|filter| at_port(filter, port.number)).collect();
    if port.protocol.is_http() {
        return vec![connection_manager(port, own)];
    }
    own.push(json!({ "name": "proxy", "typedConfig": {
        "@type": kind("filters.network.tcp_proxy.v3.TcpProxy"), "statPrefix": "bytes", "cluster": BYTES } }));
    own
}

fn connection_manager(port: &Port<'_>, own: Vec<Value>) -> Value {
    let mut filters = vec![json!({ "name": "remember", "typedConfig": {
        "@type": kind("filters.http.lua.v3.Lua"), "defaultSourceCode": { "inlineString": REMEMBER } } })];
    filters.extend(own);
    filters.push(json!({ "name": "router", "typedConfig": { "@type": kind("filters.http.router.v3.Router") } }));
    let mut manager = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "statPrefix": "http",
        "serverName": "istio-envoy",
        "streamIdleTimeout": "0s",
        "useRemoteAddress": port.gateway.is_some(),
        "forwardClientCertDetails": if port.gateway.is_some() { "SANITIZE_SET" } else { "APPEND_FORWARD" },
        "setCurrentClientCertDetails": { "subject": true, "dns": true, "uri": true },
        "upgradeConfigs": [{ "upgradeType": "websocket" }],
        "normalizePath": port.normalization != Normalization::None,
        "routeConfig": { "virtualHosts": [{ "name": "all", "domains": ["*"], "routes": [
            { "match": { "prefix": "/" }, "route": { "cluster": HTTP, "timeout": "0s" } } ] }] },
        "httpFilters": filters,
        "accessLog": [log::requests(port.name)],
    });
    let slashes = match port.normalization {
        Normalization::None | Normalization::Base => &[][..],
        Normalization::MergeSlashes => &[("mergeSlashes", json!(true))],
        Normalization::DecodeAndMergeSlashes => &[
            ("mergeSlashes", json!(true)),
            ("pathWithEscapedSlashesAction", json!("UNESCAPE_AND_FORWARD")),
        ],
    };
    if let Some(fields) = manager.as_object_mut() {
        fields.extend(slashes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        if let Some(proxies) = port.gateway {
            fields.insert("xffNumTrustedHops".to_owned(), json!(proxies));
        }
    }
    json!({ "name": "http", "typedConfig": manager })
}

/// The filter with its tests of the pod's port decided.
fn at_port(value: &Value, number: u16) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| at_port(item, number)).collect(),
        Value::Object(fields) => {
            let decided = |(key, value): (&String, &Value)| match (key.as_str(), value.as_u64()) {
                ("destinationPort", Some(port)) if port == u64::from(number) => ("any".to_owned(), json!(true)),
                ("destinationPort", Some(_)) => ("notRule".to_owned(), json!({ "any": true })),
                _ => (key.clone(), at_port(value, number)),
            };
            Value::Object(fields.iter().map(decided).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_the_port_are_decided() {
        let filter =
            json!({ "a": [{ "destinationPort": 80 }, { "notRule": { "destinationPort": 81 } }, { "path": "/" }] });
        assert_eq!(
            at_port(&filter, 80),
            json!({ "a": [{ "any": true }, { "notRule": { "notRule": { "any": true } } }, { "path": "/" }] })
        );
    }
}
