//! DestinationRule: its host, its subsets, to whom it is exported, and its traffic policies.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{errors, load_balancing, names, selection, tls};
use crate::backends::yaml::tree::{Entry, Node, Value};
use crate::diagnostics::Diagnostics;

pub(super) fn check(spec: &Node, namespace: Option<&str>, acc: &mut Diagnostics) {
    // The cluster gives an object its namespace where the text does not.
    let namespace = namespace.filter(|namespace| !namespace.is_empty());
    if let Some(node) = spec.get("host")
        && let Some(host) = node.text()
        && !names::is_host(host)
    {
        acc.push(errors::bad_host(node.span, host));
    }
    traffic_policy(spec, namespace, acc);
    let mut seen = Vec::new();
    for subset in spec.items_of("subsets") {
        self::subset(subset, namespace, &mut seen, acc);
    }
    export_to(spec, namespace, acc);
    selection::selector(spec, "workloadSelector", acc);
}

fn subset<'a>(subset: &'a Node, namespace: Option<&str>, seen: &mut Vec<&'a str>, acc: &mut Diagnostics) {
    if let Some(node) = subset.get("name")
        && let Some(name) = node.text()
    {
        if seen.contains(&name) {
            acc.push(errors::subset_twice(node.span, name));
        }
        seen.push(name);
        if !names::is_label(name) {
            acc.push(errors::bad_subset_name(node.span, name));
        }
    }
    for label in subset.get("labels").map_or(&[][..], Node::entries) {
        if !names::is_subset_key(&label.key) {
            acc.push(errors::bad_subset_label(label.key_span, &label.key));
        }
        if let Some(value) = label.value.text().filter(|value| !names::is_subset_value(value)) {
            acc.push(errors::bad_subset_label(label.value.span, value));
        }
    }
    traffic_policy(subset, namespace, acc);
}

fn export_to(spec: &Node, namespace: Option<&str>, acc: &mut Diagnostics) {
    let own = namespace.unwrap_or(".");
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    for (text, node) in spec.texts_of("exportTo") {
        let key = if text == "." { own } else { text };
        if seen.contains_key(key) {
            acc.push(errors::export_twice(node.span, text));
        } else if key == "." || key == "*" || names::is_label(key) {
            seen.insert(key, node);
        } else {
            acc.push(errors::bad_export(node.span, text));
        }
    }
    let Some(entry) = spec.entry("exportTo") else { return };
    if seen.contains_key("*") && spec.items_of("exportTo").len() > 1 {
        acc.push(errors::export_beside_all(entry.key_span));
    }
    if spec.entry("workloadSelector").is_some() {
        // Without a namespace in the text, a name may be that of the object's own.
        let beyond = seen
            .iter()
            .find(|(key, _)| **key != own && (namespace.is_some() || **key == "*"));
        let several = seen.len() > 1;
        if let Some(node) = beyond
            .map(|(_, node)| *node)
            .or_else(|| several.then_some(entry.value.as_ref()))
        {
            acc.push(errors::export_with_selector(node.span));
        }
    }
}

fn traffic_policy(owner: &Node, namespace: Option<&str>, acc: &mut Diagnostics) {
    let Some(entry) = owner.entry("trafficPolicy") else {
        return;
    };
    let policy = entry.value.as_ref();
    if !matches!(policy.value, Value::Map(_)) {
        return;
    }
    let has = |field: &str| policy.entry(field).is_some();
    let ports = policy.items_of("portLevelSettings");
    let said = [
        "outlierDetection",
        "connectionPool",
        "loadBalancer",
        "tls",
        "tunnel",
        "proxyProtocol",
        "retryBudget",
    ];
    if ports.is_empty() && !said.into_iter().any(has) {
        acc.push(errors::empty_traffic(entry.key_span, "trafficPolicy"));
        return;
    }
    if let (Some(tunnel), Some(proxy)) = (policy.entry("tunnel"), policy.entry("proxyProtocol")) {
        acc.push(errors::exclusive(
            proxy.key_span,
            tunnel.key_span,
            "tunnel",
            "proxyProtocol",
        ));
    }
    settings(policy, namespace, acc);
    for port in ports.iter().filter(|port| matches!(port.value, Value::Map(_))) {
        if port.entry("port").is_none() {
            acc.push(errors::missing_field(port.span, "port", "portLevelSettings"));
        }
        let said = ["outlierDetection", "connectionPool", "loadBalancer", "tls"];
        if !said.into_iter().any(|field| port.entry(field).is_some()) {
            acc.push(errors::empty_traffic(port.span, "portLevelSettings"));
        }
        settings(port, namespace, acc);
    }
    if let Some(tunnel) = policy.get("tunnel") {
        self::tunnel(tunnel, acc);
    }
}

