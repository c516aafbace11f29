//! Findings that are read off composed policies and facts: what holds where, and what a fact makes of it.
//!
//! Each rests on what is known of the installation and never on what is not: a list of pods that somebody passes is not
//! all of a cluster. What a request would show is asked of the evaluator before it is said.

mod ages;
mod authorizers;
mod callers;
mod client_tls;
mod destinations;
pub mod errors;
mod identities;
mod lookups;
mod modes;
mod names;
mod places;
mod planes;
mod ports;
mod readings;
mod shape;
mod tokens;
mod values;
mod witness;

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::request_data;
use crate::diagnostics::{Data, Diagnostics};
use crate::policy::effective::{self, Policy as Compiled};
use crate::policy::evaluate::Judge;
use crate::policy::inventory::Inventory;
use crate::policy::request::{Answer, Outcome, Request};
use crate::policy::stated::Stated;
use crate::policy::{Authorization, PolicySet, Rule, Target};
use lookups::Lookups;
use places::Place;

/// A policy, and the installation that it is for.
pub struct Installation<'a> {
    /// Of the policies of the program, and then those of manifests.
    pub judge: &'a Judge<'a>,
    pub stated: &'a Stated,
    pub own: Own,
}

/// How many policies of each kind the program says itself: they come first.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// Whether there is a program.
    program: bool,
    peers: usize,
    authorizations: usize,
    destinations: usize,
}

impl Own {
    /// Counts the policies of a program.
    #[must_use]
    pub fn of(policies: &PolicySet, program: bool) -> Self {
        Self {
            program,
            peers: policies.peer_authentications.len(),
            authorizations: policies.authorizations.len(),
            destinations: policies.destination_rules.len(),
        }
    }
}

/// What all findings look at.
struct Subject<'a> {
    policies: &'a PolicySet,
    inventory: &'a Inventory,
    stated: &'a Stated,
    target: Target,
    own: Own,
    judge: &'a Judge<'a>,
    lookups: Lookups<'a>,
    places: Vec<Place<'a>>,
    /// For each AuthorizationPolicy, the places where it is in force.
    access_at: Vec<Vec<usize>>,
    /// For each RequestAuthentication.
    tokens_at: Vec<Vec<usize>>,
    /// For each PeerAuthentication that has a say.
    peers_at: Vec<Vec<usize>>,
    /// Each AuthorizationPolicy as Envoy compiles it.
    compiled: Vec<OnceLock<Compiled>>,
}

/// A rule, and the places where it is in force.
struct InForce<'s> {
    policy: &'s Authorization,
    rule: &'s Rule,
    /// Counted from 0.
    index: usize,
    /// Whether the program says it.
    own: bool,
    places: Arc<[&'s Place<'s>]>,
}

/// Reports what is to be said of a policy.
pub fn check(installation: &Installation<'_>, acc: &mut Diagnostics) {
    let subject = Subject::new(installation);
    let found = CHECKS.par_iter().map(|check| {
        let mut acc = Diagnostics::default();
        check(&subject, &mut acc);
        acc
    });
    found
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|found| acc.append(found));
}

/// Looks for findings of one kind.
type Check = fn(&Subject<'_>, &mut Diagnostics);

/// Each by itself.
const CHECKS: &[Check] = &[
    ages::check,
    modes::check,
    identities::check,
    tokens::check,
    values::check,
    readings::check,
    callers::check,
    names::check,
    ports::check,
    planes::check,
    authorizers::check,
    destinations::check,
    client_tls::check,
];

impl<'a> Subject<'a> {
    fn new(installation: &Installation<'a>) -> Self {
        let Installation { judge, stated, own } = *installation;
        let (policies, inventory, target) = (judge.policies(), judge.inventory(), judge.target());
        let lookups = Lookups::new(policies, inventory);
        let places = places::all(policies, inventory, judge.homes(), &lookups);
        let mut access_at = vec![Vec::new(); policies.authorizations.len()];
        let mut tokens_at = vec![Vec::new(); policies.request_authentications.len()];
        let mut peers_at = vec![Vec::new(); policies.peer_authentications.len()];
        let add = |lists: &mut Vec<Vec<usize>>, at: usize, place: usize| {
            if let Some(list) = lists.get_mut(at)
                && list.last() != Some(&place)
            {
                list.push(place);
            }
        };
        for (index, place) in places.iter().enumerate() {
            for at in &place.heeded.access {
                add(&mut access_at, *at, index);
            }
            for at in &place.heeded.tokens {
                add(&mut tokens_at, *at, index);
            }
            for at in place.peers() {
                add(&mut peers_at, at, index);
            }
        }
        Self {
            policies,
            inventory,
            stated,
            target,
            own,
            judge,
            lookups,
            places,
            access_at,
            tokens_at,
            peers_at,
            compiled: policies.authorizations.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    fn places(&self, list: Option<&Vec<usize>>) -> Vec<&Place<'a>> {
        let indices = list.into_iter().flatten();
        indices.filter_map(|index| self.places.get(*index)).collect()
    }

    /// Every rule that is in force somewhere, in the order of the policies.
    fn rules(&self) -> impl Iterator<Item = InForce<'_>> {
        let policies = self.policies.authorizations.iter().enumerate();
        policies.flat_map(move |(at, policy)| {
            let places: Arc<[&Place<'_>]> = self.places(self.access_at.get(at)).into();
            let rules = policy.action.rules().iter().enumerate();
            let rules = rules.filter(|_| !places.is_empty()).map(|(index, rule)| InForce {
                policy,
                rule,
                index,
                own: at < self.own.authorizations,
                places: Arc::clone(&places),
            });
            rules.collect::<Vec<_>>()
        })
    }

    /// The access rules in force at a place.
    fn access(&self, place: &Place<'_>) -> impl Iterator<Item = &'a Authorization> {
        let all = &self.policies.authorizations;
        let list: Vec<_> = place.heeded.access.iter().filter_map(|at| all.get(*at)).collect();
        list.into_iter()
    }

    /// An AuthorizationPolicy as Envoy compiles it.
    fn compiled(&self, at: usize) -> Option<&Compiled> {
        let policy = self.policies.authorizations.get(at)?;
        let own = self.inventory.mesh.own_domains();
        Some(
            self.compiled
                .get(at)?
                .get_or_init(|| effective::compile(at, policy, false, self.target, &own)),
        )
    }

    /// A request as findings carry it.
    #[expect(clippy::unnecessary_wraps, reason = "a finding may have none")]
    fn data(&self, request: &Request) -> Option<Data> {
        Some(request_data::data(self.inventory, request))
    }

    /// The answer to a request, if there is one.
    fn answer(&self, request: &Request) -> Option<Answer> {
        self.judge.answer(request).ok()
    }

    fn is_admitted(&self, request: &Request) -> bool {
        self.answer(request).is_some_and(|answer| answer.outcome == Outcome::Ok)
    }
}

/// At so many places a request is looked for that shows something; where it is not the same at all of them, one shows it.
const MOST_PLACES: usize = 64;

impl<'s> InForce<'s> {
    /// The places where a request is looked for.
    fn sample(&self) -> impl Iterator<Item = &'s Place<'s>> {
        self.places.iter().copied().take(MOST_PLACES)
    }
    /// Whether an answer was given because of this rule.
    fn decided(&self, answer: &Answer) -> bool {
        let mut because = answer.because.iter();
        because.any(|reason| reason.rule == Some(self.index) && reason.origin == self.rule.origin)
    }
}
