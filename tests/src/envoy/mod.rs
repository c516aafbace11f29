//! What does a real proxy answer? istiod's own code configures each proxy of a scenario, one real Envoy plays all of them
//! on loopback, and real connections ask it.
//!
//! A request states its source and its destination in a PROXY header, so that "who called" and "which port was called"
//! mean in Envoy what they mean in a mesh, although every byte stays on 127.0.0.1.

mod authorizer;
mod bootstrap;
mod client;
mod http2;
pub mod keys;
mod loopback;
mod process;
pub mod request;
mod scenario;
mod tunnel;
mod wire;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::parts::{Envoy, Generators, ProxyKind};
use authorizer::Authorizer;
use client::{Dial, Message};
use keys::{Authorities, KeySets};
use loopback::Files;
use process::Process;
use request::{Authority, Request, Seen, Version};
pub use scenario::{Outbound, Pod, Scenario, Served, USE_WAYPOINT};

/// What Istio's client side offers; filter chains of servers match on it.
const ALPN_HTTP: &[&str] = &["istio-http/1.1", "istio", "http/1.1"];
const ALPN_HTTP2: &[&str] = &["istio-h2", "istio", "h2"];
const ALPN_TCP: &[&str] = &["istio-peer-exchange", "istio"];

/// Enough to keep one Envoy busy while answers are on their way.
const THREADS: usize = 4;

/// So many requests share a connection at most.
const PIPELINE: usize = 50;

/// Scenarios, configured by istiod and played by one Envoy.
pub struct Mesh<'k> {
    process: Process,
    /// Asked by the proxies while they run.
    _authorizer: Authorizer,
    keys: &'k Keys,
    /// By scenario and proxy.
    proxies: BTreeMap<(usize, String), Played>,
    /// The proxy of each scenario that is asked where a request names none.
    firsts: Vec<String>,
    /// Removed when the mesh is dropped.
    _folder: TempDir,
    pub timing: Timing,
}

/// Where a proxy of a scenario is.
struct Played {
    kind: ProxyKind,
    ip: IpAddr,
    /// By port of a gateway; of all others there is one, of port 0.
    listeners: BTreeMap<u16, SocketAddr>,
}

/// Seconds that were spent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    pub configure: f64,
    pub start: f64,
    /// Resident bytes of Envoy.
    pub memory: u64,
}

/// Identities and tokens, which many meshes can share.
pub struct Keys {
    pub authorities: Authorities,
    pub sets: KeySets,
    tls: Mutex<HashMap<Client, Arc<rustls::ClientConfig>>>,
}

/// An identity, who signed it, what is offered, and whether it is for a tunnel.
type Client = (Option<String>, Authority, Vec<String>, bool);

impl Keys {
    /// New ones, with key sets of these names.
    pub fn new(sets: &[&str]) -> Result<Self> {
        Ok(Self {
            authorities: Authorities::new()?,
            sets: KeySets::new(sets)?,
            tls: Mutex::default(),
        })
    }

    /// `text` with each `${jwks:NAME}` replaced by that key set, as part of a JSON string.
    pub fn fill(&self, text: &str) -> Result<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once("${jwks:") {
            let (name, after) = tail.split_once('}').context("`${jwks:` has no end")?;
            let quoted = Value::from(self.sets.jwks(name)?).to_string();
            out.push_str(before);
            out.push_str(quoted.trim_matches('"'));
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn tls(
        &self,
        peer: &str,
        (authority, tunnel): (Authority, bool),
        alpn: &[String],
    ) -> Result<Arc<rustls::ClientConfig>> {
        let identity = (!peer.is_empty()).then(|| peer.to_owned());
        let wanted = (identity, authority, alpn.to_vec(), tunnel);
        let mut made = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(&wanted) {
            return Ok(Arc::clone(config));
        }
        let leaf = match &wanted.0 {
            Some(identity) => Some(self.authorities.client(identity, authority)?),
            None => None,
        };
        let config = client::tls(leaf.as_ref(), alpn, tunnel)?;
        made.insert(wanted, Arc::clone(&config));
        Ok(config)
    }
}

/// What istiod makes of scenarios, ready to be played.
pub struct Configured {
    pub scenarios: Vec<Scenario>,
    /// Objects that were left out because a cluster would not have stored them.
    pub refused: usize,
    listeners: Vec<Value>,
    clusters: Vec<Value>,
    folder: TempDir,
    seconds: f64,
}

/// What is to be done with objects that a cluster would not store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// They are a mistake.
    Fail,
    /// They are left out of their scenario.
    LeaveOut,
}

