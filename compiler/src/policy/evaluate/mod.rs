//! What the mesh answers to a request, and because of which line.
//!
//! A request meets the client's proxy, a waypoint where there is one, and whoever enforces policy at the pod; each is
//! asked in this order. Where a fact that matters is missing, there is no answer but a word on what is missing.

mod access;
mod arrival;
mod chain;
pub(crate) mod client;
mod described;
mod each;
mod exercised;
pub(crate) mod headers;
mod http;
mod legacy;
pub(crate) mod matching;
mod methods;
pub mod nearest;
pub(crate) mod path;
pub(crate) mod places;
mod token_questions;
pub(crate) mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::effective::{Effective, Enforcer, Homes};
use super::inventory::{Account, DataPlane, Inventory, Protocol, Service, WorkloadKind};
use super::request::{Answer, Caller, Destination, Outcome, Reason, Request, Stage, Unknown};
use super::{MtlsMode, PolicySet, StringMap, Target, TlsMode};
use arrival::{Arrival, Step};
use chain::{Asked, Judged};
use client::{Client, Said};
use described::Described;
pub use exercised::exercisable;
use http::Head;
use matching::{Facts, Host, Peer};
pub(crate) use methods::METHODS;
use places::Carried;
pub use token_questions::{claims_fault, first_place, token_fault, token_texts};

/// Answers questions about one policy, one installation and one release. What is in force at a workload is composed once.
#[derive(Debug)]
pub struct Judge<'p> {
    policies: &'p PolicySet,
    homes: Homes<'p>,
    inventory: &'p Inventory,
    target: Target,
    /// The services in front of each workload.
    services: Vec<Vec<usize>>,
    /// For each workload; `None` inside: nobody enforces.
    pods: Vec<OnceLock<Option<Box<Effective>>>>,
    /// For each service with a waypoint.
    waypoints: Vec<OnceLock<Box<Effective>>>,
    /// For each workload: the values by which its nearest misses are looked for.
    nearest: Vec<OnceLock<Box<nearest::Values>>>,
    described: Described,
}

/// The TLS that a client's proxy uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSide {
    pub mode: TlsMode,
    /// The destination that says so; `None`: the proxy chooses by itself.
    pub by: Option<Reason>,
}

/// Is told what each enforcer on a request's way saw, and what it made of it.
type Observer<'o> = &'o mut dyn FnMut(&Effective, &Facts, &Judged);

/// The pod that a request is for.
struct Pod<'a> {
    namespace: &'a str,
    labels: &'a StringMap,
    ports: &'a BTreeMap<u16, Protocol>,
    data_plane: DataPlane,
    /// Of a gateway, with its trusted proxies.
    gateway: Option<u32>,
    index: Option<usize>,
}

impl<'p> Judge<'p> {
    /// Ready to be asked.
    #[must_use]
    pub fn new(policies: &'p PolicySet, inventory: &'p Inventory, target: Target) -> Self {
        let mut services = vec![Vec::new(); inventory.workloads.len()];
        for (at, service) in inventory.services.iter().enumerate() {
            for index in &service.workloads {
                if let Some(services) = services.get_mut(*index) {
                    services.push(at);
                }
            }
        }
        Self {
            policies,
            homes: Homes::new(policies),
            inventory,
            target,
            services,
            pods: inventory.workloads.iter().map(|_| OnceLock::new()).collect(),
            waypoints: inventory.services.iter().map(|_| OnceLock::new()).collect(),
            nearest: inventory.workloads.iter().map(|_| OnceLock::new()).collect(),
            described: Described::default(),
        }
    }

    /// The answer to a request.
    ///
    /// # Errors
    /// What would have to be said for there to be one answer.
    pub fn answer(&self, request: &Request) -> Result<Answer, Unknown> {
        self.observed(request, &mut |_, _, _| {})
    }

