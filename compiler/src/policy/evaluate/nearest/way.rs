//! What the rules on a request's way say, gathered: those that refuse, their issuers, the ports that they name.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::Judge;
use super::witnesses;
use crate::policy::JwtRule;
use crate::policy::effective::legacy::Legacy;
use crate::policy::effective::rules::{Matcher, Test};
use crate::policy::effective::{Effective, Stage};
use crate::policy::request::Destination;

/// The enforcers that a request to a destination can meet.
pub(super) struct Way<'j> {
    effective: Vec<&'j Effective>,
    /// Of a pod that no block describes.
    own: Option<Arc<Effective>>,
    pub(super) has_waypoint: bool,
}

impl<'j> Way<'j> {
    pub(super) fn new(judge: &'j Judge<'_>, to: &Destination) -> Self {
        let mut way = Self {
            effective: Vec::new(),
            own: None,
            has_waypoint: false,
        };
        match to {
            Destination::Known(index) => {
                let several = judge.several(*index).map(|several| several.stands_for.clone());
                for index in several.unwrap_or_else(|| vec![*index]) {
                    way.effective.extend(judge.pod_policy(index));
                    for (at, service) in judge.inventory.services.iter().enumerate() {
                        if let Some((namespace, name)) = &service.waypoint
                            && service.workloads.contains(&index)
                        {
                            way.has_waypoint = true;
                            way.effective
                                .extend(judge.waypoint_policy(at, service, namespace, name));
                        }
                    }
                }
            }
            Destination::Pod { namespace, labels, .. } => way.own = judge.effective_at_pods(namespace, labels),
        }
        way
    }

    fn all(&self) -> impl Iterator<Item = &Effective> {
        self.effective.iter().copied().chain(self.own.as_deref())
    }

    /// The issuers whose tokens are looked for.
    pub(super) fn jwt_rules(&self) -> impl Iterator<Item = &JwtRule> {
        self.all().flat_map(|effective| {
            let legacy = effective.legacy.iter().flat_map(Legacy::issuers);
            let legacy = legacy.filter(|issuer| issuer.has_keys).map(|issuer| &issuer.rule);
            effective.tokens.iter().map(|rule| &rule.rule).chain(legacy)
        })
    }

    /// The tests of CUSTOM and DENY rules.
    pub(super) fn refusing(&self) -> impl Iterator<Item = &Test> {
        self.all().flat_map(|it| tests(&it.custom).chain(tests(&it.deny)))
    }

    fn matchers(&self) -> impl Iterator<Item = &Matcher> {
        let all = self.refusing().chain(self.all().flat_map(|it| tests(&it.allow)));
        all.flat_map(|test| test.positive.iter().chain(&test.negative))
    }

    /// A word that no pattern has.
    pub(super) fn fresh(&self) -> String {
        const WORD: &str = "other";
        let said = self
            .matchers()
            .map(|matcher| format!("{matcher:?}").to_ascii_lowercase());
        let said: Vec<String> = said.filter(|text| text.contains(WORD)).collect();
        let free = |word: &String| !said.iter().any(|text| text.contains(word.as_str()));
        let numbered = (2..u32::MAX).map(|number| format!("{WORD}{number}"));
        let mut words = std::iter::once(WORD.to_owned()).chain(numbered);
        words.find(free).unwrap_or_default()
    }

    /// The ports that the pod declares or a rule names, each with the Service ports that lead to it.
    pub(super) fn ports(&self, judge: &Judge<'_>, to: &Destination) -> Vec<(u16, Option<u16>)> {
        let declared = match to {
            Destination::Known(index) => judge.inventory.workloads.get(*index).map(|workload| &workload.ports),
            Destination::Pod { ports, .. } => Some(ports),
        };
        let named: BTreeSet<u16> = self
            .matchers()
            .filter_map(|matcher| match matcher {
                Matcher::Port(port) => Some(*port),
                _ => None,
            })
            .collect();
        let mut all = Vec::new();
        for port in declared
            .into_iter()
            .flat_map(|ports| ports.keys().copied())
            .chain(named)
        {
            let mut through: Vec<Option<u16>> = Vec::new();
            if let Destination::Known(index) = to {
                let services = judge.inventory.services.iter();
                for service in services.filter(|it| it.workloads.contains(index)) {
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
}

fn tests(stage: &Stage) -> impl Iterator<Item = &Test> {
    let rules = stage
        .policies
        .iter()
        .flat_map(|policy| policy.http.iter().chain(&policy.tcp));
    rules.flat_map(|rule| rule.clauses.iter().flatten().flatten())
}
