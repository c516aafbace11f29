//! The facts of a program as the inventory that questions are answered with, and the requests of its tests.

use std::collections::{BTreeMap, HashMap};

use super::reach::Reach;
use crate::hir::{self, Dataplane, Extra, IssuerId, Pods, Program, RequestLine, Scope, ScopeKind, TestCaller};
use crate::policy::effective::includes;
use crate::policy::inventory::{
    Account, DataPlane, Inventory, Mesh, Protocol, Provider, Service, Waypoint, Workload, WorkloadKind,
};
use crate::policy::request::{Caller, Destination, Json, Place, Request, Token, TokenState};
use crate::policy::stated::{Fact, Stated};
use crate::policy::{Keys, NamedIssuer, StringMap, Target};
use crate::source::Span;

/// The label by which pods of a Gateway API gateway are known.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// The inventory of a program, and where its blocks are in it.
#[derive(Debug, Default)]
pub struct Facts {
    pub inventory: Inventory,
    /// From blocks, as indices into [`Program::scopes`], to workloads of the inventory.
    pub workloads: BTreeMap<usize, usize>,
    /// Where each fact is said.
    pub stated: Stated,
}

impl Facts {
    /// The workload of the inventory that a test names; `None` for what is not one workload.
    #[must_use]
    pub fn pods(&self, pods: &Pods) -> Option<usize> {
        match pods {
            Pods::Scope(at) => self.workloads.get(at).copied(),
            Pods::Known { namespace, name } => self.inventory.find(namespace, name),
        }
    }
}

/// Reads the facts of a program for a release.
#[must_use]
pub fn facts(program: &Program, target: Target) -> Facts {
    let reach = Reach::new(program);
    let covers = Covers::new(program);
    let mut facts = Facts {
        inventory: Inventory {
            mesh: mesh(program, target),
            ..Inventory::default()
        },
        workloads: BTreeMap::new(),
        stated: program.mesh.said.clone(),
    };
    for provider in &program.mesh.providers {
        facts
            .stated
            .insert(Fact::Provider(provider.name.clone()), provider.span);
    }
    for (name, namespace) in &program.namespaces {
        if let Some(plane) = &namespace.dataplane {
            facts.inventory.namespaces.insert(name.clone(), data_plane(plane.it));
            facts.stated.insert(Fact::NamespaceDataPlane(name.clone()), plane.span);
        }
        if let Some(used) = &namespace.use_waypoint {
            facts.stated.insert(Fact::NamespaceWaypoint(name.clone()), used.span);
        }
        let used = namespace.use_waypoint.as_ref().map(|used| &used.it);
        if let Some(waypoint) = used.and_then(|used| used.waypoint(name)) {
            facts.inventory.waypoint_namespaces.insert(name.clone(), waypoint);
        }
    }
    for (at, scope) in program.scopes.iter().enumerate() {
        match &scope.kind {
            // A selector in `mesh` stands for pods of many namespaces, not for some of its own.
            ScopeKind::Workload { name } | ScopeKind::Gateway { name } if !scope.in_mesh => {
                facts.workloads.insert(at, facts.inventory.workloads.len());
                workload(&covers, &reach, scope, name, &mut facts);
            }
            ScopeKind::Waypoint { name } => {
                let index = facts.inventory.waypoints.len();
                facts.stated.insert(Fact::Waypoint(index), scope.span);
                facts.inventory.waypoints.push(Waypoint {
                    namespace: scope.namespace.clone(),
                    name: name.clone(),
                    account: account(scope),
                });
            }
            _ => {}
        }
    }
    services(&covers, &reach, &mut facts);
    facts
}

fn mesh(program: &Program, target: Target) -> Mesh {
    let said = &program.mesh;
    Mesh {
        root: said.root.clone(),
        domain: said.domain.clone(),
        trust_domain: said.trust_domain.clone(),
        aliases: said.aliases.clone(),
        trusts: said.trusts.clone(),
        normalization: said.normalization,
        providers: said
            .providers
            .iter()
            .map(|provider| (provider.name.clone(), Provider { grpc: provider.grpc }))
            .collect(),
        auto_mtls: said.auto_mtls.unwrap_or(target.auto_mtls_by_default()),
        data_plane: said.dataplane.map_or(DataPlane::Sidecar, data_plane),
    }
}

