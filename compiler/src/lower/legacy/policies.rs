//! `mtls`, `accept`, `require` and `legacy` to MeshPolicy and Policy. The narrowest policy of a port replaces all wider
//! ones whole, so each repeats what it inherits.

use super::errors;
use super::modes::Layers;
use super::shared;
use super::tokens::{Demand, Origins, demands, jwt, origins};
use super::unprotected;
use crate::diagnostics::Diagnostics;
use crate::hir::{Item, ItemKind, Legacy, Program, Scope, ScopeKind, Service};
use crate::lower::objects::{Group, Name, Objects, gather};
use crate::lower::peers::Modes;
use crate::lower::{Context, access};
use crate::policy::legacy::{AuthenticationPolicy, PeerMethod, PrincipalBinding, ServicePort, ServiceTarget};
use crate::policy::{Meta, MtlsMode, StringMap};
use crate::source::{FileId, Span};

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
    unprotected::report_ports(ctx, scope, acc);
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
        ScopeKind::Workload { .. } if scope.in_mesh => {
            acc.push(errors::pods_of_every_namespace(first.span, scope.span));
            Vec::new()
        }
        ScopeKind::Workload { .. } => {
            let mut made = Vec::new();
            report_idle(ctx, scope, &said, acc);
            for service in &scope.facts.services {
                if shared::is_to_be_emitted(ctx, scope, service, acc) {
                    of_service(ctx, scope, service, &said, &mut made, objects, acc);
                }
            }
            made
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

/// Whether an item is about mutual TLS or tokens.
pub(super) const fn speaks(item: &Item) -> bool {
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
    let unnamed = || Name {
        text: default.to_owned(),
        span: None,
        object: None,
        docs: Vec::new(),
    };
    let name = own.first().copied().or(groups.first());
    Some(Name {
        docs,
        ..name.map_or_else(unnamed, |group| group.name.clone())
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
    let says_mode = force.mode.is_some();
    let meta = if scope.kind == ScopeKind::Mesh {
        objects.of_cluster(MESH_POLICY, scope, &name, origin, acc)?
    } else {
        objects.of_scope(POLICY, scope, &name, origin, acc)?
    };
    let policy = AuthenticationPolicy {
        meta,
        targets: Vec::new(),
        ..content(ctx.program, said, force, acc)
    };
    unprotected::report_tokens(&policy, says_mode, acc);
    Some(policy)
}

/// Adds the policies of one service of a workload: one for what holds at most of its ports, one for each exception.
fn of_service<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    service: &'p Service,
    said: &[&'p Item],
    made: &mut Vec<AuthenticationPolicy>,
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) {
    let demands = demands(ctx, scope, acc);
    if !ports_are_served(scope, &demands, acc) {
        return;
    }
    let wide: Vec<&Item> = said
        .iter()
        .copied()
        .filter(|item| speaks_of_all(item, &demands))
        .collect();
    let Some(base) = shared_name(scope, &wide, &service.name, acc) else {
        return;
    };
    for (at, part) in parts(ctx, scope, service, (said, &wide), &demands, acc)
        .into_iter()
        .enumerate()
    {
        let about = |item: &&Item| part.pods.iter().any(|pod| speaks_of_port(item, &demands, *pod));
        let narrow: Vec<&Item> = said.iter().copied().filter(about).collect();
        let Some(own) = shared_name(scope, &narrow, &service.name, acc) else {
            return;
        };
        let name = match (part.ports.first(), own.span) {
            _ if part.is_rest => base.clone(),
            (_, Some(_)) if own.text != base.text => own,
            (Some(port), _) if at > 0 => Name {
                text: format!("{}-{port}", base.text),
                ..base.clone()
            },
            _ if own.span.is_some() || !narrow.is_empty() => own,
            _ => base.clone(),
        };
        let origin = narrow.first().or(wide.first()).map_or(scope.span, |item| item.span);
        let target = ServiceTarget {
            name: service.name.clone(),
            ports: part.ports.into_iter().map(ServicePort::Number).collect(),
        };
        let says_mode = part.force.mode.is_some();
        let policy = content(ctx.program, said, part.force, acc);
        if name.text == "default" {
            acc.push(errors::wide_name(&name.text, name.span.unwrap_or(service.span)));
        } else if let Some(same) = made
            .iter_mut()
            .find(|other| other.meta.name == name.text && says_the_same(other, &policy))
        {
            same.targets.push(target);
        } else if let Some(meta) = objects.of_scope(POLICY, scope, &name, origin, acc) {
            let policy = AuthenticationPolicy {
                meta,
                targets: vec![target],
                ..policy
            };
            unprotected::report_tokens(&policy, says_mode, acc);
            made.push(policy);
        }
    }
}

/// Service ports at which the same holds.
struct Part {
    force: InForce,
    /// Service ports; none for all of the service.
    ports: Vec<u16>,
    /// The pod ports behind them.
    pods: Vec<u16>,
    /// Whether it is what holds where no item names a port.
    is_rest: bool,
}

/// The parts of a service that need a policy: ports of which the workload says nothing fall through to the wider one.
fn parts(
    ctx: &Context<'_>,
    scope: &Scope,
    service: &Service,
    (said, wide): (&[&Item], &[&Item]),
    demands: &[Demand],
    acc: &mut Diagnostics,
) -> Vec<Part> {
    let rest = Part {
        force: in_force(ctx, scope, demands, None, acc),
        ports: Vec::new(),
        pods: Vec::new(),
        is_rest: true,
    };
    let mut parts = vec![rest];
    for (port, pod) in &service.ports {
        let force = in_force(ctx, scope, demands, Some(*pod), acc);
        match parts.iter_mut().find(|part| part.force == force) {
            Some(part) => {
                part.ports.push(*port);
                part.pods.push(*pod);
            }
            None => parts.push(Part {
                force,
                ports: vec![*port],
                pods: vec![*pod],
                is_rest: false,
            }),
        }
    }
    let ports_are_unknown = service.ports.is_empty();
    parts.retain(|part| ports_are_unknown || !part.ports.is_empty());
    if wide.is_empty() {
        let is_spoken_of = |pod: &u16| said.iter().any(|item| speaks_of_port(item, demands, *pod));
        parts.retain(|part| !part.is_rest && part.pods.iter().any(is_spoken_of));
    }
    if let ([part], false) = (parts.as_mut_slice(), wide.is_empty())
        && part.ports.len() == service.ports.len()
    {
        part.ports.clear();
    }
    parts
}

/// Whether two policies differ in name and targets only.
fn says_the_same(a: &AuthenticationPolicy, b: &AuthenticationPolicy) -> bool {
    let unnamed = |policy: &AuthenticationPolicy| AuthenticationPolicy {
        meta: nameless(),
        targets: Vec::new(),
        ..policy.clone()
    };
    unnamed(a) == unnamed(b)
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

/// Whether an item of the workload is about single ports, and `pod` is one of them.
fn speaks_of_port(item: &Item, demands: &[Demand], pod: u16) -> bool {
    match &item.kind {
        ItemKind::Mtls { ports, .. } => ports.iter().any(|port| port.it == pod),
        ItemKind::Accept { .. } | ItemKind::Require { .. } => {
            let own = demands.iter().find(|demand| demand.span == item.span);
            let names = |ports: &std::collections::BTreeSet<u16>| ports.contains(&pod);
            own.is_some_and(|demand| {
                !speaks_of_all(item, demands)
                    && demand
                        .regions
                        .iter()
                        .any(|region| region.ports.as_ref().is_some_and(names))
            })
        }
        ItemKind::Legacy(_) | ItemKind::Access { .. } | ItemKind::DefaultDeny { .. } => false,
    }
}

/// Reports `legacy allow-tls` where no `mtls` is in force that it could loosen, and `legacy bind-peer` without tokens.
fn report_idle(ctx: &Context<'_>, scope: &Scope, said: &[&Item], acc: &mut Diagnostics) {
    let layers = Layers::of(ctx, scope);
    let pods = scope.facts.services.iter().flat_map(|service| &service.ports);
    let mut modes = pods.map(|(_, pod)| layers.mode(Some(*pod))).chain([layers.mode(None)]);
    let in_force = |mode: Option<MtlsMode>| matches!(mode, Some(MtlsMode::Strict | MtlsMode::Permissive));
    let allow_tls = said
        .iter()
        .find(|item| matches!(item.kind, ItemKind::Legacy(Legacy::AllowTls)));
    if let Some(item) = allow_tls
        && !modes.any(in_force)
    {
        acc.push(errors::idle_allow_tls(item.span));
    }
    let bind_peer = said
        .iter()
        .find(|item| matches!(item.kind, ItemKind::Legacy(Legacy::BindPeer)));
    let mut quiet = Diagnostics::default();
    if let Some(item) = bind_peer
        && demands(ctx, scope, &mut quiet).is_empty()
    {
        acc.push(errors::idle_bind_peer(item.span));
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
        meta: nameless(),
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

/// Stands in until a policy has its name.
const fn nameless() -> Meta {
    Meta {
        name: String::new(),
        namespace: None,
        labels: StringMap::new(),
        annotations: StringMap::new(),
        created: None,
        origin: Span {
            file: FileId(0),
            start: 0,
            end: 0,
        },
    }
}

/// What a workload's port would be told, apart from where it is said.
pub(super) fn at_port(ctx: &Context<'_>, scope: &Scope, port: Option<u16>) -> AuthenticationPolicy {
    // The mistakes in it are reported where the scope itself is lowered.
    let mut quiet = Diagnostics::default();
    let said: Vec<&Item> = scope.items.iter().filter(|item| speaks(item)).collect();
    let demands = demands(ctx, scope, &mut quiet);
    let force = in_force(ctx, scope, &demands, port, &mut quiet);
    let mut policy = content(ctx.program, &said, force, &mut quiet);
    for origin in &mut policy.origins {
        origin.jwt.origin = Span::default();
    }
    for peer in &mut policy.peers {
        if let PeerMethod::Jwt(jwt) = peer {
            jwt.origin = Span::default();
        }
    }
    policy
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
