//! Service and ServiceEntry: the ports of pods, and by which names they are called.

use super::cluster::{Service, ServicePort, TargetPort};
use super::metadata::Meta;
use super::protocols;
use super::reader::{Reader, port_of};
use crate::backends::yaml::tree::{Node, Value};

pub(super) fn service(node: &Node, meta: Meta, reader: &mut Reader<'_>) -> Option<Service> {
    let spec = node.get("spec")?;
    if spec.text_of("type") == Some("ExternalName") {
        return None;
    }
    let mut ports = Vec::new();
    for port in reader.list(spec, "ports") {
        // Datagrams and SCTP pass the mesh by.
        if port.text_of("protocol").is_some_and(|protocol| protocol != "TCP") {
            continue;
        }
        let Some(number) = reader.port(port, "port") else {
            continue;
        };
        let target = match port.get("targetPort") {
            None => TargetPort::Number(number),
            Some(target) => match &target.value {
                Value::Null | Value::Whole(0) => TargetPort::Number(number),
                Value::Text(name) => TargetPort::Name(name.clone()),
                _ => match port_of(target) {
                    Some(target) => TargetPort::Number(target),
                    None => {
                        reader.wrong(target, "targetPort", "a number from 1 to 65535, or the name of a port");
                        continue;
                    }
                },
            },
        };
        let name = reader.text(port, "name");
        let app_protocol = reader.text(port, "appProtocol");
        let text = |said: &Option<super::metadata::Said<String>>| said.as_ref().map(|said| said.it.clone());
        ports.push(ServicePort {
            number,
            name: text(&name).unwrap_or_default(),
            target,
            protocol: protocols::declared(number, text(&name).as_deref(), text(&app_protocol).as_deref()),
            span: port.span,
        });
    }
    Some(Service {
        meta,
        is_entry: false,
        selector: reader.selector(Some(spec), "selector"),
        ports,
        headless: spec.text_of("clusterIP") == Some("None"),
    })
}

/// Only an entry that selects pods says a fact of them.
pub(super) fn entry(node: &Node, meta: Meta, reader: &mut Reader<'_>) -> Option<Service> {
    let spec = node.get("spec")?;
    let selector = reader.selector(spec.get("workloadSelector"), "labels");
    if selector.is_empty() {
        return None;
    }
    let mut ports = Vec::new();
    for port in reader.list(spec, "ports") {
        let Some(number) = reader.port(port, "number") else {
            continue;
        };
        let target = match port.get("targetPort") {
            Some(_) => reader.port(port, "targetPort").unwrap_or(number),
            None => number,
        };
        ports.push(ServicePort {
            number,
            name: port.text_of("name").unwrap_or_default().to_owned(),
            target: TargetPort::Number(target),
            protocol: port.text_of("protocol").and_then(protocols::named),
            span: port.span,
        });
    }
    Some(Service {
        meta,
        is_entry: true,
        selector,
        ports,
        headless: false,
    })
}
