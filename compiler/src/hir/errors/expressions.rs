//! Callers and operations: kinds, accounts, claims, and lines of tests.

use super::*;
use crate::diagnostics::{Applicability, Diagnostic, Fix};
use crate::source::Span;
use crate::syntax::ast::Name;

pub(in crate::hir) fn mixed_kinds(span: Span, operator: &str, rule: &str) -> Diagnostic {
    let example = match operator {
        "via" => "write `USER via PEER`, such as `corp via web`",
        "from" => "write `CALLER from NETWORK`, such as `corp from client-ip 10.0.0.0/8`",
        _ => "join different kinds with `via` and `from`",
    };
    Diagnostic::new(
        &MIXED_KINDS,
        span,
        format!("this does not go with `{operator}`: {rule}"),
    )
    .help(example)
}

pub(in crate::hir) fn no_account(name: &Name, declared: Span) -> Diagnostic {
    Diagnostic::new(
        &NO_ACCOUNT,
        name.span,
        format!("`{}` has no account, so nobody can be admitted as it", name.text),
    )
    .secondary(declared, "declared here, without `account`")
    .help("say its service account: `account NAME`")
}

pub(in crate::hir) fn claim_type(claim: &str, span: Span, fault: &str) -> Diagnostic {
    Diagnostic::new(
        &CLAIM_TYPE,
        span,
        format!("the claim `{claim}` cannot be tested like this: {fault}"),
    )
}

pub(in crate::hir) fn nested_words(span: Span) -> Diagnostic {
    Diagnostic::new(
        &CLAIM_TYPE,
        span,
        "Istio splits only claims at the top of a token into words",
    )
    .help("type it as `string` or `list`")
}

pub(in crate::hir) fn account_without_namespace(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(&INVALID_ACCOUNT, span, format!("the account `{text}` has no namespace"))
        .help(format!("write `sa NAMESPACE/{text}`"))
}

pub(in crate::hir) fn all_accounts(namespace: &str, span: Span) -> Diagnostic {
    let help = match namespace {
        "*" => "write `any-peer` for every account".to_owned(),
        _ => format!("write `ns {namespace}` for every account of a namespace"),
    };
    Diagnostic::new(&INVALID_ACCOUNT, span, "`sa` names accounts, and this is all of them").help(help)
}

pub(in crate::hir) fn account_form(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &INVALID_ACCOUNT,
        span,
        format!("Istio cannot match accounts by `{text}`"),
    )
    .help("write `N/S`, `N/PREFIX*` or `*/S`")
}

pub(in crate::hir) fn where_without_issuer(span: Span) -> Diagnostic {
    Diagnostic::new(
        &WHERE_WITHOUT_ISSUER,
        span,
        "claims are asked of an issuer's tokens, and this is no issuer",
    )
    .help("write `ISSUER where …`, or `token where …` for the tokens of any trusted issuer")
}

pub(in crate::hir) fn not_an_issuer(name: &Name, declared: Span) -> Diagnostic {
    Diagnostic::new(
        &WHERE_WITHOUT_ISSUER,
        name.span,
        format!("`{}` is no issuer", name.text),
    )
    .secondary(declared, "declared here")
    .help("name an `issuer`; who may do what with its tokens is said by `allow` and `deny`")
}

pub(in crate::hir) fn ask_about_identity(span: Span, kind: &str) -> Diagnostic {
    let message =
        format!("`ask` knows networks only: it runs before identities and tokens are known, and this is {kind}");
    Diagnostic::new(&ASK_ABOUT_IDENTITY, span, message)
        .help("ask about `anyone` or a network, and restrict callers with `allow` or `deny`")
}

pub(in crate::hir) fn dry_run_audit(span: Span) -> Diagnostic {
    Diagnostic::new(
        &DRY_RUN_AUDIT,
        span,
        "an `audit` enforces nothing, so it has no dry run",
    )
    .help("leave `dry-run` out")
    .fix(Fix::replace("leave `dry-run` out", span, "", Applicability::Automatic))
}

pub(in crate::hir) fn port_mode_outside_workload(span: Span, place: &str) -> Diagnostic {
    let message =
        format!("a mode for single ports cannot stand {place}: Istio refuses `portLevelMtls` without a selector");
    Diagnostic::new(&PORT_MODE_OUTSIDE_WORKLOAD, span, message)
        .help("write it in the `workload` whose pods have the port")
}

pub(in crate::hir) fn not_concrete(span: Span, what: &str) -> Diagnostic {
    let help = match what {
        "a caller" => {
            "write one `sa N/S`, one `principal`, `outsider`, or a declared workload; a token is `with token …`"
        }
        "an address" => "write one address: `from peer-ip 10.0.0.1`",
        "a token" => "name one issuer",
        _ => {
            "write one method, one path, one port: patterns, names of operations, lists, `or` and `except` have no place here"
        }
    };
    let fault = match what {
        "a request" => "this stands for several".to_owned(),
        _ => format!(
            "this is not {}",
            what.replacen("a ", "one ", 1).replacen("an ", "one ", 1)
        ),
    };
    Diagnostic::new(
        &NOT_CONCRETE,
        span,
        format!("a line of a test is one request, and {fault}"),
    )
    .help(help)
}
