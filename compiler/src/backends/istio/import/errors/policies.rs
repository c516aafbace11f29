//! The messages for the kinds of `security.istio.io`.

use super::*;

pub(in crate::backends) fn exclusive(span: Span, first: Span, one: &str, other: &str) -> Diagnostic {
    Diagnostic::new(
        &EXCLUSIVE_FIELDS,
        span,
        format!("`{other}` cannot stand beside `{one}`"),
    )
    .secondary(first, format!("`{one}` is here"))
    .help("keep one of them")
}

pub(in super::super) fn empty_label_key(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_SELECTOR, span, "a label of a selector must have a key")
}

pub(in super::super) fn wildcard_label(span: Span, text: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_SELECTOR,
        span,
        format!("a selector takes no wildcards, but `{text}` has `*`"),
    )
    .help("name the labels in full, or leave the selector out to select everything in the namespace")
}

pub(in super::super) fn empty_selector(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &EMPTY_SELECTOR,
        span,
        format!("`{name}` has no labels, so it selects everything"),
    )
    .help("write `matchLabels`, or leave the selector out to say that everything is meant")
}

pub(in super::super) fn target_namespace(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_TARGET_REF,
        span,
        "a policy can only be attached to something in its own namespace",
    )
    .help("leave `namespace` out, and put the policy where its target is")
}

pub(in super::super) fn target_kind(span: Span, group: &str, kind: &str) -> Diagnostic {
    let what = if group.is_empty() {
        kind.to_owned()
    } else {
        format!("{group}/{kind}")
    };
    Diagnostic::new(&INVALID_TARGET_REF, span, format!("a policy cannot be attached to `{what}`")).help(
        "use a Service (no group), a ServiceEntry of `networking.istio.io`, or a Gateway or GatewayClass of `gateway.networking.k8s.io`",
    )
}

pub(in super::super) fn ports_without_selector(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_PORT_MODES,
        span,
        "`portLevelMtls` needs a selector with labels, because ports are those of pods",
    )
    .help("write `selector.matchLabels`")
}

pub(in super::super) fn no_port_modes(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_PORT_MODES, span, "`portLevelMtls` names no port")
        .help("name a port, or leave the field out")
}

pub(in super::super) fn bad_port_mode(span: Span, port: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_PORT_MODES,
        span,
        format!("`{port}` is no port: a port is from 1 to 65535"),
    )
}

pub(in super::super) fn no_issuer(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_JWT_RULE, span, "a rule needs an `issuer` or a `jwksUri`")
}

pub(in super::super) fn bad_key_uri(span: Span, uri: &str, wrong: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_JWT_RULE, span, format!("`{uri}` cannot be fetched: {wrong}"))
        .help("write an address such as `https://idp.example.com/keys`")
}

pub(in super::super) fn bad_key_set(span: Span, wrong: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_JWT_RULE, span, format!("`jwks` is no key set: {wrong}"))
        .help("write JSON of the form `{\"keys\": [...]}`")
}

pub(in super::super) fn bad_header_name(span: Span, header: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_JWT_RULE, span, format!("`{header}` is no name of a header"))
        .help("use letters, digits, `-` and `_`")
}

pub(in crate::backends) fn private_key(span: Span, index: usize) -> Diagnostic {
    let message = format!("key {index} of this key set, counted from 0, is private or symmetric");
    Diagnostic::new(&PRIVATE_KEYS, span, message)
        .help("keep only the public half: whoever reads the object can sign tokens")
}

pub(in super::super) fn missing_rules(span: Span, action: &str) -> Diagnostic {
    Diagnostic::new(
        &MISSING_RULES,
        span,
        format!("a {action} policy without rules never applies"),
    )
    .help("write rules; `rules: [{}]` has one that matches every request")
}

pub(in super::super) fn missing_provider(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_CUSTOM, span, "a CUSTOM policy needs `provider.name`")
        .help("name one of `extensionProviders` of the mesh configuration")
}

