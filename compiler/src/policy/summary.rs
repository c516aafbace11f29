//! One workload's policy, gathered for a reader: what is in force at its pods and before them, and because of which line.
//!
//! It is read off what answers rest on; nothing is decided here.

use std::collections::{BTreeMap, BTreeSet};

use super::effective::Effective;
use super::effective::legacy::Legacy;
use super::effective::mtls::{Level, Mode, Said};
use super::evaluate::{ClientSide, Judge};
use super::graph::Graph;
use super::inventory::{DataPlane, Protocol, Workload, WorkloadKind};
use super::request::{Place, Unknown};
use super::{JwtRule, MtlsMode, StringMap, TlsMode};
use crate::source::Span;

/// What is in force at one workload.
#[derive(Debug)]
pub struct Summary<'j> {
    pub workload: &'j Workload,
    pub enforcer: Enforcer,
    /// The mode of each declared port and of each that a policy speaks of; last that of all others, as `None`.
    pub ports: Vec<Port>,
    pub gate: Gate,
    pub services: Vec<Front>,
    /// Whether no declared workload could be a client of its services.
    pub has_no_client: bool,
}

/// Who enforces policy at the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcer {
    Sidecar,
    Ztunnel,
    Gateway,
    Nobody,
}

/// The mode of mutual TLS at a port.
#[derive(Clone, Debug)]
pub struct Port {
    /// `None`: every other port.
    pub port: Option<u16>,
    /// `None`: not declared.
    pub spoken: Option<Protocol>,
    /// `None`: nobody asks for mutual TLS there, such as at a gateway.
    pub mode: Option<Result<Mode, Unknown>>,
    /// What says a mode too and is overridden, the narrowest first.
    pub over: Vec<Mode>,
}

/// Tokens and access rules at one enforcer.
#[derive(Debug)]
pub struct Gate {
    /// What it heeds, with standing.
    pub graph: Graph,
    pub tokens: Vec<Token>,
    pub otherwise: Otherwise,
    /// What decides besides the rules.
    pub remarks: Vec<String>,
}

/// An issuer whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct Token {
    pub rule: JwtRule,
    /// Where it is looked for, in Envoy's order.
    pub places: Vec<Place>,
    pub object: super::request::ObjectRef,
}

/// What becomes of a request that no rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    Allowed,
    /// An ALLOW policy is in force.
    Denied,
}

/// A service in front of the workload.
#[derive(Debug)]
pub struct Front {
    pub host: String,
    pub headless: bool,
    /// Service port and pod port.
    pub ports: Vec<(u16, u16)>,
    pub waypoint: Option<(String, Gate)>,
    /// For each service port the TLS that clients speak.
    pub clients: Vec<(u16, Vec<Clients>)>,
}

/// Clients that speak the same TLS, because of the same.
#[derive(Clone, Debug)]
pub struct Clients {
    pub side: Result<ClientSide, Unknown>,
    /// `namespace/name`, sorted.
    pub names: Vec<String>,
}

impl<'j> Summary<'j> {
    /// Gathers what is in force at a workload, by its index; `None`: there is none. With a port, of that port alone.
    #[must_use]
    pub fn of(judge: &'j Judge<'j>, index: usize, port: Option<u16>) -> Option<Self> {
        let workload = judge.inventory().workloads.get(index)?;
        let enforcer = match (&workload.kind, workload.data_plane) {
            (WorkloadKind::Gateway { .. }, _) => Enforcer::Gateway,
            (_, DataPlane::Sidecar) => Enforcer::Sidecar,
            (_, DataPlane::Ambient) => Enforcer::Ztunnel,
            (_, DataPlane::None) => Enforcer::Nobody,
        };
        let effective = judge.effective(index);
        let clients = ClientKinds::new(judge, index);
        let mut services = Vec::new();
        for (at, service) in judge.inventory().services.iter().enumerate() {
            if !service.workloads.contains(&index) {
                continue;
            }
            let ports = service.ports.iter().copied();
            let ports: Vec<(u16, u16)> = ports.filter(|(_, pod)| port.is_none_or(|port| port == *pod)).collect();
            let host = service.host(&judge.inventory().mesh.domain);
            let waypoint = service.waypoint.as_ref().and_then(|(namespace, name)| {
                let gate = Gate::of(
                    judge,
                    Some(judge.effective_at_waypoint(at)?),
                    Graph::of_waypoint(judge, at),
                );
                Some((format!("{namespace}/{name}"), gate))
            });
            services.push(Front {
                clients: ports
                    .iter()
                    .map(|(own, _)| (*own, clients.towards(&host, *own)))
                    .collect(),
                host,
                headless: service.headless,
                ports,
                waypoint,
            });
        }
        Some(Self {
            workload,
            enforcer,
            ports: effective.map_or(Vec::new(), |effective| ports(workload, enforcer, effective, port)),
            gate: Gate::of(judge, effective, Graph::of_pods(judge, index, port)),
            services,
            has_no_client: clients.kinds.is_empty(),
        })
    }
}

