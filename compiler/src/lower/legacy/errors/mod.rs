//! What the legacy API cannot say: its code, its page, and the one place that words it.

use crate::diagnostics::Diagnostic;
use crate::diagnostics::code::codes;
use crate::policy::legacy::StringMatch;
use crate::source::Span;

codes! {
    LEGACY_WITHOUT_SERVICE Error "E0400" "legacy-without-service" "legacy_without_service.md"
        "The legacy API names Services, and a block that says `mtls`, `accept` or `require` has none.";
    LEGACY_PORT Error "E0401" "legacy-port" "legacy_port.md"
        "A port is not one that the legacy API can name here.";
    LEGACY_ISSUER Error "E0402" "legacy-issuer" "legacy_issuer.md"
        "An issuer has a setting that the legacy API lacks.";
    LEGACY_TRIGGER Error "E0403" "legacy-trigger" "legacy_trigger.md"
        "Requests are told apart by something that the legacy API cannot ask.";
    LEGACY_DEMANDS Error "E0404" "legacy-demands" "legacy_demands.md"
        "Two demands for tokens meet on one request, and the legacy API would take either.";
    LEGACY_NAME Error "E0405" "legacy-name" "legacy_name.md"
        "The legacy API does not take a policy of this name.";
    LEGACY_SHARED_SERVICE Error "E0406" "legacy-shared-service" "legacy_shared_service.md"
        "One Service leads to workloads that are told different things, and the legacy API names Services.";
    LEGACY_IDLE Error "E0407" "legacy-idle" "legacy_idle.md"
        "An item of the legacy API loosens a demand that is not in force.";
    LEGACY_BAD_TOKEN Note "N0430" "legacy-bad-token" "legacy_bad_token.md"
        "On the legacy API a bad token passes where no token is required.";
    LEGACY_UNSAID_MTLS Warning "W0431" "legacy-unsaid-mtls" "legacy_unsaid_mtls.md"
        "A policy of the legacy API for tokens switches mutual TLS off, because nothing says `mtls`.";
    LEGACY_UNCOVERED_PORT Warning "W0432" "legacy-uncovered-port" "legacy_uncovered_port.md"
        "On the legacy API a port that no Service leads to is not protected.";
}

pub(super) fn no_service(span: Span, block: Span) -> Diagnostic {
    Diagnostic::new(&LEGACY_WITHOUT_SERVICE, span, "a policy of `istio-1.4` names Services, and this block has none")
        .secondary(block, "this block")
        .help("say the Service in front of the workload: `service NAME PORT:POD-PORT`; in another kind of block it cannot be said")
}

pub(super) fn pods_of_every_namespace(span: Span, block: Span) -> Diagnostic {
    let message = "a policy of `istio-1.4` acts in one namespace, and this block is for pods of every namespace";
    Diagnostic::new(&LEGACY_WITHOUT_SERVICE, span, message)
        .secondary(block, "this block")
        .help("write the workload in each `namespace` that has it; a template says it once")
}

pub(super) fn port_without_service(port: u16, span: Span, service: Option<Span>) -> Diagnostic {
    let message = format!("no Service port leads to port {port}, and `istio-1.4` knows Service ports only");
    let diagnostic = Diagnostic::new(&LEGACY_PORT, span, message);
    let diagnostic = match service {
        Some(service) => diagnostic.secondary(service, "the Service"),
        None => diagnostic,
    };
    diagnostic.help(format!("add the port to the Service: `service NAME {port}`"))
}

pub(super) fn token_on_tcp(port: u16, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_PORT,
        span,
        format!("port {port} is TCP, and a TCP connection carries no token"),
    )
    .secondary(declared, "declared here")
    .help("name HTTP ports only")
}

pub(super) fn ports_of_wide_scope(span: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_PORT,
        span,
        "`istio-1.4` names ports of a Service only, and this is for a whole namespace or mesh",
    )
    .help("write it in the `workload` that has the port")
}

pub(super) fn excepted_port(span: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_PORT,
        span,
        "`istio-1.4` cannot except a port from a demand for tokens",
    )
    .help("name the ports that ask for one: `require I on port P`")
}

pub(super) fn token_is_forwarded(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_ISSUER,
        span,
        format!("`istio-1.4` always passes the token of `{name}` on, and the issuer does not say so"),
    )
    .secondary(declared, "declared here")
    .help("add `forward` to the issuer")
}

pub(super) fn issuer_setting(what: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&LEGACY_ISSUER, span, format!("`istio-1.4` lacks {what}"))
        .help("leave it out, or build for a newer release")
}

pub(super) fn issuer_twice(issuer: &str, span: Span, other: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_ISSUER,
        span,
        format!("the issuer `{issuer}` proves both peer and user, which `istio-1.4` refuses"),
    )
    .secondary(other, "the user's token")
    .help("use two issuers, or keep one of the two")
}

pub(super) fn iss_twice(iss: &str, span: Span, other: Span) -> Diagnostic {
    let message = format!("two issuers with the `iss` `{iss}` meet in one policy, which `istio-1.4` refuses");
    Diagnostic::new(&LEGACY_ISSUER, span, message)
        .secondary(other, "the other one is named here")
        .help("use one of them, with the audiences and keys of both")
}

