//! `mtls`, `accept`, `require` and `legacy` to MeshPolicy and Policy. The narrowest policy of a port replaces all wider
//! ones whole, so each repeats what it inherits.

use super::errors;
use super::modes::Layers;
use super::tokens::{Demand, Origins, demands, jwt, origins};
use crate::diagnostics::Diagnostics;
use crate::hir::{Item, ItemKind, Legacy, Program, Scope, ScopeKind, Service};
use crate::lower::objects::{Group, Name, Objects, gather};
use crate::lower::peers::Modes;
use crate::lower::{Context, access};
use crate::policy::MtlsMode;
use crate::policy::legacy::{AuthenticationPolicy, PeerMethod, PrincipalBinding, ServiceTarget};
use crate::source::Span;

const MESH_POLICY: &str = "MeshPolicy";
const POLICY: &str = "Policy";

/// What holds at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InForce {
    mode: Option<MtlsMode>,
    origins: Origins,
}

/// The policies of a scope.
pub(in crate::lower) fn lower<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Vec<AuthenticationPolicy> {
    let said: Vec<&Item> = scope.items.iter().filter(|item| speaks(item)).collect();
    let Some(first) = said.first() else { return Vec::new() };
    Modes::of(scope, acc);
    for item in &said {
        note_bad_tokens(item, acc);
    }
    match &scope.kind {
        ScopeKind::Mesh | ScopeKind::Namespace => wide(ctx, scope, &said, objects, acc).into_iter().collect(),
        ScopeKind::Workload { .. } if scope.facts.services.is_empty() => {
            acc.push(errors::no_service(first.span, scope.span));
            Vec::new()
        }
        ScopeKind::Workload { .. } => {
            let services = scope.facts.services.iter();
            services
                .flat_map(|service| of_service(ctx, scope, service, &said, objects, acc))
                .collect()
        }
        ScopeKind::Gateway { .. } => {
            acc.push(errors::no_service(first.span, scope.span));
            Vec::new()
        }
        ScopeKind::Waypoint { .. } | ScopeKind::AllWaypoints | ScopeKind::Targets(_) => {
            access::check_scope(ctx, scope, acc);
            Vec::new()
        }
    }
}

const fn speaks(item: &Item) -> bool {
    match item.kind {
        ItemKind::Mtls { .. } | ItemKind::Accept { .. } | ItemKind::Require { .. } | ItemKind::Legacy(_) => true,
        ItemKind::Access { .. } | ItemKind::DefaultDeny { .. } => false,
    }
}

/// Says where a bad token gets through.
fn note_bad_tokens(item: &Item, acc: &mut Diagnostics) {
    match &item.kind {
        ItemKind::Accept { .. } => acc.push(errors::bad_token_passes(item.span, "where it is only accepted")),
        ItemKind::Require { on, except, .. } if on.is_some() || except.is_some() => {
            acc.push(errors::bad_token_passes(item.span, "where the token is not required"));
        }
        _ => {}
    }
}

/// The name that the items of a scope share; two names are an error, because they make one policy.
fn shared_name(scope: &Scope, said: &[&Item], default: &str, acc: &mut Diagnostics) -> Option<Name> {
    let mut quiet = Diagnostics::default();
    let groups: Vec<Group<'_>> = gather(scope, said.iter().copied(), default, &mut quiet);
    let own: Vec<&Group<'_>> = groups.iter().filter(|group| group.name.span.is_some()).collect();
    if let [one, other, ..] = own.as_slice()
        && let (Some(span), Some(earlier)) = (other.name.span, one.name.span)
    {
        acc.push(errors::two_names(span, earlier));
        return None;
    }
    let docs = groups.iter().flat_map(|group| group.name.docs.clone()).collect();
    let name = own.first().copied().or(groups.first())?;
    Some(Name {
        docs,
        ..name.name.clone()
    })
}