pub(in super::super) fn provider_without_custom(span: Span, action: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_CUSTOM,
        span,
        format!("only a CUSTOM policy has a provider, but this one is {action}"),
    )
}

pub(in super::super) fn unknown_to_custom(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_CUSTOM,
        span,
        format!("a CUSTOM policy cannot ask for `{name}`"),
    )
    .help("leave it to the provider, or to an ALLOW or DENY policy beside this one")
}

pub(in super::super) fn empty_match(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&EMPTY_MATCH, span, format!("`{name}` says nothing"))
        .help("name what it must match, or leave it out to match everything")
}

pub(in super::super) fn empty_condition(span: Span, key: &str) -> Diagnostic {
    Diagnostic::new(
        &EMPTY_MATCH,
        span,
        format!("the condition on `{key}` has neither `values` nor `notValues`"),
    )
}

pub(in super::super) fn empty_key(span: Span) -> Diagnostic {
    Diagnostic::new(&EMPTY_MATCH, span, "the key of a condition must not be empty")
}

pub(in super::super) fn empty_value(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_MATCH, span, format!("a value of `{name}` must not be empty"))
        .help("write `*` for any value that is not empty")
}

pub(in super::super) fn bad_value(span: Span, value: &str, wrong: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_MATCH, span, format!("`{value}` {wrong}"))
}

pub(in super::super) fn too_many_accounts(span: Span, count: usize) -> Diagnostic {
    Diagnostic::new(
        &INVALID_MATCH,
        span,
        format!("a list of service accounts has {count} values, more than 16"),
    )
}

pub(in super::super) fn unknown_attribute<'a>(
    span: Span,
    key: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let d = Diagnostic::new(
        &UNKNOWN_ATTRIBUTE,
        span,
        format!("`{key}` is no attribute of a request"),
    );
    match nearest(key, known) {
        Some(near) => d.fix(write(span, near)),
        None => d,
    }
}

pub(in super::super) fn old_attribute(span: Span, key: &str, instead: &str) -> Diagnostic {
    Diagnostic::new(
        &UNKNOWN_ATTRIBUTE,
        span,
        format!("`{key}` is an attribute of Istio 1.4 and of none since"),
    )
    .help(instead)
}

pub(in super::super) fn bad_bracket_key(span: Span, key: &str) -> Diagnostic {
    Diagnostic::new(
        &UNKNOWN_ATTRIBUTE,
        span,
        format!("`{key}` lacks a name in brackets at its end"),
    )
    .help("write it as in `request.headers[x-name]`")
}

pub(in super::super) fn dry_run_elsewhere(span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_DRY_RUN,
        span,
        "only an AuthorizationPolicy can have `istio.io/dry-run`",
    )
    .help("remove the annotation")
}

pub(in super::super) fn dry_run_action(span: Span, action: &str) -> Diagnostic {
    Diagnostic::new(
        &INVALID_DRY_RUN,
        span,
        format!("a policy of action {action} cannot be dry-run"),
    )
    .help("remove the annotation; only ALLOW and DENY can have it")
}

pub(in super::super) fn dry_run_value(span: Span, value: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_DRY_RUN, span, format!("`{value}` is neither true nor false"))
        .help("write `\"true\"` or `\"false\"`")
}

pub(in super::super) fn deny_closes_tcp(span: Span) -> Diagnostic {
    Diagnostic::new(
        &DENY_CLOSES_TCP,
        span,
        "this rule denies by facts of HTTP only, so on TCP ports it denies every connection",
    )
    .help("name the HTTP ports that are meant in `to.operation.ports`")
}

pub(in super::super) fn dropped_attribute(span: Span, key: &str, prefix: &str) -> Diagnostic {
    Diagnostic::new(
        &DROPPED_ATTRIBUTE,
        span,
        format!(
            "Istio takes `{key}` and then does not know it: an ALLOW rule never matches, any other loses the condition"
        ),
    )
    .help(format!("write `{prefix}[NAME]`"))
}