pub(super) fn shared_service(name: &str, span: Span, other: Span) -> Diagnostic {
    let message = format!("a policy for `{name}` would act on another workload too, which is told something else");
    Diagnostic::new(&LEGACY_SHARED_SERVICE, span, message)
        .secondary(other, "the same Service, in front of the other workload")
        .help("say the same in both workloads, or give each a Service of its own")
}

pub(super) fn idle_allow_tls(span: Span) -> Diagnostic {
    let message = "`legacy allow-tls` loosens `mtls`, and none is in force here";
    Diagnostic::new(&LEGACY_IDLE, span, message).help("remove the line, or say `mtls strict` or `mtls permissive`")
}

pub(super) fn trigger_fact(what: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_TRIGGER,
        span,
        format!("`istio-1.4` asks for tokens by path and port only, and this is {what}"),
    )
    .help("write paths: `/exact`, `/prefix/*`, `*/suffix`, or `path-regex`")
}

pub(super) fn path_template(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_TRIGGER,
        span,
        format!("`istio-1.4` has no path templates such as `{text}`"),
    )
    .help("write a prefix, a suffix, or `path-regex`")
}

fn spelt(path: &StringMatch) -> String {
    match path {
        StringMatch::Exact(text) => text.clone(),
        StringMatch::Prefix(text) => format!("{text}*"),
        StringMatch::Suffix(text) => format!("*{text}"),
        StringMatch::Regex(text) => format!("path-regex {text}"),
    }
}

pub(super) fn path_intersection(left: &StringMatch, right: &StringMatch, span: Span) -> Diagnostic {
    let message = format!(
        "`istio-1.4` cannot ask for paths that are both `{}` and `{}`",
        spelt(left),
        spelt(right)
    );
    Diagnostic::new(&LEGACY_TRIGGER, span, message).help("write the common paths out, or use `path-regex`")
}

pub(super) fn too_many_regions(span: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_TRIGGER,
        span,
        "multiplied out, these paths have more than 512 alternatives",
    )
    .help("say it with fewer `or` and `except`")
}

pub(super) fn trigger_without_paths(span: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_TRIGGER,
        span,
        "no path is left for which a token would be asked",
    )
    .help("remove the line, or narrow its `except`")
}

pub(super) fn two_demands(span: Span, earlier: Span) -> Diagnostic {
    let message = "two `require` meet on one request, and `istio-1.4` would take the token of either";
    Diagnostic::new(&LEGACY_DEMANDS, span, message)
        .secondary(earlier, "the other one")
        .help("name both issuers in one `require` if either is enough, or make their paths disjoint")
}

pub(super) fn accept_beside_require(span: Span, earlier: Span) -> Diagnostic {
    let message = "`accept` and `require` stand on one port, and `istio-1.4` has one choice for all its tokens";
    Diagnostic::new(&LEGACY_DEMANDS, span, message)
        .secondary(earlier, "the other one")
        .help("require the token, or accept both")
}

pub(super) fn two_names(span: Span, earlier: Span) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_NAME,
        span,
        "`mtls`, `accept` and `require` of one block make one Policy, and here it has two names",
    )
    .secondary(earlier, "the other one")
    .help("gather them: `object NAME { … }`")
}

pub(super) fn wide_name(name: &str, span: Span) -> Diagnostic {
    let message = if name == "default" {
        "in `istio-1.4` only the policy of a whole namespace or mesh is called `default`".to_owned()
    } else {
        format!("in `istio-1.4` the policy of a whole namespace or mesh is called `default`, not `{name}`")
    };
    Diagnostic::new(&LEGACY_NAME, span, message).help(if name == "default" {
        "give it another name: `as NAME`"
    } else {
        "leave the name out"
    })
}

pub(super) fn bad_token_passes(span: Span, wherever: &str) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_BAD_TOKEN,
        span,
        format!("on `istio-1.4` a forged or expired token passes {wherever}"),
    )
    .help("a current release refuses it everywhere; on this one no line can")
}

pub(super) fn unsaid_mode(span: Span) -> Diagnostic {
    let message = "nothing says `mtls` here, and on `istio-1.4` a policy for tokens then switches mutual TLS off";
    Diagnostic::new(&LEGACY_UNSAID_MTLS, span, message)
        .help("say `mtls strict` or `mtls permissive`, or `mtls disable` if plaintext is meant")
}

pub(super) fn uncovered_port(port: u16, span: Span) -> Diagnostic {
    let message =
        format!("no Service leads to port {port}, and `istio-1.4` asks there for neither mutual TLS nor tokens");
    Diagnostic::new(&LEGACY_UNCOVERED_PORT, span, message)
        .help(format!("add the port to the Service: `service NAME {port}`"))
}

pub(super) fn mesh_without_keys(issuer: &str, span: Span) -> Diagnostic {
    let message =
        format!("`istio-1.4` does not look for the keys of `{issuer}` for a whole mesh, and would refuse every token");
    Diagnostic::new(&LEGACY_ISSUER, span, message).help("add `jwks-uri` or `jwks` to the issuer")
}

pub(super) fn idle_bind_peer(span: Span) -> Diagnostic {
    let message = "`legacy bind-peer` chooses the caller's identity over a token's, and no token is asked for here";
    Diagnostic::new(&LEGACY_IDLE, span, message).help("remove the line, or say `require` or `accept`")
}