    /// The answer to a request, with an observer on its way.
    fn observed(&self, request: &Request, observer: Observer<'_>) -> Result<Answer, Unknown> {
        if let Some(answer) = self.answer_of_each(request, observer) {
            return answer;
        }
        let pod = self.pod(&request.to)?;
        let (port, http) = port_and_protocol(&pod, request)?;
        self.is_clear(pod.index, port)?;
        let ways = self.ways(&pod, request, port)?;
        let mut answers = ways
            .into_iter()
            .map(|service| self.travel(&pod, request, (port, http), service, observer));
        let none = || Err(Unknown::Other("no way leads to this pod".to_owned()));
        let first = answers.next().unwrap_or_else(none)?;
        for other in answers {
            if other?.outcome != first.outcome {
                let why = "several Service ports lead to this port, and the answer depends on which is used; name it, or test at the pod";
                return Err(Unknown::Other(why.to_owned()));
            }
        }
        Ok(first)
    }

    /// The TLS that a workload's proxy uses towards a host.
    ///
    /// # Errors
    /// What would have to be said for there to be one answer.
    pub fn client_tls(&self, workload: usize, host: &str, port: Option<u16>) -> Result<TlsMode, Unknown> {
        self.client_side(workload, host, port).map(|side| side.mode)
    }

    /// The TLS that a workload's proxy uses towards a host, and what makes it so.
    ///
    /// # Errors
    /// What would have to be said for there to be one answer.
    pub fn client_side(&self, workload: usize, host: &str, port: Option<u16>) -> Result<ClientSide, Unknown> {
        if let Some(side) = self.client_side_of_each(workload, host, port) {
            return side;
        }
        let by_itself = |mode| Ok(ClientSide { mode, by: None });
        let Some(caller) = self.inventory.workloads.get(workload) else {
            return Err(Unknown::Other("there is no such workload".to_owned()));
        };
        if caller.data_plane == DataPlane::None {
            return by_itself(TlsMode::Disable);
        }
        let domain = &self.inventory.mesh.domain;
        let service = self
            .inventory
            .services
            .iter()
            .find(|service| service.host(domain) == host);
        let ambient = caller.data_plane == DataPlane::Ambient && caller.kind == WorkloadKind::Application;
        let said = if ambient {
            Said::Nothing
        } else {
            client::said(
                self.policies,
                self.inventory,
                Client {
                    namespace: &caller.namespace,
                    labels: &caller.labels,
                    gateway: caller.kind != WorkloadKind::Application,
                    target: self.target,
                },
                (host, port),
                service
                    .map(|s| s.namespace.as_str())
                    .or_else(|| namespace_of(host, domain)),
            )?
        };
        let by = said.reason().cloned();
        if let Said::Mode(mode, _) = said {
            return Ok(ClientSide { mode, by });
        }
        let by_itself = |mode| Ok(ClientSide { mode, by: by.clone() });
        if !ambient && !self.inventory.mesh.auto_mtls {
            return by_itself(TlsMode::Disable);
        }
        let Some(service) = service else {
            if namespace_of(host, domain).is_some() {
                return Err(Unknown::Other(format!(
                    "no `service` of a workload declares `{host}`, so whether its pods offer mutual TLS is not known"
                )));
            }
            return by_itself(TlsMode::Disable);
        };
        let mut modes = Vec::new();
        for (service_port, pod_port) in &service.ports {
            if port.is_some_and(|port| port != *service_port) {
                continue;
            }
            for index in &service.workloads {
                let to = Destination::Known(*index);
                let pod = self.pod(&to)?;
                let mutual = if ambient {
                    // ztunnel uses it wherever it can.
                    pod.data_plane != DataPlane::None
                } else {
                    self.automatic(&pod, Some(*pod_port), &said)?
                };
                modes.push(if mutual { TlsMode::IstioMutual } else { TlsMode::Disable });
            }
        }
        modes.dedup();
        match modes.as_slice() {
            [mode] => by_itself(*mode),
            [] => Err(Unknown::Other(format!("`{host}` has no such port"))),
            _ => Err(Unknown::Other(
                "the TLS differs between ports or pods of this host".to_owned(),
            )),
        }
    }

