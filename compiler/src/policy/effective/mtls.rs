//! Which mode of mutual TLS is in force at a pod's port, and who says so.

use std::collections::{BTreeMap, BTreeSet};

use super::{includes, object_of};
use crate::policy::request::{Reason, Unknown};
use crate::policy::{MtlsMode, PeerAuthentication, PeerScope, StringMap};

/// A mode, and the policy that sets it; none sets Istio's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Never `Unset`.
    pub mode: MtlsMode,
    pub by: Option<Reason>,
}

/// Where a policy speaks of the mode: each level holds over those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Mesh,
    Namespace,
    Workload,
    Port(u16),
}

/// What one policy says of the mode at its level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub level: Level,
    /// `Unset` says nothing, and leaves the mode to the levels before.
    pub mode: MtlsMode,
    pub by: Reason,
    /// The policy, as an index into [`PolicySet::peer_authentications`](crate::policy::PolicySet).
    pub source: usize,
}

/// The modes at the ports of a pod.
#[derive(Clone, Debug)]
pub struct Mtls {
    /// Of mesh and namespace, the widest first.
    wide: Vec<Said>,
    /// One for each policy that could be the oldest that selects the pod.
    readings: Vec<Reading>,
    /// Mesh and namespace only: what clients believe of a service.
    pub inferred: Mode,
}

#[derive(Clone, Debug)]
struct Reading {
    all: Mode,
    ports: BTreeMap<u16, Mode>,
    /// Whether the pod's own policy says a mode for all ports.
    own: bool,
    /// What that policy says, for all ports and then for single ones; empty where no policy selects the pod.
    said: Vec<Said>,
}

impl Mtls {
    /// Composes the mode of mesh, namespace and workload.
    #[must_use]
    ///
    /// Each policy comes with its index in the set.
    pub fn compose(policies: &[(usize, &PeerAuthentication)], namespace: &str, labels: &StringMap, root: &str) -> Self {
        let mut levels = vec![(Level::Mesh, root)];
        if namespace != root {
            levels.push((Level::Namespace, namespace));
        }
        let mut wide = Vec::new();
        for (level, home) in levels {
            let of_level = |p: &PeerAuthentication| p.scope.is_namespace() && p.meta.namespace.as_deref() == Some(home);
            if let Some((source, policy)) = policies.iter().find(|(_, p)| of_level(p)) {
                wide.push(said(level, policy.mode, *source, policy));
            }
        }
        let inferred = last_word(wide.iter());
        let mut readings = Vec::new();
        for (source, policy) in policies.iter().copied() {
            let PeerScope::Workload { labels: wanted, ports } = &policy.scope else {
                continue;
            };
            // Istio ignores selectors in the root namespace.
            let here = policy.meta.namespace.as_deref() == Some(namespace) && namespace != root;
            if !here || !includes(labels, wanted.as_map()) {
                continue;
            }
            let own = said(Level::Workload, policy.mode, source, policy);
            let of_ports = ports
                .iter()
                .map(|(port, mode)| (*port, said(Level::Port(*port), Some(*mode), source, policy)));
            let of_ports: Vec<(u16, Said)> = of_ports.collect();
            let heard = || wide.iter().chain(std::iter::once(&own));
            readings.push(Reading {
                all: last_word(heard()),
                ports: of_ports
                    .iter()
                    .map(|(port, said)| (*port, last_word(heard().chain(std::iter::once(said)))))
                    .collect(),
                own: own.mode != MtlsMode::Unset,
                said: std::iter::once(own.clone())
                    .chain(of_ports.into_iter().map(|(_, said)| said))
                    .collect(),
            });
        }
        if readings.is_empty() {
            readings.push(Reading {
                all: inferred.clone(),
                ports: BTreeMap::new(),
                own: false,
                said: Vec::new(),
            });
        }
        Self {
            wide,
            readings,
            inferred,
        }
    }

