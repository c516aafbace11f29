//! PeerAuthentication: modes for all ports and for single ones.

use super::selection;
use crate::backends::yaml::tree::Node;
use crate::policy::{Meta, MtlsMode, PeerAuthentication, PeerScope};

pub(super) fn read(meta: Meta, spec: Option<&Node>) -> PeerAuthentication {
    let scope = match spec.map(|spec| (spec.get("selector"), selection::labels(spec, "selector"))) {
        Some((_, Some(labels))) => PeerScope::Workload {
            labels,
            ports: spec
                .and_then(|spec| spec.get("portLevelMtls"))
                .map_or(&[][..], Node::entries)
                .iter()
                .filter_map(|port| Some((port.key.parse().ok()?, mode(&port.value))))
                .collect(),
        },
        Some((Some(_), None)) => PeerScope::EmptySelector,
        Some((None, None)) | None => PeerScope::Namespace,
    };
    PeerAuthentication {
        meta,
        mode: spec.and_then(|spec| spec.get("mtls")).map(mode),
        scope,
    }
}

fn mode(mtls: &Node) -> MtlsMode {
    match mtls.text_of("mode") {
        Some("STRICT") => MtlsMode::Strict,
        Some("PERMISSIVE") => MtlsMode::Permissive,
        Some("DISABLE") => MtlsMode::Disable,
        _ => MtlsMode::Unset,
    }
}
