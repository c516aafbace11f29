//! A scenario as meshc understands it, and what meshc says of a request.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use meshc::backends::{envoy, manifests};
use meshc::diagnostics::{Diagnostics, Severity};
use meshc::jwt::{KeyFiles, TokenReader};
use meshc::policy::effective::{Effective, Enforcer, Homes};
use meshc::policy::evaluate::Judge;
use meshc::policy::inventory::{
    Account, DataPlane, Inventory, Mesh, Normalization, Protocol, Provider, Service, Waypoint, Workload, WorkloadKind,
};
use meshc::policy::request::{self as asked, Caller, Destination, Json, TokenState};
use meshc::policy::{Keys as PolicyKeys, PolicySet, Target};
use meshc::source::{FileId, Span};
use serde_json::Value;

use super::program;
use crate::envoy::keys::{claims, set_of};
use crate::envoy::request::{Authority, Decision, Payload, Place, Request, Signed, Token, Version};
use crate::envoy::{Keys, Pod, Scenario, Served};

/// What meshc knows of a scenario.
pub struct Understood {
    policies: PolicySet,
    inventory: Inventory,
    /// The scenario's pods among the workloads of the inventory.
    pods: Vec<usize>,
    /// Reads tokens that stand in requests as texts.
    pub tokens: TokenReader,
}

impl Understood {
    /// Reads its objects as manifests, and the rest as facts.
    pub fn new(scenario: &Scenario, keys: &Keys) -> Result<Self> {
        if let Some(text) = &scenario.program {
            return Self::of_program(scenario, text, keys);
        }
        let mut acc = Diagnostics::default();
        let text = scenario.manifests(keys)?;
        let read = manifests::read(FileId(0), &text, Target::NEWEST, &mut acc);
        let mut errors = acc.into_sorted().into_iter();
        if let Some(error) = errors.find(|it| it.severity == Severity::Error) {
            bail!(
                "{}: meshc refuses what a cluster takes: {}",
                scenario.name,
                error.message
            );
        }
        let workloads: Vec<Workload> = scenario.pods.iter().map(|pod| workload(pod, scenario)).collect();
        let services = scenario.pods.iter().enumerate().map(|(index, pod)| Service {
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            ports: pod
                .ports
                .values()
                .map(|port| (*port, port + pod.target_offset))
                .collect(),
            port_names: BTreeMap::new(),
            headless: false,
            workloads: vec![index],
            waypoint: waypoint_of(pod, scenario).map(|waypoint| (waypoint.namespace.clone(), waypoint.name.clone())),
        });
        let waypoints = scenario.pods.iter().filter(|pod| pod.proxy == Served::Waypoint);
        Ok(Self {
            tokens: TokenReader::new(&read.policies, &KeyFiles::new()),
            pods: (0..workloads.len()).collect(),
            policies: read.policies,
            inventory: Inventory {
                mesh: mesh(&scenario.mesh)?,
                services: services.collect(),
                waypoints: waypoints
                    .map(|pod| Waypoint {
                        namespace: pod.namespace.clone(),
                        name: pod.name.clone(),
                        account: Some(account(pod)),
                    })
                    .collect(),
                workloads,
                ..Inventory::default()
            },
        })
    }

    /// Compiles its program: policies and facts are what the program says.
    fn of_program(scenario: &Scenario, text: &str, keys: &Keys) -> Result<Self> {
        let mut build = program::compile(text, keys)?;
        give_one_age(&mut build.policies);
        let inventory = build.facts.inventory;
        let index = |pod: &Pod| {
            let own = |it: &Workload| it.namespace == pod.namespace && it.name == pod.name;
            let index = inventory.workloads.iter().position(own);
            index.with_context(|| format!("the program does not know the pod {pod}"))
        };
        Ok(Self {
            tokens: TokenReader::new(&build.policies, &KeyFiles::new()),
            pods: scenario.pods.iter().map(index).collect::<Result<_>>()?,
            policies: build.policies,
            inventory,
        })
    }

    /// The filters that meshc makes for a pod, as an index into the scenario's; `None` where it makes none.
    #[must_use]
    pub fn filters(&self, pod: usize, http: bool) -> Option<Vec<Value>> {
        let homes = Homes::new(&self.policies);
        let enforcer = Enforcer::of(self.inventory.workloads.get(*self.pods.get(pod)?)?)?;
        let effective = Effective::compose(&homes, &self.inventory, Target::NEWEST, enforcer);
        if http {
            envoy::http_filters(&effective)
        } else {
            envoy::network_filters(&effective)
        }
    }

