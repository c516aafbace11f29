//! Which workloads are played, on which ports, with which filters; and which cannot be.

use std::collections::BTreeMap;

use anyhow::bail;
use serde_json::Value;

use super::authorizers::Authorizers;
use super::keys;
use crate::backends::envoy;
use crate::cli::workloads;
use crate::driver::{Build, Outcome};
use crate::policy::effective::{Effective, Enforcer, Homes};
use crate::policy::inventory::{DataPlane, Inventory, Protocol, Workload, WorkloadKind};
use crate::policy::{MtlsMode, Target};
use crate::proxy::authorizer::{Asked, Authorizer, with_authorizer};
use crate::proxy::listener;

/// Without names, so many ports are served; of more, nobody would read the list.
const MOST_PORTS: usize = 100;

/// What is played.
pub(super) struct Plan {
    pub(super) served: Vec<Served>,
    /// Workloads and ports that are not, each with the reason.
    pub(super) left_out: Vec<String>,
}

/// A workload or gateway that is played.
pub(super) struct Served {
    /// In the inventory.
    pub(super) index: usize,
    /// `namespace/name`.
    pub(super) name: String,
    /// Whom its certificate is for.
    pub(super) identity: String,
    /// Of a gateway, with the proxies that it trusts.
    pub(super) gateway: Option<u32>,
    pub(super) effective: Effective,
    /// The external authorizer that it asks, and who answers.
    pub(super) authorizer: Option<(String, Authorizer)>,
    pub(super) ports: Vec<Port>,
}

/// A port of it.
pub(super) struct Port {
    /// The listener's name.
    pub(super) listener: String,
    pub(super) number: u16,
    pub(super) protocol: Protocol,
    pub(super) mode: MtlsMode,
    filters: Vec<Value>,
}

impl Plan {
    /// What of a policy is played: the workloads that are named, else all of them.
    ///
    /// # Errors
    /// A name is wrong, what is named cannot be played, or nothing is left.
    pub(super) fn new(outcome: &Outcome, named: &[String], authorizers: &Authorizers) -> anyhow::Result<Self> {
        let Some(build) = outcome.builds.first() else {
            bail!("there is nothing to try");
        };
        if outcome.target.is_legacy() {
            bail!(
                "the policy is for {}, and what is tried is how an Envoy of later releases is configured; name one with `--target`, such as `{}`",
                outcome.target,
                Target::NEWEST
            );
        }
        let inventory = &build.facts.inventory;
        let known = &inventory.mesh.providers;
        if let Some(unknown) = authorizers.keys().find(|name| !known.contains_key(*name)) {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            bail!(
                "`--answer`: the mesh has no authorizer `{unknown}`{}",
                if known.is_empty() {
                    String::new()
                } else {
                    format!("; it has {}", known.join(", "))
                }
            );
        }
        let homes = Homes::new(&build.policies);
        let mut plan = Self {
            served: Vec::new(),
            left_out: Vec::new(),
        };
        let add = |plan: &mut Self, index: usize| -> Result<(), String> {
            let (served, left_out) = serve((build, outcome.target), &homes, authorizers, index)?;
            plan.served.push(served);
            plan.left_out.extend(left_out);
            Ok(())
        };
        if named.is_empty() {
            for (index, workload) in inventory.workloads.iter().enumerate() {
                // Those that it stands for are there themselves.
                if workload.stands_for.is_empty()
                    && let Err(why) = add(&mut plan, index)
                {
                    plan.left_out.push(why);
                }
            }
        }
        for name in named {
            let index = workloads::of_one_kind(inventory, workloads::find(inventory, name)?)?;
            add(&mut plan, index).map_err(anyhow::Error::msg)?;
        }
        let ports: usize = plan.served.iter().map(|served| served.ports.len()).sum();
        if ports == 0 {
            let why = plan.left_out.join("\n  ");
            bail!(
                "no workload can be tried:\n  {why}",
                why = if why.is_empty() { "none is declared" } else { &why }
            );
        }
        if named.is_empty() && ports > MOST_PORTS {
            bail!(
                "the project has {ports} ports of {} workloads; name those to try with `--at`",
                plan.served.len()
            );
        }
        Ok(plan)
    }

    /// Where a listener belongs.
    pub(super) fn port(&self, listener: &str) -> Option<(&Served, &Port)> {
        let ports = self
            .served
            .iter()
            .flat_map(|served| served.ports.iter().map(move |port| (served, port)));
        ports.into_iter().find(|(_, port)| port.listener == listener)
    }
}

impl Served {
    /// What its authorizer answers, where that is known before it is asked.
    pub(super) fn answers(&self) -> BTreeMap<String, bool> {
        match &self.authorizer {
            Some((provider, Authorizer::Says(answer))) => [(provider.clone(), *answer)].into(),
            Some((_, Authorizer::At(_))) | None => BTreeMap::new(),
        }
    }
}

