//! Names: unknown, declared twice, of two meanings, in the wrong place.

use super::*;
use crate::diagnostics::suggest::nearest;
use crate::diagnostics::{Applicability, Diagnostic, Fix};
use crate::source::Span;
use crate::syntax::ast::{self, ItemKind, Name, ParamKind};

fn did_you_mean(diagnostic: Diagnostic, near: Option<&str>, span: Span) -> Diagnostic {
    match near {
        Some(near) => diagnostic
            .help(format!("write `{near}` if that is what you mean"))
            .fix(Fix::replace(
                format!("write `{near}`"),
                span,
                near,
                Applicability::Suggestion,
            )),
        None => diagnostic,
    }
}

/// The methods of HTTP, which a rule writes in upper case.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT",
];

/// "a" or "an".
fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

pub(in crate::hir) fn unknown_name(
    name: &Name,
    class: &str,
    near: Option<&str>,
    elsewhere: Option<&'static str>,
) -> Diagnostic {
    let message = match elsewhere {
        Some(what) => format!("`{}` is {what}, not {} {class}", name.text, article(class)),
        None => format!("there is no {class} `{}` here", name.text),
    };
    let method = name.text.to_ascii_uppercase();
    let method = (class == "operation" && METHODS.contains(&method.as_str())).then_some(method.as_str());
    let near = if elsewhere.is_some() { None } else { method.or(near) };
    let diagnostic = did_you_mean(Diagnostic::new(&UNKNOWN_NAME, name.span, message), near, name.span);
    let how = match class {
        "caller" => {
            "declare it as an `identity`, an `issuer` or a `workload`; write a name of another namespace as `ns/name`, and bring one from the standard library in with `use`"
        }
        "operation" => {
            "declare it as an `operation`, or bring it from the standard library in with `use`; a path starts with `/`, a method is upper-case"
        }
        _ => "declare it as a `template`",
    };
    if near.is_some() || elsewhere.is_some() {
        diagnostic
    } else {
        diagnostic.help(how)
    }
}

pub(in crate::hir) fn declared_twice(name: &Name, class: &str, earlier: Span) -> Diagnostic {
    Diagnostic::new(
        &DECLARED_TWICE,
        name.span,
        format!("the {class} `{}` is declared twice", name.text),
    )
    .secondary(earlier, "first declared here")
    .help("give one of them another name")
}

pub(in crate::hir) fn ambiguous_name(name: &Name, class: &str, inner: Span, top: Span) -> Diagnostic {
    Diagnostic::new(
        &AMBIGUOUS_NAME,
        name.span,
        format!("the {class} `{}` has two meanings here", name.text),
    )
    .secondary(inner, "declared in the namespace")
    .secondary(top, "declared at the top level")
    .help("write the one of the namespace as `ns/name`, or rename one of them")
}

pub(in crate::hir) fn cycle(what: &str, name: &str, used: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(&CYCLE, used, format!("the {what} `{name}` needs itself"))
        .secondary(declared, "declared here")
        .help("break the circle: say one of them without the other")
}

pub(in crate::hir) fn too_many_expansions(span: Span) -> Diagnostic {
    Diagnostic::new(
        &TOO_MANY_EXPANSIONS,
        span,
        "templates and issuers expand more than 100000 times",
    )
    .help("look for templates that apply each other several times")
}

