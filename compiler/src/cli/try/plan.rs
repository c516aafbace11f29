//! Which workloads are played, on which ports, with which filters; and which cannot be.

use anyhow::bail;
use serde_json::Value;

use super::keys;
use crate::backends::envoy;
use crate::cli::workloads;
use crate::driver::{Build, Outcome};
use crate::policy::effective::{Effective, Enforcer, Homes};
use crate::policy::inventory::{DataPlane, Inventory, Protocol, Workload, WorkloadKind};
use crate::policy::{MtlsMode, Target};
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
    pub(super) fn new(outcome: &Outcome, named: &[String]) -> anyhow::Result<Self> {
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
        let homes = Homes::new(&build.policies);
        let mut plan = Self {
            served: Vec::new(),
            left_out: Vec::new(),
        };
        let add = |plan: &mut Self, index: usize| -> Result<(), String> {
            let (served, left_out) = serve(build, outcome.target, &homes, index)?;
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
fn serve(build: &Build, target: Target, homes: &Homes<'_>, index: usize) -> Result<(Served, Vec<String>), String> {
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
                return refused("it is ambient, so ztunnel or a waypoint decides, and not an Envoy at its pods");
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
    if let Some(provider) = effective
        .custom
        .policies
        .iter()
        .find_map(|policy| policy.provider.as_ref())
    {
        return refused(&format!(
            "it asks the external authorizer `{provider}`, which is not here"
        ));
    }
    if let Some(why) = effective.tokens.iter().find_map(keys::fault) {
        return refused(&why);
    }
    let (mut ports, mut left_out) = (Vec::new(), Vec::new());
    for (number, protocol) in &workload.ports {
        match port(&effective, &name, workload, (*number, *protocol)) {
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
        ports,
    };
    Ok((served, left_out))
}

fn port(
    effective: &Effective,
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
    Ok(Port {
        listener: format!("{name}:{number}"),
        number,
        protocol,
        mode,
        filters: filters.ok_or("its rules cannot be told to Envoy")?,
    })
}
