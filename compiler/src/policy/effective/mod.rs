//! The effective policy: what is in force at one enforcer, composed once and asked many times.

mod homes;
pub(crate) mod index;
pub mod legacy;
pub mod mtls;
pub(crate) mod rules;
pub(crate) mod strings;
mod token_order;

use std::sync::{Arc, OnceLock};

use super::evaluate::matching::Facts;
use super::evaluate::nearest::Goals;
use super::evaluate::places;
use super::inventory::{DataPlane, Inventory, Workload, WorkloadKind};
use super::request::{ObjectRef, Place, Reason};
use super::{Action, Authorization, JwtRule, Meta, PolicyId, Selection, StringMap, Target, TargetRef, TargetRefKind};
use crate::source::Span;
pub use homes::Homes;
use index::Index;
use legacy::Legacy;
use mtls::Mtls;
use rules::{CompiledRule, Compiler, Layer};
use token_order::{Listed, Others};

/// The class of waypoints: the only GatewayClass that a policy can be attached to.
const WAYPOINT_CLASS: &str = "istio-waypoint";

/// Who enforces, and for whom.
#[derive(Clone, Copy, Debug)]
pub enum Enforcer<'a> {
    Sidecar {
        namespace: &'a str,
        labels: &'a StringMap,
    },
    Ztunnel {
        namespace: &'a str,
        labels: &'a StringMap,
    },
    Gateway {
        namespace: &'a str,
        labels: &'a StringMap,
        /// Its name, if it is one of the Gateway API.
        gateway_api: Option<&'a str>,
    },
    /// A waypoint, acting for a Service; each by namespace and name.
    Waypoint {
        waypoint: (&'a str, &'a str),
        service: (&'a str, &'a str),
    },
}

impl<'a> Enforcer<'a> {
    /// Who enforces policy at the pods of a workload; `None`: nobody.
    #[must_use]
    pub fn of(workload: &'a Workload) -> Option<Self> {
        let (namespace, labels) = (workload.namespace.as_str(), &workload.labels);
        if let WorkloadKind::Gateway { gateway_api, .. } = workload.kind {
            return Some(Self::Gateway {
                namespace,
                labels,
                gateway_api: gateway_api.then_some(workload.name.as_str()),
            });
        }
        Self::of_pod(workload.data_plane, namespace, labels)
    }

    /// Who enforces policy at a pod that is no gateway; `None`: nobody.
    #[must_use]
    pub const fn of_pod(data_plane: DataPlane, namespace: &'a str, labels: &'a StringMap) -> Option<Self> {
        match data_plane {
            DataPlane::Sidecar => Some(Self::Sidecar { namespace, labels }),
            DataPlane::Ambient => Some(Self::Ztunnel { namespace, labels }),
            DataPlane::None => None,
        }
    }

    const fn is_ztunnel(&self) -> bool {
        matches!(self, Self::Ztunnel { .. })
    }

    /// Whether a policy of `home` that selects so is for it.
    fn heeds(&self, selection: &Selection, home: &str, root: &str) -> bool {
        match (self, selection) {
            (Self::Waypoint { waypoint, service }, Selection::Targets(targets)) => {
                targets.as_slice().iter().any(|target| match target.kind {
                    TargetRefKind::Service => (home, target.name.as_str()) == *service,
                    TargetRefKind::Gateway => (home, target.name.as_str()) == *waypoint,
                    TargetRefKind::GatewayClass => home == root && target.name == WAYPOINT_CLASS,
                    TargetRefKind::ServiceEntry => false,
                })
            }
            (Self::Waypoint { .. }, _) => false,
            (
                Self::Gateway {
                    namespace, gateway_api, ..
                },
                Selection::Targets(targets),
            ) => {
                let named = |target: &TargetRef| {
                    target.kind == TargetRefKind::Gateway && *gateway_api == Some(target.name.as_str())
                };
                home == *namespace && targets.as_slice().iter().any(named)
            }
            (Self::Sidecar { .. } | Self::Ztunnel { .. }, Selection::Targets(_)) => false,
            (
                Self::Sidecar { namespace, labels }
                | Self::Ztunnel { namespace, labels }
                | Self::Gateway { namespace, labels, .. },
                selection,
            ) => {
                let near = home == root || home == *namespace;
                near && match selection {
                    Selection::Labels(wanted) => includes(labels, wanted.as_map()),
                    // ztunnel is told of a policy for selected pods, and no pod is told that it is one.
                    Selection::EmptySelector => !self.is_ztunnel(),
                    Selection::All | Selection::Targets(_) => true,
                }
            }
        }
    }
}

