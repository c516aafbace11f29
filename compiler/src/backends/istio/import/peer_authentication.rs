//! PeerAuthentication: ports need a selector.

use super::{errors, selection};
use crate::backends::yaml::tree::{Node, Value};
use crate::diagnostics::Diagnostics;

pub(super) fn check(spec: &Node, acc: &mut Diagnostics) {
    selection::selector(spec, "selector", acc);
    let Some(entry) = spec.entry("portLevelMtls") else {
        return;
    };
    if !matches!(entry.value.value, Value::Map(_)) {
        return;
    }
    let ports = entry.value.entries();
    let labels = spec.get("selector").and_then(|selector| selector.get("matchLabels"));
    if ports.is_empty() {
        acc.push(errors::no_port_modes(entry.key_span));
    } else if labels.is_none_or(|labels| labels.entries().is_empty()) {
        acc.push(errors::ports_without_selector(entry.key_span));
    }
    for port in ports {
        let canonical = !port.key.starts_with(['0', '+']);
        let number = port.key.parse::<u16>().ok().filter(|number| *number > 0 && canonical);
        if number.is_none() {
            acc.push(errors::bad_port_mode(port.key_span, &port.key));
        }
    }
}