    /// Whether it is known what is spoken on a port; without one, on all ports.
    fn is_clear(&self, workload: Option<usize>, port: Option<u16>) -> Result<(), Unknown> {
        let Some(index) = workload else { return Ok(()) };
        let ports = port.map_or(0..=u16::MAX, |port| port..=port);
        let unclear = &self.inventory.unclear_ports;
        match unclear.range((index, *ports.start())..=(index, *ports.end())).next() {
            Some((_, why)) => Err(Unknown::Other(why.clone())),
            None => Ok(()),
        }
    }

    fn pod<'a>(&'a self, to: &'a Destination) -> Result<Pod<'a>, Unknown> {
        match to {
            Destination::Known(index) => {
                let Some(workload) = self.inventory.workloads.get(*index) else {
                    return Err(Unknown::Other("there is no such workload".to_owned()));
                };
                Ok(Pod {
                    namespace: &workload.namespace,
                    labels: &workload.labels,
                    ports: &workload.ports,
                    data_plane: workload.data_plane,
                    gateway: match workload.kind {
                        WorkloadKind::Gateway { trusted_proxies, .. } => Some(trusted_proxies),
                        WorkloadKind::Application => None,
                    },
                    index: Some(*index),
                })
            }
            Destination::Pod {
                namespace,
                labels,
                ports,
            } => Ok(Pod {
                namespace,
                labels,
                ports,
                data_plane: self.inventory.data_plane(namespace),
                gateway: None,
                index: None,
            }),
        }
    }

    /// The services by which a request may come, with their ports; one `None`: straight to the pod.
    fn ways(&self, pod: &Pod<'_>, request: &Request, port: Option<u16>) -> Result<Vec<Option<(usize, u16)>>, Unknown> {
        let waypoint = pod.data_plane == DataPlane::Ambient
            && self.inventory.waypoint_namespaces.contains_key(pod.namespace)
            && self.passes_waypoint(&request.caller);
        let undeclared = || {
            let why = "no `service` of this workload is declared, and its namespace uses a waypoint: declare it, or test at the pod";
            Unknown::Other(why.to_owned())
        };
        let index = match pod.index {
            _ if request.pod => return Ok(vec![None]),
            Some(index) => index,
            None if waypoint => return Err(undeclared()),
            None => return Ok(vec![None]),
        };
        let services = self.services.get(index).map_or(&[][..], Vec::as_slice);
        if waypoint && services.is_empty() {
            return Err(undeclared());
        }
        let mut ways = Vec::new();
        for at in services {
            let Some(service) = self.inventory.services.get(*at) else {
                continue;
            };
            for (service_port, pod_port) in &service.ports {
                let meant = request.service_port.is_none_or(|port| port == *service_port);
                if meant && port.is_none_or(|port| port == *pod_port) {
                    ways.push(Some((*at, *service_port)));
                }
            }
        }
        if let (true, Some(wanted)) = (ways.is_empty(), request.service_port) {
            return Err(Unknown::Other(format!("no Service port {wanted} leads to this port")));
        }
        // Without a Service the pod itself is called.
        if ways.is_empty() {
            ways.push(None);
        }
        Ok(ways)
    }

