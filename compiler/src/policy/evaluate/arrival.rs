//! How a connection arrives: what the client speaks, whether the server takes it, and whom it then sees.

use super::client::{self, Client, Said};
use super::matching::{Facts, Peer};
use super::{Judge, Pod, principal};
use crate::policy::effective::Enforcer;
use crate::policy::effective::legacy::Legacy;
use crate::policy::effective::mtls::{Mode, Mtls};
use crate::policy::inventory::principal_parts;
use crate::policy::inventory::{DataPlane, Protocol, Service, Workload, WorkloadKind};
use crate::policy::request::{Answer, Caller, Outcome, Reason, Request, Stage, Unknown};
use crate::policy::{MtlsMode, TlsMode};

/// A connection at the door of the pod.
pub(super) struct Arrival {
    pub(super) step: Step,
    /// What becomes of it at the application, where that is no `200`.
    pub(super) fate: Option<Answer>,
    pub(super) behind_waypoint: bool,
}

/// Whether a connection goes on.
pub(super) enum Step {
    Stop(Answer),
    Goes(Peer),
}

/// What a client speaks.
enum Speaks {
    Plaintext,
    /// Mesh TLS, as this identity.
    Mesh(String),
    /// TLS without an identity of the mesh.
    Foreign,
}

impl Arrival {
    fn goes(peer: Peer) -> Self {
        Self {
            step: Step::Goes(peer),
            fate: None,
            behind_waypoint: false,
        }
    }

    fn stop(answer: Answer) -> Self {
        Self {
            step: Step::Stop(answer),
            fate: None,
            behind_waypoint: false,
        }
    }

    /// From a waypoint, whose tunnel every server takes.
    pub(super) const fn behind_waypoint(peer: Peer) -> Self {
        Self {
            step: Step::Goes(peer),
            fate: None,
            behind_waypoint: true,
        }
    }
}