impl Configured {
    /// Has the proxies of all scenarios configured, and their listeners rewritten.
    pub fn new(
        scenarios: Vec<Scenario>,
        refused: Refused,
        generators: &mut Generators<'_>,
        keys: &Keys,
    ) -> Result<Self> {
        let started = Instant::now();
        let folder = tempfile::tempdir()?;
        let certificate = folder.path().join("server.pem");
        let authority = folder.path().join("mesh.pem");
        fs::write(
            &certificate,
            keys.authorities.server("cluster.local/ns/test/sa/server")?,
        )?;
        fs::write(&authority, keys.authorities.mesh())?;
        let files = Files {
            certificate: &certificate,
            authority: &authority,
        };
        let mut configured = Self {
            scenarios,
            refused: 0,
            listeners: Vec::new(),
            clusters: Vec::new(),
            folder,
            seconds: 0.0,
        };
        for ambient in [false, true] {
            let of_kind = configured.scenarios.iter().enumerate();
            let mut open: Vec<usize> = of_kind
                .filter(|(_, it)| it.is_ambient() == ambient)
                .map(|(at, _)| at)
                .collect();
            while !open.is_empty() {
                let asked = open.iter().filter_map(|index| configured.scenarios.get(*index));
                let asked: Vec<_> = asked
                    .map(|scenario| scenario.to_generator(keys, Outbound::None))
                    .collect::<Result<_>>()?;
                let mut again = Vec::new();
                generators.of(ambient)?.generate(&asked, |nth, generated| {
                    let index = open.get(nth).copied().context("an answer to no question")?;
                    let scenario = configured
                        .scenarios
                        .get_mut(index)
                        .context("an answer to no question")?;
                    if let Some(first) = generated.refused.first() {
                        // What meshc emits is never refused.
                        if refused == Refused::Fail || scenario.program.is_some() {
                            bail!("{}: a cluster refuses {first:?}", scenario.name);
                        }
                        let before = scenario.objects.len();
                        scenario
                            .objects
                            .retain(|object| !generated.refused.iter().any(|it| it.is_about(object)));
                        configured.refused += before - scenario.objects.len();
                        if before == scenario.objects.len() {
                            bail!("{}: what is refused is not there: {first:?}", scenario.name);
                        }
                        again.push(index);
                        return Ok(());
                    }
                    for ((pod, kind), configuration) in scenario.proxies().zip(generated.proxies.iter().flatten()) {
                        let routes = configuration.routes.iter();
                        let routes = routes
                            .filter_map(|routes| Some((routes.get("name")?.as_str()?, routes)))
                            .collect();
                        for listener in &configuration.listeners {
                            if let Some(port) = served(kind, listener) {
                                let name = format!("{index}/{pod}/{port}");
                                configured
                                    .listeners
                                    .push(loopback::rewrite(&name, listener, &routes, &files)?);
                            }
                        }
                        if kind == ProxyKind::Waypoint {
                            let front = loopback::front(&format!("{index}/{pod}"), configuration, &routes, &files)?;
                            configured.listeners.extend(front.listeners);
                            configured.clusters.push(front.cluster);
                        }
                    }
                    Ok(())
                })?;
                open = again;
            }
        }
        configured.seconds = started.elapsed().as_secs_f64();
        Ok(configured)
    }
}