const fn data_plane(plane: Dataplane) -> DataPlane {
    match plane {
        Dataplane::Sidecar => DataPlane::Sidecar,
        Dataplane::Ambient => DataPlane::Ambient,
        Dataplane::None => DataPlane::None,
    }
}

fn account(scope: &Scope) -> Option<Account> {
    scope.facts.account.as_ref().map(|account| Account {
        namespace: account.it.namespace.clone(),
        name: account.it.name.clone(),
    })
}

fn workload(covers: &Covers<'_>, reach: &Reach<'_>, scope: &Scope, name: &str, facts: &mut Facts) {
    let program = covers.program;
    let index = facts.inventory.workloads.len();
    let gateway = matches!(scope.kind, ScopeKind::Gateway { .. });
    let gateway_api = gateway && scope.facts.select.is_empty();
    let labels = if gateway_api {
        StringMap::from([(GATEWAY_NAME.to_owned(), name.to_owned())])
    } else {
        scope.facts.select.clone()
    };
    let mut ports: BTreeMap<u16, Protocol> = BTreeMap::new();
    // What other blocks say of these pods holds too; the block itself comes first.
    let others = covers.of(scope).into_iter().filter_map(|at| program.scopes.get(at));
    for block in std::iter::once(scope).chain(others) {
        for (port, spoken) in &block.facts.ports {
            ports.entry(*port).or_insert(spoken.it);
            facts.stated.entry(Fact::Port(index, *port)).or_insert(spoken.span);
        }
    }
    let said = &scope.facts;
    let places = [
        (Fact::Labels(index), Some(scope.span)),
        (Fact::Account(index), said.account.as_ref().map(|it| it.span)),
        (
            Fact::WorkloadDataPlane(index),
            said.dataplane.as_ref().map(|it| it.span),
        ),
        (
            Fact::TrustedProxies(index),
            said.trusted_proxies.as_ref().map(|it| it.span),
        ),
    ];
    let places = places.into_iter().filter_map(|(fact, span)| Some((fact, span?)));
    facts.stated.extend(places);
    facts.inventory.workloads.push(Workload {
        namespace: scope.namespace.clone(),
        name: name.to_owned(),
        also: Vec::new(),
        stands_for: Vec::new(),
        kind: if gateway {
            WorkloadKind::Gateway {
                gateway_api,
                trusted_proxies: scope.facts.trusted_proxies.as_ref().map_or(0, |n| n.it),
            }
        } else {
            WorkloadKind::Application
        },
        labels,
        account: account(scope),
        ports,
        data_plane: data_plane(reach.dataplane(scope)),
        origin: scope.span,
    });
}

/// Blocks of pods by one label that they select, so that those that select a pod are found without trying all.
struct Covers<'p> {
    program: &'p Program,
    /// By namespace, `None` for selectors in `mesh`; key and value.
    by_label: HashMap<(Option<&'p str>, &'p str, &'p str), Vec<usize>>,
}

impl<'p> Covers<'p> {
    fn new(program: &'p Program) -> Self {
        let mut by_label: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, scope) in program.scopes.iter().enumerate() {
            let pods = matches!(scope.kind, ScopeKind::Workload { .. } | ScopeKind::Gateway { .. });
            if let (true, Some((key, value))) = (pods, scope.facts.select.iter().next()) {
                let near = (!scope.in_mesh).then_some(scope.namespace.as_str());
                by_label
                    .entry((near, key.as_str(), value.as_str()))
                    .or_default()
                    .push(at);
            }
        }
        Self { program, by_label }
    }

    /// The other blocks of pods that select all pods of this one, as indices into the program's, in order.
    fn of(&self, scope: &Scope) -> Vec<usize> {
        let mut found = Vec::new();
        for (key, value) in &scope.facts.select {
            for near in [None, Some(scope.namespace.as_str())] {
                found.extend(
                    self.by_label
                        .get(&(near, key.as_str(), value.as_str()))
                        .into_iter()
                        .flatten(),
                );
            }
        }
        found.sort_unstable();
        found.retain(|at| {
            let other = self.program.scopes.get(*at);
            other.is_some_and(|other| !std::ptr::eq(other, scope) && includes(&scope.facts.select, &other.facts.select))
        });
        found
    }
}

