//! What an object is for: `selector`, `targetRef` and `targetRefs`.

use super::errors;
use crate::backends::yaml::tree::{Node, Value};
use crate::diagnostics::Diagnostics;

/// The three ways to say what a policy is for, of which there may be one.
pub(super) fn check(spec: &Node, acc: &mut Diagnostics) {
    let ways = ["selector", "targetRef", "targetRefs"];
    let mut said = ways.into_iter().filter_map(|way| spec.entry(way));
    if let Some(first) = said.next() {
        for other in said {
            acc.push(errors::exclusive(
                other.key_span,
                first.key_span,
                &first.key,
                &other.key,
            ));
        }
    }
    selector(spec, "selector", acc);
    if let Some(target) = spec.get("targetRef") {
        target_ref(target, acc);
    }
    for target in spec.items_of("targetRefs") {
        target_ref(target, acc);
    }
}

/// A selector of labels in the field of this name.
pub(super) fn selector(spec: &Node, field: &str, acc: &mut Diagnostics) {
    let Some(entry) = spec.entry(field) else { return };
    if !matches!(entry.value.value, Value::Map(_)) {
        return;
    }
    let labels = entry.value.get("matchLabels").map_or(&[][..], Node::entries);
    if labels.is_empty() {
        acc.push(errors::empty_selector(entry.key_span, field));
    }
    for label in labels {
        if label.key.is_empty() {
            acc.push(errors::empty_label_key(label.key_span));
        }
        if label.key.contains('*') {
            acc.push(errors::wildcard_label(label.key_span, &label.key));
        }
        if let Some(value) = label.value.text().filter(|value| value.contains('*')) {
            acc.push(errors::wildcard_label(label.value.span, value));
        }
    }
}

fn target_ref(target: &Node, acc: &mut Diagnostics) {
    if let Some(namespace) = target.get("namespace")
        && namespace.text().is_some_and(|text| !text.is_empty())
    {
        acc.push(errors::target_namespace(namespace.span));
    }
    let Some(kind) = target.get("kind") else { return };
    let (Some(name), group) = (kind.text(), target.text_of("group").unwrap_or("")) else {
        return;
    };
    let fits = matches!(
        (group, name),
        ("" | "core", "Service")
            | ("networking.istio.io", "ServiceEntry")
            | ("gateway.networking.k8s.io", "Gateway" | "GatewayClass")
    );
    if !fits && !name.is_empty() {
        acc.push(errors::target_kind(kind.span, group, name));
    }
}