/// The words of an item, for messages.
fn item_words(item: &ast::Item) -> &'static str {
    match &item.kind {
        ItemKind::Use { .. } => "use",
        ItemKind::Param { .. } => "param",
        ItemKind::Issuer(_) => "issuer",
        ItemKind::Identity { .. } => "identity",
        ItemKind::Operation { .. } => "operation",
        ItemKind::Template { .. } => "template",
        ItemKind::Apply { .. } => "apply",
        ItemKind::Mesh { .. } => "mesh",
        ItemKind::Namespace { .. } => "namespace",
        ItemKind::Scope { targets, .. } => match targets.first().map(|t| t.kind) {
            Some(ast::TargetKind::Service) => "service",
            Some(ast::TargetKind::ServiceEntry) => "service-entry",
            Some(ast::TargetKind::Gateway) => "gateway",
            Some(ast::TargetKind::Waypoint) => "waypoint",
            Some(ast::TargetKind::Workload) | None => "workload",
        },
        ItemKind::Object { .. } => "object",
        ItemKind::Metadata { .. } => "metadata",
        ItemKind::Legacy(_) => "legacy",
        ItemKind::Fact(fact) => match fact {
            ast::Fact::Select(_) => "select",
            ast::Fact::Ports(_) => "ports",
            ast::Fact::Service { .. } => "service",
            ast::Fact::Provider { .. } => "provider",
            ast::Fact::List {
                key: ast::ListFact::Aliases,
                ..
            } => "aliases",
            ast::Fact::List {
                key: ast::ListFact::Trusts,
                ..
            } => "trusts",
            ast::Fact::Single { key, .. } => match key {
                ast::SingleFact::Account => "account",
                ast::SingleFact::Dataplane => "dataplane",
                ast::SingleFact::UseWaypoint => "use-waypoint",
                ast::SingleFact::TrustedProxies => "trusted-proxies",
                ast::SingleFact::Root => "root",
                ast::SingleFact::Domain => "domain",
                ast::SingleFact::TrustDomain => "trust-domain",
                ast::SingleFact::WorkloadLabel => "workload-label",
                ast::SingleFact::Normalization => "normalization",
                ast::SingleFact::AutoMtls => "auto-mtls",
                ast::SingleFact::ClientTls => "client-tls",
            },
        },
        ItemKind::Rule(rule) => match &rule.kind {
            ast::RuleKind::Access {
                action: ast::AccessAction::Allow,
                ..
            } => "allow",
            ast::RuleKind::Access {
                action: ast::AccessAction::Deny,
                ..
            } => "deny",
            ast::RuleKind::Access {
                action: ast::AccessAction::Audit,
                ..
            } => "audit",
            ast::RuleKind::Ask { .. } => "ask",
            ast::RuleKind::DefaultDeny { .. } => "default deny",
            ast::RuleKind::Mtls { .. } => "mtls",
            ast::RuleKind::Accept { .. } => "accept",
            ast::RuleKind::Require { .. } => "require",
        },
        ItemKind::Destination(_) => "destination",
        ItemKind::Invariant(invariant) => match invariant.kind {
            ast::InvariantKind::Never => "never",
            ast::InvariantKind::Always => "always",
        },
        ItemKind::Test(_) => "test",
        ItemKind::Bad => "this",
    }
}

/// Where an item belongs.
fn belongs(item: &ast::Item) -> &'static str {
    match &item.kind {
        ItemKind::Use { .. } | ItemKind::Param { .. } | ItemKind::Invariant(_) | ItemKind::Test(_) => {
            "write it at the top level of a file"
        }
        ItemKind::Mesh { .. } | ItemKind::Namespace { .. } => "write the block at the top level of a file",
        ItemKind::Issuer(_) | ItemKind::Identity { .. } | ItemKind::Operation { .. } | ItemKind::Template { .. } => {
            "declare it at the top level of a file, or in a `namespace`"
        }
        ItemKind::Scope { .. } => "write the block in a `namespace`; in `mesh` stand only `workload` and `waypoint *`",
        ItemKind::Object { .. } => "write it in the block whose items it names",
        ItemKind::Destination(_) => "write it in a `namespace` or in `mesh`",
        ItemKind::Legacy(_) => "write it in a `workload`",
        ItemKind::Fact(ast::Fact::Select(_)) => "write it in a `workload` or `gateway`",
        ItemKind::Fact(ast::Fact::Ports(_)) => "write it in the `workload` or `gateway` that has the ports",
        ItemKind::Fact(ast::Fact::Service { .. }) => "write it in the `workload` behind the Service",
        ItemKind::Fact(ast::Fact::Provider { .. } | ast::Fact::List { .. }) => "write it in `mesh`",
        ItemKind::Fact(ast::Fact::Single { key, .. }) => match key {
            ast::SingleFact::Account => "write it in a `workload`, `gateway` or `waypoint`",
            ast::SingleFact::Dataplane => "write it in `mesh`, a `namespace` or a `workload`",
            ast::SingleFact::UseWaypoint => "write it in a `namespace` or a `service`",
            ast::SingleFact::TrustedProxies => "write it in a `gateway`",
            _ => "write it in `mesh`",
        },
        ItemKind::Rule(ast::Rule {
            kind: ast::RuleKind::Mtls { .. },
            ..
        }) => "write it in `mesh`, a `namespace` or a `workload`: gateways and waypoints take no mode",
        ItemKind::Rule(_) => "write it in `mesh`, a `namespace`, or the block of a workload or target",
        ItemKind::Apply { .. } | ItemKind::Metadata { .. } => "write it in a block",
        ItemKind::Bad => "remove it",
    }
}

