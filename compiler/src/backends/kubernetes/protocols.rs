//! What a Service's port speaks, as Istio reads it (`pkg/config/kube/conversion.go`, `pkg/config/protocol/instance.go`).

use crate::policy::inventory::Protocol;

/// Ports that Istio never sniffs: SMTP, DNS, MySQL and MongoDB, whose servers speak first.
const WELL_KNOWN: [u16; 4] = [25, 53, 3306, 27017];

/// The protocol that `appProtocol`, else the port's name, says; `None`: Istio looks at the bytes.
pub(super) fn declared(number: u16, name: Option<&str>, app_protocol: Option<&str>) -> Option<Protocol> {
    match app_protocol {
        Some("kubernetes.io/h2c" | "kubernetes.io/ws") => return Some(Protocol::Http),
        Some("kubernetes.io/wss") => return Some(Protocol::Tls),
        _ => {}
    }
    let said = app_protocol.or(name).unwrap_or("").to_lowercase();
    if said.starts_with("grpc-web") {
        return Some(Protocol::Http);
    }
    let prefix = said.split('-').next().unwrap_or("");
    named(prefix).or_else(|| WELL_KNOWN.contains(&number).then_some(Protocol::Tcp))
}

/// A protocol by Istio's word for it, in any case.
pub(super) fn named(word: &str) -> Option<Protocol> {
    match word.to_lowercase().as_str() {
        "http" | "http2" | "http_proxy" | "grpc" | "grpc-web" => Some(Protocol::Http),
        "tcp" | "mongo" | "redis" | "mysql" => Some(Protocol::Tcp),
        "https" | "tls" => Some(Protocol::Tls),
        _ => None,
    }
}
