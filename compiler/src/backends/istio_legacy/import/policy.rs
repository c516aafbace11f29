//! The `spec` of a Policy or MeshPolicy: for what it is, and how callers and users prove who they are.

use super::message::Message;
use super::{errors, tokens};
use crate::backends::istio::import::errors as shared;
use crate::backends::istio::import::names;
use crate::backends::istio::import::schema::found;
use crate::backends::yaml::tree::{Entry, Node, Value};
use crate::diagnostics::Diagnostics;
use crate::policy::Meta;
use crate::policy::legacy::{AuthenticationPolicy, Origin, PeerMethod, PrincipalBinding, ServicePort, ServiceTarget};

const FIELDS: [&str; 6] = [
    "targets",
    "peers",
    "peerIsOptional",
    "origins",
    "originIsOptional",
    "principalBinding",
];

/// Reads a specification; without one it says nothing, which switches everything off.
pub(super) fn read(spec: Option<&Node>, meta: Meta, acc: &mut Diagnostics) -> Option<AuthenticationPolicy> {
    let spec = match spec.filter(|spec| !matches!(spec.value, Value::Null)) {
        Some(spec) => Message::open(spec, "spec", &FIELDS, acc)?,
        None => Message::empty(meta.origin),
    };
    let targets: Vec<_> = spec
        .list("targets", acc)
        .iter()
        .filter_map(|item| target(item, acc))
        .collect();
    check_name(&spec, &meta, acc);
    let mut peers: Vec<PeerMethod> = Vec::new();
    for item in spec.list("peers", acc) {
        if let Some(method) = peer(item, acc) {
            let is_mtls = |method: &PeerMethod| matches!(method, PeerMethod::Mtls { .. });
            if is_mtls(&method) && peers.iter().any(is_mtls) {
                acc.push(errors::idle(
                    item.span,
                    "mtls",
                    "only the first `mtls` of the list counts",
                ));
            }
            peers.push(method);
        }
    }
    let origins: Vec<_> = spec
        .list("origins", acc)
        .iter()
        .filter_map(|item| origin(item, acc))
        .collect();
    let binding = spec.word("principalBinding", &["USE_PEER", "USE_ORIGIN"], acc);
    let policy = AuthenticationPolicy {
        targets,
        peers,
        peer_is_optional: spec.flag("peerIsOptional", acc),
        origins,
        origin_is_optional: spec.flag("originIsOptional", acc),
        principal_binding: match binding {
            Some("USE_ORIGIN") => PrincipalBinding::Origin,
            _ => PrincipalBinding::Peer,
        },
        meta,
    };
    tokens::check_issuers(&policy, acc);
    check_flags(&spec, &policy, acc);
    Some(policy)
}

/// A wide policy is called `default`, and only a wide one.
fn check_name(spec: &Message<'_>, meta: &Meta, acc: &mut Diagnostics) {
    let name = meta.origin;
    let targets = spec.field("targets").filter(|field| !field.value.items().is_empty());
    let is_default = meta.name == "default";
    match (meta.namespace.is_some(), targets) {
        (false, Some(targets)) => acc.push(errors::mesh_policy_targets(targets.key_span)),
        (true, None) if !is_default => acc.push(errors::wide_policy_name(name, "Policy without `targets`")),
        (true, Some(targets)) if is_default => acc.push(errors::default_with_targets(name, targets.key_span)),
        (true, None | Some(_)) | (false, None) => {}
    }
    if meta.namespace.is_none() && !is_default {
        acc.push(errors::wide_policy_name(name, "MeshPolicy"));
    }
}

fn target(node: &Node, acc: &mut Diagnostics) -> Option<ServiceTarget> {
    let target = Message::open(node, "targets", &["name", "labels", "ports"], acc)?;
    if let Some(labels) = target.field("labels") {
        self::labels(labels, acc);
    }
    let ports = target.list("ports", acc).iter();
    let ports: Vec<_> = ports.filter_map(|item| port(item, acc)).collect();
    let (name, span) = match target.field("name") {
        Some(_) => target.text("name", acc)?,
        None => ("", target.span),
    };
    if !names::is_label(name) {
        acc.push(errors::bad_target(span, name));
    }
    Some(ServiceTarget {
        name: name.to_owned(),
        ports,
    })
}

/// Istio 1.2 and 1.3 selected pods by them.
fn labels(labels: &Entry, acc: &mut Diagnostics) {
    let why = "a target is a Service, by its name";
    acc.push(errors::idle(labels.key_span, "labels", why));
    let mut demand = |node: &Node, name: &str, wanted: &str, fits: bool| {
        if !fits {
            acc.push(shared::wrong_type(node.span, name, wanted, found(&node.value)));
        }
    };
    let is_map = matches!(labels.value.value, Value::Map(_));
    demand(&labels.value, "labels", "a mapping", is_map);
    for label in labels.value.entries() {
        let is_text = matches!(label.value.value, Value::Text(_) | Value::Null);
        demand(&label.value, &label.key, "a string", is_text);
    }
}

