//! `metadata`, as far as policy goes.

use super::{map, text};
use crate::backends::istio::import::{DEFAULT_NAMESPACE, DRY_RUN};
use crate::backends::yaml::tree::Node;
use crate::policy::Meta;
use crate::rfc3339;

/// The metadata of an object. Its place is that of its name.
pub(in crate::backends) fn read(object: &Node) -> Meta {
    let metadata = object.get("metadata");
    let said = |field| metadata.and_then(|metadata| text(metadata, field));
    // The server puts letters where the star stands.
    let name = said("name").or_else(|| said("generateName").map(|start| format!("{start}*")));
    let name_node = metadata.and_then(|metadata| metadata.get("name").or_else(|| metadata.get("generateName")));
    let mut annotations = map(metadata.and_then(|metadata| metadata.get("annotations")));
    annotations.remove(DRY_RUN);
    Meta {
        name: name.unwrap_or_default(),
        namespace: Some(said("namespace").unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())),
        labels: map(metadata.and_then(|metadata| metadata.get("labels"))),
        annotations,
        created: said("creationTimestamp").as_deref().and_then(rfc3339::seconds),
        origin: name_node.unwrap_or(object).span,
    }
}