/// A Service is in front of the pods of its block, and of every block whose pods that one selects too.
fn services(covers: &Covers<'_>, reach: &Reach<'_>, facts: &mut Facts) {
    let program = covers.program;
    let said = waypoints_said(program);
    let mut behind: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, index) in &facts.workloads {
        let others = program.scopes.get(*at).map(|pod| covers.of(pod)).unwrap_or_default();
        for block in std::iter::once(*at).chain(others) {
            behind.entry(block).or_default().push(*index);
        }
    }
    for (at, scope) in program.scopes.iter().enumerate().filter(|(_, scope)| !scope.in_mesh) {
        for service in &scope.facts.services {
            let workloads = behind.get(&at).cloned().unwrap_or_default();
            let index = facts.inventory.services.len();
            facts.stated.insert(Fact::Service(index), service.span);
            if let Some(span) = said.get(&(scope.namespace.as_str(), service.name.as_str())) {
                facts.stated.insert(Fact::ServiceWaypoint(index), *span);
            }
            facts.inventory.services.push(Service {
                namespace: scope.namespace.clone(),
                name: service.name.clone(),
                ports: service.ports.clone(),
                port_names: BTreeMap::new(),
                headless: service.headless,
                workloads,
                waypoint: reach.waypoint_of(&scope.namespace, &service.name),
            });
        }
    }
}

/// Where it is said which waypoint a Service uses, by its namespace and name; the first one counts.
fn waypoints_said(program: &Program) -> BTreeMap<(&str, &str), Span> {
    let mut said = BTreeMap::new();
    for scope in &program.scopes {
        let (ScopeKind::Targets(targets), Some(used)) = (&scope.kind, &scope.facts.use_waypoint) else {
            continue;
        };
        for target in targets.iter().filter(|target| target.kind == hir::TargetKind::Service) {
            let service = (scope.namespace.as_str(), target.name.as_str());
            said.entry(service).or_insert(used.span);
        }
    }
    said
}

/// The issuer of a token as its rules name its keys.
pub(super) fn keys(issuer: &hir::Issuer) -> Keys {
    match (&issuer.jwks_uri, &issuer.jwks) {
        (_, Some(jwks)) => Keys::Inline(jwks.it.clone()),
        (Some(uri), None) => Keys::Uri(uri.it.clone()),
        (None, None) => Keys::Discovery,
    }
}

/// The issuers that tests can name.
#[must_use]
pub fn issuers(program: &Program) -> Vec<NamedIssuer> {
    let named = program.issuers.iter().map(|issuer| {
        let declaration = program.names.declaration(issuer.span);
        let namespace = declaration.and_then(|declaration| declaration.namespace.as_ref());
        NamedIssuer {
            name: namespace.map_or_else(|| issuer.name.clone(), |home| format!("{home}/{}", issuer.name)),
            keys: keys(issuer),
            issuer: issuer.iss.as_ref().map(|iss| iss.it.clone()),
        }
    });
    named.collect()
}

/// A token of an issuer where the issuer reads it first; `iss` and `aud` are the issuer's unless the claims say them.
#[must_use]
pub fn token(
    program: &Program,
    issuer: IssuerId,
    mut claims: BTreeMap<String, Json>,
    state: TokenState,
) -> Option<Token> {
    let issuer = program.issuers.get(issuer.0)?;
    let iss = issuer.iss.as_ref().map(|iss| iss.it.clone());
    if let Some(iss) = &iss {
        claims
            .entry("iss".to_owned())
            .or_insert_with(|| Json::String(iss.clone()));
    }
    if let Some(audience) = issuer.audiences.first() {
        claims
            .entry("aud".to_owned())
            .or_insert_with(|| Json::String(audience.it.clone()));
    }
    let place = first_place(issuer);
    Some(Token {
        keys: keys(issuer),
        issuer: iss,
        claims,
        state,
        place,
    })
}

