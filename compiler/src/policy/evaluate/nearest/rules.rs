//! What the rules on a request's way say, gathered: their tests, issuers, ports and callers.

use std::collections::BTreeSet;

use super::super::{Judge, matching};
use super::facts::Fact;
use super::witnesses;
use crate::policy::JwtRule;
use crate::policy::effective::Effective;
use crate::policy::effective::legacy::Legacy;
use crate::policy::effective::rules::Matcher;
use crate::policy::request::Destination;

/// Identities are compared by at most so many tests.
const MAX_COMPARED: usize = 4_000_000;

/// The fact that a test of this header is about.
pub(super) fn of_header(name: &str) -> Fact {
    match name {
        ":authority" | "host" => Fact::Host,
        ":method" => Fact::Method,
        name => Fact::Header(name.to_owned()),
    }
}

/// The issuers whose tokens are looked for.
pub(super) fn jwt_rules(effective: &Effective) -> impl Iterator<Item = &JwtRule> {
    let legacy = effective.legacy.iter().flat_map(Legacy::issuers);
    let legacy = legacy.filter(|issuer| issuer.has_keys).map(|issuer| &issuer.rule);
    effective.tokens.iter().map(|rule| &rule.rule).chain(legacy)
}

/// One identity of each kind that the tests of callers, or the TLS of the mesh, tell apart.
pub(super) fn different(identities: Vec<String>, matchers: &[&Matcher], judge: &Judge<'_>) -> Vec<String> {
    let tests: Vec<&&Matcher> = matchers.iter().filter(|matcher| is_of_caller(matcher)).collect();
    if identities.len() * tests.len() > MAX_COMPARED {
        return identities;
    }
    let mesh = &judge.inventory.mesh;
    let mut kinds = BTreeSet::new();
    let is_new = |identity: &String| {
        let domain = identity.split('/').next().unwrap_or_default();
        let taken: Vec<usize> = (0..tests.len())
            .filter(|at| tests.get(*at).is_some_and(|test| matching::identity(test, identity)))
            .collect();
        kinds.insert((mesh.accepts(domain), domain == mesh.trust_domain, taken))
    };
    identities.into_iter().filter(is_new).collect()
}

/// Whether it tests who is at the other end.
pub(super) const fn is_of_caller(matcher: &Matcher) -> bool {
    matches!(
        matcher,
        Matcher::Peer(_) | Matcher::ZtunnelPrincipal(_) | Matcher::ZtunnelNamespace(_) | Matcher::ZtunnelAccount { .. }
    )
}

/// All tests of one value.
pub(super) fn matchers<'e>(effective: &[&'e Effective]) -> Vec<&'e Matcher> {
    let policies = effective.iter().flat_map(|it| {
        [&it.custom, &it.deny, &it.allow]
            .into_iter()
            .flat_map(|stage| &stage.policies)
    });
    let rules = policies.flat_map(|policy| policy.http.iter().chain(&policy.tcp));
    let tests = rules.flat_map(|rule| rule.clauses.iter().flatten().flatten());
    tests
        .flat_map(|test| test.positive.iter().chain(&test.negative))
        .collect()
}

/// The ports that the pod declares or a rule names, each with the Service ports that lead to it.
pub(super) fn ports_of(judge: &Judge<'_>, to: &Destination, named: BTreeSet<u16>) -> Vec<(u16, Option<u16>)> {
    let mut all: Vec<(u16, Option<u16>)> = Vec::new();
    let declared = match to {
        Destination::Known(index) => judge.inventory.workloads.get(*index).map(|workload| &workload.ports),
        Destination::Pod { ports, .. } => Some(ports),
    };
    let ports: Vec<u16> = declared
        .into_iter()
        .flat_map(|ports| ports.keys().copied())
        .chain(named)
        .collect();
    for port in ports {
        let mut through: Vec<Option<u16>> = Vec::new();
        if let Destination::Known(index) = to {
            for service in judge
                .inventory
                .services
                .iter()
                .filter(|it| it.workloads.contains(index))
            {
                let leading = service.ports.iter().filter(|(_, pod_port)| *pod_port == port);
                through.extend(leading.map(|(service_port, _)| Some(*service_port)));
            }
        }
        if through.len() < 2 {
            through = vec![None];
        }
        all.extend(through.into_iter().map(|service| (port, service)));
    }
    witnesses::distinct(all)
}
