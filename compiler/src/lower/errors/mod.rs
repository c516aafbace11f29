//! What cannot be lowered: its code, its page, and the one place that words it.

use std::collections::BTreeSet;

use super::reach::PortClash;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::code::codes;
use crate::hir::Scope;
use crate::policy::{Feature, Target};
use crate::source::Span;

codes! {
    TOO_MANY_ALTERNATIVES Error "E0300" "too-many-alternatives" "too_many_alternatives.md"
        "An expression has more than 512 alternatives when it is multiplied out.";
    SECOND_LIST Error "E0301" "second-list" "second_list.md"
        "Two lists of one fact must both hold, and Istio has no place for the second.";
    NOT_IN_RELEASE Error "E0302" "not-in-release" "not_in_release.md"
        "The target release lacks what a line says.";
    LEGACY_ONLY Error "E0303" "legacy-only" "legacy_only.md"
        "Only the legacy API of Istio 1.4 can say this.";
    TCP_PORT_WITH_HTTP Error "E0304" "tcp-port-with-http" "tcp_port_with_http.md"
        "A rule about HTTP requests names a TCP port.";
    PORT_CLASH Error "E0305" "port-clash" "port_clash.md"
        "A port is TCP in one workload of a scope and HTTP in another.";
    OBJECT_TWICE Error "E0306" "object-twice" "object_twice.md"
        "Two objects of one kind would have the same name.";
    OBJECT_NAME Error "E0307" "object-name" "object_name.md"
        "The name of an object is one that a cluster refuses.";
    ZTUNNEL_ONLY Error "E0308" "ztunnel-only" "ztunnel_only.md"
        "Only ztunnel would enforce a rule, and it does not see what the rule asks for.";
    MATCHES_NOTHING Error "E0309" "matches-nothing" "matches_nothing.md"
        "A rule excludes everything that it says.";
    MODE_IN_ROOT Error "E0310" "mode-in-root" "mode_in_root.md"
        "Istio ignores a mode for single workloads in the root namespace.";
    TWO_MODES Error "E0311" "two-modes" "two_modes.md"
        "A block says two modes, or makes two objects of its modes.";
    TOO_MANY_TARGETS Error "E0312" "too-many-targets" "too_many_targets.md"
        "A policy has more targets than Istio takes.";
    SAME_AS Error "E0313" "same-as" "same_as.md"
        "Two items of one kind say the same `as`.";
    ACCOUNT_PATTERN Error "E0314" "account-pattern" "account_pattern.md"
        "A pattern of accounts of any trust domain is one that Istio cannot match.";
    NOT_REACHED Warning "W0320" "not-reached" "not_reached.md"
        "A rule does not reach the workloads that ztunnel alone protects.";
    ROOT_SELECTOR Warning "W0321" "root-selector" "root_selector.md"
        "A selector in the root namespace reaches pods of other namespaces.";
    CLOSES_TCP Note "N0322" "closes-tcp" "closes_tcp.md"
        "A `deny` that only excludes by HTTP facts closes TCP ports.";
    NOT_ENFORCED Warning "W0323" "not-enforced" "not_enforced.md"
        "Nobody enforces the rules of a block.";
    SPARES_PORT Note "N0324" "spares-port" "spares_port.md"
        "A wide rule about HTTP leaves out a port for all, because one workload declares it as TCP.";
}

pub(super) fn too_many_alternatives(span: Span) -> Diagnostic {
    Diagnostic::new(
        &TOO_MANY_ALTERNATIVES,
        span,
        "multiplied out, this has more than 512 alternatives",
    )
    .help("split the rule into several, or say it with fewer `or` and `except`")
}

pub(super) fn second_list(what: &str, first: &[String], second: &[String], span: Span) -> Diagnostic {
    let list = |values: &[String]| values.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ");
    let message = format!(
        "two lists of {what} must both hold here: {}, and {}",
        list(first),
        list(second)
    );
    Diagnostic::new(&SECOND_LIST, span, message).help("Istio has one list for them: write what both have in common")
}

