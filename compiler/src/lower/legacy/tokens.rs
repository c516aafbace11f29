//! `accept` and `require` to origins: whose tokens are asked for on a port, and on which paths.

use super::errors;
use super::modes::enclosing;
use super::paths;
use super::trigger::{Region, regions};
use crate::diagnostics::Diagnostics;
use crate::hir::{Issuer, IssuerId, ItemKind, PlaceKind, Program, Protocol, Scope};
use crate::lower::Context;
use crate::policy::Keys;
use crate::policy::legacy::{Jwt, Origin};
use crate::source::Span;

/// One `accept` or `require` in force, where it asks.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) required: bool,
    pub(super) issuers: Vec<IssuerId>,
    pub(super) regions: Vec<Region>,
    pub(super) span: Span,
}

/// The origins of a port, and whether a request may do without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origins {
    pub(super) list: Vec<Origin>,
    pub(super) optional: bool,
}

/// What a scope and all that encloses it demand.
pub(super) fn demands(ctx: &Context<'_>, scope: &Scope, acc: &mut Diagnostics) -> Vec<Demand> {
    let mut all = Vec::new();
    for outer in enclosing(ctx, scope) {
        // Mistakes of a wider scope are reported with that scope.
        let mut quiet = Diagnostics::default();
        let acc = if std::ptr::eq(outer, scope) {
            &mut *acc
        } else {
            &mut quiet
        };
        for item in &outer.items {
            let (issuers, required, on, except) = match &item.kind {
                ItemKind::Accept { issuers, on } => (issuers, false, on.as_ref(), None),
                ItemKind::Require { issuers, on, except } => (issuers, true, on.as_ref(), except.as_ref()),
                ItemKind::Access { .. }
                | ItemKind::DefaultDeny { .. }
                | ItemKind::Mtls { .. }
                | ItemKind::Legacy(_) => {
                    continue;
                }
            };
            let issuers = issuers.iter().map(|id| id.it).collect();
            all.push(Demand {
                required,
                issuers,
                regions: regions(on, except, acc),
                span: item.span,
            });
        }
    }
    all
}

impl Demand {
    /// Where it asks on a pod port: not where it names others, and not on TCP without naming it.
    pub(super) fn on(&self, port: Option<u16>, protocol: Option<Protocol>) -> Vec<&Region> {
        let opaque = protocol.is_some_and(Protocol::is_opaque);
        let asks = |region: &&Region| {
            if region.ports.is_none() {
                !opaque
            } else {
                region.covers(port)
            }
        };
        self.regions.iter().filter(asks).collect()
    }
}

/// The origins of a pod port; `None` is a port that nobody declares. The legacy API takes any of its origins, so two
/// demands on one request have no form.
pub(super) fn origins(
    program: &Program,
    demands: &[Demand],
    port: Option<u16>,
    protocol: Option<Protocol>,
    acc: &mut Diagnostics,
) -> Origins {
    let asked: Vec<(&Demand, Vec<&Region>)> = demands
        .iter()
        .map(|demand| (demand, demand.on(port, protocol)))
        .filter(|(_, regions)| !regions.is_empty())
        .collect();
    for (at, (demand, own)) in asked.iter().enumerate() {
        for (earlier, theirs) in asked.iter().take(at) {
            let same = earlier.issuers == demand.issuers && earlier.required == demand.required;
            let meet = own
                .iter()
                .any(|a| theirs.iter().any(|b| paths::overlap(&a.rule, &b.rule)));
            if demand.required != earlier.required {
                acc.push(errors::accept_beside_require(demand.span, earlier.span));
            } else if demand.required && !same && meet {
                acc.push(errors::two_demands(demand.span, earlier.span));
            }
        }
    }
    let mut list: Vec<Origin> = Vec::new();
    let mut known: Vec<IssuerId> = Vec::new();
    for (demand, regions) in &asked {
        let always = regions.iter().any(|region| region.asks_always());
        let triggers: Vec<_> = if always {
            Vec::new()
        } else {
            regions.iter().map(|r| r.rule.clone()).collect()
        };
        for id in &demand.issuers {
            let Some(issuer) = program.issuers.get(id.0) else {
                continue;
            };
            let origin = Origin {
                jwt: jwt(issuer, demand.span, acc),
                triggers: triggers.clone(),
            };
            let same = known.iter().position(|other| other == id);
            if let (None, Some(other)) = (same, list.iter().find(|o| o.jwt.issuer == origin.jwt.issuer)) {
                acc.push(errors::iss_twice(&origin.jwt.issuer, demand.span, other.jwt.origin));
                continue;
            }
            match same.and_then(|at| list.get_mut(at)) {
                None => {
                    known.push(*id);
                    list.push(origin);
                }
                Some(other) if other.triggers.is_empty() || triggers.is_empty() => other.triggers.clear(),
                Some(other) => other.triggers.extend(origin.triggers),
            }
        }
    }
    Origins {
        optional: !list.is_empty() && asked.iter().all(|(demand, _)| !demand.required),
        list,
    }
}

/// An issuer as the legacy API knows it; what it cannot say is reported.
pub(super) fn jwt(issuer: &Issuer, used: Span, acc: &mut Diagnostics) -> Jwt {
    if issuer.forward.is_none() {
        acc.push(errors::token_is_forwarded(&issuer.name, used, issuer.span));
    }
    let cookie = issuer.places.iter().find(|place| place.it.kind == PlaceKind::Cookie);
    let prefixed = issuer.places.iter().find(|place| place.it.prefix.is_some());
    // Its tokens are read in a way of their own: with a prefix, and with the claims of another token inside.
    let reserved = (issuer.places.iter()).find(|place| {
        place.it.kind == PlaceKind::Header && place.it.name.eq_ignore_ascii_case("ingress-authorization")
    });
    let unsaid = [
        (cookie.map(|p| p.span), "a token in a cookie"),
        (prefixed.map(|p| p.span), "a prefix of a token's header"),
        (
            reserved.map(|p| p.span),
            "the header `ingress-authorization` as a place of its own tokens",
        ),
        (issuer.claim_headers.first().map(|h| h.span), "`claim-headers`"),
        (issuer.payload_header.as_ref().map(|h| h.span), "`payload-header`"),
        (issuer.timeout.as_ref().map(|t| t.span), "`timeout`"),
        (issuer.iss.is_none().then_some(issuer.span), "an issuer without `iss`"),
    ];
    for (span, what) in unsaid {
        if let Some(span) = span {
            acc.push(errors::issuer_setting(what, span));
        }
    }
    let places = |kind: PlaceKind| {
        let named = issuer.places.iter().filter(move |p| p.it.kind == kind);
        named.map(|p| p.it.name.clone()).collect()
    };
    Jwt {
        issuer: issuer.iss.as_ref().map(|iss| iss.it.clone()).unwrap_or_default(),
        keys: match (&issuer.jwks_uri, &issuer.jwks) {
            (_, Some(jwks)) => Keys::Inline(jwks.it.clone()),
            (Some(uri), None) => Keys::Uri(uri.it.clone()),
            (None, None) => Keys::Discovery,
        },
        audiences: issuer.audiences.iter().map(|a| a.it.clone()).collect(),
        headers: places(PlaceKind::Header),
        params: places(PlaceKind::Param),
        origin: used,
    }
}