fn ports(workload: &Workload, enforcer: Enforcer, effective: &Effective, only: Option<u16>) -> Vec<Port> {
    let mtls = &effective.mtls;
    let asks = enforcer != Enforcer::Gateway;
    let mut ports: BTreeSet<u16> = workload.ports.keys().copied().collect();
    if asks {
        ports.extend(mtls.ports());
        ports.extend(effective.legacy.iter().flat_map(Legacy::ports));
    }
    // One that nobody speaks of stands for all the others.
    let other = (1..=u16::MAX).rev().find(|port| !ports.contains(port));
    let mut listed: Vec<(Option<u16>, u16)> = ports.iter().map(|port| (Some(*port), *port)).collect();
    listed.extend(other.filter(|_| asks).map(|port| (None, port)));
    if let Some(only) = only {
        listed = vec![(Some(only), only)];
    }
    let summary = |(port, asked): (Option<u16>, u16)| {
        let spoken = port.and_then(|port| workload.ports.get(&port)).copied();
        let asks = asks && spoken != Some(Protocol::Unproxied);
        let mode = asks.then(|| match (&effective.legacy, enforcer) {
            (Some(legacy), _) => legacy.mode(Some(asked)),
            (None, Enforcer::Ztunnel) => mtls.at_ztunnel(Some(asked)),
            (None, _) => mtls.at(Some(asked)),
        });
        let over = match (&effective.legacy, &mode) {
            (Some(legacy), Some(_)) => legacy.over(asked),
            (None, Some(Ok(mode))) => overridden(mtls.said(Some(asked)), mode),
            (_, Some(Err(_)) | None) => Vec::new(),
        };
        Port {
            port,
            spoken,
            mode,
            over,
        }
    };
    listed.into_iter().map(summary).collect()
}

/// What says a mode besides the one that decides.
fn overridden(heard: Vec<Vec<&Said>>, mode: &Mode) -> Vec<Mode> {
    let mut over: Vec<Mode> = Vec::new();
    for heard in heard {
        let speaking: Vec<&Said> = heard.into_iter().filter(|said| said.mode != MtlsMode::Unset).collect();
        let decides = |said: &&Said| Some(&said.by) == mode.by.as_ref() && said.mode == mode.mode;
        let Some(winner) = speaking.iter().rposition(decides) else {
            continue;
        };
        for (at, said) in speaking.into_iter().enumerate().rev() {
            let said = Mode {
                mode: said.mode,
                by: Some(said.by.clone()),
            };
            if at != winner && !over.contains(&said) {
                over.push(said);
            }
        }
    }
    over
}

impl Gate {
    fn of(judge: &Judge<'_>, effective: Option<&Effective>, graph: Graph) -> Self {
        let Some(effective) = effective else {
            return Self {
                graph,
                tokens: Vec::new(),
                otherwise: Otherwise::Allowed,
                remarks: Vec::new(),
            };
        };
        let tokens = effective.tokens.iter().map(|token| Token {
            rule: token.rule.clone(),
            places: token.places.clone(),
            object: token.object.clone(),
        });
        let mut remarks = Vec::new();
        if effective.providers > 1 {
            remarks.push(
                "two authorizers are asked here, which Istio refuses by denying what either is asked about".to_owned(),
            );
        }
        let providers: BTreeSet<&str> = effective
            .custom
            .policies
            .iter()
            .filter_map(|policy| policy.provider.as_deref())
            .collect();
        for name in providers {
            if !judge.inventory().mesh.providers.contains_key(name) {
                remarks.push(format!(
                    "the authorizer `{name}` is not declared for the mesh; without it Istio denies what it is asked about"
                ));
            }
        }
        Self {
            graph,
            tokens: tokens.collect(),
            otherwise: without_rule(effective),
            remarks,
        }
    }
}