impl Judge<'_> {
    /// How a request arrives at a pod, by a Service and a port of it where one is known.
    pub(super) fn arrive(
        &self,
        pod: &Pod<'_>,
        request: &Request,
        facts: &Facts,
        service: Option<(&Service, u16)>,
    ) -> Result<Arrival, Unknown> {
        match &request.caller {
            Caller::Outsider => self.direct(pod, facts, &Speaks::Plaintext),
            Caller::Principal(identity) => self.direct(pod, facts, &Speaks::Mesh(identity.clone())),
            Caller::Workload(index) => {
                let caller = self.caller(*index)?;
                if caller.data_plane == DataPlane::None && caller.kind == WorkloadKind::Application {
                    return self.direct(pod, facts, &Speaks::Plaintext);
                }
                if pod.gateway.is_some() {
                    return Err(Unknown::Other(
                        "how a workload's proxy reaches a gateway is not judged; name the caller by `sa`".to_owned(),
                    ));
                }
                self.by_proxy(pod, request, facts, (caller, service))
            }
        }
    }

    /// How a request arrives at a waypoint.
    pub(super) fn to_waypoint(&self, caller: &Caller, place: &str) -> Result<Step, Unknown> {
        match caller {
            Caller::Outsider => Ok(Step::Goes(Peer::Nobody)),
            Caller::Principal(identity) if self.inventory.mesh.accepts(domain_of(identity)) => {
                Ok(Step::Goes(Peer::Is(identity.clone())))
            }
            Caller::Principal(_) => Ok(Step::Stop(untrusted(place))),
            Caller::Workload(index) => Ok(Step::Goes(Peer::Is(self.identity(self.caller(*index)?)?))),
        }
    }

    fn caller(&self, index: usize) -> Result<&Workload, Unknown> {
        let caller = self.inventory.workloads.get(index);
        caller.ok_or_else(|| Unknown::Other("there is no such caller".to_owned()))
    }

    fn identity(&self, caller: &Workload) -> Result<String, Unknown> {
        let account = caller
            .account
            .as_ref()
            .map(|account| principal(account, self.inventory));
        account.ok_or_else(|| {
            Unknown::Other(format!(
                "the account of `{}/{}` is not declared",
                caller.namespace, caller.name
            ))
        })
    }

    pub(super) fn mode(&self, pod: &Pod<'_>, port: Option<u16>) -> Result<Mode, Unknown> {
        if self.target.is_legacy() {
            return self.legacy_mode(pod, port);
        }
        let own;
        let mtls = match pod.index.and_then(|index| self.pod_policy(index)) {
            Some(effective) => &effective.mtls,
            None => {
                let root = &self.inventory.mesh.root;
                let (namespace, labels) = (pod.namespace, pod.labels);
                let policies = self.homes.peers.of(Enforcer::Sidecar { namespace, labels }, root);
                own = Mtls::compose(&policies, namespace, labels, root);
                &own
            }
        };
        if pod.data_plane == DataPlane::Ambient {
            mtls.at_ztunnel(port)
        } else {
            mtls.at(port)
        }
    }

    fn legacy_mode(&self, pod: &Pod<'_>, port: Option<u16>) -> Result<Mode, Unknown> {
        if pod.data_plane == DataPlane::Ambient {
            return Err(Unknown::Other("Istio 1.4 knows no ambient mode".to_owned()));
        }
        let own;
        let composed = pod.index.and_then(|index| self.pod_policy(index)).map(|it| &it.legacy);
        let legacy = match composed {
            Some(Some(legacy)) => legacy,
            _ => {
                let policies = &self.policies.authentication_policies;
                own = Legacy::compose(
                    policies,
                    self.inventory,
                    (pod.namespace, pod.labels),
                    pod.gateway.is_some(),
                );
                &own
            }
        };
        legacy.mode(port)
    }

    /// From a client without a proxy of its own.
    fn direct(&self, pod: &Pod<'_>, facts: &Facts, speaks: &Speaks) -> Result<Arrival, Unknown> {
        if pod.gateway.is_some() {
            return self.at_gateway(pod, facts, speaks);
        }
        let Some(place) = self.enforcer_name(pod, facts.port) else {
            return Ok(match speaks {
                Speaks::Plaintext => Arrival::goes(Peer::Nobody),
                Speaks::Mesh(_) | Speaks::Foreign => Arrival::stop(into_plaintext("the pod")),
            });
        };
        let ztunnel = pod.data_plane == DataPlane::Ambient;
        let identity = match speaks {
            Speaks::Plaintext | Speaks::Foreign => {
                let mode = self.mode(pod, facts.port)?;
                return Ok(if mode.mode == MtlsMode::Strict {
                    Arrival::stop(closed(place, "mutual TLS is demanded", mode.by))
                } else {
                    Arrival::goes(Peer::Nobody)
                });
            }
            Speaks::Mesh(identity) => identity,
        };
        let domain = domain_of(identity);
        let mesh = &self.inventory.mesh;
        if ztunnel {
            return if principal_parts(identity).is_none() {
                Ok(Arrival::stop(untrusted(place)))
            } else if domain == mesh.trust_domain {
                Ok(Arrival::goes(Peer::Is(identity.clone())))
            } else if mesh.accepts(domain) {
                Err(Unknown::Other(format!(
                    "whether ztunnel accepts certificates of `{domain}` depends on its release"
                )))
            } else {
                Ok(Arrival::stop(untrusted(place)))
            };
        }
        let mode = self.mode(pod, facts.port)?;
        if mode.mode == MtlsMode::Disable {
            let answer = Answer {
                because: mode.by.into_iter().collect(),
                ..into_plaintext(place)
            };
            // On a port that is not declared as HTTP it is taken as bytes, and gets through to an application that does not
            // understand it, if the rules let it.
            let declared = facts.port.is_some_and(|port| pod.ports.contains_key(&port));
            return Ok(if facts.http && declared {
                Arrival::stop(answer)
            } else {
                Arrival {
                    fate: Some(answer),
                    ..Arrival::goes(Peer::Nobody)
                }
            });
        }
        Ok(if mesh.accepts(domain) {
            Arrival::goes(Peer::Is(identity.clone()))
        } else {
            Arrival::stop(untrusted(place))
        })
    }

    fn at_gateway(&self, pod: &Pod<'_>, facts: &Facts, speaks: &Speaks) -> Result<Arrival, Unknown> {
        let Some(protocol) = facts.port.and_then(|port| pod.ports.get(&port)) else {
            return Err(Unknown::Other("the gateway declares no such port (`ports`)".to_owned()));
        };
        let place = "gateway";
        Ok(match (protocol, speaks) {
            (Protocol::Http | Protocol::Unproxied, Speaks::Mesh(_) | Speaks::Foreign) => {
                Arrival::stop(into_plaintext(place))
            }
            (Protocol::HttpsMutual, Speaks::Plaintext | Speaks::Foreign) => {
                Arrival::stop(closed(place, "mutual TLS is demanded", None))
            }
            (Protocol::HttpsMutual, Speaks::Mesh(identity)) => {
                let domain = domain_of(identity);
                if !self.inventory.mesh.accepts(domain) {
                    return Err(Unknown::Other(format!(
                        "whether a gateway accepts certificates of `{domain}` depends on who signs them"
                    )));
                }
                Arrival::goes(Peer::Is(identity.clone()))
            }
            // No client certificate is asked for, or the bytes are passed on.
            (Protocol::Http | Protocol::Unproxied | Protocol::Https | Protocol::Tcp | Protocol::Tls, _) => {
                Arrival::goes(Peer::Nobody)
            }
        })
    }

    /// From a workload's proxy to a workload.
    fn by_proxy(
        &self,
        pod: &Pod<'_>,
        request: &Request,
        facts: &Facts,
        (caller, service): (&Workload, Option<(&Service, u16)>),
    ) -> Result<Arrival, Unknown> {
        let identity = self.identity(caller)?;
        let unproxied = self.enforcer_name(pod, facts.port).is_none();
        if caller.data_plane == DataPlane::Ambient && caller.kind == WorkloadKind::Application {
            // ztunnel heeds no destination, and its tunnel is taken by whoever is in the mesh.
            return match (pod.data_plane, unproxied) {
                (DataPlane::None, _) => Ok(Arrival::goes(Peer::Nobody)),
                (_, true) => Err(Unknown::Other(
                    "how ztunnel reaches a port that is not captured is not judged".to_owned(),
                )),
                (_, false) => Ok(Arrival::goes(Peer::Is(identity))),
            };
        }
        let said = self.said_to(pod, request, caller, service)?;
        let own_certificate = matches!(said, Said::Mode(TlsMode::Mutual, _));
        let (speaks, because) = match said {
            Said::Mode(TlsMode::Disable, reason) => (Speaks::Plaintext, Some(reason)),
            Said::Mode(TlsMode::IstioMutual, reason) => (Speaks::Mesh(identity), Some(reason)),
            Said::Mode(TlsMode::Simple | TlsMode::Mutual, reason) => (Speaks::Foreign, Some(reason)),
            Said::Nothing | Said::Offered(_) => {
                let automatic = self.automatic(pod, facts.port, &said)? && !is_mixed_headless(self, service);
                (
                    if automatic {
                        Speaks::Mesh(identity)
                    } else {
                        Speaks::Plaintext
                    },
                    said.reason().cloned(),
                )
            }
        };
        let spoken = facts.port.and_then(|port| pod.ports.get(&port)).copied();
        let misfit = |why: &str, mode: Option<Reason>| {
            Arrival::stop(Answer {
                outcome: match spoken {
                    // The TLS of the client's own is what breaks.
                    Some(Protocol::Tls) => Outcome::TlsError,
                    _ if facts.http => Outcome::Unavailable,
                    _ => Outcome::Reset,
                },
                stage: Some(Stage::ClientTls),
                why: format!("proxy of {}/{}: {why}", caller.namespace, caller.name),
                because: because.clone().into_iter().chain(mode).collect(),
            })
        };
        if unproxied {
            return match speaks {
                Speaks::Plaintext => Ok(Arrival::goes(Peer::Nobody)),
                Speaks::Mesh(_) => Ok(misfit("it speaks mutual TLS, and the server plaintext", None)),
                Speaks::Foreign if spoken == Some(Protocol::Http) => {
                    Ok(misfit("it speaks TLS, and the server plaintext", None))
                }
                Speaks::Foreign => Err(Unknown::Other(
                    "whether the server outside the mesh speaks TLS is not known".to_owned(),
                )),
            };
        }
        if pod.data_plane == DataPlane::Ambient && matches!(speaks, Speaks::Foreign) {
            return Err(Unknown::Other(
                "how TLS of its own inside a tunnel ends is not judged".to_owned(),
            ));
        }
        let mode = self.mode(pod, facts.port)?;
        let opaque = facts
            .port
            .and_then(|port| pod.ports.get(&port))
            .is_some_and(|p| !p.is_http());
        match (speaks, mode.mode) {
            (Speaks::Plaintext, MtlsMode::Strict) => Ok(misfit(
                "it speaks plaintext, and the server demands mutual TLS",
                mode.by,
            )),
            (Speaks::Plaintext, _) => Ok(Arrival::goes(Peer::Nobody)),
            (Speaks::Mesh(_), MtlsMode::Disable) if pod.data_plane == DataPlane::Sidecar => {
                Ok(misfit("it speaks mutual TLS, and the server plaintext", mode.by))
            }
            (Speaks::Mesh(identity), _) => Ok(Arrival::goes(Peer::Is(identity))),
            (Speaks::Foreign, MtlsMode::Strict) if own_certificate => Err(Unknown::Other(
                "whether the certificate that the destination names is one of the mesh is not known".to_owned(),
            )),
            (Speaks::Foreign, MtlsMode::Strict) => Ok(misfit(
                "it shows no certificate of the mesh, and the server demands one",
                mode.by,
            )),
            (Speaks::Foreign, _) if opaque => Ok(Arrival::goes(Peer::Nobody)),
            (Speaks::Foreign, _) if facts.port.is_some_and(|port| pod.ports.contains_key(&port)) => Ok(misfit(
                "it speaks TLS of its own, which the server does not take on an HTTP port",
                mode.by,
            )),
            (Speaks::Foreign, _) => Err(Unknown::Other(
                "what the port speaks is not declared (`ports`)".to_owned(),
            )),
        }
    }

    /// Whether a sidecar or gateway uses mutual TLS towards a pod where no destination says which TLS.
    pub(super) fn automatic(&self, pod: &Pod<'_>, port: Option<u16>, said: &Said) -> Result<bool, Unknown> {
        if !self.inventory.mesh.auto_mtls || pod.data_plane == DataPlane::None {
            return Ok(false);
        }
        let effective = pod.index.and_then(|index| self.pod_policy(index));
        // What clients believe of a Service: the mode of the mesh and its namespace.
        let believed = match effective {
            Some(effective) => effective.mtls.inferred()?.mode,
            None => MtlsMode::Permissive,
        };
        if matches!(said, Said::Offered(_)) && pod.data_plane == DataPlane::Sidecar {
            return Ok(believed != MtlsMode::Disable);
        }
        let disabled = believed == MtlsMode::Disable || self.mode(pod, port)?.mode == MtlsMode::Disable;
        if disabled && pod.data_plane == DataPlane::Ambient {
            let why = "what a sidecar speaks to an ambient workload with `mtls disable` is not judged";
            return Err(Unknown::Other(why.to_owned()));
        }
        Ok(!disabled)
    }

    /// What destinations say to a caller's proxy about the pod's Service.
    pub(super) fn said_to(
        &self,
        pod: &Pod<'_>,
        request: &Request,
        caller: &Workload,
        service: Option<(&Service, u16)>,
    ) -> Result<Said, Unknown> {
        let client = Client {
            namespace: &caller.namespace,
            labels: &caller.labels,
            gateway: caller.kind != WorkloadKind::Application,
            target: self.target,
        };
        let domain = &self.inventory.mesh.domain;
        let ask = |host: &str, port: Option<u16>| {
            client::said(self.policies, self.inventory, client, (host, port), Some(pod.namespace))
        };
        if let Some((service, port)) = service {
            return ask(&service.host(domain), Some(port));
        }
        let has_service = self
            .inventory
            .services
            .iter()
            .any(|s| pod.index.is_some_and(|i| s.workloads.contains(&i)));
        if has_service || request.pod {
            return Err(Unknown::Other(
                "no Service leads the caller's proxy to this port, and how it reaches a pod by address is not judged; name the caller by `sa`"
                    .to_owned(),
            ));
        }
        // Some Service of the namespace, which nobody declared: all that it could be must agree.
        let unnamed = format!("\u{0}.{}.svc.{domain}", pod.namespace);
        let undeclared = || {
            Unknown::Other(
                "which destination holds depends on the Service, which is not declared (`service`)".to_owned(),
            )
        };
        let said = ask(&unnamed, None).map_err(|unknown| {
            if unknown == Unknown::Port {
                undeclared()
            } else {
                unknown
            }
        })?;
        let declared: Vec<String> = self.inventory.services.iter().map(|s| s.host(domain)).collect();
        for rule in &self.policies.destination_rules {
            let host = match rule.host.contains('.') {
                true => rule.host.clone(),
                false => format!(
                    "{}.{}.svc.{domain}",
                    rule.host,
                    rule.meta.namespace.as_deref().unwrap_or_default()
                ),
            };
            let here = super::namespace_of(&host, domain) == Some(pod.namespace);
            if !here || host.contains('*') || declared.contains(&host) {
                continue;
            }
            if ask(&host, None).map_err(|_| undeclared())? != said {
                return Err(undeclared());
            }
        }
        Ok(said)
    }
}

