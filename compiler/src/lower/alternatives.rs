//! The alternatives of one item, with what its action and its enforcers ask of them.

use std::collections::BTreeSet;

use super::access::port_span;
use super::facts::Facts;
use super::formula::{self, Alternative, Slot};
use super::{Context, errors};
use crate::diagnostics::Diagnostics;
use crate::hir::{Expr, Scope, ScopeKind};
use crate::policy::{ConditionKey, Feature};
use crate::source::Span;

/// What an action makes of HTTP facts on TCP ports (language, section 7), and who can enforce it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Istio drops an ALLOW rule with HTTP facts on TCP ports whole, so they stand apart.
    Allow,
    /// An alternative that asks for an HTTP fact leaves out the declared TCP ports, unless it is `including tcp`.
    Deny { including_tcp: bool },
    /// The same for `audit` and `ask`, which ztunnel never enforces.
    Envoy { including_tcp: bool },
    /// The same for every alternative, and never on TCP ports.
    Require,
}

/// The alternatives of `expr`; `None` where it is wrong.
pub(super) fn alternatives<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    expr: &Expr,
    demand: Demand,
    span: Span,
    acc: &mut Diagnostics,
) -> Option<Vec<Alternative>> {
    let enforcers = ctx.reach.enforcers(scope);
    let formula = Facts { ctx, enforcers, acc }.formula(expr);
    let Ok(mut list) = formula::alternatives(&formula) else {
        acc.push(errors::too_many_alternatives(expr_span(expr, span)));
        return None;
    };
    if list.is_empty() {
        acc.push(errors::matches_nothing(span));
        return None;
    }
    if !ctx.target.has(Feature::Deny) && list.iter().any(|a| !a.negative.is_empty()) {
        acc.push(errors::not_in_release(
            "`except` and every other exclusion",
            ctx.target,
            Feature::Deny,
            span,
            None,
        ));
        return None;
    }
    let unseen = list.iter().find_map(|a| unseen_by_ztunnel(a));
    if enforcers.ztunnel && (unseen.is_some() || matches!(demand, Demand::Envoy { .. } | Demand::Require)) {
        let ambient = ctx.reach.ambient(scope);
        if enforcers.envoy {
            acc.push(errors::not_reached(unseen, &ambient, span));
        } else {
            acc.push(errors::ztunnel_only(unseen, span));
            return None;
        }
    }
    leave_out_tcp(ctx, scope, expr, &mut list, demand, span, acc)?;
    Some(list)
}

/// Adds `notPorts` where the action would reach further on TCP than its text.
fn leave_out_tcp<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    expr: &Expr,
    list: &mut [Alternative],
    demand: Demand,
    span: Span,
    acc: &mut Diagnostics,
) -> Option<()> {
    let always = match demand {
        Demand::Allow | Demand::Deny { including_tcp: true } | Demand::Envoy { including_tcp: true } => return Some(()),
        Demand::Deny { .. } | Demand::Envoy { .. } => false,
        Demand::Require => true,
    };
    if demand == (Demand::Deny { including_tcp: false }) {
        note_closed_tcp(ctx, scope, list, span, acc);
    }
    if !list.iter().any(|a| always || a.asks_for_http()) {
        return Some(());
    }
    let tcp = match ctx.reach.tcp_ports(scope) {
        Ok(tcp) => tcp,
        Err(clash) => {
            if list.iter().all(|a| a.lists(&Slot::Ports).next().is_some()) {
                return Some(());
            }
            acc.push(errors::port_clash(&clash, span));
            return None;
        }
    };
    let mut spared: BTreeSet<u16> = BTreeSet::new();
    for alternative in list.iter_mut().filter(|a| always || a.asks_for_http()) {
        let named: Vec<&String> = alternative.lists(&Slot::Ports).flatten().collect();
        if named.is_empty() {
            let excluded = alternative.negative.entry(Slot::Ports).or_default();
            for port in tcp.keys() {
                let text = port.to_string();
                if !excluded.contains(&text) {
                    excluded.push(text);
                    spared.insert(*port);
                }
            }
            if excluded.is_empty() {
                alternative.negative.remove(&Slot::Ports);
            }
        } else if let Some((port, declared)) = tcp
            .iter()
            .find(|(port, _)| named.iter().any(|name| **name == port.to_string()))
        {
            let at = port_span(expr, *port).unwrap_or(span);
            acc.push(errors::tcp_port_with_http(
                *port,
                at,
                *declared,
                demand == Demand::Require,
            ));
            return None;
        }
    }
    if matches!(scope.kind, ScopeKind::Mesh | ScopeKind::Namespace) || scope.in_mesh {
        let undeclared = |pod: &&Scope| spared.iter().any(|port| !pod.facts.ports.contains_key(port));
        let open: Vec<&Scope> = ctx.reach.workloads(scope).into_iter().filter(undeclared).collect();
        if !open.is_empty() {
            acc.push(errors::spares_port(&spared, &open, span));
        }
    }
    Some(())
}

