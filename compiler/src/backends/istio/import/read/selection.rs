//! What an object is for: `selector`, `targetRefs`, and `targetRef`, which came before them.

use super::{map, text};
use crate::backends::yaml::tree::Node;
use crate::policy::{Labels, OneOrMore, Selection, TargetRef, TargetRefKind};

/// What a RequestAuthentication or AuthorizationPolicy is for.
pub(super) fn read(spec: &Node) -> Selection {
    let one = spec.get("targetRef").into_iter();
    let targets = one.chain(spec.items_of("targetRefs").iter().map(AsRef::as_ref));
    if let Some(targets) = OneOrMore::new(targets.filter_map(target).collect()) {
        return Selection::Targets(targets);
    }
    match (spec.get("selector"), labels(spec, "selector")) {
        (_, Some(labels)) => Selection::Labels(labels),
        (Some(_), None) => Selection::EmptySelector,
        (None, None) => Selection::All,
    }
}

/// The labels of a selector; `None` where it has none.
pub(super) fn labels(spec: &Node, field: &str) -> Option<Labels> {
    Labels::new(map(spec.get(field).and_then(|selector| selector.get("matchLabels"))))
}

fn target(node: &Node) -> Option<TargetRef> {
    let kind = match node.text_of("kind")? {
        "Service" => TargetRefKind::Service,
        "ServiceEntry" => TargetRefKind::ServiceEntry,
        "Gateway" => TargetRefKind::Gateway,
        "GatewayClass" => TargetRefKind::GatewayClass,
        _ => return None,
    };
    Some(TargetRef {
        kind,
        name: text(node, "name")?,
    })
}
