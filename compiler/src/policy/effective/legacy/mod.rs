//! What the legacy API puts in force at a pod: at each port the narrowest policy of the Service in front of it, alone.
//!
//! A policy names Services and acts at pods, so a port's policy is that of the Service port which leads to it. Where
//! several could be in force, Istio takes the oldest; without their ages all of them stay candidates.

mod trigger;

use std::collections::{BTreeMap, BTreeSet};

use super::mtls::Mode;
use super::{includes, object_of};
use crate::policy::inventory::{Inventory, Service};
use crate::policy::legacy::{AuthenticationPolicy, Jwt, PeerMethod, PrincipalBinding, ServicePort};
use crate::policy::request::{ObjectRef, Reason, Unknown};
use crate::policy::{HeaderPlace, JwtRule, Keys, MtlsMode, StringMap};
pub(crate) use trigger::Trigger;

/// What may be in force at the ports of one pod.
#[derive(Debug)]
pub struct Legacy {
    /// By their index in the policy set.
    policies: BTreeMap<usize, Authentication>,
    /// Of the ports that a Service leads to.
    ports: BTreeMap<u16, Vec<Held>>,
    /// Of all other ports.
    elsewhere: Vec<Held>,
    /// Whether a Service of the pod is declared, and where all its ports lead.
    has_service: bool,
    /// The policies of the namespace and of the mesh, in this order, which hold where nothing narrower does.
    wide: Vec<usize>,
}

/// What holds at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    /// No Service leads to it: Envoy passes its bytes on.
    Passthrough,
    /// No policy at any level: plaintext, and nothing is asked for.
    Nothing,
    /// By its index.
    Policy(usize),
}

/// A policy, made ready to be asked.
#[derive(Debug)]
pub(crate) struct Authentication {
    pub(crate) reason: Reason,
    pub(crate) peers: Vec<Peer>,
    pub(crate) peer_is_optional: bool,
    pub(crate) origins: Vec<(Issuer, Trigger)>,
    pub(crate) origin_is_optional: bool,
    pub(crate) binds_origin: bool,
}

/// One of `peers`.
#[derive(Debug)]
pub(crate) enum Peer {
    Mtls { permissive: bool },
    Token(Box<Issuer>),
}

/// An issuer whose tokens are looked for.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) rule: JwtRule,
    /// Without keys no token is good.
    pub(crate) has_keys: bool,
}

impl Legacy {
    /// Composes what may be in force at pods with these labels. A gateway's listeners have no passthrough.
    #[must_use]
    pub fn compose(
        policies: &[AuthenticationPolicy],
        inventory: &Inventory,
        (namespace, labels): (&str, &StringMap),
        gateway: bool,
    ) -> Self {
        let services = || {
            let all = inventory.services.iter();
            all.filter(|service| leads_to(inventory, service, namespace, labels))
        };
        let mut ports: BTreeMap<u16, Vec<Held>> = BTreeMap::new();
        for service in services() {
            for (service_port, pod_port) in &service.ports {
                let held = ports.entry(*pod_port).or_default();
                held.extend(of_service_port(policies, service, *service_port));
            }
        }
        // Of a Service port without a pod port it is not known where it leads.
        let is_known = |service: &Service| {
            let leads = |port: &u16| service.pod_port(*port).is_some();
            !service.ports.is_empty() && service.port_names.keys().all(leads)
        };
        let has_service = services().next().is_some() && services().all(is_known);
        let mut elsewhere = vec![if gateway { Held::Nothing } else { Held::Passthrough }];
        if !has_service {
            let declared = |name: &str| {
                let mut all = inventory.services.iter();
                all.any(|service| service.namespace == namespace && service.name == name)
            };
            elsewhere.push(wide(policies, namespace));
            elsewhere.extend(narrow(policies, namespace, |policy| {
                policy.targets.iter().any(|target| !declared(&target.name))
            }));
        }
        for held in ports.values_mut().chain(std::iter::once(&mut elsewhere)) {
            held.sort_unstable();
            held.dedup();
        }
        let wide: Vec<usize> = wide_ones(policies, namespace).collect();
        let levels: Vec<Held> = wide.iter().map(|at| Held::Policy(*at)).collect();
        let used = ports.values().flatten().chain(&elsewhere).chain(&levels);
        let used = used.filter_map(|held| match held {
            Held::Policy(at) => Some((*at, Authentication::of(policies.get(*at)?))),
            Held::Passthrough | Held::Nothing => None,
        });
        Self {
            policies: used.collect(),
            ports,
            elsewhere,
            has_service,
            wide,
        }
    }

    /// The pod ports that a Service leads to.
    pub(crate) fn ports(&self) -> BTreeSet<u16> {
        self.ports.keys().copied().collect()
    }