pub(super) fn not_in_release(
    what: &str,
    target: Target,
    feature: Feature,
    span: Span,
    help: Option<&str>,
) -> Diagnostic {
    Diagnostic::new(
        &NOT_IN_RELEASE,
        span,
        format!("`{target}` lacks {what}: it came with `{}`", feature.since()),
    )
    .maybe_help(help.map(str::to_owned))
    .help(format!("build for `{}` or newer, or say it otherwise", feature.since()))
}

pub(super) fn legacy_only(what: &str, span: Span, instead: &str) -> Diagnostic {
    Diagnostic::new(
        &LEGACY_ONLY,
        span,
        format!("only the legacy API of `istio-1.4` can say {what}"),
    )
    .help(instead)
}

pub(super) fn tcp_port_with_http(port: u16, span: Span, declared: Span, require: bool) -> Diagnostic {
    let help = if require {
        "name HTTP ports only: a TCP connection carries no token"
    } else {
        "give the TCP port a rule of its own, or write `including tcp`: there the rest of the rule counts alone"
    };
    Diagnostic::new(
        &TCP_PORT_WITH_HTTP,
        span,
        format!("port {port} is TCP, and this rule asks for facts of an HTTP request"),
    )
    .secondary(declared, "declared here")
    .help(help)
}

pub(super) fn port_clash(clash: &PortClash, span: Span) -> Diagnostic {
    let message = format!(
        "port {} is TCP in one workload that this rule reaches and HTTP in another",
        clash.port
    );
    Diagnostic::new(&PORT_CLASH, span, message)
        .secondary(clash.tcp, "TCP here")
        .secondary(clash.http, "HTTP here")
        .help("name the ports that are meant, or write the rule in the blocks of the workloads")
}

pub(super) fn object_twice(kind: &str, name: &str, span: Span, earlier: Span) -> Diagnostic {
    Diagnostic::new(
        &OBJECT_TWICE,
        span,
        format!("{kind} `{name}` is made here and elsewhere in the namespace"),
    )
    .secondary(earlier, "the other one")
    .help("give one of them another name: `as NAME`")
}

pub(super) fn object_name(kind: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        &OBJECT_NAME,
        span,
        format!("a cluster refuses `{name}` as the name of its {kind}"),
    )
    .help("give it a name of lower-case letters, digits, `-` and `.`, at most 253 characters: `as NAME`")
}

/// What ztunnel does not see; without it, what the rule does is none of the things that ztunnel does.
fn ztunnel_fault(unseen: Option<&str>) -> String {
    unseen.map_or_else(
        || "takes `allow` and `deny` only".to_owned(),
        |what| format!("does not see {what}"),
    )
}

pub(super) fn ztunnel_only(unseen: Option<&str>, span: Span) -> Diagnostic {
    let message = format!("only ztunnel enforces this, and it {}", ztunnel_fault(unseen));
    Diagnostic::new(&ZTUNNEL_ONLY, span, message)
        .help("write the rule in a `service` block: its waypoint sees the whole request")
}

pub(super) fn not_reached(unseen: Option<&str>, ambient: &[&Scope], span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        &NOT_REACHED,
        span,
        format!(
            "some workloads here are protected by ztunnel alone, which {}",
            ztunnel_fault(unseen)
        ),
    );
    let diagnostic = ambient
        .iter()
        .take(3)
        .fold(diagnostic, |d, scope| d.secondary(scope.span, "not reached"));
    diagnostic.help("repeat the rule in a `service` block for them")
}

/// `said` is where its data plane is said.
pub(super) fn no_proxy(span: Span, said: Option<Span>) -> Diagnostic {
    let message = "nobody enforces this: the workload has no proxy (`dataplane none`)";
    let diagnostic = Diagnostic::new(&NOT_ENFORCED, span, message);
    let diagnostic = match said {
        Some(said) => diagnostic.secondary(said, "said here"),
        None => diagnostic,
    };
    diagnostic.help("bring the workload into the mesh, or protect it by other means and remove the rule")
}

pub(super) fn one_export(target: Target, span: Span) -> Diagnostic {
    let message = format!("`{target}` takes one name in `export-to`, and this is a second one");
    Diagnostic::new(&NOT_IN_RELEASE, span, message).help("write `.` or `*` alone, or build for a newer release")
}

