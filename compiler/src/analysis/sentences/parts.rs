//! The parts into which a place's requests are cut by what is decided before any rule: by port, and by whether the caller
//! has an identity.

use super::super::atoms::Fact;
use super::super::cube::Cube;
use super::super::gate::{Gate, Kind};
use super::super::place::Place;
use crate::policy::MtlsMode;
use crate::policy::effective::rules::Matcher;
use crate::policy::effective::strings::{PeerMatch, StringMatch};
use crate::policy::inventory::Protocol;

/// Requests to one port, or to all that are alike, of callers with an identity or without.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) cube: Cube,
    /// `None`: any of those that are alike.
    pub(crate) port: Option<u16>,
    /// Whether the caller has an identity.
    pub(crate) known: bool,
    pub(crate) arrival: Arrival,
    /// Whether the port is one of those that matter: the pods declare it, or none is declared.
    pub(crate) declared: bool,
    /// The port, if it is one that no proxy takes.
    pub(crate) unproxied: Option<u16>,
}

/// What becomes of requests before any rule is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The rules are asked.
    AtRules,
    /// TLS refuses all of them.
    Refused,
    /// They reach the application, and nobody asks the rules.
    Past,
    /// Not known, for this reason.
    Unknown(String),
}

/// The parts of a gate's requests. At ztunnel HTTP requests are connections to its gate, and `http` tells them apart.
pub(super) fn parts(place: &Place<'_>, gate: &Gate<'_>, http: bool, accepted: &Accepted) -> Vec<Part> {
    let gateway = place.kind() == Some(Kind::Gateway);
    let ports = special_ports(place);
    let any_declared = place.protocols().next().is_some();
    let mut at: Vec<(Option<u16>, Option<Cube>, bool)> = Vec::new();
    for port in &ports {
        let fits = match spoken(place, *port) {
            // What no proxy takes may be anything.
            Some(Protocol::Unproxied) => true,
            Some(protocol) => protocol.is_http() == http,
            // No Service leads to it, and no gateway listens on it.
            None => !any_declared || !gateway,
        };
        if fits {
            let declared = !any_declared || spoken(place, *port).is_some();
            let cube = gate.space.cube(&Fact::Port, &[Matcher::Port(*port)], true);
            at.push((Some(*port), cube, declared));
        }
    }
    if !any_declared || !gateway {
        let matchers: Vec<Matcher> = ports.iter().map(|port| Matcher::Port(*port)).collect();
        let other = (1..=u16::MAX).find(|port| !ports.contains(port));
        let cube = if ports.is_empty() {
            Some(Cube::default())
        } else {
            gate.space.cube(&Fact::Port, &matchers, false)
        };
        at.push((other, cube, !any_declared));
    }
    let mut parts = Vec::new();
    for (port, cube, declared) in at {
        let Some(cube) = cube else { continue };
        let unproxied = port.filter(|port| spoken(place, *port) == Some(Protocol::Unproxied));
        for known in [false, true] {
            let peers = if known {
                accepted.cube(gate, &accepted.domains)
            } else {
                gate.space.presence(&Fact::Peer, false)
            };
            if let Some(cube) = peers.and_then(|peers| peers.and(&cube).ok()) {
                parts.push(Part {
                    cube,
                    port,
                    known,
                    arrival: arrival(place, port, known),
                    declared,
                    unproxied,
                });
            }
        }
        let foreign = accepted.cube(gate, &accepted.unclear);
        if !accepted.unclear.is_empty()
            && let Some(cube) = foreign.and_then(|foreign| foreign.and(&cube).ok())
        {
            let why = "whether ztunnel accepts certificates of other trust domains depends on its release";
            parts.push(Part {
                cube,
                port,
                known: true,
                arrival: Arrival::Unknown(why.to_owned()),
                declared,
                unproxied,
            });
        }
    }
    parts
}

fn spoken(place: &Place<'_>, port: u16) -> Option<Protocol> {
    place
        .protocols()
        .find(|(own, _)| *own == port)
        .map(|(_, protocol)| protocol)
}

/// The ports that differ from all others: declared ones, and those with a mode of their own.
pub(super) fn special_ports(place: &Place<'_>) -> Vec<u16> {
    let mut ports: Vec<u16> = place.ports().chain(place.effective().mtls.ports()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The tests of callers' trust domains.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    /// Those that are accepted.
    pub(super) domains: Vec<Matcher>,
    /// Those of which it is not known.
    pub(super) unclear: Vec<Matcher>,
    /// The form that an identity must have; empty where any will do.
    pub(super) form: Vec<Matcher>,
}

impl Accepted {
    pub(super) fn at(place: &Place<'_>) -> Self {
        let mesh = &place.judge.inventory().mesh;
        let others = mesh.aliases.iter().chain(&mesh.trusts).map(String::as_str);
        let test = |domain: &str| Matcher::Peer(PeerMatch::trust_domain(domain));
        let mut accepted = Self {
            domains: vec![test(&mesh.trust_domain)],
            unclear: Vec::new(),
            form: Vec::new(),
        };
        let list = if place.has_ztunnel() {
            // Of four parts, or ztunnel does not read it.
            accepted.form.push(Matcher::ZtunnelNamespace(StringMatch::Present));
            &mut accepted.unclear
        } else {
            &mut accepted.domains
        };
        list.extend(others.map(test));
        accepted
    }

    /// The values that a space has to tell apart for it.
    pub(super) fn matchers(&self) -> Vec<Matcher> {
        let lists = [&self.domains, &self.unclear, &self.form];
        lists.into_iter().flatten().cloned().collect()
    }

    fn cube(&self, gate: &Gate<'_>, domains: &[Matcher]) -> Option<Cube> {
        let cube = gate.space.cube(&Fact::Peer, domains, true)?;
        if self.form.is_empty() {
            return Some(cube);
        }
        cube.and(&gate.space.cube(&Fact::Peer, &self.form, true)?).ok()
    }
}

/// What becomes of callers with or without an identity at a port.
fn arrival(place: &Place<'_>, port: Option<u16>, known: bool) -> Arrival {
    let refused = |refused| if refused { Arrival::Refused } else { Arrival::AtRules };
    let gateway = place.kind() == Some(Kind::Gateway);
    match port.and_then(|port| spoken(place, port)) {
        Some(Protocol::Unproxied) if gateway => {
            return Arrival::Unknown("what a gateway does at a port that it does not take is not known".to_owned());
        }
        Some(Protocol::Unproxied) if known => return Arrival::Refused,
        Some(Protocol::Unproxied) => return Arrival::Past,
        Some(Protocol::HttpsMutual) if gateway => return refused(!known),
        _ if gateway || place.judge.target().is_legacy() => return Arrival::AtRules,
        _ => {}
    }
    let mtls = &place.effective().mtls;
    let mode = if place.has_ztunnel() {
        mtls.at_ztunnel(port)
    } else {
        mtls.at(port)
    };
    match mode {
        Ok(mode) => match mode.mode {
            MtlsMode::Strict => refused(!known),
            MtlsMode::Disable => refused(known),
            MtlsMode::Permissive | MtlsMode::Unset => Arrival::AtRules,
        },
        Err(unknown) => Arrival::Unknown(unknown.to_string()),
    }
}
