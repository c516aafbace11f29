//! Settings of issuers, workloads and destinations.

use super::*;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

pub(in crate::hir) fn invalid_url(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_SETTING, span, format!("`{text}` is no address of a key set"))
        .help("write an `http://` or `https://` URL")
}

pub(in crate::hir) fn invalid_jwks(span: Span, why: &str) -> Diagnostic {
    Diagnostic::new(&INVALID_SETTING, span, format!("this is no key set: {why}"))
        .help("write a JSON Web Key Set in raw quotes: `jwks \"\"\"{\"keys\":[…]}\"\"\"`")
}

pub(in crate::hir) fn invalid_duration(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_SETTING,
        span,
        format!("`{text}` is no duration of at least a millisecond"),
    )
    .help("write a number with `ms`, `s`, `m` or `h`, such as `2s`")
}

pub(in crate::hir) fn keys_twice(name: &str, jwks: Span, uri: Span) -> Diagnostic {
    Diagnostic::new(
        &KEYS_TWICE,
        jwks,
        format!("the issuer `{name}` has both `jwks` and `jwks-uri`"),
    )
    .secondary(uri, "the other one")
    .help("keep one of them")
}

pub(in crate::hir) fn issuer_without_keys(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &INCOMPLETE_ISSUER,
        span,
        format!("the issuer `{name}` has neither `iss` nor `jwks-uri`"),
    )
    .help("say the `iss` of its tokens; without `jwks-uri` and `jwks` its keys are discovered from it")
}

pub(in crate::hir) fn issuer_without_iss(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(
        &INCOMPLETE_ISSUER,
        span,
        format!("the issuer `{name}` has no `iss`, so its tokens cannot be told from others"),
    )
    .secondary(declared, "declared here")
    .help("add its `iss`; without one an issuer can only be accepted")
}

pub(in crate::hir) fn no_selector(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &NO_SELECTOR,
        span,
        format!("the workload `{name}` does not say which pods it is"),
    )
    .help(format!(
        "write `select app={name}`, or once in `mesh`: `workload-label app`"
    ))
}

pub(in crate::hir) fn gateway_protocol(span: Span) -> Diagnostic {
    Diagnostic::new(
        &UNKNOWN_WORD,
        span,
        "`https` and `https-mutual` are protocols of gateways",
    )
    .help("in a workload write `http`, also where mTLS protects it, or `tls` where the pod itself speaks TLS")
}

pub(in crate::hir) fn mutual_without_certificate(span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_TLS, span, "`tls mutual` needs a certificate and its key")
        .help("add `client-certificate` and `private-key`, or a `credential`; for the mesh's own certificates write `tls istio-mutual`")
}

pub(in crate::hir) fn credential_beside_files(credential: Span, file: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_TLS,
        credential,
        "a `credential` and files cannot stand together",
    )
    .secondary(file, "a file")
    .help("keep one of them")
}

pub(in crate::hir) fn skip_verify_beside(skip: Span, beside: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_TLS,
        skip,
        "`skip-verify` verifies nothing, and something to verify by stands beside it",
    )
    .secondary(beside, "this")
    .help("remove `skip-verify`")
}

pub(in crate::hir) fn export_with_clients(span: Span) -> Diagnostic {
    Diagnostic::new(
        &EXPORT_WITH_CLIENTS,
        span,
        "a destination with `clients` holds in its own namespace only",
    )
    .help("export it to `.`, or leave `export-to` out")
}

pub(in crate::hir) fn private_key(span: Span) -> Diagnostic {
    Diagnostic::new(
        &PRIVATE_KEY,
        span,
        "this key set holds a private or shared key, and whoever reads the policy can mint tokens",
    )
    .help("keep the public keys only; Istio verifies with them, and warns of others")
}
