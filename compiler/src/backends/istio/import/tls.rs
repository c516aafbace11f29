//! TLS settings of clients.

use super::errors;
use crate::backends::yaml::tree::{Node, Value};
use crate::diagnostics::Diagnostics;

/// The `tls` of a policy for a host or a port; `namespace` is the object's, where it says it.
pub(super) fn check(policy: &Node, namespace: Option<&str>, acc: &mut Diagnostics) {
    let Some(tls) = policy.get("tls") else { return };
    let filled = |field: &str| {
        tls.entry(field)
            .filter(|entry| entry.value.text().is_some_and(|text| !text.is_empty()))
    };
    let mode = tls.text_of("mode").unwrap_or("DISABLE");
    let credential = filled("credentialName");

    if let Some(entry) = credential
        && let Some(path) = entry.value.text().and_then(|name| name.strip_prefix("configmap://"))
    {
        let (owner, name) = path.split_once('/').unwrap_or((path, ""));
        let name = name.split('/').next().unwrap_or("");
        let elsewhere = namespace.is_some_and(|namespace| namespace != owner);
        if owner.is_empty() || name.is_empty() || elsewhere {
            acc.push(errors::bad_config_map(
                entry.value.span,
                entry.value.text().unwrap_or(""),
            ));
        }
    }
    let unverified = tls
        .get("insecureSkipVerify")
        .is_some_and(|node| matches!(node.value, Value::Flag(true)));
    if unverified && matches!(mode, "SIMPLE" | "MUTUAL") {
        let names = tls
            .entry("subjectAltNames")
            .filter(|entry| !entry.value.items().is_empty());
        let secret = credential.filter(|_| mode == "SIMPLE");
        for entry in filled("caCertificates").into_iter().chain(secret).chain(names) {
            acc.push(errors::unverified_and(entry.key_span, &entry.key));
        }
    }
    if credential.is_some() && matches!(mode, "SIMPLE" | "MUTUAL") {
        for field in ["clientCertificate", "caCertificates", "privateKey", "caCrl"] {
            if let Some(entry) = filled(field) {
                acc.push(errors::credential_and(entry.key_span, field));
            }
        }
    } else if mode == "MUTUAL" {
        let place = tls.get("mode").map_or(tls.span, |mode| mode.span);
        for field in ["clientCertificate", "privateKey"] {
            if filled(field).is_none() {
                acc.push(errors::mutual_without(place, field));
            }
        }
    }
}