/// The mode of mutual TLS at the ports of a workload that nobody speaks of; `None`: there is none.
#[must_use]
pub fn mode(judge: &Judge<'_>, index: usize) -> Option<Result<Mode, Unknown>> {
    let (workload, effective) = (judge.inventory().workloads.get(index)?, judge.effective(index)?);
    Some(match (&effective.legacy, workload.data_plane) {
        (Some(legacy), _) => legacy.mode(None),
        (None, DataPlane::Ambient) => effective.mtls.at_ztunnel(None),
        (None, DataPlane::Sidecar | DataPlane::None) => effective.mtls.at(None),
    })
}

/// How far the policy reaches that sets such a mode.
#[must_use]
pub fn level(judge: &Judge<'_>, index: usize, mode: &Mode) -> Option<Level> {
    let said = judge.effective(index)?.mtls.said(None);
    let mut said = said.into_iter().flatten();
    said.find(|said| Some(&said.by) == mode.by.as_ref())
        .map(|said| said.level)
}

/// What becomes of a request at a workload that no rule decides.
#[must_use]
pub fn otherwise(judge: &Judge<'_>, index: usize) -> Otherwise {
    judge.effective(index).map_or(Otherwise::Allowed, without_rule)
}

fn without_rule(effective: &Effective) -> Otherwise {
    if effective.allow.policies.iter().any(|policy| !policy.dry_run) {
        Otherwise::Denied
    } else {
        Otherwise::Allowed
    }
}

/// Declared workloads as clients: those that the lookup does not tell apart are asked once.
struct ClientKinds<'j> {
    judge: &'j Judge<'j>,
    /// For each kind one workload, and the names of all.
    kinds: BTreeMap<ClientKind, (usize, Vec<String>)>,
}

/// What the lookup tells clients apart by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct ClientKind {
    namespace: String,
    gateway: bool,
    ambient: bool,
    /// Where a rule of the namespace selects clients.
    labels: StringMap,
}

impl<'j> ClientKinds<'j> {
    fn new(judge: &'j Judge<'j>, but: usize) -> Self {
        let mut kinds = BTreeMap::new();
        let rules = &judge.policies().destination_rules;
        for (index, workload) in judge.inventory().workloads.iter().enumerate() {
            let gateway = workload.kind != WorkloadKind::Application;
            // Who is outside the mesh speaks plaintext, or whatever it likes; who stands for others is none itself.
            if index == but || !workload.stands_for.is_empty() || (workload.data_plane == DataPlane::None && !gateway) {
                continue;
            }
            let selects = rules
                .iter()
                .any(|rule| rule.clients.is_some() && rule.meta.namespace.as_ref() == Some(&workload.namespace));
            let labels = if selects {
                workload.labels.clone()
            } else {
                StringMap::new()
            };
            let kind = ClientKind {
                namespace: workload.namespace.clone(),
                gateway,
                ambient: workload.data_plane == DataPlane::Ambient,
                labels,
            };
            let (_, names) = kinds.entry(kind).or_insert_with(|| (index, Vec::new()));
            names.push(format!("{}/{}", workload.namespace, workload.name));
        }
        Self { judge, kinds }
    }

    fn towards(&self, host: &str, port: u16) -> Vec<Clients> {
        let mut found: Vec<Clients> = Vec::new();
        for (index, names) in self.kinds.values() {
            let side = self.judge.client_side(*index, host, Some(port));
            match found.iter_mut().find(|clients| clients.side == side) {
                Some(clients) => clients.names.extend(names.iter().cloned()),
                None => found.push(Clients {
                    side,
                    names: names.clone(),
                }),
            }
        }
        for clients in &mut found {
            clients.names.sort();
        }
        // What most of them do first.
        found.sort_by_key(|clients| std::cmp::Reverse(clients.names.len()));
        found
    }
}

impl Clients {
    /// What they speak, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.side {
            Err(unknown) => format!("not known: {unknown}"),
            Ok(side) => match (side.mode, &side.by) {
                (TlsMode::IstioMutual, None) => "mutual TLS of the mesh, chosen automatically".to_owned(),
                (TlsMode::Disable, None) => "plaintext, chosen automatically".to_owned(),
                (TlsMode::IstioMutual, Some(_)) => "mutual TLS of the mesh".to_owned(),
                (TlsMode::Disable, Some(_)) => "plaintext".to_owned(),
                (TlsMode::Simple, _) => "TLS without a client certificate".to_owned(),
                (TlsMode::Mutual, _) => "mutual TLS with a certificate of its own".to_owned(),
            },
        }
    }

    /// The line that says so, where one does.
    #[must_use]
    pub fn origin(&self) -> Option<Span> {
        self.side.as_ref().ok()?.by.as_ref().map(|by| by.origin)
    }
}
