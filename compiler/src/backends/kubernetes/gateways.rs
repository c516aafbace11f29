//! Gateways of both APIs: the ports that they listen on, and what is spoken there.

use super::cluster::{ApiGateway, Gateway, Listener};
use super::metadata::Meta;
use super::protocols;
use super::reader::Reader;
use crate::backends::yaml::tree::{Node, Value};
use crate::policy::inventory::Protocol;

/// A Gateway of `networking.istio.io`.
pub(super) fn istio(node: &Node, reader: &mut Reader<'_>) -> Option<Gateway> {
    let spec = node.get("spec")?;
    let mut ports = Vec::new();
    for server in reader.list(spec, "servers") {
        let Some(port) = server.get("port") else { continue };
        let Some(number) = reader.port(port, "number") else {
            continue;
        };
        let tls = server.get("tls");
        let redirects = tls
            .and_then(|tls| tls.get("httpsRedirect"))
            .is_some_and(|flag| matches!(flag.value, Value::Flag(true)));
        let word = port.text_of("protocol").unwrap_or("");
        let mode = tls.and_then(|tls| tls.text_of("mode"));
        ports.push(Listener {
            number,
            // A redirect answers in place of the application.
            protocol: served(word, mode).filter(|_| !redirects),
            span: port.span,
        });
    }
    Some(Gateway {
        selector: reader.selector(Some(spec), "selector"),
        ports,
    })
}

/// What a server of Istio's API speaks. TLS that is ended to plain bytes, or that asks for certificates of an authority of
/// its own, has no word.
fn served(word: &str, mode: Option<&str>) -> Option<Protocol> {
    match (word.to_uppercase().as_str(), mode) {
        ("HTTPS" | "TLS", Some("PASSTHROUGH" | "AUTO_PASSTHROUGH")) => Some(Protocol::Tls),
        ("HTTPS", Some("SIMPLE") | None) => Some(Protocol::Https),
        ("HTTPS", Some("ISTIO_MUTUAL")) => Some(Protocol::HttpsMutual),
        ("HTTPS" | "TLS", _) => None,
        (word, _) => protocols::named(word),
    }
}

/// A Gateway of `gateway.networking.k8s.io`.
pub(super) fn gateway_api(node: &Node, meta: Meta, reader: &mut Reader<'_>) -> Option<ApiGateway> {
    let spec = node.get("spec")?;
    let class = reader.text(spec, "gatewayClassName")?.it;
    let frontend = spec.get("tls").and_then(|tls| tls.get("frontend"));
    let mut ports = Vec::new();
    for listener in reader.list(spec, "listeners") {
        let Some(number) = reader.port(listener, "port") else {
            continue;
        };
        let tls = listener.get("tls");
        let asks_for_certificate = frontend
            .or_else(|| tls.and_then(|tls| tls.get("frontendValidation")))
            .is_some();
        let ended = tls.and_then(|tls| tls.text_of("mode")).unwrap_or("Terminate") == "Terminate";
        let option = tls.and_then(|tls| tls.get("options")?.text_of("gateway.istio.io/tls-terminate-mode"));
        let protocol = match (listener.text_of("protocol").unwrap_or(""), ended) {
            ("HTTP", _) => Some(Protocol::Http),
            ("TCP", _) => Some(Protocol::Tcp),
            ("HTTPS" | "TLS", false) => Some(Protocol::Tls),
            ("HTTPS", true) => match option {
                _ if asks_for_certificate => None,
                None | Some("ISTIO_SIMPLE") => Some(Protocol::Https),
                Some("ISTIO_MUTUAL") => Some(Protocol::HttpsMutual),
                Some(_) => None,
            },
            _ => None,
        };
        ports.push(Listener {
            number,
            protocol,
            span: listener.span,
        });
    }
    let addresses = reader.list(spec, "addresses");
    let by_hand = addresses
        .iter()
        .any(|address| address.text_of("type") == Some("Hostname"));
    Some(ApiGateway {
        meta,
        class,
        by_hand,
        ports,
    })
}

/// A class of gateways, with its controller.
pub(super) fn class(node: &Node, meta: &Meta) -> Option<(String, String)> {
    let controller = node.get("spec")?.text_of("controllerName")?;
    Some((meta.name.clone(), controller.to_owned()))
}