    /// What policies say of a port, the widest first, so that the last that says a mode decides; one list for each policy
    /// that could be the oldest that selects the pod. Without a port, what they say of all ports.
    #[must_use]
    pub fn said(&self, port: Option<u16>) -> Vec<Vec<&Said>> {
        let of_port = |said: &&Said| match said.level {
            Level::Port(own) => Some(own) == port,
            Level::Mesh | Level::Namespace | Level::Workload => true,
        };
        let readings = self.readings.iter();
        readings
            .map(|reading| self.wide.iter().chain(&reading.said).filter(of_port).collect())
            .collect()
    }

    /// The ports that a policy of the pod speaks of singly.
    #[must_use]
    pub fn ports(&self) -> BTreeSet<u16> {
        self.readings
            .iter()
            .flat_map(|reading| reading.ports.keys().copied())
            .collect()
    }

    /// The mode of a port at a sidecar; without a port, that of all.
    ///
    /// # Errors
    /// The mode depends on the port, or on which of two policies is the older.
    pub fn at(&self, port: Option<u16>) -> Result<Mode, Unknown> {
        self.agreed(port, |reading, port| match port {
            Some(port) => reading.ports.get(&port).unwrap_or(&reading.all).clone(),
            None => reading.all.clone(),
        })
    }

    /// The mode of a port at ztunnel, which is told a strict mode as a DENY and nothing else.
    ///
    /// # Errors
    /// As for [`Self::at`]; or what ztunnel is told of the port is not known.
    pub fn at_ztunnel(&self, port: Option<u16>) -> Result<Mode, Unknown> {
        for reading in &self.readings {
            let disables = reading.ports.values().any(|m| m.mode == MtlsMode::Disable);
            let permits = reading.ports.values().any(|m| m.mode == MtlsMode::Permissive);
            if reading.own && reading.all.mode == MtlsMode::Strict && disables && !permits {
                let why = "whether ztunnel opens a port with `mtls disable` under a strict workload is not certain; say `mtls permissive on port`";
                return Err(Unknown::Other(why.to_owned()));
            }
        }
        self.agreed(port, |reading, port| {
            let own = port.and_then(|port| reading.ports.get(&port)).unwrap_or(&reading.all);
            let permits = reading.ports.values().any(|m| m.mode == MtlsMode::Permissive);
            // A strict parent stays in force where the pod's own policy only disables ports.
            if reading.all.mode == MtlsMode::Strict && own.mode == MtlsMode::Disable && !reading.own && !permits {
                return reading.all.clone();
            }
            own.clone()
        })
    }

    fn agreed(&self, port: Option<u16>, of: impl Fn(&Reading, Option<u16>) -> Mode) -> Result<Mode, Unknown> {
        let mut found: Option<Mode> = None;
        for reading in &self.readings {
            let mode = of(reading, port);
            if found.as_ref().is_some_and(|other| other.mode != mode.mode) {
                let why = "two `mtls` blocks select this pod and say different modes: the older object wins, and its age is not known";
                return Err(Unknown::Other(why.to_owned()));
            }
            if port.is_none()
                && reading
                    .ports
                    .keys()
                    .any(|port| of(reading, Some(*port)).mode != mode.mode)
            {
                return Err(Unknown::Port);
            }
            found.get_or_insert(mode);
        }
        Ok(found.unwrap_or(Mode {
            mode: MtlsMode::Permissive,
            by: None,
        }))
    }
}

fn said(level: Level, mode: Option<MtlsMode>, source: usize, policy: &PeerAuthentication) -> Said {
    Said {
        level,
        mode: mode.unwrap_or(MtlsMode::Unset),
        by: reason(policy),
        source,
    }
}

/// The mode that the narrowest level says which says one, else Istio's default.
fn last_word<'s>(said: impl DoubleEndedIterator<Item = &'s Said>) -> Mode {
    let last = said.rev().find(|said| said.mode != MtlsMode::Unset);
    Mode {
        mode: last.map_or(MtlsMode::Permissive, |said| said.mode),
        by: last.map(|said| said.by.clone()),
    }
}

fn reason(policy: &PeerAuthentication) -> Reason {
    Reason {
        object: object_of("PeerAuthentication", &policy.meta),
        rule: None,
        origin: policy.meta.origin,
    }
}
