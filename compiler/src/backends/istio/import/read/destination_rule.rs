//! DestinationRule: the TLS that clients speak, and who heeds it.

use std::collections::BTreeMap;

use super::{flag, map, port, text, texts};
use crate::backends::yaml::tree::{Node, Value};
use crate::policy::{ClientTls, DestinationRule, Meta, Subset, TlsByPort, TlsMode};

pub(super) fn read(meta: Meta, spec: &Node) -> DestinationRule {
    DestinationRule {
        meta,
        host: text(spec, "host").unwrap_or_default(),
        tls: traffic_policy(spec),
        subsets: spec.items_of("subsets").iter().map(|item| subset(item)).collect(),
        export_to: texts(spec, "exportTo"),
        clients: spec
            .get("workloadSelector")
            .map(|selector| map(selector.get("matchLabels"))),
    }
}

fn subset(node: &Node) -> Subset {
    Subset {
        name: text(node, "name").unwrap_or_default(),
        labels: map(node.get("labels")),
        tls: traffic_policy(node).unwrap_or_default(),
    }
}

fn traffic_policy(owner: &Node) -> Option<TlsByPort> {
    let policy = owner.get("trafficPolicy")?;
    let mut ports = BTreeMap::new();
    for entry in policy.items_of("portLevelSettings") {
        // No port has another number, so what stands there is for none.
        let number = entry
            .get("port")
            .map_or(Some(0), |selector| selector.get("number").map_or(Some(0), port));
        if let Some(number) = number {
            // Of two entries for a port Istio takes the first.
            ports.entry(number).or_insert_with(|| tls(entry));
        }
    }
    Some(TlsByPort {
        all: tls(policy),
        ports,
    })
}

fn tls(policy: &Node) -> Option<ClientTls> {
    let tls = policy.get("tls").filter(|tls| matches!(tls.value, Value::Map(_)))?;
    let mode = match tls.text_of("mode") {
        Some("SIMPLE") => TlsMode::Simple,
        Some("MUTUAL") => TlsMode::Mutual,
        Some("ISTIO_MUTUAL") => TlsMode::IstioMutual,
        _ => TlsMode::Disable,
    };
    Some(ClientTls {
        mode,
        client_certificate: text(tls, "clientCertificate"),
        private_key: text(tls, "privateKey"),
        ca_certificates: text(tls, "caCertificates"),
        ca_crl: text(tls, "caCrl"),
        credential_name: text(tls, "credentialName"),
        subject_alt_names: texts(tls, "subjectAltNames"),
        sni: text(tls, "sni"),
        insecure_skip_verify: flag(tls, "insecureSkipVerify"),
    })
}