/// What a policy can say for a host and for a port.
fn settings(policy: &Node, namespace: Option<&str>, acc: &mut Diagnostics) {
    tls::check(policy, namespace, acc);
    outlier_detection(policy, acc);
    connection_pool(policy, acc);
    load_balancing::check(policy, acc);
}

fn tunnel(tunnel: &Node, acc: &mut Diagnostics) {
    if let Some(node) = tunnel.get("protocol")
        && node.text().is_some_and(|text| !["", "CONNECT", "POST"].contains(&text))
    {
        acc.push(errors::bad_traffic(
            node.span,
            "the protocol of a tunnel is `CONNECT` or `POST`",
        ));
    }
    if let Some(node) = tunnel.get("targetHost")
        && let Some(host) = node.text()
        && !names::is_domain(host)
        && host.parse::<IpAddr>().is_err()
    {
        acc.push(errors::bad_host(node.span, host));
    }
    if let Some(node) = tunnel.get("targetPort")
        && number(node).is_some_and(|port| !(1..=65535).contains(&port))
    {
        acc.push(errors::number_out_of_range(node.span, "targetPort", "1", "65535"));
    }
}

fn outlier_detection(policy: &Node, acc: &mut Diagnostics) {
    let Some(detection) = policy.get("outlierDetection") else {
        return;
    };
    if let Some(entry) = detection.entry("consecutiveErrors")
        && number(&entry.value).is_some_and(|count| count != 0)
    {
        let instead = "`consecutiveGatewayErrors` or `consecutive5xxErrors`";
        acc.push(errors::deprecated(entry.key_span, &entry.key, instead));
    }
    let split = detection.get("splitExternalLocalOriginErrors");
    let split = split.is_some_and(|node| matches!(node.value, Value::Flag(true)));
    if let Some(entry) = detection.entry("consecutiveLocalOriginFailures")
        && number(&entry.value).is_some_and(|count| count > 0)
        && !split
    {
        let wrong = "`consecutiveLocalOriginFailures` needs `splitExternalLocalOriginErrors: true`";
        acc.push(errors::bad_traffic(entry.key_span, wrong));
    }
    for field in ["maxEjectionPercent", "minHealthPercent"] {
        if let Some(node) = detection.get(field)
            && number(node).is_some_and(|percent| !(0..=100).contains(&percent))
        {
            acc.push(errors::number_out_of_range(node.span, field, "0", "100"));
        }
    }
}

fn connection_pool(policy: &Node, acc: &mut Diagnostics) {
    let Some(entry) = policy.entry("connectionPool") else {
        return;
    };
    let pool = entry.value.as_ref();
    if !matches!(pool.value, Value::Map(_)) {
        return;
    }
    if pool.entry("http").is_none() && pool.entry("tcp").is_none() {
        acc.push(errors::empty_traffic(entry.key_span, "connectionPool"));
    }
    if let Some(http) = pool.get("http") {
        let counts = [
            "http1MaxPendingRequests",
            "http2MaxRequests",
            "maxRequestsPerConnection",
            "maxRetries",
            "maxConcurrentStreams",
        ];
        for field in counts {
            not_negative(http.entry(field), acc);
        }
        let upgrade = http.text_of("h2UpgradePolicy") == Some("UPGRADE");
        if let Some(client) = http.entry("useClientProtocol")
            && upgrade
            && matches!(client.value.value, Value::Flag(true))
        {
            let wrong = "`useClientProtocol` contradicts `h2UpgradePolicy: UPGRADE`";
            acc.push(errors::bad_traffic(client.key_span, wrong));
        }
        if let Some(keepalive) = http
            .get("http2KeepAlive")
            .filter(|node| matches!(node.value, Value::Map(_)))
        {
            for field in ["interval", "timeout"] {
                if keepalive.entry(field).is_none() {
                    acc.push(errors::missing_field(keepalive.span, field, "http2KeepAlive"));
                }
            }
        }
    }
    if let Some(tcp) = pool.get("tcp") {
        not_negative(tcp.entry("maxConnections"), acc);
    }
}

fn not_negative(entry: Option<&Entry>, acc: &mut Diagnostics) {
    if let Some(entry) = entry
        && number(&entry.value).is_some_and(|count| count < 0)
    {
        acc.push(errors::number_out_of_range(
            entry.value.span,
            &entry.key,
            "0",
            &i32::MAX.to_string(),
        ));
    }
}

/// The whole number that a node is; what is none is reported with the structure.
pub(super) fn number(node: &Node) -> Option<i128> {
    match &node.value {
        Value::Whole(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is in the range")]
        Value::Real(number) if number.fract() == 0.0 && number.abs() < 1e18 => Some(*number as i128),
        _ => None,
    }
}