/// Says which TCP ports close because an alternative only excludes by HTTP facts.
fn note_closed_tcp<'p>(ctx: &Context<'p>, scope: &'p Scope, list: &[Alternative], span: Span, acc: &mut Diagnostics) {
    let Ok(tcp) = ctx.reach.tcp_ports(scope) else { return };
    let closes = |port: &String| {
        list.iter().any(|a| {
            let excluded = a.negative.get(&Slot::Ports).is_some_and(|ports| ports.contains(port));
            let named = a.lists(&Slot::Ports).all(|ports| ports.contains(port));
            a.speaks_of_http() && !a.asks_for_http() && named && !excluded
        })
    };
    let ports: Vec<String> = tcp.keys().map(u16::to_string).filter(closes).collect();
    if !ports.is_empty() {
        acc.push(errors::closes_tcp(&ports, span));
    }
}

/// What in an alternative ztunnel does not see (`istio-semantics.md`, section 7.1).
fn unseen_by_ztunnel(alternative: &Alternative) -> Option<&'static str> {
    let lists = alternative.positive.iter().map(|(slot, values)| (slot, values));
    lists
        .chain(&alternative.negative)
        .find_map(|(slot, values)| match slot {
            Slot::RequestPrincipals => Some("a user"),
            Slot::RemoteIpBlocks => Some("`client-ip`"),
            Slot::Hosts => Some("a host"),
            Slot::Methods => Some("a method"),
            Slot::Paths => Some("a path"),
            Slot::TrustDomains => Some("`trustDomains`"),
            Slot::Namespaces => {
                let inner = |v: &String| v.trim_start_matches('*').trim_end_matches('*').contains('*');
                let both = |v: &String| v.len() > 1 && v.starts_with('*') && v.ends_with('*');
                values
                    .iter()
                    .any(|v| inner(v) || both(v))
                    .then_some("a star inside a namespace")
            }
            Slot::When(key) => match key {
                ConditionKey::SourceIp
                | ConditionKey::SourceNamespace
                | ConditionKey::SourcePrincipal
                | ConditionKey::DestinationIp
                | ConditionKey::DestinationPort => None,
                ConditionKey::Header(_) => Some("a header"),
                ConditionKey::Sni => Some("`sni`"),
                ConditionKey::Filter { .. } | ConditionKey::Unreadable(_) => Some("filter metadata"),
                ConditionKey::RequestPrincipal
                | ConditionKey::Audiences
                | ConditionKey::Presenter
                | ConditionKey::Claim(_) => Some("a token"),
                ConditionKey::RemoteIp | ConditionKey::SourceServiceAccount | ConditionKey::SourceTrustDomain => {
                    Some("a second condition on the caller")
                }
            },
            Slot::Principals | Slot::ServiceAccounts | Slot::IpBlocks | Slot::Ports => None,
        })
}

/// The part of an expression that has the most alternatives in it: its longest side.
fn expr_span(expr: &Expr, fallback: Span) -> Span {
    use crate::hir::ExprKind;
    match &expr.kind {
        ExprKind::And(parts) => parts
            .iter()
            .max_by_key(|part| weight(part))
            .map_or(fallback, |part| part.span),
        _ => fallback,
    }
}

fn weight(expr: &Expr) -> usize {
    use crate::hir::ExprKind;
    match &expr.kind {
        ExprKind::True | ExprKind::Fact(_) => 1,
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().map(weight).sum(),
        ExprKind::Except(all, less) => weight(all) + weight(less),
    }
}
