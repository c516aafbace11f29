//! Which parts of a policy a request exercises: those that matched or decided on its way.

use super::matching::{self, Truth};
use super::{Judge, port_and_protocol};
use crate::policy::effective::{self, Policy, TokenRule, legacy, object_of};
use crate::policy::inventory::DataPlane;
use crate::policy::request::{Answer, Caller, Destination, ObjectRef, Reason, Request, Stage};
use crate::policy::{Action, PolicySet};
use crate::source::Span;

/// The parts of a policy that a request can exercise, in the order of the policy. AUDIT has no say, so it is none.
#[must_use]
pub fn exercisable(policies: &PolicySet) -> Vec<Reason> {
    let whole = |object: ObjectRef, origin: Span| Reason {
        object,
        rule: None,
        origin,
    };
    let mut all = Vec::new();
    for policy in &policies.peer_authentications {
        all.push(whole(object_of("PeerAuthentication", &policy.meta), policy.meta.origin));
    }
    for policy in &policies.authentication_policies {
        all.push(whole(legacy::object_ref(policy), policy.meta.origin));
    }
    for policy in &policies.request_authentications {
        let object = object_of("RequestAuthentication", &policy.meta);
        all.extend(policy.rules.iter().map(|rule| whole(object.clone(), rule.origin)));
    }
    for policy in policies
        .authorizations
        .iter()
        .filter(|it| !matches!(it.action, Action::Audit(_)))
    {
        let object = object_of("AuthorizationPolicy", &policy.meta);
        let rules = policy.action.rules();
        if rules.is_empty() {
            all.push(whole(object, policy.meta.origin));
            continue;
        }
        all.extend(rules.iter().enumerate().map(|(index, rule)| Reason {
            object: object.clone(),
            rule: Some(index),
            origin: rule.origin,
        }));
    }
    for rule in policies.destination_rules.iter().filter(|rule| rule.tls.is_some()) {
        all.push(whole(object_of("DestinationRule", &rule.meta), rule.meta.origin));
    }
    all
}

impl Judge<'_> {
    /// The parts of the policy that a request exercises.
    ///
    /// A rule of an AuthorizationPolicy is exercised where the request comes to its action and it matches, whether
    /// another one does too; an ALLOW policy as a whole where it is one of those without a match. A JWT rule is where it
    /// takes or refuses a token, a PeerAuthentication where a connection comes to a port whose mode it sets, and a
    /// DestinationRule where it says the TLS of the caller's proxy. A request without an answer exercises nothing.
    #[must_use]
    pub fn exercised(&self, request: &Request) -> Vec<Reason> {
        let mut all: Vec<Reason> = Vec::new();
        let answer = self.observed(request, &mut |effective, facts, judged| {
            // What the filter of a legacy release made of the facts is not seen.
            if effective.legacy.is_some() {
                return;
            }
            let matching = |stage: &effective::Stage| {
                let enforced = |policy: &Policy| request.dry_run || !policy.dry_run;
                let rules = stage.candidates(facts).filter(|(policy, _)| enforced(policy));
                let matching = rules.filter(|(_, rule)| matching::rule(rule, facts) == Truth::Yes);
                matching
                    .map(|(policy, rule)| policy.reason(Some(rule)))
                    .collect::<Vec<_>>()
            };
            let token = judged.token.and_then(|index| effective.tokens.get(index));
            all.extend(token.map(TokenRule::reason));
            all.extend(judged.let_pass.clone());
            all.extend(match judged.answer.stage {
                Some(Stage::Deny) => matching(&effective.deny),
                Some(Stage::Allow) => matching(&effective.allow),
                _ => Vec::new(),
            });
            all.extend(judged.answer.because.clone());
        });
        let Ok(answer) = answer else { return Vec::new() };
        all.extend(answer.because);
        all.extend(self.on_arrival(request));
        let mut distinct: Vec<Reason> = Vec::new();
        for mut reason in all {
            // A legacy policy refuses at one of its issuers, and is one part.
            let legacy = self.policies.authentication_policies.iter();
            let mut legacy = legacy.filter(|policy| legacy::object_ref(policy) == reason.object);
            reason.origin = legacy.next().map_or(reason.origin, |policy| policy.meta.origin);
            if !distinct.contains(&reason) {
                distinct.push(reason);
            }
        }
        distinct
    }

    /// The answer to a request, and whether a rule of an AuthorizationPolicy, each by its index, matches on its way.
    pub(crate) fn matched(&self, request: &Request, (source, rule): (usize, usize)) -> Option<(Answer, bool)> {
        let mut matched = false;
        let answer = self.observed(request, &mut |effective, facts, _| {
            let stages = [&effective.custom, &effective.deny, &effective.allow];
            let policies = stages.into_iter().flat_map(|stage| &stage.policies);
            let rules = policies
                .filter(|policy| policy.source == source)
                .flat_map(|policy| policy.rules(facts.http));
            let mut rules = rules.filter(|own| own.index == rule);
            matched |= rules.any(|rule| matching::rule(rule, facts) == Truth::Yes);
        });
        Some((answer.ok()?, matched))
    }

    /// Who sets the mode at the port, and who the TLS of the caller.
    fn on_arrival(&self, request: &Request) -> Vec<Reason> {
        if let Destination::Known(index) = request.to
            && let Some(several) = self.several(index)
        {
            let each = several.stands_for.iter().map(|index| Request {
                to: Destination::Known(*index),
                ..request.clone()
            });
            return each.flat_map(|request| self.on_arrival(&request)).collect();
        }
        let Ok(pod) = self.pod(&request.to) else {
            return Vec::new();
        };
        let Ok((port, _)) = port_and_protocol(&pod, request) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for way in self.ways(&pod, request, port).unwrap_or_default() {
            let service = way.and_then(|(at, port)| Some((self.inventory.services.get(at)?, port)));
            let through = service.is_some_and(|(service, _)| service.waypoint.is_some());
            if through && self.passes_waypoint(&request.caller) {
                continue;
            }
            if pod.gateway.is_none() && self.enforcer_name(&pod, port).is_some() {
                all.extend(self.mode(&pod, port).ok().and_then(|mode| mode.by));
            }
            let caller = match request.caller {
                Caller::Workload(index) => self.inventory.workloads.get(index),
                Caller::Outsider | Caller::Principal(_) => None,
            };
            // ztunnel heeds no destination.
            let proxied = caller.filter(|caller| caller.data_plane == DataPlane::Sidecar && pod.gateway.is_none());
            if let Some(caller) = proxied
                && let Ok(said) = self.said_to(&pod, request, caller, service)
            {
                all.extend(said.reason().cloned());
            }
        }
        all
    }

    /// The destination that says which TLS a workload's proxy uses towards a host.
    #[must_use]
    pub fn exercised_client(&self, workload: usize, host: &str, port: Option<u16>) -> Option<Reason> {
        self.client_side(workload, host, port).ok()?.by
    }
}