    /// A request's way, through one service or straight to the pod.
    fn travel(
        &self,
        pod: &Pod<'_>,
        request: &Request,
        (port, http): (Option<u16>, bool),
        way: Option<(usize, u16)>,
        observer: Observer<'_>,
    ) -> Result<Answer, Unknown> {
        let service = way.and_then(|(at, port)| Some((at, self.inventory.services.get(at)?, port)));
        let port = port.or_else(|| service.and_then(|(_, service, port)| service.pod_port(port)));
        let mut facts = Facts {
            http,
            http2: http && request.http2,
            port,
            peer_ip: request.peer_ip,
            tunnelled: false,
            destination_ip: request.destination_ip,
            // Envoy keeps it in lower case.
            sni: request.sni.as_deref().map(str::to_ascii_lowercase),
            method: request.method.clone().unwrap_or_else(|| "GET".to_owned()),
            host: self.host(pod, request, service.map(|(_, service, _)| service)),
            ..Facts::nothing(self.target)
        };
        let mut carried = carried(request);
        let through = service
            .filter(|_| pod.gateway.is_none())
            .and_then(|(at, service, port)| {
                let (namespace, name) = service.waypoint.as_ref()?;
                self.passes_waypoint(&request.caller)
                    .then_some((at, service, port, namespace, name))
            });
        let Some((at, service, service_port, namespace, name)) = through else {
            let arrival = self.arrive(pod, request, &facts, service.map(|(_, service, port)| (service, port)))?;
            return self.at_pod(pod, request, facts, carried, arrival, observer);
        };

        let place = format!("waypoint {namespace}/{name}");
        match self.to_waypoint(&request.caller, &place)? {
            Step::Stop(answer) => return Ok(answer),
            Step::Goes(peer) => facts.peer = peer,
        }
        facts.port = Some(service_port);
        facts.tunnelled = true;
        facts.client_ip = headers::client_address(request, http, None)?;
        if let Some(answer) = self.prepare(&mut facts, request, &place)? {
            return Ok(answer);
        }
        let Some(effective) = self.waypoint_policy(at, service, namespace, name) else {
            return Err(Unknown::Other("there is no such service".to_owned()));
        };
        let judged = chain::judge(effective, &mut facts, carried, self.asked(request, &place))?;
        observer(effective, &facts, &judged);
        let first = judged.answer;
        if first.outcome != Outcome::Ok {
            return Ok(first);
        }
        carried = judged.carried;
        let host = service.host(&self.inventory.mesh.domain);
        let labels = StringMap::new();
        let own = Client {
            namespace,
            labels: &labels,
            gateway: true,
            target: self.target,
        };
        let said = client::said(
            self.policies,
            self.inventory,
            own,
            (&host, Some(service_port)),
            Some(&service.namespace),
        )?;
        if let Said::Mode(TlsMode::Simple | TlsMode::Mutual, _) = said {
            return Err(Unknown::Other(
                "a destination makes the waypoint speak TLS to the pod, which is not judged".to_owned(),
            ));
        }
        let peer = match self.inventory.waypoint_account(namespace, name) {
            Some(account) => Peer::Is(account.principal(&self.inventory.mesh.trust_domain)),
            None => Peer::Waypoint(format!("{namespace}/{name}")),
        };
        facts.port = port;
        facts.peer_ip = None;
        facts.tunnelled = false;
        facts.client_ip = None;
        facts.destination_ip = None;
        facts.sni = None;
        facts.claims = None;
        let arrival = Arrival::behind_waypoint(peer);
        let last = self.at_pod(pod, request, facts, carried, arrival, observer)?;
        // Of two that let it pass, the waypoint's rule says more.
        Ok(if last.outcome == Outcome::Ok && !first.because.is_empty() {
            first
        } else {
            last
        })
    }