pub(in crate::hir) fn misplaced_item(item: &ast::Item, place: &str) -> Diagnostic {
    Diagnostic::new(
        &MISPLACED_ITEM,
        item.keyword,
        format!("`{}` cannot stand {place}", item_words(item)),
    )
    .help(belongs(item))
}

pub(in crate::hir) fn misplaced_word(word: &str, span: Span, place: &str) -> Diagnostic {
    Diagnostic::new(&MISPLACED_ITEM, span, format!("`{word}` cannot stand {place}"))
}

pub(in crate::hir) fn star_in_block_name(target: &ast::Target) -> Diagnostic {
    Diagnostic::new(
        &MISPLACED_ITEM,
        target.span,
        "a block is for one thing by its name, and `*` is none",
    )
    .help("use a template for a family of blocks; `waypoint *` stands only in `mesh`")
}

pub(in crate::hir) fn said_twice(what: &str, span: Span, earlier: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::new(&SAID_TWICE, span, format!("{what} is said twice")).help("keep one of them");
    match earlier {
        Some(earlier) => diagnostic.secondary(earlier, "first said here"),
        None => diagnostic,
    }
}

pub(in crate::hir) fn namespace_wide_in_root(span: Span, root: &str) -> Diagnostic {
    let message = format!("in the root namespace `{root}` this would act on the whole mesh");
    Diagnostic::new(&NAMESPACE_WIDE_IN_ROOT, span, message)
        .help("write it in `mesh` if the whole mesh is meant, else in the block of a workload or gateway")
}

pub(in crate::hir) fn unknown_param(name: &Name, near: Option<&str>) -> Diagnostic {
    let message = match name.text.as_str() {
        "namespace" => "`${namespace}` stands in no namespace here".to_owned(),
        "workload" => "`${workload}` stands in no workload here".to_owned(),
        text => format!("there is no parameter `{text}` here"),
    };
    let diagnostic = Diagnostic::new(&UNKNOWN_PARAM, name.span, message);
    match near {
        Some(near) => diagnostic.help(format!("write `${{{near}}}` if that is what you mean")),
        None => diagnostic.help(format!("declare it: `param {} = VALUE`", name.text)),
    }
}

pub(in crate::hir) fn reserved_param(name: &Name) -> Diagnostic {
    let message = format!(
        "`{}` is the parameter of the enclosing block and cannot be declared",
        name.text
    );
    Diagnostic::new(&RESERVED_NAME, name.span, message).help("choose another name")
}

pub(in crate::hir) fn param_without_value(name: &Name) -> Diagnostic {
    Diagnostic::new(&PARAM_WITHOUT_VALUE, name.span, format!("the parameter `{}` has no value", name.text)).help(format!(
        "give it one in `[env.NAME]` of mesh.toml and choose it with `--env NAME`, by `--set {}=VALUE`, or as a default here",
        name.text
    ))
}

