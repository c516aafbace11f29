//! `allow`, `deny`, `audit`, `ask`, `default deny` and the demand of `require` to AuthorizationPolicies.

use super::alternatives::{Demand, alternatives};
use super::objects::{Group, Objects, gather};
use super::{Context, errors, rules};
use crate::diagnostics::Diagnostics;
use crate::hir::{AccessAction, At, Body, Expr, ExprKind, Fact, Item, ItemKind, Scope, ScopeKind};
use crate::policy::{Action, Authorization, Feature, OneOrMore, Rule, Selection};
use crate::source::Span;

const KIND: &str = "AuthorizationPolicy";

/// Istio's limit for rules in a policy.
const MAX_RULES: usize = 512;

/// What a policy of a scope does: one object of its own each.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sort {
    DefaultDeny,
    Allow,
    Deny,
    Audit,
    Ask(String),
    Require,
}

impl Sort {
    fn of(item: &Item, legacy: bool) -> Option<(Self, bool)> {
        match &item.kind {
            ItemKind::DefaultDeny { dry_run } => Some((Self::DefaultDeny, *dry_run)),
            ItemKind::Access { action, dry_run, .. } => {
                let sort = match action {
                    AccessAction::Allow => Self::Allow,
                    AccessAction::Deny => Self::Deny,
                    AccessAction::Audit => Self::Audit,
                    AccessAction::Ask { provider } => Self::Ask(provider.clone()),
                };
                Some((sort, *dry_run))
            }
            // On the legacy API a required token is a matter of its Policy.
            ItemKind::Require { .. } if !legacy => Some((Self::Require, false)),
            ItemKind::Require { .. } | ItemKind::Mtls { .. } | ItemKind::Accept { .. } | ItemKind::Legacy(_) => None,
        }
    }

    fn name(&self, scope: &Scope, dry_run: bool) -> String {
        let tail = match self {
            Self::DefaultDeny if scope.kind == ScopeKind::Namespace => "default-deny".to_owned(),
            Self::DefaultDeny => format!("{}-default-deny", scope.prefix()),
            Self::Allow => format!("{}-allow", scope.prefix()),
            Self::Deny => format!("{}-deny", scope.prefix()),
            Self::Audit => format!("{}-audit", scope.prefix()),
            Self::Ask(provider) => format!("{}-ask-{provider}", scope.prefix()),
            Self::Require => format!("{}-require", scope.prefix()),
        };
        if dry_run { format!("{tail}-dry-run") } else { tail }
    }
}

/// The AuthorizationPolicies of a scope, in the order of its text.
pub(super) fn lower<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Vec<Authorization> {
    let legacy = ctx.target.is_legacy();
    let mut sorts: Vec<(Sort, bool)> = Vec::new();
    for item in &scope.items {
        if let Some(sort) = Sort::of(item, legacy)
            && !sorts.contains(&sort)
        {
            sorts.push(sort);
        }
    }
    if !sorts.is_empty() {
        check_scope(ctx, scope, acc);
    }
    let mut made = Vec::new();
    for (sort, dry_run) in sorts {
        let items = scope
            .items
            .iter()
            .filter(|item| Sort::of(item, legacy) == Some((sort.clone(), dry_run)));
        for group in gather(scope, items, &sort.name(scope, dry_run), acc) {
            made.extend(object(ctx, scope, &sort, dry_run, &group, objects, acc));
        }
    }
    made
}

/// What the release or the place of a scope forbids to all its policies.
pub(super) fn check_scope<'p>(ctx: &Context<'p>, scope: &'p Scope, acc: &mut Diagnostics) {
    if let Selection::Targets(targets) = scope.selection() {
        let feature = match scope.kind {
            ScopeKind::AllWaypoints => Feature::GatewayClassTarget,
            _ => Feature::TargetRefs,
        };
        let what = match scope.kind {
            ScopeKind::AllWaypoints => "`waypoint *`",
            _ => "`targetRefs`",
        };
        if !ctx.target.has(feature) {
            let help = match scope.kind {
                ScopeKind::Gateway { .. } => Some("say which pods the gateway is: `select LABEL=VALUE`"),
                _ => None,
            };
            acc.push(errors::not_in_release(what, ctx.target, feature, scope.span, help));
        }
        if targets.as_slice().len() > 16 {
            acc.push(errors::too_many_targets(scope.span, targets.as_slice().len()));
        }
    }
    let strangers = ctx.reach.strangers(scope);
    if !strangers.is_empty() {
        acc.push(errors::root_selector(scope, &strangers));
    }
}

/// The policy of a group of items; several where it has more rules than Istio takes.
fn object<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    sort: &Sort,
    dry_run: bool,
    group: &Group<'p>,
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Vec<Authorization> {
    let Some(origin) = group.items.first().map(|item| item.span) else {
        return Vec::new();
    };
    check_release(ctx, sort, dry_run, origin, acc);
    let lists: Vec<Option<Vec<Rule>>> = group
        .items
        .iter()
        .map(|item| item_rules(ctx, scope, sort, item, acc))
        .collect();
    let Some(lists) = lists.into_iter().collect::<Option<Vec<_>>>() else {
        return Vec::new();
    };
    let all = lists.concat();
    let chunks: Vec<Vec<Rule>> = if all.is_empty() {
        vec![Vec::new()]
    } else {
        all.chunks(MAX_RULES).map(<[Rule]>::to_vec).collect()
    };
    let mut made = Vec::new();
    for (at, rules) in chunks.into_iter().enumerate() {
        let mut name = group.name.clone();
        if at > 0 {
            name.text = format!("{}-{}", name.text, at + 1);
        }
        let Some(action) = action(sort, rules) else { continue };
        if let Some(meta) = objects.of_scope(KIND, scope, &name, origin, acc) {
            made.push(Authorization {
                meta,
                selection: scope.selection(),
                action,
                dry_run,
            });
        }
    }
    made
}