impl Port {
    /// The listener, on a port of this machine.
    pub(super) fn listener(
        &self,
        served: &Served,
        inventory: &Inventory,
        listen: u16,
        files: listener::Files<'_>,
    ) -> Value {
        let mesh = &inventory.mesh;
        let mut trust_domains = mesh.own_domains();
        trust_domains.extend(mesh.trusts.iter().map(String::as_str));
        let port = listener::Port {
            name: &self.listener,
            number: self.number,
            listen,
            protocol: self.protocol,
            mode: self.mode,
            gateway: served.gateway,
            filters: self.filters.clone(),
            normalization: mesh.normalization,
            trust_domains,
        };
        listener::listener(&port, files)
    }
}

/// A workload, and what of it is left out; or why it cannot be played.
fn serve(
    (build, target): (&Build, Target),
    homes: &Homes<'_>,
    authorizers: &Authorizers,
    index: usize,
) -> Result<(Served, Vec<String>), String> {
    let inventory = &build.facts.inventory;
    let name = workloads::name(inventory, index).unwrap_or_default();
    let Some(workload) = inventory.workloads.get(index) else {
        return Err(format!("there is no `{name}`"));
    };
    let refused = |why: &str| Err(format!("{name}: {why}"));
    if workload.kind == WorkloadKind::Application {
        match workload.data_plane {
            DataPlane::Sidecar => {}
            DataPlane::Ambient => {
                return refused(
                    "it is ambient, so ztunnel decides at its pods, which is no Envoy, and before it a waypoint, if its Service has one; `meshc eval` answers for both",
                );
            }
            DataPlane::None => return refused("it has no proxy, so no policy holds there"),
        }
    }
    if workload.ports.is_empty() {
        return refused("its block declares no ports (`ports 8080 http`)");
    }
    let Some(enforcer) = Enforcer::of(workload) else {
        return refused("no proxy enforces policy there");
    };
    let effective = Effective::compose(homes, inventory, target, enforcer);
    let authorizer = authorizer(&effective, inventory, authorizers).map_err(|why| format!("{name}: {why}"))?;
    if let Some(why) = effective.tokens.iter().find_map(keys::fault) {
        return refused(&why);
    }
    let (mut ports, mut left_out) = (Vec::new(), Vec::new());
    for (number, protocol) in &workload.ports {
        let authorizer = authorizer.as_ref().map(|(provider, authorizer)| Asked {
            provider,
            authorizer: *authorizer,
            // One that the mesh does not know refuses connections too.
            grpc: inventory.mesh.providers.get(provider).is_none_or(|it| it.grpc),
            http: protocol.is_http(),
        });
        match port((&effective, authorizer), &name, workload, (*number, *protocol)) {
            Ok(port) => ports.push(port),
            Err(why) => left_out.push(format!("{name} port {number}: {why}")),
        }
    }
    let domain = &inventory.mesh.trust_domain;
    let identity = workload.account.as_ref().map_or_else(
        || format!("{domain}/ns/{}/sa/default", workload.namespace),
        |account| account.principal(domain),
    );
    let served = Served {
        index,
        name,
        identity,
        gateway: match workload.kind {
            WorkloadKind::Gateway { trusted_proxies, .. } => Some(trusted_proxies),
            WorkloadKind::Application => None,
        },
        effective,
        authorizer,
        ports,
    };
    Ok((served, left_out))
}

/// The authorizer that an enforcer asks, and who answers in its place. An enforcer that would ask two asks none, and one
/// that the mesh does not know refuses.
fn authorizer(
    effective: &Effective,
    inventory: &Inventory,
    authorizers: &Authorizers,
) -> Result<Option<(String, Authorizer)>, String> {
    let mut asked = effective.custom.policies.iter();
    let Some(provider) = asked
        .find_map(|policy| policy.provider.as_ref())
        .filter(|_| effective.providers == 1)
    else {
        return Ok(None);
    };
    let authorizer = match authorizers.get(provider) {
        _ if !inventory.mesh.providers.contains_key(provider) => Authorizer::Says(false),
        Some(authorizer) => *authorizer,
        None => {
            return Err(format!(
                "it asks the external authorizer `{provider}`; say what answers: `--answer {provider}=allow`, `=deny`, or one that runs, `=HOST:PORT`"
            ));
        }
    };
    Ok(Some((provider.clone(), authorizer)))
}

fn port(
    (effective, authorizer): (&Effective, Option<Asked<'_>>),
    name: &str,
    workload: &Workload,
    (number, protocol): (u16, Protocol),
) -> Result<Port, String> {
    if protocol == Protocol::Unproxied {
        return Err("it is not captured, so no policy holds there".to_owned());
    }
    let is_gateway = workload.kind != WorkloadKind::Application;
    let mode = if is_gateway {
        MtlsMode::Unset
    } else {
        effective
            .mtls
            .at(Some(number))
            .map_err(|unknown| unknown.to_string())?
            .mode
    };
    let filters = if protocol.is_http() {
        envoy::http_filters(effective)
    } else {
        envoy::network_filters(effective)
    };
    let mut filters = filters.ok_or("its rules cannot be told to Envoy")?;
    if let Some(authorizer) = authorizer {
        filters = with_authorizer(filters, authorizer);
    }
    Ok(Port {
        listener: format!("{name}:{number}"),
        number,
        protocol,
        mode,
        filters,
    })
}
