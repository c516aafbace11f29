//! Of names, ports and selectors.

use super::*;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(in super::super) fn service_port(span: Span, port: u16, pod: u16) -> Diagnostic {
    let message = format!("{port} is a port of the Service, and the pods listen on {pod}");
    Diagnostic::new(&SERVICE_PORT, span, message).help(format!("write {pod}"))
}

pub(in super::super) fn unproxied_port(span: Span, port: u16, place: &str) -> Diagnostic {
    let message = format!("traffic to port {port} of {place} goes past the proxy, so nothing enforces this");
    Diagnostic::new(&UNPROXIED_PORT, span, message)
        .help("take the port out of `excludeInboundPorts`, or guard it with a NetworkPolicy")
}

pub(in super::super) fn selects_nothing(span: Span, key: &str, value: &str, meant: &str) -> Diagnostic {
    let message = format!("no pod that is known has the label `{key}={value}`");
    Diagnostic::new(&SELECTS_NOTHING, span, message).help(format!("did you mean `{key}: {meant}`?"))
}

pub(in super::super) fn selects_elsewhere(span: Span, namespace: &str, pods: &str) -> Diagnostic {
    let message = format!(
        "a selector reaches the pods of its own namespace, `{namespace}`, and the pods with these labels are `{pods}`"
    );
    Diagnostic::new(&SELECTS_NOTHING, span, message).help("put the policy into the namespace of the pods")
}

pub(in super::super) fn selects_waypoint(span: Span, name: &str) -> Diagnostic {
    let message = format!("the waypoint `{name}` heeds only policies that are attached to it");
    Diagnostic::new(&SELECTS_NOTHING, span, message).help("write `targetRefs` instead of the selector")
}

pub(in super::super) fn target_without_waypoint(span: Span, service: &str) -> Diagnostic {
    let message = format!("only a waypoint heeds a policy that is attached to a Service, and `{service}` has none");
    Diagnostic::new(&SELECTS_NOTHING, span, message).help("select the pods, or give the Service a waypoint")
}

pub(in super::super) fn unknown_target(span: Span, service: &str, near: &str) -> Diagnostic {
    Diagnostic::new(
        &SELECTS_NOTHING,
        span,
        format!("there is no Service `{service}` that is known"),
    )
    .help(format!("did you mean `{near}`?"))
}

pub(in super::super) fn unknown_caller(span: Span, what: &str, name: &str, near: &str) -> Diagnostic {
    Diagnostic::new(
        &UNKNOWN_CALLER,
        span,
        format!("there is no {what} `{name}` that is known"),
    )
    .help(format!("did you mean `{near}`?"))
}

pub(in super::super) fn foreign_domain(span: Span, value: &str, domain: &str, own: &str) -> Diagnostic {
    let message =
        format!("nobody is admitted as `{value}`: this mesh is `{own}`, and takes no certificates of `{domain}`");
    Diagnostic::new(&UNKNOWN_CALLER, span, message)
        .help(format!("write `{own}`, or use `namespaces` and `serviceAccounts`"))
}

pub(in super::super) fn outside_mesh(span: Span, pods: &str) -> Diagnostic {
    let message = format!("{pods} is not in the mesh, so nobody enforces this policy");
    Diagnostic::new(&OUTSIDE_MESH, span, message)
        .help("let the pods have a sidecar, or put their namespace into ambient mode")
}