/// A MeshPolicy or the Policy of a namespace.
fn wide<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    said: &[&'p Item],
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Option<AuthenticationPolicy> {
    let origin = said.first()?.span;
    let name = shared_name(scope, said, "default", acc)?;
    if name.text != "default" {
        acc.push(errors::wide_name(&name.text, name.span.unwrap_or(origin)));
        return None;
    }
    let demands = demands(ctx, scope, acc);
    if let Some(demand) = demands.iter().find(|d| d.regions.iter().any(|r| r.ports.is_some())) {
        acc.push(errors::ports_of_wide_scope(demand.span));
        return None;
    }
    let force = in_force(ctx, scope, &demands, None, acc);
    let meta = if scope.kind == ScopeKind::Mesh {
        objects.of_cluster(MESH_POLICY, scope, &name, origin, acc)?
    } else {
        objects.of_scope(POLICY, scope, &name, origin, acc)?
    };
    Some(AuthenticationPolicy {
        meta,
        targets: Vec::new(),
        ..content(ctx.program, said, force, acc)
    })
}

/// The policies of one service of a workload: one for what holds at most of its ports, one for each exception.
fn of_service<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    service: &'p Service,
    said: &[&'p Item],
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Vec<AuthenticationPolicy> {
    let Some(origin) = said.first().map(|item| item.span) else {
        return Vec::new();
    };
    let Some(name) = shared_name(scope, said, &service.name, acc) else {
        return Vec::new();
    };
    if name.text == "default" {
        acc.push(errors::wide_name(&name.text, name.span.unwrap_or(service.span)));
        return Vec::new();
    }
    let demands = demands(ctx, scope, acc);
    if !ports_are_served(scope, &demands, acc) {
        return Vec::new();
    }
    let rest = in_force(ctx, scope, &demands, None, acc);
    let mut exceptions: Vec<(InForce, Vec<u16>)> = Vec::new();
    let mut alike: Vec<u16> = Vec::new();
    for (port, pod_port) in &service.ports {
        let force = in_force(ctx, scope, &demands, Some(*pod_port), acc);
        if force == rest {
            alike.push(*port);
        } else if let Some((_, ports)) = exceptions.iter_mut().find(|(other, _)| *other == force) {
            ports.push(*port);
        } else {
            exceptions.push((force, vec![*port]));
        }
    }
    let mut policies: Vec<(InForce, Vec<u16>)> = Vec::new();
    // Where the workload itself speaks of its ports as a whole; else those fall through to the wider policy.
    if said.iter().any(|item| speaks_of_all(item, &demands)) && (exceptions.is_empty() || !alike.is_empty()) {
        policies.push((rest, if exceptions.is_empty() { Vec::new() } else { alike }));
    }
    if let ([(force, _)], true) = (exceptions.as_slice(), policies.is_empty())
        && exceptions.iter().map(|(_, ports)| ports.len()).sum::<usize>() == service.ports.len()
        && said.iter().any(|item| speaks_of_all(item, &demands))
    {
        policies.push((force.clone(), Vec::new()));
        exceptions.clear();
    }
    policies.extend(exceptions);
    let mut made = Vec::new();
    for (at, (force, ports)) in policies.into_iter().enumerate() {
        let mut name = name.clone();
        if let (true, Some(port)) = (at > 0, ports.first()) {
            name.text = format!("{}-{port}", name.text);
        }
        if let Some(meta) = objects.of_scope(POLICY, scope, &name, origin, acc) {
            let targets = vec![ServiceTarget {
                name: service.name.clone(),
                ports,
            }];
            made.push(AuthenticationPolicy {
                meta,
                targets,
                ..content(ctx.program, said, force, acc)
            });
        }
    }
    made
}

/// Whether an item of the workload speaks of its ports as a whole.
fn speaks_of_all(item: &Item, demands: &[Demand]) -> bool {
    match &item.kind {
        ItemKind::Mtls { ports, .. } => ports.is_empty(),
        ItemKind::Accept { .. } | ItemKind::Require { .. } => {
            let own = demands.iter().find(|demand| demand.span == item.span);
            own.is_some_and(|demand| demand.regions.iter().any(|region| region.ports.is_none()))
        }
        ItemKind::Legacy(_) => true,
        ItemKind::Access { .. } | ItemKind::DefaultDeny { .. } => false,
    }
}

/// Every pod port that an item names has a Service port in front of it, and carries tokens where it is to.
fn ports_are_served(scope: &Scope, demands: &[Demand], acc: &mut Diagnostics) -> bool {
    let mut quiet = Diagnostics::default();
    let modes = Modes::of(scope, &mut quiet);
    let moded = modes.ports.iter().map(|(port, (_, span))| (*port, *span, false));
    let asked = demands.iter().flat_map(|demand| {
        let ports = demand
            .regions
            .iter()
            .filter_map(|region| region.ports.as_ref())
            .flatten();
        ports.map(|port| (*port, demand.span, true))
    });
    let mut ok = true;
    for (port, span, token) in moded.chain(asked) {
        let served = scope
            .facts
            .services
            .iter()
            .any(|service| service.ports.iter().any(|(_, pod)| *pod == port));
        if !served {
            acc.push(errors::port_without_service(
                port,
                span,
                scope.facts.services.first().map(|s| s.span),
            ));
            ok = false;
        }
        if let (true, Some(declared)) = (token, scope.facts.ports.get(&port).filter(|p| p.it.is_opaque())) {
            acc.push(errors::token_on_tcp(port, span, declared.span));
            ok = false;
        }
    }
    ok
}

fn in_force(ctx: &Context<'_>, scope: &Scope, demands: &[Demand], port: Option<u16>, acc: &mut Diagnostics) -> InForce {
    let protocol = port.and_then(|port| scope.facts.ports.get(&port)).map(|p| p.it);
    InForce {
        mode: Layers::of(ctx, scope).mode(port),
        origins: origins(ctx.program, demands, port, protocol, acc),
    }
}

/// A policy without its name and targets.
fn content(program: &Program, said: &[&Item], force: InForce, acc: &mut Diagnostics) -> AuthenticationPolicy {
    let legacy = |wanted: &Legacy| {
        said.iter()
            .any(|item| matches!(&item.kind, ItemKind::Legacy(it) if it == wanted))
    };
    let mut peers = Vec::new();
    match force.mode {
        Some(mode @ (MtlsMode::Strict | MtlsMode::Permissive)) => peers.push(PeerMethod::Mtls {
            permissive: mode == MtlsMode::Permissive,
            allow_tls: legacy(&Legacy::AllowTls),
        }),
        Some(MtlsMode::Disable | MtlsMode::Unset) | None => {}
    }
    for item in said {
        if let ItemKind::Legacy(Legacy::PeerToken(issuers)) = &item.kind {
            for id in issuers {
                if let Some(issuer) = program.issuers.get(id.it.0) {
                    peers.push(PeerMethod::Jwt(jwt(issuer, id.span, acc)));
                }
            }
        }
    }
    issuers_once(&peers, &force.origins, acc);
    let of_origin = !force.origins.list.is_empty() && !legacy(&Legacy::BindPeer);
    AuthenticationPolicy {
        meta: crate::policy::Meta {
            name: String::new(),
            namespace: None,
            labels: Default::default(),
            annotations: Default::default(),
            origin: Span::default(),
        },
        targets: Vec::new(),
        peers,
        peer_is_optional: legacy(&Legacy::PeerOptional),
        origins: force.origins.list,
        origin_is_optional: force.origins.optional,
        principal_binding: if of_origin {
            PrincipalBinding::Origin
        } else {
            PrincipalBinding::Peer
        },
    }
}

/// The legacy webhook refuses an issuer that stands twice, as a peer's proof and as an origin.
fn issuers_once(peers: &[PeerMethod], origins: &Origins, acc: &mut Diagnostics) {
    for peer in peers {
        if let PeerMethod::Jwt(peer) = peer
            && let Some(origin) = origins.list.iter().find(|origin| origin.jwt.issuer == peer.issuer)
        {
            acc.push(errors::issuer_twice(&peer.issuer, peer.origin, origin.jwt.origin));
        }
    }
}
