//! The messages for DestinationRule.

use super::*;

pub(in super::super) fn bad_host(span: Span, host: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_DESTINATION, span, format!("`{host}` is no host"))
        .help("write a name such as `reviews.shop.svc.cluster.local`, with `*` in its first part at most")
}

pub(in super::super) fn bad_subset_name(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_DESTINATION,
        span,
        format!("`{name}` cannot be the name of a subset"),
    )
    .help("use letters, digits and `-`, with a letter or digit at both ends, at most 63 characters")
}

pub(in super::super) fn subset_twice(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_DESTINATION, span, format!("there are two subsets `{name}`"))
}

pub(in super::super) fn bad_subset_label(span: Span, text: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_DESTINATION,
        span,
        format!("no pod can carry the label `{text}`"),
    )
}

pub(in super::super) fn second_export(span: Span, target: Target) -> Diagnostic {
    let message = format!("`{target}` takes one entry of `exportTo` only");
    Diagnostic::new(&INVALID_DESTINATION, span, message)
        .help("write `.` for the rule's own namespace, or `*` for every one")
}

pub(in super::super) fn export_twice(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_DESTINATION, span, format!("`exportTo` names `{name}` twice"))
        .help("keep one of them; `.` is the namespace of the object")
}

pub(in super::super) fn bad_export(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_DESTINATION,
        span,
        format!("`{name}` is no namespace to export to"),
    )
    .help("use `.`, `*` or the name of a namespace")
}

pub(in super::super) fn export_beside_all(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_DESTINATION, span, "`exportTo` has `*` and other namespaces")
        .help("keep `*` alone, or leave it out")
}

pub(in super::super) fn export_with_selector(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_DESTINATION,
        span,
        "with a `workloadSelector` the object can be exported to its own namespace only",
    )
    .help("leave `exportTo` out")
}

pub(in super::super) fn mutual_without(span: Span, field: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_CLIENT_TLS, span, format!("mode MUTUAL needs `{field}`"))
        .help("name both files, or `credentialName`")
}

pub(in super::super) fn credential_and(span: Span, field: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_CLIENT_TLS,
        span,
        format!("`{field}` cannot stand beside `credentialName`"),
    )
}

pub(in super::super) fn unverified_and(span: Span, field: &str) -> Diagnostic {
    let message = format!("`{field}` would have no effect, because `insecureSkipVerify` is true");
    Diagnostic::new(&INVALID_CLIENT_TLS, span, message)
        .help("remove `insecureSkipVerify`, so that the server is verified")
}

pub(in super::super) fn bad_config_map(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_CLIENT_TLS,
        span,
        format!("`{name}` does not name a ConfigMap in the namespace of the object"),
    )
    .help("write `configmap://NAMESPACE/NAME` with the object's own namespace")
}

pub(in super::super) fn empty_traffic(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_TRAFFIC_POLICY, span, format!("`{name}` says nothing")).help("leave it out")
}

pub(in super::super) fn bad_traffic(span: Span, wrong: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_TRAFFIC_POLICY, span, wrong)
}

pub(in super::super) fn deprecated(span: Span, name: &str, instead: &str) -> Diagnostic {
    Diagnostic::new(&IDLE_TRAFFIC_SETTING, span, format!("`{name}` is deprecated")).help(format!("use {instead}"))
}

pub(in super::super) fn failover_without_detection(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &IDLE_TRAFFIC_SETTING,
        span,
        format!("`{name}` has no effect without `outlierDetection`"),
    )
    .help("write `outlierDetection`, by which a proxy learns that a place is down")
}