fn signature(params: &[ast::Param]) -> String {
    let names: Vec<String> = params.iter().map(|p| format!("`{}`", p.name.text)).collect();
    if names.is_empty() {
        "it takes none".to_owned()
    } else {
        format!("it takes {}", names.join(", "))
    }
}

pub(in crate::hir) fn unknown_argument(owner: &Name, arg: &Name, params: &[ast::Param]) -> Diagnostic {
    let near = nearest(&arg.text, params.iter().map(|p| p.name.text.as_str()));
    let message = format!("`{}` takes no argument `{}`", owner.text, arg.text);
    let diagnostic = Diagnostic::new(&WRONG_ARGUMENTS, arg.span, message).help(signature(params));
    match near {
        Some(near) => diagnostic.fix(Fix::replace(
            format!("write `{near}`"),
            arg.span,
            near,
            Applicability::Suggestion,
        )),
        None => diagnostic,
    }
}

pub(in crate::hir) fn missing_argument(owner: &Name, param: &Name, params: &[ast::Param]) -> Diagnostic {
    let message = format!("`{}` needs an argument `{}`", owner.text, param.text);
    Diagnostic::new(&WRONG_ARGUMENTS, owner.span, message)
        .secondary(param.span, "declared here, without a default")
        .help(signature(params))
}

const fn kind_words(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Value => "a value",
        ParamKind::Identity => "a caller",
        ParamKind::Operation => "an operation",
        ParamKind::Issuer => "an issuer",
    }
}

pub(in crate::hir) fn wrong_parameter_kind(name: &Name, wanted: ParamKind) -> Diagnostic {
    let message = format!(
        "the parameter `{}` does not stand for {}",
        name.text,
        kind_words(wanted)
    );
    Diagnostic::new(&WRONG_ARGUMENTS, name.span, message).help("declare the parameter with the kind that is used here")
}

pub(in crate::hir) fn issuer_needs_arguments(name: &Name, params: &[ast::Param], used: Span) -> Diagnostic {
    let args: Vec<String> = params.iter().map(|p| format!("{}: …", p.name.text)).collect();
    Diagnostic::new(
        &WRONG_ARGUMENTS,
        used,
        format!("the issuer `{}` has parameters and is none by itself", name.text),
    )
    .secondary(name.span, "declared here")
    .help(format!(
        "declare an instance: `issuer NAME = {}({})`",
        name.text,
        args.join(", ")
    ))
}

pub(in crate::hir) fn unknown_std_file(path: &str, span: Span, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::new(&UNKNOWN_STD, span, format!("the standard library has no file `{path}`"));
    let diagnostic = did_you_mean(diagnostic, nearest(path, known.iter().copied()), span);
    diagnostic.help(format!(
        "its files are {}",
        known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
    ))
}

pub(in crate::hir) fn unknown_std_item(name: &Name, path: &str, known: &[String]) -> Diagnostic {
    let near = nearest(&name.text, known.iter().map(String::as_str));
    let diagnostic = Diagnostic::new(&UNKNOWN_STD, name.span, format!("`{path}` has no `{}`", name.text));
    let diagnostic = did_you_mean(diagnostic, near, name.span);
    diagnostic.help(format!(
        "it has {}",
        known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
    ))
}

pub(in crate::hir) fn unknown_place(text: &str, span: Span, near: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        &UNKNOWN_PLACE,
        span,
        format!("no block and no manifest describes a workload, gateway or waypoint `{text}`"),
    );
    match near {
        Some(_) => did_you_mean(diagnostic, near, span),
        None => diagnostic
            .help("write it as `ns/name`, and declare its block, or name its manifests in `manifests` of `mesh.toml`"),
    }
}

pub(in crate::hir) fn unknown_provider(name: &str, span: Span, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::new(&UNKNOWN_PROVIDER, span, format!("`mesh` declares no provider `{name}`"));
    match nearest(name, known.iter().copied()) {
        Some(near) => did_you_mean(diagnostic, Some(near), span),
        None => diagnostic.help(format!(
            "declare it as the mesh configuration does: `mesh {{ provider {name} grpc }}`"
        )),
    }
}