/// Whether a headless Service has pods outside the mesh: then clients speak plaintext to all of them.
fn is_mixed_headless(judge: &Judge<'_>, service: Option<(&Service, u16)>) -> bool {
    service.is_some_and(|(service, _)| {
        let outside = |index: &usize| {
            let workload = judge.inventory.workloads.get(*index);
            workload.is_some_and(|workload| workload.data_plane == DataPlane::None)
        };
        service.headless && service.workloads.iter().any(outside)
    })
}

fn domain_of(identity: &str) -> &str {
    identity.split_once('/').map_or("", |(domain, _)| domain)
}

fn untrusted(place: &str) -> Answer {
    Answer {
        outcome: Outcome::TlsError,
        stage: Some(Stage::Mtls),
        why: format!("{place}: the certificate is of a trust domain that is not accepted"),
        because: Vec::new(),
    }
}

fn into_plaintext(place: &str) -> Answer {
    Answer {
        outcome: Outcome::TlsError,
        stage: Some(Stage::Mtls),
        why: format!("{place}: TLS meets a plaintext server"),
        because: Vec::new(),
    }
}

fn closed(place: &str, why: &str, by: Option<Reason>) -> Answer {
    Answer {
        outcome: Outcome::Reset,
        stage: Some(Stage::Mtls),
        why: format!("{place}: {why}"),
        because: by.into_iter().collect(),
    }
}