/// Where an issuer is read first, if there is one of this `iss`.
#[must_use]
pub fn place_of(program: &Program, iss: &str) -> Option<Place> {
    let mut issuers = program.issuers.iter();
    let found = issuers.find(|issuer| issuer.iss.as_ref().is_some_and(|own| own.it == iss));
    found.map(first_place)
}

fn first_place(issuer: &hir::Issuer) -> Place {
    issuer
        .places
        .first()
        .map_or_else(Place::bearer, |place| match place.it.kind {
            hir::PlaceKind::Header => Place::Header {
                name: place.it.name.to_ascii_lowercase(),
                prefix: place.it.prefix.clone().unwrap_or_default(),
            },
            hir::PlaceKind::Param => Place::Param(place.it.name.clone()),
            hir::PlaceKind::Cookie => Place::Cookie(place.it.name.clone()),
        })
}

/// Why a line of a test is no request that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRequest {
    #[error("a waypoint answers for Services; test at a workload behind it")]
    AtWaypoint,
    #[error("a selector in `mesh` is no workload of one namespace; test at a workload that it selects")]
    AtMesh,
    #[error("no manifest describes these pods any more")]
    Contradicted,
    #[error("a waypoint as the caller is not judged; name its account by `sa`")]
    FromWaypoint,
}

/// The request of a line of a `test … at`, without its tokens as text. `claims` reads the claims of a token.
///
/// # Errors
/// The line asks for what cannot be asked.
pub fn request(
    program: &Program,
    facts: &Facts,
    (pods, pod): (&Pods, bool),
    line: &RequestLine,
    claims: impl Fn(&Extra) -> BTreeMap<String, Json>,
) -> Result<Request, NoRequest> {
    let to = match facts.pods(pods) {
        Some(index) => Destination::Known(index),
        None => {
            let is_waypoint = |scope: &Scope| matches!(scope.kind, ScopeKind::Waypoint { .. });
            return Err(match pods {
                Pods::Scope(at) if program.scopes.get(*at).is_some_and(is_waypoint) => NoRequest::AtWaypoint,
                Pods::Scope(_) => NoRequest::AtMesh,
                Pods::Known { .. } => NoRequest::Contradicted,
            });
        }
    };
    let caller = match &line.caller {
        TestCaller::Outsider => Caller::Outsider,
        TestCaller::Principal(principal) => Caller::Principal(principal.clone()),
        TestCaller::Pods(pods) => Caller::Workload(facts.pods(pods).ok_or(NoRequest::FromWaypoint)?),
    };
    let address = |block: &hir::At<crate::policy::IpBlock>| block.it.net().addr();
    let mut request = Request {
        pod,
        port: line.request.port,
        peer_ip: line.peer_ip.as_ref().map(address),
        client_ip: line.client_ip.as_ref().map(address),
        destination_ip: line.request.dest_ip.as_ref().map(|block| block.net().addr()),
        sni: line.request.sni.clone(),
        method: line.request.method.clone(),
        path: line.request.path.clone(),
        host: line.request.host.clone(),
        ..Request::new(to, caller)
    };
    for extra in &line.extras {
        match extra {
            // Whoever asks reads it, and puts it where its issuer is read.
            Extra::RealToken(_) => {}
            Extra::Token { issuer, state, .. } => {
                let state = match state {
                    None => TokenState::Valid,
                    Some(hir::TokenState::Expired) => TokenState::Expired,
                    Some(hir::TokenState::Forged) => TokenState::Forged,
                };
                request.tokens.extend(token(program, *issuer, claims(extra), state));
            }
            Extra::Header { name, value } => request.headers.push((name.to_ascii_lowercase(), value.clone())),
            Extra::Answer { provider, allow } => {
                request.answers.insert(provider.clone(), *allow);
            }
            Extra::DryRun => request.dry_run = true,
        }
    }
    Ok(request)
}
