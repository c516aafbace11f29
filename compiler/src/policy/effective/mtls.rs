//! Which mode of mutual TLS is in force at a pod's port, and who says so.

use std::collections::BTreeMap;

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

/// The modes at the ports of a pod.
#[derive(Clone, Debug)]
pub struct Mtls {
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
}

impl Mtls {
    /// Composes the mode of mesh, namespace and workload.
    #[must_use]
    pub fn compose(policies: &[&PeerAuthentication], namespace: &str, labels: &StringMap, root: &str) -> Self {
        let wide = |home: &str| {
            policies
                .iter()
                .find(|p| p.scope.is_namespace() && p.meta.namespace.as_deref() == Some(home))
        };
        let mut inferred = Mode {
            mode: MtlsMode::Permissive,
            by: None,
        };
        let levels = if namespace == root {
            vec![root]
        } else {
            vec![root, namespace]
        };
        for policy in levels.into_iter().filter_map(wide) {
            apply(&mut inferred, policy.mode, policy);
        }
        let mut readings = Vec::new();
        for policy in policies {
            let PeerScope::Workload { labels: wanted, ports } = &policy.scope else {
                continue;
            };
            // Istio ignores selectors in the root namespace.
            let here = policy.meta.namespace.as_deref() == Some(namespace) && namespace != root;
            if !here || !includes(labels, wanted.as_map()) {
                continue;
            }
            let mut all = inferred.clone();
            apply(&mut all, policy.mode, policy);
            let mode_of = |mode: &MtlsMode| match mode {
                MtlsMode::Unset => all.clone(),
                mode => Mode {
                    mode: *mode,
                    by: Some(reason(policy)),
                },
            };
            let ports = ports.iter().map(|(port, mode)| (*port, mode_of(mode))).collect();
            let own = !matches!(policy.mode, None | Some(MtlsMode::Unset));
            readings.push(Reading { all, ports, own });
        }
        if readings.is_empty() {
            readings.push(Reading {
                all: inferred.clone(),
                ports: BTreeMap::new(),
                own: false,
            });
        }
        Self { readings, inferred }
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

fn apply(mode: &mut Mode, said: Option<MtlsMode>, policy: &PeerAuthentication) {
    if let Some(said) = said.filter(|mode| *mode != MtlsMode::Unset) {
        *mode = Mode {
            mode: said,
            by: Some(reason(policy)),
        };
    }
}

fn reason(policy: &PeerAuthentication) -> Reason {
    Reason {
        object: object_of("PeerAuthentication", &policy.meta),
        rule: None,
        origin: policy.meta.origin,
    }
}