fn check_release(ctx: &Context<'_>, sort: &Sort, dry_run: bool, span: Span, acc: &mut Diagnostics) {
    if dry_run && !ctx.target.has(Feature::DryRun) {
        let help = "leave the rule out: this release would enforce it";
        acc.push(errors::not_in_release(
            "`dry-run`",
            ctx.target,
            Feature::DryRun,
            span,
            Some(help),
        ));
    }
    let (feature, what) = match sort {
        Sort::Deny => (Feature::Deny, "`deny`"),
        Sort::Audit => (Feature::AuditCustomClientIp, "`audit`"),
        Sort::Ask(_) => (Feature::AuditCustomClientIp, "`ask`"),
        Sort::DefaultDeny | Sort::Allow | Sort::Require => return,
    };
    if !ctx.target.has(feature) {
        acc.push(errors::not_in_release(what, ctx.target, feature, span, None));
    }
}

/// The action with its rules; `None` where an action that needs rules has none, which has been reported.
fn action(sort: &Sort, rules: Vec<Rule>) -> Option<Action> {
    Some(match sort {
        Sort::DefaultDeny | Sort::Allow => Action::Allow(rules),
        Sort::Deny | Sort::Require => Action::Deny(OneOrMore::new(rules)?),
        Sort::Audit if rules.is_empty() => return None,
        Sort::Audit => Action::Audit(rules),
        Sort::Ask(provider) => Action::Custom {
            provider: provider.clone(),
            rules: OneOrMore::new(rules)?,
        },
    })
}

/// The rules of one item; `None` where it is wrong.
fn item_rules<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    sort: &Sort,
    item: &'p Item,
    acc: &mut Diagnostics,
) -> Option<Vec<Rule>> {
    match &item.kind {
        ItemKind::DefaultDeny { .. } => Some(Vec::new()),
        ItemKind::Access { body, .. } => {
            let demand = match sort {
                Sort::Allow => Demand::Allow,
                Sort::Audit | Sort::Ask(_) => Demand::Envoy {
                    including_tcp: body.including_tcp.is_some(),
                },
                _ => Demand::Deny {
                    including_tcp: body.including_tcp.is_some(),
                },
            };
            let list = alternatives(ctx, scope, &body_expr(body, item.span), demand, item.span, acc)?;
            Some(rules::rules(&list, demand == Demand::Allow, item.span, acc))
        }
        ItemKind::Require { issuers, on, except } => {
            let expr = require_expr(
                issuers.iter().map(|i| i.it).collect(),
                on.as_ref(),
                except.as_ref(),
                item.span,
            );
            let list = alternatives(ctx, scope, &expr, Demand::Require, item.span, acc)?;
            Some(rules::rules(&list, false, item.span, acc))
        }
        ItemKind::Mtls { .. } | ItemKind::Accept { .. } | ItemKind::Legacy(_) => None,
    }
}

fn body_expr(body: &Body, span: Span) -> Expr {
    sentence(&body.who, &body.what, body.when.as_ref(), span)
}

/// `WHO to WHAT when COND`.
pub(super) fn sentence(who: &Expr, what: &Expr, when: Option<&Expr>, span: Span) -> Expr {
    let mut parts = vec![who.clone(), what.clone()];
    parts.extend(when.cloned());
    Expr {
        kind: ExprKind::And(parts),
        span,
    }
}

/// The requests that `require` refuses: those that it speaks of, without a token of the issuers.
fn require_expr(issuers: Vec<crate::hir::IssuerId>, on: Option<&Expr>, except: Option<&Expr>, span: Span) -> Expr {
    let token = Expr {
        kind: ExprKind::Fact(Fact::Issuer(issuers)),
        span,
    };
    let any = Expr::any(span);
    let without = Expr {
        kind: ExprKind::Except(Box::new(any.clone()), Box::new(token)),
        span,
    };
    let mut parts = vec![without];
    parts.extend(on.cloned());
    if let Some(except) = except {
        parts.push(Expr {
            kind: ExprKind::Except(Box::new(any), Box::new(except.clone())),
            span,
        });
    }
    Expr {
        kind: ExprKind::And(parts),
        span,
    }
}

/// The ports that an expression names, for messages.
pub(super) fn port_span(expr: &Expr, port: u16) -> Option<Span> {
    match &expr.kind {
        ExprKind::Fact(Fact::Port(ports)) => ports.iter().find(|At { it, .. }| *it == port).map(|p| p.span),
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().find_map(|part| port_span(part, port)),
        ExprKind::Except(all, _) => port_span(all, port),
        ExprKind::True | ExprKind::Fact(_) => None,
    }
}
