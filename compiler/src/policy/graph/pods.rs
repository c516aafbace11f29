//! What is in force at one enforcer, counted into the graph.

use std::collections::BTreeSet;

use super::build::{Builder, Key, Pods};
use super::{EdgeKind, Part};
use crate::policy::effective::legacy::{Held, Legacy};
use crate::policy::effective::mtls::{Level, Mtls, Said};
use crate::policy::effective::{Effective, Policy};
use crate::policy::inventory::{DataPlane, Protocol};
use crate::policy::{MtlsMode, PolicyId};

/// The policies of an enforcer's first stage, and of its last.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) first: BTreeSet<PolicyId>,
    pub(super) last: BTreeSet<PolicyId>,
}

impl Ends {
    /// Adds those of another enforcer beside this one.
    pub(super) fn extend(&mut self, other: Self) {
        self.first.extend(other.first);
        self.last.extend(other.last);
    }
}

impl Builder<'_> {
    /// Everything that is in force at pods.
    pub(super) fn pods(&mut self, pods: &Pods<'_>) -> Ends {
        let authentication = match &pods.effective.legacy {
            Some(legacy) => self.legacy(legacy, pods),
            None => {
                self.mtls(pods);
                BTreeSet::new()
            }
        };
        let ztunnel = !pods.gateway && pods.data_plane == DataPlane::Ambient;
        let port = self.port;
        let meant = |of: fn(Protocol) -> bool| {
            let mut ports = pods
                .ports
                .iter()
                .filter(|(own, _)| port.is_none_or(|port| port == *own));
            ports.any(|(_, spoken)| of(*spoken))
        };
        // On a port that is not declared either may be spoken.
        let unknown = !meant(|_| true);
        self.enforcer(
            pods.effective,
            (
                !ztunnel && (unknown || meant(Protocol::is_http)),
                ztunnel || unknown || meant(Protocol::is_opaque),
            ),
            authentication,
        )
    }

    fn mtls(&mut self, pods: &Pods<'_>) {
        let mtls = &pods.effective.mtls;
        if pods.gateway {
            for said in mtls.said(None).into_iter().flatten() {
                self.idle(key(said), "a gateway's listeners have TLS of their own");
            }
            return;
        }
        let mut ports: BTreeSet<u16> = mtls.ports();
        ports.extend(pods.ports.iter().map(|(port, _)| *port));
        match self.port {
            Some(port) => ports = BTreeSet::from([port]),
            // One that nobody speaks of stands for all the others.
            None => ports.extend((1..=u16::MAX).rev().find(|port| !ports.contains(port))),
        }
        for port in ports {
            let unproxied = pods.ports.contains(&(port, Protocol::Unproxied));
            if unproxied {
                for said in mtls.said(Some(port)).into_iter().flatten() {
                    self.idle(key(said), "the port is not captured by the proxy");
                }
                continue;
            }
            self.mode(mtls, port, pods.data_plane == DataPlane::Ambient);
        }
    }

    /// Which policy of the legacy API holds at each port: the narrowest, and nothing of the others. Those that hold.
    fn legacy(&mut self, legacy: &Legacy, pods: &Pods<'_>) -> BTreeSet<PolicyId> {
        const WHOLE: &str = "the narrowest policy of a port replaces all that are wider, whole";
        let mut ports: BTreeSet<u16> = legacy.ports();
        ports.extend(pods.ports.iter().map(|(port, _)| *port));
        match self.port {
            Some(port) => ports = BTreeSet::from([port]),
            None => ports.extend((1..=u16::MAX).rev().find(|port| !ports.contains(port))),
        }
        let key = |at: usize| (PolicyId::Legacy(at), None);
        let mut holding = BTreeSet::new();
        for port in ports {
            let held = legacy.held(Some(port));
            if let [Held::Policy(winner)] = held.as_slice() {
                holding.insert(PolicyId::Legacy(*winner));
                self.holds(key(*winner));
                let mut narrower = *winner;
                for wider in legacy.wide().filter(|wider| wider != winner) {
                    self.loses(key(wider), WHOLE);
                    self.edge(EdgeKind::Overrides, key(narrower), key(wider), WHOLE);
                    narrower = wider;
                }
                continue;
            }
            let unclear = legacy.unclear(Some(port)).to_string();
            for at in held.iter().filter_map(|held| match held {
                Held::Policy(at) => Some(*at),
                Held::Passthrough | Held::Nothing => None,
            }) {
                holding.insert(PolicyId::Legacy(at));
                self.unclear(key(at), &unclear);
            }
        }
        holding
    }

    /// The mode of one port: who decides it, and who would have without.
    fn mode(&mut self, mtls: &Mtls, port: u16, ztunnel: bool) {
        let mode = if ztunnel {
            mtls.at_ztunnel(Some(port))
        } else {
            mtls.at(Some(port))
        };
        for heard in mtls.said(Some(port)) {
            let (silent, speaking): (Vec<&Said>, Vec<&Said>) =
                heard.into_iter().partition(|said| said.mode == MtlsMode::Unset);
            for said in silent {
                self.idle(key(said), "it leaves the mode to what is wider");
            }
            let mode = match &mode {
                Ok(mode) => mode,
                Err(unknown) => {
                    for said in speaking.iter().filter(|said| said.level >= Level::Workload) {
                        self.unclear(key(said), &unknown.to_string());
                    }
                    continue;
                }
            };
            let decides = |said: &&Said| Some(&said.by) == mode.by.as_ref() && said.mode == mode.mode;
            // Another policy of the pod, which may be the older one, says the same mode.
            let agrees = |said: &&Said| mode.by.is_some() && said.mode == mode.mode;
            let winner = speaking
                .iter()
                .rposition(decides)
                .or_else(|| speaking.iter().rposition(agrees));
            let mut wider: Option<&Said> = None;
            for (at, said) in speaking.iter().enumerate() {
                match winner {
                    Some(winner) if at > winner => self.idle(
                        key(said),
                        "ztunnel keeps a strict mode where the pod's own policy only says `disable` for ports",
                    ),
                    Some(winner) if at == winner => self.holds(key(said)),
                    Some(_) | None => {
                        self.loses(key(said), why(said.level, speaking.get(at + 1).map(|said| said.level)));
                    }
                }
                if let (Some(wider), true) = (wider, winner.is_none_or(|winner| at <= winner)) {
                    let why = why(wider.level, Some(said.level));
                    self.edge(EdgeKind::Overrides, key(said), key(wider), why);
                }
                wider = Some(said);
            }
        }
    }

    /// Tokens and access rules of an enforcer, of which HTTP and TCP say what it sees.
    ///
    /// `authentication` are policies of the legacy API, which stand where tokens do.
    pub(super) fn enforcer(
        &mut self,
        effective: &Effective,
        (http, tcp): (bool, bool),
        authentication: BTreeSet<PolicyId>,
    ) -> Ends {
        for aside in &effective.aside {
            self.idle((aside.policy, None), aside.why);
        }
        let mut tokens = BTreeSet::new();
        for token in &effective.tokens {
            let id = token.source.0;
            let part = (id, Some(Part::Rule(token.source.1)));
            if http {
                self.holds((id, None));
                self.holds(part);
                tokens.insert(id);
            } else {
                self.idle((id, None), "tokens are read from HTTP alone");
                self.idle(part, "tokens are read from HTTP alone");
            }
        }
        let custom = self.policies(&effective.custom.policies, (http, tcp));
        let deny = self.policies(&effective.deny.policies, (http, tcp));
        let allow = self.policies(&effective.allow.policies, (http, tcp));
        let stages = [
            (custom, "external authorizers are asked"),
            (tokens, "tokens are verified"),
            (authentication, "the authentication policy is checked"),
            (deny, "DENY is evaluated"),
            (allow, "ALLOW is evaluated"),
        ];
        let present: Vec<_> = stages.iter().filter(|(policies, _)| !policies.is_empty()).collect();
        for pair in present.windows(2) {
            if let [(before, first), (after, then)] = pair {
                self.stage_edges(before, after, &format!("{first} before {then}"));
            }
        }
        let end = |stage: Option<&&(BTreeSet<PolicyId>, &str)>| stage.map_or(BTreeSet::new(), |(of, _)| of.clone());
        Ends {
            first: end(present.first()),
            last: end(present.last()),
        }
    }

    fn policies(&mut self, policies: &[Policy], (http, tcp): (bool, bool)) -> BTreeSet<PolicyId> {
        let mut found = BTreeSet::new();
        for policy in policies {
            let id = PolicyId::Authorization(policy.source);
            self.meet(id);
            let parts = self.judge.policies().authorizations.get(policy.source);
            let rules = parts.map_or(0, |source| source.action.rules().len());
            if policy.dry_run {
                let why = "a dry run: it is counted and not enforced";
                self.idle((id, None), why);
                (0..rules).for_each(|at| self.idle((id, Some(Part::Rule(at))), why));
                continue;
            }
            self.holds((id, None));
            found.insert(id);
            for at in 0..rules {
                let part = (id, Some(Part::Rule(at)));
                if (http && policy.can_match(at, true)) || (tcp && policy.can_match(at, false)) {
                    self.holds(part);
                } else {
                    self.idle(
                        part,
                        "it asks for facts that no connection there has, and so never matches",
                    );
                }
            }
        }
        found
    }
}

/// The node of what a policy says: of all ports the policy's own.
fn key(said: &Said) -> Key {
    let part = match said.level {
        Level::Port(port) => Some(Part::Port(port)),
        Level::Mesh | Level::Namespace | Level::Workload => None,
    };
    (PolicyId::Peer(said.source), part)
}

/// Why what is narrower holds over what is wider.
const fn why(wider: Level, narrower: Option<Level>) -> &'static str {
    match (narrower, wider) {
        (Some(Level::Port(_)), Level::Workload) => "a mode for a port holds over that of its workload",
        (Some(Level::Port(_)), _) => "a mode for a port holds over all that are wider",
        (Some(Level::Workload), Level::Namespace) => "the mode of a workload holds over that of its namespace",
        (Some(Level::Workload), _) => "the mode of a workload holds over that of the mesh",
        _ => "the mode of a namespace holds over that of the mesh",
    }
}
