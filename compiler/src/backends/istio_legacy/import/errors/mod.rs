//! What can be wrong with a manifest of the legacy API: its code, its page, and the one place that words it.

use crate::backends::istio::import::errors::{nearest, write};
use crate::diagnostics::code::codes;
use crate::diagnostics::{Applicability, Diagnostic, Fix};
use crate::policy::Target;
use crate::source::Span;

codes! {
    REMOVED_KIND Warning "W0550" "removed-kind" "removed_kind.md"
        "An object is of a kind that the target release has no more, and protects nothing.";
    UNJUDGED_KIND Error "E0551" "unjudged-kind" "unjudged_kind.md"
        "An object is of a kind that the target release enforces and no answer takes into account.";
    INVALID_LEGACY_POLICY Error "E0552" "invalid-legacy-policy" "invalid_legacy_policy.md"
        "The name, a target or a method of a Policy or MeshPolicy is one that Istio 1.4 refuses.";
    INVALID_LEGACY_TOKEN Error "E0553" "invalid-legacy-token" "invalid_legacy_token.md"
        "A token of a Policy or MeshPolicy is one that Istio 1.4 refuses.";
    OVERLOOKED_FIELD Warning "W0554" "overlooked-field" "overlooked_field.md"
        "A Policy or MeshPolicy has a field that Istio 1.4 takes and then overlooks.";
    NULL_MTLS Warning "W0555" "null-mtls" "null_mtls.md"
        "Mutual TLS is said by a field without a value, which gets lost on the way.";
    REFUSES_EVERYTHING Warning "W0556" "refuses-everything" "refuses_everything.md"
        "A Policy or MeshPolicy demands what no request can prove.";
}

pub(super) fn removed(span: Span, kind: &str, target: Target, instead: &str) -> Diagnostic {
    let message = format!("Istio 1.6 removed {kind}: `{target}` ignores the object, so it protects nothing");
    Diagnostic::new(&REMOVED_KIND, span, message).help(instead)
}

pub(super) fn unjudged_policy(span: Span, kind: &str, target: Target) -> Diagnostic {
    let message =
        format!("`{target}` still obeys {kind} where no newer kind applies, and meshc reads it for `istio-1.4` only");
    Diagnostic::new(&UNJUDGED_KIND, span, message)
        .help("replace it by PeerAuthentication and RequestAuthentication, or ask for `istio-1.4`")
}

pub(super) fn unjudged_access(span: Span, kind: &str, target: Target) -> Diagnostic {
    let message = format!("`{target}` enforces {kind}, and meshc does not: every answer could be wrong");
    Diagnostic::new(&UNJUDGED_KIND, span, message).help("replace it by AuthorizationPolicy")
}

/// A field that the release does not know.
pub(super) fn overlooked_field<'a>(
    span: Span,
    key: &str,
    parent: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let message = format!("`{parent}` has no field `{key}`, and Istio 1.4 reads the object as if it were not there");
    let d = Diagnostic::new(&OVERLOOKED_FIELD, span, message);
    match nearest(key, known.clone()) {
        Some(near) => d.fix(write(span, near)),
        None => {
            let fields: Vec<_> = known.map(|name| format!("`{name}`")).collect();
            d.help(format!("use one of {}", fields.join(", ")))
        }
    }
}

/// A field in both of its spellings.
pub(super) fn said_twice(span: Span, key: &str, counts: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &OVERLOOKED_FIELD,
        span,
        format!("`{key}` is `{name}` in another spelling, and `{name}` counts"),
    )
    .secondary(counts, format!("`{name}` is here"))
    .help("keep one of them")
}

/// A field that changes nothing.
pub(super) fn idle(span: Span, field: &str, why: &str) -> Diagnostic {
    Diagnostic::new(&OVERLOOKED_FIELD, span, format!("`{field}` changes nothing: {why}")).help("remove it")
}

pub(super) fn wide_policy_name(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_POLICY,
        span,
        format!("a {what} must be called `default`"),
    )
}

