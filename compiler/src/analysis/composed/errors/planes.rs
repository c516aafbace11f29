//! Of ambient, and of external authorizers.

use super::*;
use crate::diagnostics::Diagnostic;
use crate::source::Span;

const WAYPOINT: &str = "attach it with `targetRefs` to a Service that uses a waypoint";

pub(in super::super) fn ztunnel_ignores(span: Span, why: &str, place: &str) -> Diagnostic {
    let message = format!("only ztunnel protects {place}, and it {why}: this policy has no effect");
    Diagnostic::new(&ZTUNNEL_IGNORES, span, message).help(WAYPOINT)
}

pub(in super::super) fn ztunnel_drops(span: Span, allow: bool, place: &str) -> Diagnostic {
    let message = if allow {
        format!("only ztunnel protects {place}, and it leaves a rule about HTTP out: nobody is admitted by it")
    } else {
        format!("only ztunnel protects {place}, and it sees no HTTP: this rule does not refuse what it says")
    };
    Diagnostic::new(&ZTUNNEL_IGNORES, span, message).help(WAYPOINT)
}

pub(in super::super) fn waypoint_refused(span: Span, waypoint: &str, witness: &str, place: &str) -> Diagnostic {
    let message =
        format!("{witness} is refused at {place} on its way through the waypoint `{waypoint}`, which comes as itself");
    Diagnostic::new(&WAYPOINT_REFUSED, span, message)
        .help("admit the waypoint's account here, and the callers at the waypoint")
}

pub(in super::super) fn round_the_waypoint(span: Span, waypoint: &str, witness: &str, pod: &str) -> Diagnostic {
    let message = format!("{waypoint} refuses {witness}, and {pod} admits it on the direct way");
    Diagnostic::new(&ROUND_THE_WAYPOINT, span, message).help("admit only the waypoint's account at the pods")
}

pub(in super::super) fn ambient_disable(span: Span, place: &str) -> Diagnostic {
    let message = format!("ztunnel keeps encrypting to {place}, and takes DISABLE as PERMISSIVE");
    Diagnostic::new(&AMBIENT_DISABLE, span, message).help("write PERMISSIVE, which is what it means there")
}

pub(in super::super) fn several_providers(span: Span, first: Span, place: &str) -> Diagnostic {
    let message =
        format!("two external authorizers are asked at {place}, and Istio refuses whatever either is asked about");
    Diagnostic::new(&SEVERAL_PROVIDERS, span, message)
        .secondary(first, "the other one is asked by this policy")
        .help("keep one provider for a workload")
}

pub(in super::super) fn unset_provider(span: Span, provider: &str, near: Option<&str>) -> Diagnostic {
    let message =
        format!("the mesh configuration names no provider `{provider}`, so Istio refuses whatever it is asked about");
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "add it to `extensionProviders`".to_owned(),
    };
    Diagnostic::new(&UNSET_PROVIDER, span, message).help(help)
}

pub(in super::super) fn idle_audit(span: Span) -> Diagnostic {
    let message =
        "AUDIT marks requests and does nothing else: without a plugin that acts on the mark nothing is logged";
    Diagnostic::new(&IDLE_AUDIT, span, message).help("look at access logs with `dry-run`, or remove the policy")
}
