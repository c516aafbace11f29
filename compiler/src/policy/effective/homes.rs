//! Policies by where they are and what they select, so that composing for one workload does not read those of all others.

use std::collections::HashMap;

use super::Enforcer;
use crate::policy::legacy::AuthenticationPolicy;
use crate::policy::{Authorization, Meta, PeerAuthentication, PeerScope, PolicySet, RequestAuthentication, Selection};

/// The policies of a set, filed.
#[derive(Debug)]
pub struct Homes<'p> {
    pub(crate) peers: Filed<'p, PeerAuthentication>,
    pub(crate) tokens: Filed<'p, RequestAuthentication>,
    pub(crate) access: Filed<'p, Authorization>,
    /// These replace each other across namespaces, and are few.
    pub(crate) legacy: &'p [AuthenticationPolicy],
}

impl<'p> Homes<'p> {
    /// Files a set.
    #[must_use]
    pub fn new(policies: &'p PolicySet) -> Self {
        let selection = |selection: &'p Selection| match selection {
            Selection::All | Selection::EmptySelector => vec![Hook::Any],
            // One label that is missing is enough to be out.
            Selection::Labels(labels) => labels.as_map().iter().take(1).map(|(k, v)| Hook::Label(k, v)).collect(),
            Selection::Targets(targets) => targets
                .as_slice()
                .iter()
                .map(|target| Hook::Target(&target.name))
                .collect(),
        };
        Self {
            peers: Filed::new(&policies.peer_authentications, |policy| {
                let hooks = match &policy.scope {
                    PeerScope::Namespace | PeerScope::EmptySelector => vec![Hook::Any],
                    PeerScope::Workload { labels, .. } => {
                        labels.as_map().iter().take(1).map(|(k, v)| Hook::Label(k, v)).collect()
                    }
                };
                (&policy.meta, hooks)
            }),
            tokens: Filed::new(&policies.request_authentications, |policy| {
                (&policy.meta, selection(&policy.selection))
            }),
            access: Filed::new(&policies.authorizations, |policy| {
                (&policy.meta, selection(&policy.selection))
            }),
            legacy: &policies.authentication_policies,
        }
    }
}

/// What a pod must be for a policy to be read for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Hook<'p> {
    Any,
    Label(&'p str, &'p str),
    Target(&'p str),
}

/// Policies of one kind.
#[derive(Debug)]
pub(crate) struct Filed<'p, P> {
    all: &'p [P],
    places: HashMap<(&'p str, Hook<'p>), Vec<usize>>,
}

impl<'p, P> Filed<'p, P> {
    fn new(all: &'p [P], place: impl Fn(&'p P) -> (&'p Meta, Vec<Hook<'p>>)) -> Self {
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, policy) in all.iter().enumerate() {
            let (meta, hooks) = place(policy);
            let namespace = meta.namespace.as_deref().unwrap_or_default();
            for hook in hooks {
                places.entry((namespace, hook)).or_default().push(at);
            }
        }
        Self { all, places }
    }

    /// The policies that an enforcer may have to heed with their indices, in the order of the set.
    pub(crate) fn of<'s>(&'s self, enforcer: Enforcer<'s>, root: &'s str) -> Vec<(usize, &'s P)> {
        let mut found: Vec<usize> = Vec::new();
        let mut add = |namespace, hook| found.extend(self.places.get(&(namespace, hook)).into_iter().flatten());
        match enforcer {
            Enforcer::Sidecar { namespace, labels }
            | Enforcer::Ztunnel { namespace, labels }
            | Enforcer::Gateway { namespace, labels, .. } => {
                for home in [root, namespace] {
                    add(home, Hook::Any);
                    for (key, value) in labels {
                        add(home, Hook::Label(key, value));
                    }
                }
                if let Enforcer::Gateway {
                    gateway_api: Some(name),
                    ..
                } = enforcer
                {
                    add(namespace, Hook::Target(name));
                }
            }
            Enforcer::Waypoint { waypoint, service } => {
                add(waypoint.0, Hook::Target(waypoint.1));
                add(service.0, Hook::Target(service.1));
                add(root, Hook::Target(WAYPOINT_CLASS));
                // The mode of mutual TLS at a waypoint is that of its namespace.
                add(root, Hook::Any);
                add(waypoint.0, Hook::Any);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .filter_map(|at| Some((at, self.all.get(at)?)))
            .collect()
    }
}

/// The only GatewayClass that a policy can be attached to.
const WAYPOINT_CLASS: &str = "istio-waypoint";