impl<'k> Mesh<'k> {
    /// Starts the proxies of all scenarios.
    pub fn start(configured: Configured, envoy: &Envoy, keys: &'k Keys) -> Result<Self> {
        let started = Instant::now();
        let folder = configured.folder.path();
        let authorizer = Authorizer::start(&folder.join(bootstrap::GRPC_AUTHORIZER))?;
        let process = Process::start(
            envoy,
            &bootstrap::config(configured.listeners, configured.clusters, folder),
            folder,
        )?;
        let addresses = process.listeners()?;
        let mut proxies = BTreeMap::new();
        let mut firsts = Vec::new();
        for (index, scenario) in configured.scenarios.iter().enumerate() {
            firsts.push(scenario.pods.first().map(Pod::to_string).unwrap_or_default());
            for (pod, kind) in scenario.proxies() {
                let prefix = format!("{index}/{pod}/");
                let own = addresses
                    .range(prefix.clone()..)
                    .take_while(|(name, _)| name.starts_with(&prefix));
                let ports =
                    own.filter_map(|(name, address)| Some((name.strip_prefix(&prefix)?.parse().ok()?, *address)));
                let played = Played {
                    kind,
                    ip: pod.ip,
                    listeners: ports.collect(),
                };
                proxies.insert((index, pod.to_string()), played);
            }
        }
        Ok(Self {
            timing: Timing {
                configure: configured.seconds,
                start: started.elapsed().as_secs_f64(),
                memory: process.memory(),
            },
            process,
            _authorizer: authorizer,
            keys,
            proxies,
            firsts,
            _folder: configured.folder,
        })
    }

    /// Resident bytes of Envoy now.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.process.memory()
    }

    /// What comes of each request, with the index of its scenario. Requests that could come over one connection do.
    pub fn ask(&self, requests: &[(usize, &Request)]) -> Result<Vec<Seen>> {
        let mut shared: HashMap<Shared<'_>, Vec<usize>> = HashMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (at, (scenario, request)) in requests.iter().enumerate() {
            if request.path.is_none() || is_risky(request) {
                groups.push(vec![at]);
                continue;
            }
            let open = shared.entry(Shared::of(*scenario, request)).or_default();
            open.push(at);
            if open.len() == PIPELINE {
                groups.push(std::mem::take(open));
            }
        }
        #[expect(clippy::iter_over_hash_type, reason = "the answers are put in order again")]
        for (_, open) in shared {
            groups.push(open);
        }
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Seen)>> {
            let mut seen = Vec::new();
            while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.ask_group(requests, group, &mut seen)?;
            }
            Ok(seen)
        };
        let mut all = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
            let mut all = Vec::with_capacity(requests.len());
            for thread in threads {
                match thread.join() {
                    Ok(seen) => all.extend(seen?),
                    Err(_) => bail!("a client thread panicked"),
                }
            }
            Ok(all)
        })?;
        all.sort_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, seen)| seen).collect())
    }

    fn ask_group(&self, requests: &[(usize, &Request)], group: &[usize], seen: &mut Vec<(usize, Seen)>) -> Result<()> {
        let mut left = group;
        while let Some(first) = left.first().and_then(|at| requests.get(*at)) {
            let Some(dial) = self.dial(first.0, first.1)? else {
                seen.extend(left.iter().map(|at| (*at, Seen::Refused)));
                break;
            };
            let asked = left
                .iter()
                .filter_map(|at| requests.get(*at))
                .map(|(_, request)| *request);
            let came = if first.1.version == Version::Http1 {
                let messages = asked.enumerate().map(|(nth, request)| {
                    Ok(Message {
                        bytes: wire::message(request, &self.keys.sets, now(), nth + 1 == left.len())?,
                        bodiless: request.method == "HEAD",
                    })
                });
                client::converse(&dial, &messages.collect::<Result<Vec<_>>>()?)?
            } else {
                let sent = asked.map(|request| request.with_texts(&self.keys.sets, now()));
                http2::converse(&dial, &sent.collect::<Result<Vec<_>>>()?)?
            };
            if let [seen_at_once @ (Seen::Reset | Seen::TlsError)] = came.as_slice() {
                // It ended before any request was looked at, so it would for each of them.
                seen.extend(left.iter().map(|at| (*at, seen_at_once.clone())));
                break;
            }
            let (answered, rest) = left.split_at(came.len().clamp(1, left.len()));
            seen.extend(answered.iter().copied().zip(came));
            left = rest;
        }
        Ok(())
    }

    /// `None`: nobody listens there.
    fn dial(&self, scenario: usize, request: &Request) -> Result<Option<Dial>> {
        let first = self.firsts.get(scenario).map(String::as_str).unwrap_or_default();
        let to = if request.to.is_empty() { first } else { &request.to };
        let played = self.proxies.get(&(scenario, to.to_owned()));
        let played = played.with_context(|| format!("there is no proxy `{to}`"))?;
        // Who is not in the tunnel does not come to a waypoint.
        let tunnel = played.kind == ProxyKind::Waypoint;
        let port = if tunnel { loopback::TUNNEL } else { request.port };
        let Some(address) = played.listeners.get(&port).or_else(|| played.listeners.get(&0)) else {
            return Ok(None);
        };
        let destination = SocketAddr::from((request.destination.unwrap_or(played.ip), request.port));
        let default = match (&request.path, request.version) {
            _ if tunnel => tunnel::ALPN,
            (None, _) => ALPN_TCP,
            (Some(_), Version::Http1) => ALPN_HTTP,
            (Some(_), Version::Http2 | Version::Grpc) => ALPN_HTTP2,
        };
        let default = || default.iter().map(|name| (*name).to_owned()).collect();
        let tls = match &request.peer {
            Some(peer) => {
                let alpn = request.alpn.clone().unwrap_or_else(default);
                Some(self.keys.tls(peer, (request.authority, tunnel), &alpn)?)
            }
            None => None,
        };
        Ok(Some(Dial {
            address: *address,
            header: wire::proxy_header(request.source, destination)?,
            tls,
            sni: request.sni.clone(),
            through: tunnel.then(|| destination.to_string()),
        }))
    }
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

