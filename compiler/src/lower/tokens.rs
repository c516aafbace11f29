//! `accept` and `require` to RequestAuthentication.

use std::collections::BTreeSet;

use super::objects::{Objects, gather};
use super::{Context, access, errors};
use crate::diagnostics::Diagnostics;
use crate::hir::{ClaimType, Issuer, IssuerId, Item, ItemKind, PlaceKind, Scope, ScopeKind};
use crate::policy::{Feature, HeaderPlace, JwtRule, Keys, RequestAuthentication};
use crate::source::Span;

const KIND: &str = "RequestAuthentication";

/// The RequestAuthentications of a scope.
pub(super) fn lower<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Vec<RequestAuthentication> {
    let items = scope.items.iter().filter(|item| issuers(item).next().is_some());
    let groups = gather(scope, items, &scope.plain_name(), acc);
    if groups.is_empty() {
        return Vec::new();
    }
    access::check_scope(ctx, scope, acc);
    check_enforcers(ctx, scope, groups.iter().flat_map(|group| &group.items).copied(), acc);
    let inherited = inherited(ctx, scope);
    let mut seen: BTreeSet<IssuerId> = BTreeSet::new();
    let mut made = Vec::new();
    for group in groups {
        let mut rules = Vec::new();
        for item in &group.items {
            let accepts = matches!(item.kind, ItemKind::Accept { .. });
            if let ItemKind::Accept { on: Some(on), .. } = &item.kind {
                acc.push(errors::legacy_only(
                    "`accept … on`",
                    on.span,
                    "leave `on` out: a token is checked on every path",
                ));
            }
            for id in issuers(item) {
                if (accepts || !inherited.contains(&id)) && seen.insert(id) {
                    rules.extend(
                        ctx.program
                            .issuers
                            .get(id.0)
                            .map(|issuer| jwt_rule(ctx, issuer, item.span, acc)),
                    );
                }
            }
        }
        let Some(origin) = group.items.first().map(|item| item.span) else {
            continue;
        };
        if !rules.is_empty()
            && let Some(meta) = objects.of_scope(KIND, scope, &group.name, origin, acc)
        {
            made.push(RequestAuthentication {
                meta,
                selection: scope.selection(),
                rules,
            });
        }
    }
    made
}

/// ztunnel reads no tokens.
fn check_enforcers<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    items: impl Iterator<Item = &'p Item>,
    acc: &mut Diagnostics,
) {
    let enforcers = ctx.reach.enforcers(scope);
    if !enforcers.ztunnel {
        return;
    }
    // `require` is judged with its rule.
    for item in items.filter(|item| matches!(item.kind, ItemKind::Accept { .. })) {
        if enforcers.envoy {
            acc.push(errors::not_reached(
                Some("a token"),
                &ctx.reach.ambient(scope),
                item.span,
            ));
        } else {
            acc.push(errors::ztunnel_only(Some("a token"), item.span));
        }
    }
}

fn issuers(item: &Item) -> impl Iterator<Item = IssuerId> {
    let list = match &item.kind {
        ItemKind::Accept { issuers, .. } | ItemKind::Require { issuers, .. } => issuers.as_slice(),
        ItemKind::Access { .. } | ItemKind::DefaultDeny { .. } | ItemKind::Mtls { .. } | ItemKind::Legacy(_) => &[],
    };
    list.iter().map(|id| id.it)
}

/// What an enclosing mesh or namespace accepts or requires already; waypoints inherit nothing.
fn inherited(ctx: &Context<'_>, scope: &Scope) -> BTreeSet<IssuerId> {
    // A gateway with `targetRefs` still is a pod of its namespace, so wide policies reach it.
    match scope.kind {
        ScopeKind::Namespace | ScopeKind::Workload { .. } | ScopeKind::Gateway { .. } => {
            let outer = ctx.reach.enclosing(scope);
            outer.flat_map(|outer| outer.items.iter().flat_map(issuers)).collect()
        }
        ScopeKind::Mesh | ScopeKind::Waypoint { .. } | ScopeKind::AllWaypoints | ScopeKind::Targets(_) => {
            BTreeSet::new()
        }
    }
}

fn jwt_rule(ctx: &Context<'_>, issuer: &Issuer, used: Span, acc: &mut Diagnostics) -> JwtRule {
    let mut need = |feature: Feature, what: &str, span: Option<Span>| {
        if let Some(span) = span
            && !ctx.target.has(feature)
        {
            acc.push(errors::not_in_release(what, ctx.target, feature, span, None));
        }
    };
    let cookie = issuer.places.iter().find(|place| place.it.kind == PlaceKind::Cookie);
    let words = issuer.claims.iter().filter(|(path, ty)| is_split(path, ty.it));
    need(
        Feature::ClaimHeaders,
        "`claim-headers`",
        issuer.claim_headers.first().map(|h| h.span),
    );
    need(Feature::Cookies, "a token in a cookie", cookie.map(|c| c.span));
    need(
        Feature::JwksTimeout,
        "`timeout`",
        issuer.timeout.as_ref().map(|t| t.span),
    );
    need(
        Feature::IssuerWithoutIss,
        "an issuer without `iss`",
        issuer.iss.is_none().then_some(issuer.span),
    );
    let keys = match (&issuer.jwks_uri, &issuer.jwks) {
        (_, Some(jwks)) => Keys::Inline(jwks.it.clone()),
        (Some(uri), None) => Keys::Uri(uri.it.clone()),
        (None, None) => Keys::Discovery,
    };
    let places = |kind: PlaceKind| issuer.places.iter().map(|p| &p.it).filter(move |p| p.kind == kind);
    JwtRule {
        issuer: issuer.iss.as_ref().map(|iss| iss.it.clone()),
        keys,
        audiences: issuer.audiences.iter().map(|a| a.it.clone()).collect(),
        from_headers: places(PlaceKind::Header)
            .map(|p| HeaderPlace {
                name: p.name.clone(),
                prefix: p.prefix.clone(),
            })
            .collect(),
        from_params: places(PlaceKind::Param).map(|p| p.name.clone()).collect(),
        from_cookies: places(PlaceKind::Cookie).map(|p| p.name.clone()).collect(),
        forward_original_token: issuer.forward.is_some(),
        output_payload_to_header: issuer.payload_header.as_ref().map(|h| h.it.clone()),
        output_claim_to_headers: issuer.claim_headers.iter().map(|h| h.it.clone()).collect(),
        timeout: issuer.timeout.as_ref().map(|t| t.it.clone()),
        space_delimited_claims: if ctx.target.has(Feature::SpaceDelimitedClaims) {
            words
                .into_iter()
                .filter_map(|(path, _)| path.first().cloned())
                .collect()
        } else {
            // Nothing tests one: a test of it is an error on such a release.
            Vec::new()
        },
        origin: used,
    }
}

/// Whether a claim is split at blanks because an issuer says so; two claims Istio splits by itself.
pub(super) fn is_split(path: &[String], ty: ClaimType) -> bool {
    ty == ClaimType::Words && !matches!(path, [name] if name == "scope" || name == "permission")
}