/// What is in force at one enforcer.
#[derive(Debug)]
pub struct Effective {
    pub mtls: Mtls,
    /// In a legacy release, in place of the mode above and of the tokens below.
    pub legacy: Option<Legacy>,
    /// In the order of their issuers, which is that in which Envoy tries them.
    pub tokens: Vec<TokenRule>,
    /// In which these may stand besides, where ages are not known.
    pub(crate) other_orders: Others,
    pub(crate) custom: Stage,
    /// CUSTOM policies name so many providers.
    pub(crate) providers: usize,
    /// They have no say.
    pub(crate) audit: Stage,
    pub(crate) deny: Stage,
    pub(crate) allow: Stage,
    /// Policies that select the enforcer and have no say there.
    pub aside: Vec<Aside>,
}

/// A policy that selects an enforcer and has no say in its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aside {
    pub policy: PolicyId,
    /// Why, as a sentence.
    pub why: &'static str,
}

/// The policies of one action, and where their rules are found.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    pub(crate) policies: Vec<Policy>,
    http: Index,
    tcp: Index,
    /// For a stage of ALLOW policies that refused something: what their rules for requests and for connections want.
    goals: [OnceLock<Arc<Goals>>; 2],
}

impl Stage {
    fn new(policies: Vec<Policy>) -> Self {
        Self {
            http: Index::new(&policies, |policy| policy.rules(true)),
            tcp: Index::new(&policies, |policy| policy.rules(false)),
            policies,
            goals: Default::default(),
        }
    }

    /// What the rules want, taken apart.
    pub(crate) fn goals(&self, http: bool) -> &Arc<Goals> {
        let [of_requests, of_connections] = &self.goals;
        let cell = if http { of_requests } else { of_connections };
        cell.get_or_init(|| Arc::new(Goals::new(&self.policies, http)))
    }

    /// The rules that may match what an enforcer sees, with their policies, in order.
    pub(crate) fn candidates(&self, facts: &Facts) -> impl Iterator<Item = (&Policy, &CompiledRule)> {
        let index = if facts.http { &self.http } else { &self.tcp };
        let http = facts.http;
        index.candidates(facts).into_iter().filter_map(move |(policy, rule)| {
            let policy = self.policies.get(policy as usize)?;
            Some((policy, policy.rules(http).get(rule as usize)?))
        })
    }
}

/// One of `jwtRules`, and where it stands.
#[derive(Clone, Debug)]
pub struct TokenRule {
    pub rule: JwtRule,
    /// Where it looks, in Envoy's order.
    pub places: Vec<Place>,
    pub object: ObjectRef,
    /// The policy, and the rule in it.
    pub source: (PolicyId, usize),
}

impl TokenRule {
    pub(crate) fn new(rule: JwtRule, object: ObjectRef, source: (PolicyId, usize)) -> Self {
        Self {
            places: places::places(&rule),
            rule,
            object,
            source,
        }
    }

    /// This rule as a reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        Reason {
            object: self.object.clone(),
            rule: None,
            origin: self.rule.origin,
        }
    }
}

/// Every rule for tokens of a policy, wherever it holds; of a legacy policy each issuer that is named.
#[must_use]
pub fn token_rules(policies: &super::PolicySet) -> Vec<TokenRule> {
    let mut rules = Vec::new();
    for (at, policy) in policies.request_authentications.iter().enumerate() {
        let object = object_of("RequestAuthentication", &policy.meta);
        let own = policy.rules.iter().enumerate();
        rules.extend(own.map(|(index, rule)| {
            let source = (PolicyId::Request(at), index);
            TokenRule::new(rule.clone(), object.clone(), source)
        }));
    }
    for (at, policy) in policies.authentication_policies.iter().enumerate() {
        let object = legacy::object_ref(policy);
        let own = legacy::token_rules(policy).enumerate();
        rules.extend(own.map(|(index, rule)| {
            let source = (PolicyId::Legacy(at), index);
            TokenRule::new(rule, object.clone(), source)
        }));
    }
    rules
}