pub(super) fn no_waypoint(service: &str, span: Span, block: Span) -> Diagnostic {
    let message = format!("nobody enforces this: no waypoint stands in front of `{service}`");
    Diagnostic::new(&NOT_ENFORCED, span, message)
        .secondary(block, "only a waypoint heeds this block")
        .help("say which waypoint it uses: `use-waypoint NAME`, here or in the namespace")
        .help("behind sidecars write the rule in the `workload`")
}

pub(super) fn matches_nothing(span: Span) -> Diagnostic {
    Diagnostic::new(
        &MATCHES_NOTHING,
        span,
        "this rule excludes everything that it says, so nothing is left of it",
    )
    .help("remove the rule, or narrow its `except`")
}

pub(super) fn mode_in_root(span: Span, root: &str) -> Diagnostic {
    let message = format!("Istio ignores a mode for single workloads in the root namespace `{root}`");
    Diagnostic::new(&MODE_IN_ROOT, span, message)
        .help("write the mode in `mesh`, in another namespace, or in a workload of another namespace")
}

pub(super) fn mode_twice(port: Option<u16>, span: Span, earlier: Span) -> Diagnostic {
    let what = port.map_or_else(|| "the mode".to_owned(), |port| format!("the mode of port {port}"));
    Diagnostic::new(&TWO_MODES, span, format!("{what} is said twice"))
        .secondary(earlier, "first said here")
        .help("keep one of them")
}

pub(super) fn two_mode_objects(span: Span, earlier: Span) -> Diagnostic {
    Diagnostic::new(
        &TWO_MODES,
        span,
        "the modes of one block make one object, and here they have two names",
    )
    .secondary(earlier, "the other one")
    .help("gather them: `object NAME { mtls … }`")
}

pub(super) fn too_many_targets(span: Span, count: usize) -> Diagnostic {
    Diagnostic::new(
        &TOO_MANY_TARGETS,
        span,
        format!("Istio takes at most 16 targets in one policy, and these are {count}"),
    )
    .help("split the block in two")
}

pub(super) fn same_as(name: &str, span: Span, earlier: Span) -> Diagnostic {
    Diagnostic::new(&SAME_AS, span, format!("two items of one kind are called `{name}`"))
        .secondary(earlier, "the other one")
        .help(format!("gather them: `object {name} {{ … }}`"))
}

pub(super) fn account_pattern_of_domain_pattern(span: Span) -> Diagnostic {
    Diagnostic::new(
        &ACCOUNT_PATTERN,
        span,
        "Istio cannot match accounts by a pattern where the trust domain is a pattern too",
    )
    .help("name the trust domain, or the accounts, without a star")
}

pub(super) fn root_selector(scope: &Scope, strangers: &[&Scope]) -> Diagnostic {
    let message = format!(
        "in the root namespace `{}` this selector reaches pods of other namespaces too",
        scope.namespace
    );
    let diagnostic = Diagnostic::new(&ROOT_SELECTOR, scope.span, message);
    let diagnostic = strangers
        .iter()
        .take(3)
        .fold(diagnostic, |d, stranger| d.secondary(stranger.span, "reached as well"));
    diagnostic.help("select by a label that only these pods carry, or write the block in `mesh` if all are meant")
}

pub(super) fn closes_tcp(ports: &[String], span: Span) -> Diagnostic {
    let (noun, list) = (if ports.len() == 1 { "port" } else { "ports" }, ports.join(", "));
    Diagnostic::new(
        &CLOSES_TCP,
        span,
        format!("this also closes the TCP {noun} {list}, where no request can be an exception"),
    )
    .help("name the HTTP ports if only they are meant: `to port P`")
}

pub(super) fn spares_port(ports: &BTreeSet<u16>, open: &[&Scope], span: Span) -> Diagnostic {
    let list: Vec<String> = ports.iter().map(u16::to_string).collect();
    let noun = if ports.len() == 1 { "port" } else { "ports" };
    let message = format!(
        "this leaves out the TCP {noun} {} for every workload that it reaches",
        list.join(", ")
    );
    let diagnostic = Diagnostic::new(&SPARES_PORT, span, message);
    let diagnostic = open
        .iter()
        .take(3)
        .fold(diagnostic, |d, scope| d.secondary(scope.span, "not declared here"));
    diagnostic.help("write the rule in the blocks of the workloads, or name their ports, if a pod may serve HTTP there")
}