    fn asked<'a>(&'a self, request: &'a Request, place: &'a str) -> Asked<'a> {
        Asked {
            mesh: &self.inventory.mesh,
            answers: &request.answers,
            dry_run: request.dry_run,
            now: request.now,
            place,
        }
    }

    /// Only ztunnel sends to waypoints: plaintext, sidecars and gateways go to the pod.
    fn passes_waypoint(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Outsider => false,
            Caller::Principal(_) => true,
            Caller::Workload(index) => self.inventory.workloads.get(*index).is_some_and(|workload| {
                workload.data_plane == DataPlane::Ambient && workload.kind == WorkloadKind::Application
            }),
        }
    }

    /// Whether a proxy that reads HTTP sends for the caller.
    fn comes_by_a_proxy(&self, caller: &Caller) -> bool {
        let Caller::Workload(index) = caller else { return false };
        let caller = self.inventory.workloads.get(*index);
        caller.is_some_and(|it| it.data_plane == DataPlane::Sidecar || it.kind != WorkloadKind::Application)
    }

    /// What the pod's own enforcer says.
    fn at_pod(
        &self,
        pod: &Pod<'_>,
        request: &Request,
        mut facts: Facts,
        carried: Carried,
        arrival: Arrival,
        observer: Observer<'_>,
    ) -> Result<Answer, Unknown> {
        let http = facts.http;
        let (peer, fate) = match arrival.step {
            Step::Stop(answer) => return Ok(answer),
            Step::Goes(peer) => (peer, arrival.fate),
        };
        let Some(place) = self.enforcer_name(pod, facts.port) else {
            return Ok(fate.unwrap_or_else(|| nothing_there("the pod: no proxy enforces policy there")));
        };
        let ztunnel = pod.gateway.is_none() && pod.data_plane == DataPlane::Ambient;
        facts.peer = peer;
        // TLS that no one terminates is bytes, whatever is inside.
        facts.http = http && !ztunnel && fate.is_none();
        // Nor in TLS of others that such a port passes on.
        let sidecar = pod.gateway.is_none() && pod.data_plane == DataPlane::Sidecar && !self.target.is_legacy();
        if sidecar && facts.sni.is_some() && self.mode(pod, facts.port)?.mode == MtlsMode::Disable {
            facts.sni = None;
        }
        if !arrival.behind_waypoint {
            facts.client_ip = headers::client_address(request, facts.http, pod.gateway)?;
        }
        let own;
        let effective = match pod.index {
            Some(index) => self.pod_policy(index),
            None => {
                own = self.effective_at_pods(pod.namespace, pod.labels);
                own.as_deref()
            }
        };
        let Some(effective) = effective else {
            return Ok(fate.unwrap_or_else(|| nothing_there("the pod: no proxy enforces policy there")));
        };
        if let Some(answer) = self.prepare(&mut facts, request, place)? {
            return Ok(answer);
        }
        let asked = self.asked(request, place);
        let mut answer = match &effective.legacy {
            Some(legacy) => {
                let at = legacy::At {
                    effective,
                    legacy,
                    gateway: pod.gateway.is_some(),
                    protocol_is_known: facts.port.is_some_and(|port| pod.ports.contains_key(&port)),
                };
                let answer = legacy::judge(at, &facts, &carried, asked)?;
                let judged = Judged {
                    answer,
                    carried,
                    token: None,
                    let_pass: None,
                };
                observer(effective, &facts, &judged);
                judged.answer
            }
            None => {
                let judged = chain::judge(effective, &mut facts, carried, asked)?;
                observer(effective, &facts, &judged);
                judged.answer
            }
        };
        if arrival.behind_waypoint && answer.outcome == Outcome::Reset && http {
            // What the waypoint cannot reach is 503 to its client.
            answer.outcome = Outcome::Unavailable;
        }
        if answer.outcome == Outcome::Ok
            && let Some(fate) = fate
        {
            return Ok(fate);
        }
        Ok(answer)
    }

    fn enforcer_name(&self, pod: &Pod<'_>, port: Option<u16>) -> Option<&'static str> {
        let unproxied = port.is_some_and(|port| pod.ports.get(&port) == Some(&Protocol::Unproxied));
        match (pod.gateway, pod.data_plane) {
            (Some(_), _) => Some("gateway"),
            (None, DataPlane::None) => None,
            (None, _) if unproxied => None,
            (None, DataPlane::Sidecar) => Some("sidecar"),
            (None, DataPlane::Ambient) => Some("ztunnel"),
        }
    }

    /// Fills in what HTTP says of a request; `Some` where HTTP itself refuses it.
    fn prepare(&self, facts: &mut Facts, request: &Request, place: &str) -> Result<Option<Answer>, Unknown> {
        if !facts.http {
            return Ok(None);
        }
        if request.http2 && !METHODS.contains(&facts.method.as_str()) && self.comes_by_a_proxy(&request.caller) {
            let why = "whether the caller's proxy goes on with HTTP/2, where any method passes, depends on the name of the Service port";
            return Err(Unknown::Other(why.to_owned()));
        }
        match http::read(request, &facts.method, self.inventory.mesh.normalization)? {
            Head::Read { path, query } => {
                facts.path = path;
                facts.query = query;
                Ok(None)
            }
            Head::Refused(why) => Ok(Some(Answer {
                outcome: Outcome::BadRequest,
                stage: Some(Stage::Http),
                why: format!("{place}: {why}"),
                because: Vec::new(),
            })),
        }
    }

    /// The host that is said, else the full name of the Service; clients of a gateway call it by any name.
    fn host(&self, pod: &Pod<'_>, request: &Request, service: Option<&Service>) -> Host {
        let domain = &self.inventory.mesh.domain;
        match (&request.host, service) {
            (Some(host), _) => Host::Is(host.clone()),
            (None, Some(service)) => Host::Is(service.host(domain)),
            (None, None) if pod.gateway.is_some() => Host::Unknown,
            (None, None) => Host::Ends(format!(".{}.svc.{domain}", pod.namespace)),
        }
    }

    fn pod_policy(&self, index: usize) -> Option<&Effective> {
        let compose = || {
            let enforcer = Enforcer::of(self.inventory.workloads.get(index)?)?;
            let effective = Effective::compose(&self.homes, self.inventory, self.target, enforcer);
            Some(Box::new(effective))
        };
        self.pods.get(index)?.get_or_init(compose).as_deref()
    }

    fn waypoint_policy(&self, at: usize, service: &Service, namespace: &str, name: &str) -> Option<&Effective> {
        let compose = || {
            let enforcer = Enforcer::Waypoint {
                waypoint: (namespace, name),
                service: (&service.namespace, &service.name),
            };
            Box::new(Effective::compose(&self.homes, self.inventory, self.target, enforcer))
        };
        self.waypoints.get(at).map(|cell| &**cell.get_or_init(compose))
    }
}