/// An AuthorizationPolicy, compiled.
#[derive(Debug)]
pub(crate) struct Policy {
    /// As an index into [`PolicySet::authorizations`](crate::policy::PolicySet).
    pub(crate) source: usize,
    pub(crate) object: ObjectRef,
    pub(crate) origin: Span,
    pub(crate) dry_run: bool,
    /// Whether it is written without rules.
    pub(crate) is_empty: bool,
    /// Of CUSTOM.
    pub(crate) provider: Option<String>,
    /// For requests; at ztunnel there are none.
    pub(crate) http: Vec<CompiledRule>,
    /// For connections.
    pub(crate) tcp: Vec<CompiledRule>,
}

impl Policy {
    pub(crate) fn rules(&self, http: bool) -> &[CompiledRule] {
        if http { &self.http } else { &self.tcp }
    }

    /// Whether a rule, by its index, can match requests, or else connections.
    pub(crate) fn can_match(&self, index: usize, http: bool) -> bool {
        let rule = self.rules(http).iter().find(|rule| rule.index == index);
        // A clause without lists never holds.
        rule.is_some_and(|rule| rule.clauses.iter().all(|clause| !clause.is_empty()))
    }

    /// This policy as a reason, for a rule or as a whole.
    pub(crate) fn reason(&self, rule: Option<&CompiledRule>) -> Reason {
        Reason {
            object: self.object.clone(),
            rule: rule.map(|rule| rule.index),
            origin: rule.map_or(self.origin, |rule| rule.origin),
        }
    }
}

impl Effective {
    /// Composes what is in force.
    #[must_use]
    pub fn compose<'a>(
        policies: &'a Homes<'a>,
        inventory: &'a Inventory,
        target: Target,
        enforcer: Enforcer<'a>,
    ) -> Self {
        let mesh = &inventory.mesh;
        let none = StringMap::new();
        let (namespace, labels) = match enforcer {
            Enforcer::Sidecar { namespace, labels }
            | Enforcer::Ztunnel { namespace, labels }
            | Enforcer::Gateway { namespace, labels, .. } => (namespace, labels),
            Enforcer::Waypoint { waypoint, .. } => (waypoint.0, &none),
        };
        let mut effective = Self {
            mtls: Mtls::compose(&policies.peers.of(enforcer, &mesh.root), namespace, labels, &mesh.root),
            legacy: target.is_legacy().then(|| {
                let gateway = matches!(enforcer, Enforcer::Gateway { .. });
                let pods = (namespace, labels);
                Legacy::compose(policies.legacy, inventory, pods, gateway)
            }),
            tokens: Vec::new(),
            other_orders: Others::default(),
            custom: Stage::default(),
            providers: 0,
            audit: Stage::default(),
            deny: Stage::default(),
            allow: Stage::default(),
            aside: Vec::new(),
        };
        let place = |home: &str| match home {
            home if home == namespace => 0,
            home if home == mesh.root => 1,
            _ => 2,
        };
        let mut listed = Vec::new();
        for (at, policy) in policies.tokens.of(enforcer, &mesh.root) {
            if !heeds(enforcer, &policy.selection, &policy.meta, &mesh.root) {
                continue;
            }
            if enforcer.is_ztunnel() {
                effective.set_aside(PolicyId::Request(at), "ztunnel reads no tokens");
                continue;
            }
            let rules = policy.rules.iter().enumerate();
            listed.extend(rules.map(|(index, rule)| {
                let object = object_of("RequestAuthentication", &policy.meta);
                Listed {
                    home: place(&object.namespace),
                    created: policy.meta.created,
                    rule: TokenRule::new(rule.clone(), object, (PolicyId::Request(at), index)),
                }
            }));
        }
        (effective.tokens, effective.other_orders) = token_order::orders(listed);
        let own_domains = mesh.own_domains();
        let (mut custom, mut audit, mut deny, mut allow) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (at, policy) in policies.access.of(enforcer, &mesh.root) {
            if !heeds(enforcer, &policy.selection, &policy.meta, &mesh.root) {
                continue;
            }
            let compiled = || compile(at, policy, enforcer.is_ztunnel(), target, &own_domains);
            match &policy.action {
                Action::Allow(_) => allow.push(compiled()),
                Action::Deny(_) => deny.push(compiled()),
                Action::Custom { .. } if enforcer.is_ztunnel() => {
                    effective.set_aside(PolicyId::Authorization(at), "ztunnel asks no external authorizer");
                }
                Action::Custom { .. } => custom.push(compiled()),
                Action::Audit(_) => {
                    effective.set_aside(
                        PolicyId::Authorization(at),
                        "AUDIT marks requests for the log and never decides",
                    );
                    if !enforcer.is_ztunnel() {
                        audit.push(compiled());
                    }
                }
            }
        }
        let mut providers: Vec<&str> = custom.iter().filter_map(|p| p.provider.as_deref()).collect();
        providers.sort_unstable();
        providers.dedup();
        effective.providers = providers.len();
        (effective.custom, effective.audit) = (Stage::new(custom), Stage::new(audit));
        (effective.deny, effective.allow) = (Stage::new(deny), Stage::new(allow));
        effective
    }
}