    /// The policies that hold where nothing narrower does, the narrowest first, by their index.
    pub(crate) fn wide(&self) -> impl Iterator<Item = usize> {
        self.wide.iter().copied()
    }

    /// What would hold at a port without the policy that does, the narrowest first.
    pub(crate) fn over(&self, port: u16) -> Vec<Mode> {
        match self.held(Some(port)).as_slice() {
            [holder @ Held::Policy(_)] => {
                let others = self.wide().map(Held::Policy).filter(|held| held != holder);
                others.map(|held| self.mode_of(held)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What may hold at a port; without a port, at any.
    pub(crate) fn held(&self, port: Option<u16>) -> Vec<Held> {
        let Some(port) = port else {
            let mut all: Vec<Held> = self.ports.values().flatten().chain(&self.elsewhere).copied().collect();
            all.sort_unstable();
            all.dedup();
            return all;
        };
        self.ports.get(&port).unwrap_or(&self.elsewhere).clone()
    }

    /// The issuers of all that may be in force.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.policies.values().flat_map(|policy| {
            let peers = policy.peers.iter().filter_map(|peer| match peer {
                Peer::Token(issuer) => Some(issuer.as_ref()),
                Peer::Mtls { .. } => None,
            });
            peers.chain(policy.origins.iter().map(|(issuer, _)| issuer))
        })
    }

    pub(crate) fn policy(&self, at: usize) -> Option<&Authentication> {
        self.policies.get(&at)
    }

    /// The mode of mutual TLS at a port of a sidecar; without a port, that of all.
    ///
    /// # Errors
    /// The mode depends on what is not known: the port, the Service, or the ages of policies.
    pub fn mode(&self, port: Option<u16>) -> Result<Mode, Unknown> {
        let mut modes = self.held(port).into_iter().map(|held| self.mode_of(held));
        let first = modes.next().unwrap_or_else(|| self.mode_of(Held::Nothing));
        if modes.any(|other| other.mode != first.mode) {
            return Err(self.unclear(port));
        }
        Ok(first)
    }

    /// What would have to be said where candidates differ.
    pub(crate) fn unclear(&self, port: Option<u16>) -> Unknown {
        let why = if !self.has_service {
            "a policy of Istio 1.4 holds at the ports of a Service, and no `service` of this workload is declared with its ports"
        } else if port.is_none() {
            return Unknown::Port;
        } else {
            "several policies could be in force at this port: Istio 1.4 takes the oldest object, and not all ages and names of ports are known"
        };
        Unknown::Other(why.to_owned())
    }

    fn mode_of(&self, held: Held) -> Mode {
        let policy = match held {
            Held::Policy(at) => self.policy(at),
            Held::Passthrough | Held::Nothing => None,
        };
        Mode {
            mode: policy.map_or(MtlsMode::Disable, Authentication::mode),
            by: policy.map(|policy| policy.reason.clone()),
        }
    }
}

/// Whether a Service selects pods with these labels: it does if it selects pods with some of them.
fn leads_to(inventory: &Inventory, service: &Service, namespace: &str, labels: &StringMap) -> bool {
    service.namespace == namespace
        && service.workloads.iter().any(|index| {
            inventory.workloads.get(*index).is_some_and(|workload| {
                let own = &workload.labels;
                own == labels || (!own.is_empty() && includes(labels, own))
            })
        })
}

/// What may hold at a Service port: a policy for it, else the wide one. A port whose name is not known may be any that a
/// policy names.
fn of_service_port(policies: &[AuthenticationPolicy], service: &Service, port: u16) -> Vec<Held> {
    let name = service.port_names.get(&port);
    let covers = |policy: &AuthenticationPolicy, unnamed: bool| {
        let mut targets = policy.targets.iter().filter(|target| target.name == service.name);
        targets.any(|target| {
            let is_port = |wanted: &ServicePort| match wanted {
                ServicePort::Number(wanted) => *wanted == port,
                ServicePort::Name(wanted) => name.map_or(unnamed, |name| name == wanted),
            };
            target.ports.is_empty() || target.ports.iter().any(is_port)
        })
    };
    let namespace = service.namespace.as_str();
    let certain = narrow(policies, namespace, |policy| covers(policy, false));
    let mut held = narrow(policies, namespace, |policy| covers(policy, true));
    if certain == held
        && let Some(oldest) = oldest(policies, &held)
    {
        return vec![oldest];
    }
    if certain.is_empty() {
        held.push(wide(policies, namespace));
    }
    held
}

/// The policy that Istio takes of several: the oldest, and of one age the first by name. `None` where an age is not known.
fn oldest(policies: &[AuthenticationPolicy], held: &[Held]) -> Option<Held> {
    let age = |held: &Held| match held {
        Held::Policy(at) => {
            let meta = &policies.get(*at)?.meta;
            Some((meta.created?, meta.name.clone(), *held))
        }
        Held::Passthrough | Held::Nothing => None,
    };
    let ages: Option<Vec<_>> = held.iter().map(age).collect();
    ages?.into_iter().min().map(|(_, _, held)| held)
}

fn narrow(
    policies: &[AuthenticationPolicy],
    namespace: &str,
    wanted: impl Fn(&AuthenticationPolicy) -> bool,
) -> Vec<Held> {
    let own = |policy: &AuthenticationPolicy| policy.meta.namespace.as_deref() == Some(namespace);
    let all = policies.iter().enumerate();
    all.filter(|(_, policy)| own(policy) && wanted(policy))
        .map(|(at, _)| Held::Policy(at))
        .collect()
}

/// The policy of the namespace, else that of the mesh.
fn wide(policies: &[AuthenticationPolicy], namespace: &str) -> Held {
    wide_ones(policies, namespace)
        .next()
        .map_or(Held::Nothing, Held::Policy)
}

/// The policy of the namespace, then that of the mesh. Each is called `default`; Istio heeds no other.
fn wide_ones(policies: &[AuthenticationPolicy], namespace: &str) -> impl Iterator<Item = usize> {
    let find = |home: Option<&str>| {
        policies.iter().position(|policy| {
            policy.targets.is_empty() && policy.meta.namespace.as_deref() == home && policy.meta.name == "default"
        })
    };
    find(Some(namespace)).into_iter().chain(find(None))
}

impl Authentication {
    fn of(policy: &AuthenticationPolicy) -> Self {
        let of_mesh = policy.meta.namespace.is_none();
        let issuer = |jwt: &Jwt| Issuer {
            rule: token_rule(jwt),
            // No keys are discovered for a MeshPolicy.
            has_keys: !(of_mesh && jwt.keys == Keys::Discovery),
        };
        let origins = policy.origins.iter();
        Self {
            reason: Reason {
                object: object_ref(policy),
                rule: None,
                origin: policy.meta.origin,
            },
            peers: policy
                .peers
                .iter()
                .map(|method| match method {
                    // `allowTls` is not heeded since 1.1.
                    PeerMethod::Mtls { permissive, .. } => Peer::Mtls {
                        permissive: *permissive,
                    },
                    PeerMethod::Jwt(jwt) => Peer::Token(Box::new(issuer(jwt))),
                })
                .collect(),
            peer_is_optional: policy.peer_is_optional,
            origins: origins
                .map(|origin| (issuer(&origin.jwt), Trigger::of(&origin.triggers)))
                .collect(),
            origin_is_optional: policy.origin_is_optional,
            binds_origin: policy.principal_binding == PrincipalBinding::Origin,
        }
    }