fn nothing_there(why: &str) -> Answer {
    Answer {
        outcome: Outcome::Ok,
        stage: None,
        why: why.to_owned(),
        because: Vec::new(),
    }
}

/// The port that is meant, and whether HTTP is spoken there.
fn port_and_protocol(pod: &Pod<'_>, request: &Request) -> Result<(Option<u16>, bool), Unknown> {
    let http_ports: Vec<u16> = pod
        .ports
        .iter()
        .filter(|(_, p)| p.is_http())
        .map(|(port, _)| *port)
        .collect();
    let port = match (request.port, http_ports.as_slice()) {
        (Some(port), _) => Some(port),
        (None, [only]) => Some(*only),
        (None, []) if pod.ports.is_empty() => None,
        (None, _) => {
            return Err(Unknown::Other(
                "the pod has not exactly one HTTP port, so the port must be said (`port`)".to_owned(),
            ));
        }
    };
    let declared = port.and_then(|port| pod.ports.get(&port)).copied();
    let http = match declared {
        Some(Protocol::Unproxied) | None => request.http.unwrap_or_else(|| request.has_http_fact()),
        Some(protocol) => protocol.is_http(),
    };
    if port.is_none() && !http {
        return Err(Unknown::Port);
    }
    Ok((port, http))
}

/// Headers, parameters and tokens of a request.
pub(crate) fn carried(request: &Request) -> Carried {
    let query = request
        .path
        .as_deref()
        .and_then(|path| path.split('#').next()?.split_once('?'))
        .map_or("", |(_, query)| query);
    let params = query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (places::unescape(name), places::unescape(value))
    });
    Carried {
        headers: http::headers(request),
        params: params.collect(),
        tokens: request.tokens.clone(),
        texts: Arc::clone(&request.texts),
    }
}

/// The namespace in a Service's full name.
pub(crate) fn namespace_of<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let inside = host.strip_suffix(domain)?.strip_suffix(".svc.")?;
    inside.split_once('.').map(|(_, namespace)| namespace)
}

/// The principal of an account in this mesh.
fn principal(account: &Account, inventory: &Inventory) -> String {
    account.principal(&inventory.mesh.trust_domain)
}