    /// Ready to be asked.
    #[must_use]
    pub fn judge(&self) -> Judge<'_> {
        Judge::new(&self.policies, &self.inventory, Target::NEWEST)
    }
}

/// As the objects of a program are given to istiod's code.
fn give_one_age(policies: &mut PolicySet) {
    let peers = policies.peer_authentications.iter_mut().map(|it| &mut it.meta);
    let tokens = policies.request_authentications.iter_mut().map(|it| &mut it.meta);
    for meta in peers.chain(tokens) {
        meta.created.get_or_insert(0);
    }
}

/// What meshc says, in the words of tests; an error is its reason for not answering.
pub fn answer(judge: &Judge<'_>, request: &asked::Request) -> Result<&'static str, String> {
    judge
        .answer(request)
        .map(|answer| answer.outcome.word())
        .map_err(|unknown| unknown.to_string())
}

/// What a proxy did, in the same words: an echo is an application that was reached, as is one for which no route is known.
#[must_use]
pub fn as_outcome(seen: &str) -> &str {
    if matches!(seen, "echo" | "404") { "200" } else { seen }
}

/// The request in meshc's terms; `None`: it says something that they have no word for.
pub fn question(
    understood: &Understood,
    scenario: &Scenario,
    request: &Request,
    keys: &Keys,
    now: i64,
) -> Result<Option<asked::Request>> {
    let nameless =
        request.authority == Authority::Foreign || request.alpn.is_some() || request.payload == Payload::ForeignTls;
    let called = |pod: &&Pod| request.to.is_empty() || pod.to_string() == request.to;
    let proxy = scenario.pods.iter().find(called);
    let proxy = proxy.with_context(|| format!("no pod `{}`", request.to))?;
    // A waypoint is asked for the Service whose address is called.
    let meant = |pod: &Pod| match proxy.proxy {
        Served::Waypoint => pod.is_served_by(proxy) && Some(pod.vip) == request.destination,
        Served::Sidecar | Served::Gateway | Served::None => pod == proxy,
    };
    let index = scenario.pods.iter().position(meant).context("no such pod")?;
    let pod = scenario.pods.get(index).context("no such pod")?;
    let workload = *understood.pods.get(index).context("no such pod")?;
    let waypoint = proxy.proxy == Served::Waypoint;
    let port = if waypoint {
        request.port + pod.target_offset
    } else {
        request.port
    };
    let caller = match &request.peer {
        None => Caller::Outsider,
        // To a gateway that asks for no certificate.
        Some(peer) if peer.is_empty() && pod.proxy == Served::Gateway => Caller::Outsider,
        Some(peer) if peer.is_empty() => return Ok(None),
        Some(_) if nameless => return Ok(None),
        Some(peer) => Caller::Principal(peer.clone()),
    };
    if request.payload == Payload::ForeignTls {
        return Ok(None);
    }
    let sent = request.all_headers()?;
    let headers = sent.iter().map(|header| {
        let (name, value) = header.split_once(':').context("a header without a colon")?;
        Ok((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()))
    });
    let http = request.path.is_some();
    let spoken = pod.ports.iter().find(|(_, own)| **own + pod.target_offset == port);
    if !http && spoken.and_then(|(name, _)| protocol(name, false)) == Some(Protocol::Http) {
        // Bytes that are no HTTP, to a port that takes nothing else.
        return Ok(None);
    }
    let tokens = request.tokens.iter().map(|one| token(one, keys, now));
    let answers = request.answers.iter();
    let answers = answers.map(|(provider, decision)| (provider.clone(), *decision == Decision::Allow));
    Ok(Some(asked::Request {
        port: Some(port),
        service_port: waypoint.then_some(request.port),
        peer_ip: Some(request.source),
        destination_ip: Some(request.destination.unwrap_or(pod.ip)),
        sni: request.sni.clone(),
        http: Some(http),
        http2: request.version != Version::Http1,
        method: http.then(|| request.method.clone()),
        path: request.path.clone(),
        host: http.then(|| request.host.clone()),
        headers: headers.collect::<Result<_>>()?,
        tokens: tokens.collect::<Result<_>>()?,
        answers: answers.collect(),
        now: Some(now),
        ..asked::Request::new(Destination::Known(workload), caller)
    }))
}

fn token(token: &Token, keys: &Keys, now: i64) -> Result<asked::Token> {
    let said = claims(token, now).into_iter().map(|(name, value)| (name, json(value)));
    Ok(asked::Token {
        keys: PolicyKeys::Inline(keys.sets.jwks(set_of(token))?.to_owned()),
        issuer: None,
        claims: said.collect(),
        state: match token.signed {
            Signed::Right => TokenState::Valid,
            Signed::Forged => TokenState::Forged,
        },
        place: match &token.place {
            Place::Header(name, prefix) => asked::Place::Header {
                name: name.to_ascii_lowercase(),
                prefix: prefix.clone(),
            },
            Place::Param(name) => asked::Place::Param(name.clone()),
            Place::Cookie(name) => asked::Place::Cookie(name.clone()),
        },
    })
}

fn json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(it) => Json::Bool(it),
        Value::Number(it) => Json::Number(it.as_f64().unwrap_or_default()),
        Value::String(it) => Json::String(it),
        Value::Array(items) => Json::List(items.into_iter().map(json).collect()),
        Value::Object(fields) => Json::Object(fields.into_iter().map(|(name, value)| (name, json(value))).collect()),
    }
}