pub(super) fn default_with_targets(span: Span, targets: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_POLICY,
        span,
        "the Policy called `default` is for the whole namespace, so it takes no `targets`",
    )
    .secondary(targets, "the targets are here")
    .help("give the policy another name, or leave `targets` out")
}

pub(super) fn mesh_policy_targets(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_POLICY,
        span,
        "a MeshPolicy is for the whole mesh, so it takes no `targets`",
    )
    .help("write a Policy in the namespace of the Service")
}

pub(super) fn bad_target(span: Span, name: &str) -> Diagnostic {
    let message = match name {
        "" => "a target needs the `name` of a Service".to_owned(),
        name => format!("`{name}` is no short name of a Service"),
    };
    Diagnostic::new(&INVALID_LEGACY_POLICY, span, message)
        .help("write the name of a Service in the policy's own namespace: letters, digits and `-`, at most 63")
}

pub(super) fn empty_port(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_POLICY,
        span,
        "a port of a target needs `number` or `name`",
    )
}

pub(super) fn bad_port_number(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_LEGACY_POLICY, span, "a port is from 1 to 65535")
}

pub(super) fn bad_port_name(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_POLICY,
        span,
        format!("`{name}` cannot be the name of a port"),
    )
    .help("write the name that the Service gives the port: letters, digits and `-`, at most 63")
}

pub(super) fn empty_peer(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_POLICY,
        span,
        "an entry of `peers` needs `mtls` or `jwt`: without either it would mean plaintext",
    )
    .help("write `mtls: {}` for mutual TLS")
}

pub(super) fn empty_origin(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_LEGACY_POLICY, span, "an entry of `origins` needs `jwt`")
}

pub(super) fn no_issuer(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_LEGACY_TOKEN, span, "a token needs an `issuer`")
}

pub(super) fn issuer_twice(span: Span, first: Span, issuer: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_TOKEN,
        span,
        format!("the issuer `{issuer}` is in this policy twice"),
    )
    .secondary(first, "the first one")
    .help("put all that is asked of its tokens into one entry")
}

pub(super) fn empty_text(span: Span, list: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_TOKEN,
        span,
        format!("a value of `{list}` must not be empty"),
    )
}

pub(super) fn bad_key_uri(span: Span, uri: &str, wrong: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_TOKEN,
        span,
        format!("`{uri}` cannot be fetched: {wrong}"),
    )
    .help("write an address such as `https://idp.example.com/keys`")
}

pub(super) fn empty_path(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_LEGACY_TOKEN,
        span,
        "a path needs one of `exact`, `prefix`, `suffix` and `regex`",
    )
}

/// `value` is where it stands, if it is written.
pub(super) fn null_mtls(span: Span, value: Option<Span>) -> Diagnostic {
    let d = Diagnostic::new(
        &NULL_MTLS,
        span,
        "`mtls` without a value means mutual TLS, and plaintext once a tool has dropped it",
    );
    match value {
        Some(value) => d.fix(Fix::replace("write `{}`", value, "{}", Applicability::Automatic)),
        None => d.help("write `mtls: {}`"),
    }
}

pub(super) fn origin_without_origins(span: Span) -> Diagnostic {
    Diagnostic::new(
        &REFUSES_EVERYTHING,
        span,
        "the identity is to come from `origins`, and there are none: every HTTP request is refused",
    )
    .help("write `origins`, or leave `principalBinding` out")
}

pub(super) fn mesh_without_keys(span: Span, issuer: &str) -> Diagnostic {
    Diagnostic::new(
        &REFUSES_EVERYTHING,
        span,
        format!("Istio 1.4 does not look for the keys of `{issuer}` for a MeshPolicy: every token is refused"),
    )
    .help("write `jwksUri` or `jwks`")
}

pub(super) fn bad_key_set(span: Span, wrong: &str) -> Diagnostic {
    Diagnostic::new(
        &REFUSES_EVERYTHING,
        span,
        format!("`jwks` is no key set, so every token is refused: {wrong}"),
    )
    .help("write JSON of the form `{\"keys\": [...]}`")
}