/// What an enforcer heeds, not compiled: policies by their indices in the set, and the mode.
#[derive(Debug)]
pub(crate) struct Heeded {
    pub(crate) mtls: Mtls,
    pub(crate) tokens: Vec<usize>,
    pub(crate) access: Vec<usize>,
}

impl Heeded {
    pub(crate) fn of<'a>(policies: &'a Homes<'a>, enforcer: Enforcer<'a>, root: &'a str) -> Self {
        let none = StringMap::new();
        let (namespace, labels) = match enforcer {
            Enforcer::Sidecar { namespace, labels }
            | Enforcer::Ztunnel { namespace, labels }
            | Enforcer::Gateway { namespace, labels, .. } => (namespace, labels),
            Enforcer::Waypoint { waypoint, .. } => (waypoint.0, &none),
        };
        let tokens = policies.tokens.of(enforcer, root).into_iter();
        let access = policies.access.of(enforcer, root).into_iter();
        Self {
            mtls: Mtls::compose(&policies.peers.of(enforcer, root), namespace, labels, root),
            tokens: tokens
                .filter(|(_, policy)| heeds(enforcer, &policy.selection, &policy.meta, root))
                .map(|(at, _)| at)
                .collect(),
            access: access
                .filter(|(_, policy)| heeds(enforcer, &policy.selection, &policy.meta, root))
                .map(|(at, _)| at)
                .collect(),
        }
    }
}

impl Effective {
    fn set_aside(&mut self, policy: PolicyId, why: &'static str) {
        self.aside.push(Aside { policy, why });
    }
}

fn heeds(enforcer: Enforcer<'_>, selection: &Selection, meta: &Meta, root: &str) -> bool {
    enforcer.heeds(selection, meta.namespace.as_deref().unwrap_or_default(), root)
}

/// Compiles a policy as ztunnel does, or else Envoy.
pub(crate) fn compile(
    source: usize,
    policy: &Authorization,
    ztunnel: bool,
    target: Target,
    own_domains: &[&str],
) -> Policy {
    let rules = policy.action.rules();
    let compiler = |layer| Compiler {
        layer,
        target,
        allow: matches!(policy.action, Action::Allow(_)),
        own_domains,
        namespace: policy.meta.namespace.as_deref().unwrap_or_default(),
    };
    Policy {
        source,
        object: object_of("AuthorizationPolicy", &policy.meta),
        origin: policy.meta.origin,
        dry_run: policy.dry_run,
        is_empty: rules.is_empty(),
        provider: match &policy.action {
            Action::Custom { provider, .. } => Some(provider.clone()),
            Action::Allow(_) | Action::Deny(_) | Action::Audit(_) => None,
        },
        http: if ztunnel {
            Vec::new()
        } else {
            compiler(Layer::Http).rules(rules)
        },
        tcp: compiler(if ztunnel { Layer::Ztunnel } else { Layer::Tcp }).rules(rules),
    }
}

pub(crate) fn object_of(kind: &'static str, meta: &Meta) -> ObjectRef {
    ObjectRef {
        kind,
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone(),
    }
}

/// Whether pods with exactly these labels carry all of `wanted`.
pub(crate) fn includes(labels: &StringMap, wanted: &StringMap) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}
