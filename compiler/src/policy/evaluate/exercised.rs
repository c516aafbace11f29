//! Which parts of a policy a request exercises: those that matched or decided on its way.

use super::client::Said;
use super::matching::{self, Truth};
use super::{Judge, port_and_protocol};
use crate::policy::effective::{self, Policy, TokenRule};
use crate::policy::inventory::DataPlane;
use crate::policy::request::{Caller, Destination, Reason, Request, Stage};

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
        for reason in all {
            if !distinct.contains(&reason) {
                distinct.push(reason);
            }
        }
        distinct
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
                && let Ok(Said::Mode(_, reason)) = self.said_to(&pod, request, caller, service)
            {
                all.push(reason);
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