    /// What the first `mtls` among the peers says; without one, plaintext is spoken and nothing else.
    fn mode(&self) -> MtlsMode {
        let first = self.peers.iter().find_map(|peer| match peer {
            Peer::Mtls { permissive } => Some(*permissive),
            Peer::Token(_) => None,
        });
        match first {
            Some(true) => MtlsMode::Permissive,
            Some(false) => MtlsMode::Strict,
            None => MtlsMode::Disable,
        }
    }
}

/// As today's rule, so that tokens are found and read by the same code. The token is always forwarded.
/// The object that a policy is.
pub(crate) fn object_ref(policy: &AuthenticationPolicy) -> ObjectRef {
    let of_mesh = policy.meta.namespace.is_none();
    object_of(if of_mesh { "MeshPolicy" } else { "Policy" }, &policy.meta)
}

/// The issuers that a policy names, as rules for tokens.
pub(crate) fn token_rules(policy: &AuthenticationPolicy) -> impl Iterator<Item = JwtRule> {
    let peers = policy.peers.iter().filter_map(|peer| match peer {
        PeerMethod::Jwt(jwt) => Some(jwt),
        PeerMethod::Mtls { .. } => None,
    });
    let origins = policy.origins.iter().map(|origin| &origin.jwt);
    peers.chain(origins).map(token_rule)
}

fn token_rule(jwt: &Jwt) -> JwtRule {
    let place = |name: &String| HeaderPlace {
        name: name.clone(),
        prefix: None,
    };
    JwtRule {
        audiences: jwt.audiences.clone(),
        from_headers: jwt.headers.iter().map(place).collect(),
        from_params: jwt.params.clone(),
        forward_original_token: true,
        origin: jwt.origin,
        ..JwtRule::new(Some(jwt.issuer.clone()), jwt.keys.clone())
    }
}
