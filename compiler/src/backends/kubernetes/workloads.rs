//! Pods, and what makes pods.

use super::cluster::{ContainerPort, Pods};
use super::mesh_config;
use super::metadata::{Meta, Said};
use super::reader::Reader;
use crate::backends::yaml::tree::Node;

/// The name of the container that injection adds.
const SIDECAR: &str = "istio-proxy";

const KINDS: [&str; 7] = [
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
];

pub(super) fn read(node: &Node, meta: Meta, reader: &mut Reader<'_>) -> Option<Pods> {
    let kind = node.text_of("kind")?;
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let spec = node.get("spec")?;
    let (metadata, pod) = match kind {
        "Pod" => (node.get("metadata"), Some(spec)),
        "CronJob" => {
            let template = spec.get("jobTemplate")?.get("spec")?.get("template")?;
            (template.get("metadata"), template.get("spec"))
        }
        _ => {
            let template = spec.get("template")?;
            (template.get("metadata"), template.get("spec"))
        }
    };
    let labels = reader.texts(metadata, "labels");
    let annotations = reader.texts(metadata, "annotations");
    let labels_span = metadata
        .and_then(|metadata| metadata.entry("labels"))
        .map_or(meta.span, |entry| entry.key_span);
    let account = pod.and_then(|pod| {
        let account = reader.text(pod, "serviceAccountName");
        // The older name of the same field.
        account.or_else(|| reader.text(pod, "serviceAccount"))
    });
    let account = account.filter(|account| !account.it.is_empty());
    let mut ports = Vec::new();
    let mut sidecar = None;
    let mut is_router = false;
    for list in ["containers", "initContainers"] {
        for container in pod.map_or_else(Vec::new, |pod| reader.list(pod, list)) {
            let proxy = container.text_of("name") == Some(SIDECAR);
            let mut args = container.texts_of("args");
            is_router |= proxy && args.any(|(arg, _)| arg == "router");
            if proxy {
                sidecar = container.get("name").map(|name| name.span);
                continue;
            }
            if list == "initContainers" && container.text_of("restartPolicy") != Some("Always") {
                continue;
            }
            for port in reader.list(container, "ports") {
                if port.text_of("protocol").is_some_and(|protocol| protocol != "TCP") {
                    continue;
                }
                if let Some(number) = reader.port(port, "containerPort") {
                    ports.push(ContainerPort {
                        number,
                        name: port.text_of("name").map(str::to_owned),
                        span: port.span,
                    });
                }
            }
        }
    }
    let template = annotations.get("inject.istio.io/templates");
    is_router |= template.is_some_and(|names| names.it.split(',').any(|name| name.trim() == "gateway"));
    let host_network = pod
        .and_then(|pod| reader.flag(pod, "hostNetwork"))
        .filter(|flag| flag.it);
    let trusted_proxies = annotations
        .get("proxy.istio.io/config")
        .and_then(|said| mesh_config::proxy_annotation(said, reader));
    Some(Pods {
        kind,
        account: account.unwrap_or_else(|| Said::new("default".to_owned(), meta.span)),
        meta,
        labels,
        labels_span,
        annotations,
        ports,
        host_network: host_network.map(|flag| flag.span),
        sidecar: sidecar.filter(|_| !is_router),
        is_router,
        trusted_proxies,
    })
}