/// Requests that HTTP itself may refuse, with which the connection ends: they do not share one.
fn is_risky(request: &Request) -> bool {
    let plain = |path: &String| path.starts_with('/') && path.is_ascii() && !path.contains("%00");
    let method = request.method.bytes().all(|byte| byte.is_ascii_uppercase());
    !method || !request.path.as_ref().is_none_or(plain)
}

/// What requests on one connection have in common.
#[derive(PartialEq, Eq, Hash)]
struct Shared<'r> {
    scenario: usize,
    to: &'r str,
    ends: (IpAddr, Option<IpAddr>, u16),
    peer: Option<(&'r str, Authority)>,
    alpn: Option<&'r [String]>,
    sni: Option<&'r str>,
    version: Version,
}

impl<'r> Shared<'r> {
    fn of(scenario: usize, request: &'r Request) -> Self {
        Self {
            scenario,
            to: &request.to,
            ends: (request.source, request.destination, request.port),
            peer: request.peer.as_deref().map(|peer| (peer, request.authority)),
            alpn: request.alpn.as_deref(),
            sni: request.sni.as_deref(),
            version: request.version,
        }
    }
}

/// The port under which this listener answers requests, 0 for all of them; `None`: it takes no part.
fn served(kind: ProxyKind, listener: &Value) -> Option<u16> {
    let name = listener.get("name").and_then(Value::as_str);
    match kind {
        ProxyKind::Sidecar => (name == Some("virtualInbound")).then_some(0),
        // It is reached by its tunnel.
        ProxyKind::Waypoint => None,
        ProxyKind::Router => {
            let port = listener.pointer("/address/socketAddress/portValue")?.as_u64()?;
            let chains = listener.get("filterChains")?.as_array()?;
            u16::try_from(port).ok().filter(|_| !chains.is_empty())
        }
    }
}
