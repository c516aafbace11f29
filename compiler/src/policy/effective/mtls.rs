//! Which mode of mutual TLS is in force at a pod's port, and who says so.

use std::collections::{BTreeMap, BTreeSet};

use super::{includes, object_of};
use crate::policy::age;
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
    /// One for each choice of policies that could be the oldest of their level.
    readings: Vec<Reading>,
    /// Whether there is a policy with `selector: {}`, which ztunnel is told of in another way.
    empty_selector: bool,
}

#[derive(Clone, Debug)]
struct Reading {
    all: Mode,
    ports: BTreeMap<u16, Mode>,
    /// Whether the pod's own policy says a mode for all ports.
    own: bool,
    /// What policies say of the mode, the widest first.
    said: Vec<Said>,
}

impl Reading {
    fn new(wide: &[Said], own: Option<(usize, &PeerAuthentication)>) -> Self {
        let mut heard = wide.to_vec();
        let mut ports = BTreeMap::new();
        let mut of_ports = Vec::new();
        if let Some((source, policy)) = own {
            heard.push(said(Level::Workload, policy.mode, source, policy));
            if let PeerScope::Workload { ports: modes, .. } = &policy.scope {
                for (port, mode) in modes {
                    let said = said(Level::Port(*port), Some(*mode), source, policy);
                    ports.insert(*port, last_word(heard.iter().chain([&said])));
                    of_ports.push(said);
                }
            }
        }
        let all = last_word(heard.iter());
        heard.extend(of_ports);
        Self {
            all,
            ports,
            own: own.is_some_and(|(_, policy)| !matches!(policy.mode, None | Some(MtlsMode::Unset))),
            said: heard,
        }
    }
}

/// The policies of one level that could be the oldest; of those that say the same, one.
fn contenders<'p>(
    policies: &[(usize, &'p PeerAuthentication)],
    of_level: impl Fn(&PeerAuthentication) -> bool,
) -> Vec<(usize, &'p PeerAuthentication)> {
    let mut found: Vec<_> = policies
        .iter()
        .copied()
        .filter(|(_, policy)| of_level(policy))
        .collect();
    age::keep_oldest(&mut found, |(_, policy)| &policy.meta);
    let mut different: Vec<(usize, &PeerAuthentication)> = Vec::new();
    for (source, policy) in found {
        if !different.iter().any(|(_, other)| says_the_same(other, policy)) {
            different.push((source, policy));
        }
    }
    different
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
        // One list for each choice of the oldest policies of mesh and namespace.
        let mut wide: Vec<Vec<Said>> = vec![Vec::new()];
        for (level, home) in levels {
            let of_level = |p: &PeerAuthentication| p.scope.is_namespace() && p.meta.namespace.as_deref() == Some(home);
            let contenders = contenders(policies, of_level);
            let said: Vec<Said> = contenders
                .into_iter()
                .map(|(source, policy)| said(level, policy.mode, source, policy))
                .collect();
            if !said.is_empty() {
                let with = |before: &Vec<Said>, said: &Said| before.iter().chain([said]).cloned().collect();
                wide = wide
                    .iter()
                    .flat_map(|before| said.iter().map(|said| with(before, said)))
                    .collect();
            }
        }
        let of_pod = |p: &PeerAuthentication| match &p.scope {
            // Istio ignores selectors in the root namespace.
            PeerScope::Workload { labels: wanted, .. } => {
                p.meta.namespace.as_deref() == Some(namespace) && namespace != root && includes(labels, wanted.as_map())
            }
            PeerScope::Namespace | PeerScope::EmptySelector => false,
        };
        let own = contenders(policies, of_pod);
        let mut readings = Vec::new();
        for wide in wide {
            if own.is_empty() {
                readings.push(Reading::new(&wide, None));
            }
            readings.extend(own.iter().map(|own| Reading::new(&wide, Some(*own))));
        }
        let empty_selector = policies.iter().any(|(_, p)| p.scope == PeerScope::EmptySelector);
        Self {
            readings,
            empty_selector,
        }
    }

    /// The mode of mesh and namespace only: what clients believe of a service.
    ///
    /// # Errors
    /// It depends on which of two policies is the older.
    pub fn inferred(&self) -> Result<Mode, Unknown> {
        let mode = |reading: &Reading| last_word(reading.said.iter().filter(|said| said.level <= Level::Namespace));
        self.agreed(None, |reading, _| mode(reading), false)
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
            .map(|reading| reading.said.iter().filter(of_port).collect())
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
        self.agreed(
            port,
            |reading, port| match port {
                Some(port) => reading.ports.get(&port).unwrap_or(&reading.all).clone(),
                None => reading.all.clone(),
            },
            true,
        )
    }

    /// The mode of a port at ztunnel, which is told a strict mode as a DENY and nothing else.
    ///
    /// # Errors
    /// As for [`Self::at`]; or what ztunnel is told of the port is not known.
    pub fn at_ztunnel(&self, port: Option<u16>) -> Result<Mode, Unknown> {
        if self.empty_selector {
            let why =
                "what ztunnel makes of a PeerAuthentication with `selector: {}` is not judged; leave the selector out";
            return Err(Unknown::Other(why.to_owned()));
        }
        for reading in &self.readings {
            let disables = reading.ports.values().any(|m| m.mode == MtlsMode::Disable);
            let permits = reading.ports.values().any(|m| m.mode == MtlsMode::Permissive);
            if reading.own && reading.all.mode == MtlsMode::Strict && disables && !permits {
                let why = "whether ztunnel opens a port with `mtls disable` under a strict workload is not certain; say `mtls permissive on port`";
                return Err(Unknown::Other(why.to_owned()));
            }
        }
        self.agreed(
            port,
            |reading, port| {
                let own = port.and_then(|port| reading.ports.get(&port)).unwrap_or(&reading.all);
                let permits = reading.ports.values().any(|m| m.mode == MtlsMode::Permissive);
                // A strict parent stays in force where the pod's own policy only disables ports.
                if reading.all.mode == MtlsMode::Strict && own.mode == MtlsMode::Disable && !reading.own && !permits {
                    return reading.all.clone();
                }
                own.clone()
            },
            true,
        )
    }

    fn agreed(
        &self,
        port: Option<u16>,
        of: impl Fn(&Reading, Option<u16>) -> Mode,
        by_port: bool,
    ) -> Result<Mode, Unknown> {
        let mut found: Option<(Mode, &Reading)> = None;
        for reading in &self.readings {
            let mode = of(reading, port);
            if let Some((other, before)) = &found
                && other.mode != mode.mode
            {
                return Err(of_unknown_age(before, reading));
            }
            if by_port
                && port.is_none()
                && reading
                    .ports
                    .keys()
                    .any(|port| of(reading, Some(*port)).mode != mode.mode)
            {
                return Err(Unknown::Port);
            }
            found.get_or_insert((mode, reading));
        }
        Ok(found.map_or(last_word(std::iter::empty()), |(mode, _)| mode))
    }
}