/// The waypoint through which the requests to a pod's Service go.
fn waypoint_of<'s>(pod: &Pod, scenario: &'s Scenario) -> Option<&'s Pod> {
    scenario.pods.iter().find(|waypoint| pod.is_served_by(waypoint))
}

fn account(pod: &Pod) -> Account {
    Account {
        namespace: pod.namespace.clone(),
        name: pod.account().to_owned(),
    }
}

fn workload(pod: &Pod, scenario: &Scenario) -> Workload {
    let gateway = pod.proxy == Served::Gateway;
    let ports = pod
        .ports
        .iter()
        .filter_map(|(name, port)| Some((port + pod.target_offset, protocol(name, gateway)?)));
    Workload {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        kind: if gateway {
            WorkloadKind::Gateway {
                gateway_api: false,
                trusted_proxies: 0,
            }
        } else {
            WorkloadKind::Application
        },
        labels: pod.all_labels(),
        account: Some(account(pod)),
        ports: ports.collect(),
        data_plane: match pod.proxy {
            Served::Sidecar | Served::Gateway => DataPlane::Sidecar,
            Served::None if waypoint_of(pod, scenario).is_some() => DataPlane::Ambient,
            Served::Waypoint | Served::None => DataPlane::None,
        },
        also: Vec::new(),
        stands_for: Vec::new(),
        origin: Span::default(),
    }
}

/// What the name of a port says; `None`: Envoy finds it out.
fn protocol(name: &str, gateway: bool) -> Option<Protocol> {
    match name.split('-').next()? {
        "http" | "http2" | "grpc" => Some(Protocol::Http),
        "https" if gateway => Some(Protocol::Https),
        "https" | "tls" => Some(Protocol::Tls),
        "tcp" => Some(Protocol::Tcp),
        _ => None,
    }
}

fn providers(settings: &Value) -> Result<BTreeMap<String, Provider>> {
    let all = settings.get("extensionProviders").and_then(Value::as_array);
    let all = all.into_iter().flatten().map(|provider| {
        let name = provider.get("name").and_then(Value::as_str);
        let grpc = provider.get("envoyExtAuthzGrpc").is_some();
        Ok((name.context("a provider without a name")?.to_owned(), Provider { grpc }))
    });
    all.collect()
}

/// The settings that policies depend on.
fn mesh(settings: &Value) -> Result<Mesh> {
    let default = Mesh::default();
    let text = |pointer: &str| settings.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let list = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let authorities = settings
        .get("caCertificates")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Ok(Mesh {
        trust_domain: text("/trustDomain").unwrap_or(default.trust_domain),
        aliases: list(settings.get("trustDomainAliases")),
        trusts: authorities
            .flat_map(|authority| list(authority.get("trustDomains")))
            .collect(),
        normalization: match text("/pathNormalization/normalization").as_deref() {
            None | Some("DEFAULT" | "BASE") => Normalization::Base,
            Some("NONE") => Normalization::None,
            Some("MERGE_SLASHES") => Normalization::MergeSlashes,
            Some("DECODE_AND_MERGE_SLASHES") => Normalization::DecodeAndMergeSlashes,
            Some(other) => bail!("no normalization `{other}`"),
        },
        auto_mtls: settings.pointer("/enableAutoMtls") != Some(&Value::Bool(false)),
        providers: providers(settings)?,
        ..default
    })
}