fn port(node: &Node, acc: &mut Diagnostics) -> Option<ServicePort> {
    let port = Message::open(node, "ports", &["number", "name"], acc)?;
    match (port.field("number"), port.field("name")) {
        (Some(number), Some(name)) => {
            acc.push(shared::exclusive(name.key_span, number.key_span, "number", "name"));
            None
        }
        (None, None) => {
            acc.push(errors::empty_port(port.span));
            None
        }
        (None, Some(_)) => {
            let (name, span) = port.text("name", acc)?;
            if !names::is_label(name) {
                acc.push(errors::bad_port_name(span, name));
            }
            Some(ServicePort::Name(name.to_owned()))
        }
        (Some(number), None) => {
            let place = number.value.span;
            let Some(whole) = whole(&number.value.value) else {
                let found = found(&number.value.value);
                acc.push(shared::wrong_type(place, "number", "an integer", found));
                return None;
            };
            let number = u16::try_from(whole).ok().filter(|number| *number > 0);
            if number.is_none() {
                acc.push(errors::bad_port_number(place));
            }
            number.map(ServicePort::Number)
        }
    }
}

/// `8000`, or `8000.0`, which is the same in JSON.
fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Whole(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is in the range")]
        Value::Real(number) if number.fract() == 0.0 && number.abs() < 1e18 => Some(*number as i128),
        _ => None,
    }
}

fn peer(node: &Node, acc: &mut Diagnostics) -> Option<PeerMethod> {
    let method = Message::open(node, "peers", &["mtls", "jwt"], acc)?;
    match (method.written("mtls"), method.field("jwt")) {
        (Some(mtls), Some(jwt)) => {
            acc.push(shared::exclusive(jwt.key_span, mtls.key_span, "mtls", "jwt"));
            None
        }
        (None, None) => {
            acc.push(errors::empty_peer(method.span));
            None
        }
        (None, Some(jwt)) => {
            let (jwt, triggers) = tokens::read(&jwt.value, acc)?;
            if let Some(span) = triggers.place {
                let why = "a token of `peers` is asked for on every path";
                acc.push(errors::idle(span, "triggerRules", why));
            }
            Some(PeerMethod::Jwt(jwt))
        }
        (Some(mtls), None) if matches!(mtls.value.value, Value::Null) => {
            let value = mtls.value.span;
            acc.push(errors::null_mtls(
                mtls.key_span,
                (value.start < value.end).then_some(value),
            ));
            Some(PeerMethod::Mtls {
                permissive: false,
                allow_tls: false,
            })
        }
        (Some(mtls), None) => {
            let mtls = Message::open(&mtls.value, "mtls", &["mode", "allowTls"], acc)?;
            let mode = mtls.word("mode", &["STRICT", "PERMISSIVE"], acc);
            let allow_tls = mtls.flag("allowTls", acc);
            if let Some(field) = mtls.field("allowTls").filter(|_| allow_tls) {
                let why = "since Istio 1.1 a proxy asks every client for a certificate as `mode` says";
                acc.push(errors::idle(field.key_span, "allowTls", why));
            }
            Some(PeerMethod::Mtls {
                permissive: mode == Some("PERMISSIVE"),
                allow_tls,
            })
        }
    }
}

fn origin(node: &Node, acc: &mut Diagnostics) -> Option<Origin> {
    let method = Message::open(node, "origins", &["jwt"], acc)?;
    let Some(jwt) = method.field("jwt") else {
        acc.push(errors::empty_origin(method.span));
        return None;
    };
    let (jwt, triggers) = tokens::read(&jwt.value, acc)?;
    Some(Origin {
        jwt,
        triggers: triggers.rules,
    })
}

/// Flags that loosen nothing, and those that refuse everything.
fn check_flags(spec: &Message<'_>, policy: &AuthenticationPolicy, acc: &mut Diagnostics) {
    // A method that could not be read is reported already.
    let says_nothing = |field: &str| spec.field(field).is_none_or(|field| field.value.items().is_empty());
    if policy.peer_is_optional
        && says_nothing("peers")
        && let Some(field) = spec.field("peerIsOptional")
    {
        acc.push(errors::idle(
            field.key_span,
            "peerIsOptional",
            "the policy has no `peers`",
        ));
    }
    let asks_for_origin = policy.principal_binding == PrincipalBinding::Origin && !says_nothing("peers");
    if policy.origin_is_optional
        && says_nothing("origins")
        && !asks_for_origin
        && let Some(field) = spec.field("originIsOptional")
    {
        acc.push(errors::idle(
            field.key_span,
            "originIsOptional",
            "the policy has no `origins`",
        ));
    }
    if policy.principal_binding == PrincipalBinding::Origin
        && says_nothing("origins")
        && let Some(field) = spec.field("principalBinding")
    {
        if !asks_for_origin {
            acc.push(errors::idle(
                field.key_span,
                "principalBinding",
                "the policy has no `origins`",
            ));
        } else if !policy.origin_is_optional {
            acc.push(errors::origin_without_origins(field.key_span));
        }
    }
}