fn says_the_same(one: &PeerAuthentication, other: &PeerAuthentication) -> bool {
    let ports = match (&one.scope, &other.scope) {
        (PeerScope::Workload { ports: one, .. }, PeerScope::Workload { ports: other, .. }) => one == other,
        _ => true,
    };
    one.mode == other.mode && ports
}

/// Two readings differ: the policies that could both be the oldest of their level.
fn of_unknown_age(one: &Reading, other: &Reading) -> Unknown {
    let pairs = [Level::Workload, Level::Namespace, Level::Mesh]
        .into_iter()
        .filter_map(|level| {
            let at = |reading: &Reading| reading.said.iter().find(|said| said.level == level).cloned();
            Some((at(one)?, at(other)?)).filter(|(one, other)| one.source != other.source)
        });
    let names = pairs
        .map(|(one, other)| format!("{} and {}", one.by.object, other.by.object))
        .next()
        .unwrap_or_default();
    Unknown::Other(format!(
        "{names} are of one rank and say different modes: the older object wins, and which one is older is not known (`metadata.creationTimestamp`)"
    ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Labels, Meta};
    use crate::source::Span;

    /// Name, namespace, creation, mode; of the pods with `app=web` where the name says so.
    type Said<'t> = (&'t str, &'t str, Option<i64>, MtlsMode);

    fn mode(policies: &[Said<'_>]) -> Result<MtlsMode, String> {
        let labels = StringMap::from([("app".to_owned(), "web".to_owned())]);
        let policy = |(name, namespace, created, mode): &Said<'_>| PeerAuthentication {
            meta: Meta {
                name: (*name).to_owned(),
                namespace: Some((*namespace).to_owned()),
                labels: StringMap::new(),
                annotations: StringMap::new(),
                created: *created,
                origin: Span::default(),
            },
            mode: Some(*mode),
            scope: match Labels::new(labels.clone()) {
                Some(labels) if name.starts_with("web") => PeerScope::Workload {
                    labels,
                    ports: BTreeMap::new(),
                },
                _ => PeerScope::Namespace,
            },
        };
        let policies: Vec<PeerAuthentication> = policies.iter().map(policy).collect();
        let indexed: Vec<_> = policies.iter().enumerate().collect();
        let mtls = Mtls::compose(&indexed, "shop", &labels, "root");
        mtls.at(Some(80)).map(|mode| mode.mode).map_err(|why| why.to_string())
    }

    #[test]
    fn the_oldest_of_a_level_wins() {
        use MtlsMode::{Disable, Permissive, Strict};
        assert_eq!(
            mode(&[("b", "shop", Some(2), Permissive), ("a", "shop", Some(1), Strict)]),
            Ok(Strict)
        );
        assert_eq!(
            mode(&[("b", "shop", Some(1), Permissive), ("a", "shop", Some(1), Strict)]),
            Ok(Strict)
        );
        assert_eq!(
            mode(&[("web-b", "shop", Some(1), Disable), ("web-a", "shop", Some(2), Strict)]),
            Ok(Disable)
        );
    }

    #[test]
    fn an_unknown_age_matters_only_where_the_answer_depends_on_it() {
        use MtlsMode::{Permissive, Strict, Unset};
        let unclear = [("a", "root", None, Strict), ("b", "root", Some(1), Permissive)];
        let why = mode(&unclear).unwrap_err();
        assert!(
            why.contains("PeerAuthentication root/a and PeerAuthentication root/b"),
            "{why}"
        );
        let with = |own: Said<'static>| mode(&[unclear[0], unclear[1], own]);
        assert_eq!(with(("c", "shop", None, Strict)), Ok(Strict));
        assert!(with(("web", "shop", None, Unset)).is_err());
        assert_eq!(
            mode(&[("a", "shop", None, Strict), ("b", "shop", None, Strict)]),
            Ok(Strict)
        );
        let why = mode(&[("web-a", "shop", None, Strict), ("web-b", "shop", None, Permissive)]).unwrap_err();
        assert!(why.contains("shop/web-a and PeerAuthentication shop/web-b"), "{why}");
    }
}
