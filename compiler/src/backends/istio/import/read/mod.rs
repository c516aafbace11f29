//! An object that Istio accepts, as policy: every field that the model holds, with Istio's defaults for those that are
//! left out.
//!
//! Each object was judged before, so what stands in a field is what belongs there; what is absent says nothing.

mod authorization_policy;
mod conditions;
mod destination_rule;
mod metadata;
mod peer_authentication;
mod request_authentication;
mod selection;

use super::Kind;
use crate::backends::yaml::tree::{Node, Value};
use crate::policy::{Lists, PolicySet, StringMap};
pub(in crate::backends) use metadata::read as metadata;

/// Adds the policy of an object that has no error.
pub(super) fn object(node: &Node, kind: Kind, policies: &mut PolicySet) {
    let meta = metadata(node);
    let spec = node.get("spec");
    match kind {
        Kind::PeerAuthentication => policies
            .peer_authentications
            .push(peer_authentication::read(meta, spec)),
        Kind::RequestAuthentication => policies
            .request_authentications
            .push(request_authentication::read(meta, spec)),
        Kind::AuthorizationPolicy => policies
            .authorizations
            .extend(authorization_policy::read(meta, node, spec)),
        Kind::DestinationRule => policies
            .destination_rules
            .extend(spec.map(|spec| destination_rule::read(meta, spec))),
    }
}

/// The texts in a list.
fn texts(node: &Node, field: &str) -> Vec<String> {
    node.texts_of(field).map(|(text, _)| text.to_owned()).collect()
}

/// The text of a field; an empty one says nothing.
fn text(node: &Node, field: &str) -> Option<String> {
    node.text_of(field).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn flag(node: &Node, field: &str) -> bool {
    node.get(field)
        .is_some_and(|node| matches!(node.value, Value::Flag(true)))
}

/// A field and its `not` twin.
fn lists(node: &Node, field: &str, not_field: &str) -> Lists<String> {
    Lists {
        values: texts(node, field),
        not_values: texts(node, not_field),
    }
}

/// The same, of values that are read.
fn read_lists<T>(node: &Node, field: &str, not_field: &str, read: impl Fn(&str) -> Option<T>) -> Lists<T> {
    let values = |field| node.texts_of(field).filter_map(|(text, _)| read(text)).collect();
    Lists {
        values: values(field),
        not_values: values(not_field),
    }
}

/// A mapping of texts; nothing stands for an empty text.
fn map(node: Option<&Node>) -> StringMap {
    let entries = node.map_or(&[][..], Node::entries).iter();
    entries
        .map(|entry| (entry.key.clone(), entry.value.text().unwrap_or_default().to_owned()))
        .collect()
}

/// The number of a port, in whatever notation.
fn port(node: &Node) -> Option<u16> {
    match node.value {
        Value::Whole(number) => u16::try_from(number).ok(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it has no fraction and is in the range"
        )]
        Value::Real(number) if number.fract() == 0.0 && (0.0..=65535.0).contains(&number) => Some(number as u16),
        _ => None,
    }
}
