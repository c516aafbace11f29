//! What a test is about, and which facts of a request that depends on.

use std::collections::BTreeSet;

use super::super::chain::is_preflight;
use super::super::matching::{self, Facts, Truth};
use super::facts::{Fact, claims, is_of_issuer, values};
use super::goals::Ways;
use super::values::Values;
use crate::policy::effective::rules::{Matcher, Test};
use crate::policy::effective::{self, Effective};
use crate::policy::request::{Answer, Place, Request, Stage};

/// What a test is about. All values of a test are of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    One(Fact),
    /// Tokens may make it.
    Header(String),
    /// `iss` and `sub` of the token.
    Principal,
    /// By its name at the top.
    Claim(String),
    ClientIp,
    /// What no request states.
    Nothing,
}

impl Subject {
    pub(super) fn of(test: &Test) -> Self {
        let matcher = test.positive.first().or(test.negative.first());
        match matcher {
            Some(
                Matcher::Peer(_)
                | Matcher::ZtunnelPrincipal(_)
                | Matcher::ZtunnelNamespace(_)
                | Matcher::ZtunnelAccount { .. },
            ) => Self::One(Fact::Caller),
            Some(Matcher::RequestPrincipal(..) | Matcher::BoundPrincipal(_)) => Self::Principal,
            Some(Matcher::PeerIp(_)) => Self::One(Fact::PeerIp),
            Some(Matcher::ClientIp(_)) => Self::ClientIp,
            Some(Matcher::DestinationIp(_)) => Self::One(Fact::DestinationIp),
            Some(Matcher::Host(_)) => Self::One(Fact::Host),
            Some(Matcher::Method(_)) => Self::One(Fact::Method),
            Some(Matcher::Path(_)) => Self::One(Fact::Path),
            Some(Matcher::Port(_)) => Self::One(Fact::Port),
            Some(Matcher::Sni(_)) => Self::One(Fact::Sni),
            Some(Matcher::Header(name, _)) => match name.as_str() {
                ":authority" | "host" => Self::One(Fact::Host),
                ":method" => Self::One(Fact::Method),
                name => Self::Header(name.to_owned()),
            },
            Some(Matcher::Claim(path, _)) => path.first().cloned().map_or(Self::Nothing, Self::Claim),
            Some(Matcher::Metadata { .. }) | None => Self::Nothing,
        }
    }
}

/// A request as an enforcer sees it.
pub(super) struct View<'a> {
    pub(super) values: &'a Values,
    pub(super) request: &'a Request,
    pub(super) facts: &'a Facts,
}

impl View<'_> {
    /// The facts that what is said of a subject depends on.
    pub(super) fn facts_of(&self, subject: &Subject) -> BTreeSet<Fact> {
        let mut all = BTreeSet::new();
        let mut of_token = |names: &[String]| {
            all.insert(Fact::Token);
            if !self.request.tokens.is_empty() {
                all.extend(names.iter().cloned().map(Fact::Claim));
            }
            // A preflight carries no token.
            if self.could_be_preflight() {
                all.insert(Fact::Method);
            }
        };
        match subject {
            Subject::One(fact) => all.extend([fact.clone()]),
            Subject::Header(name) => {
                if let Some(claims) = self.values.of_tokens.get(name) {
                    of_token(claims);
                }
                all.insert(Fact::Header(name.clone()));
            }
            Subject::Principal => of_token(&["iss".to_owned(), "sub".to_owned()]),
            Subject::Claim(name) => of_token(std::slice::from_ref(name)),
            Subject::ClientIp => {
                all.insert(Fact::ClientIp);
                if self.request.client_ip.is_none() {
                    all.insert(Fact::PeerIp);
                    let header = "x-forwarded-for";
                    if !values(self.request, header).is_empty() {
                        all.insert(Fact::Header(header.to_owned()));
                    }
                }
            }
            Subject::Nothing => {}
        }
        all
    }

    fn could_be_preflight(&self) -> bool {
        let method = "OPTIONS".to_owned();
        self.facts.http
            && (self.facts.method == method
                || is_preflight(&Facts {
                    method,
                    ..self.facts.clone()
                }))
    }

    /// The sets of facts of which one must change for a test of this subject to hold that does not; `None` where some of
    /// them change anyway, or where it is not known yet what a token says.
    pub(super) fn ways(&self, subject: &Subject, changed: &BTreeSet<Fact>, tokens_are_read: bool) -> Ways {
        let facts = self.facts_of(subject);
        let is_open = !changed.is_disjoint(&facts);
        if is_open
            || (facts.contains(&Fact::Token) && !tokens_are_read)
            || facts.contains(&Fact::Method) && facts.len() > 1
        {
            return None;
        }
        if let Subject::Claim(name) = subject
            && !is_of_issuer(name)
        {
            let claim = Fact::Claim(name.clone());
            // Another token says what this one does.
            if self.request.tokens.len() == 1 && self.facts.claims.is_some() {
                return Some(vec![BTreeSet::from([claim])]);
            }
            if claims(self.request).is_none() {
                return Some(vec![BTreeSet::from([Fact::Token, claim])]);
            }
        }
        Some(facts.into_iter().map(|fact| BTreeSet::from([fact])).collect())
    }

    /// The facts that what a test says depends on.
    fn facts_of_tests<'t>(&self, tests: impl Iterator<Item = &'t Test>) -> BTreeSet<Fact> {
        tests.flat_map(|test| self.facts_of(&Subject::of(test))).collect()
    }

    /// The facts in one of which a request differs that this enforcer does not refuse so; `wanted` are the tests that are
    /// to hold there.
    pub(super) fn because<'t>(
        &self,
        effective: &Effective,
        answer: &Answer,
        wanted: impl Iterator<Item = &'t Test>,
    ) -> BTreeSet<Fact> {
        let holds = |test: &&Test| matching::holds(test, self.facts) == Truth::Yes;
        let reason = answer.because.first();
        let matching = |stage: &effective::Stage| {
            let policies = stage.policies.iter();
            let policies = policies.filter(|policy| reason.is_some_and(|it| it.object == policy.object));
            let rules = policies.flat_map(|policy| policy.rules(self.facts.http));
            let rules = rules.filter(|rule| reason.is_some_and(|it| it.rule == Some(rule.index)));
            self.facts_of_tests(
                rules
                    .flat_map(|rule| rule.clauses.iter().flatten().flatten())
                    .filter(holds),
            )
        };
        let mut all = match answer.stage {
            Some(Stage::Allow) => self.facts_of_tests(wanted.filter(|test| !holds(test))),
            Some(Stage::Deny) => matching(&effective.deny),
            Some(Stage::Custom) => {
                let providers = effective
                    .custom
                    .policies
                    .iter()
                    .filter_map(|policy| policy.provider.clone());
                &matching(&effective.custom) | &providers.map(Fact::Answer).collect()
            }
            Some(Stage::Jwt) => self.facts_of_token(effective),
            Some(Stage::Http | Stage::Mtls | Stage::ClientTls) | None => BTreeSet::new(),
        };
        if effective.legacy.is_some() {
            // What the filter of a legacy release made of the request is not seen.
            all.extend(self.values.facts(self.request, &[]));
        }
        all
    }

    /// What could make the filter of tokens let the request go on.
    fn facts_of_token(&self, effective: &Effective) -> BTreeSet<Fact> {
        let mut all = BTreeSet::from([Fact::Token]);
        if self.could_be_preflight() {
            all.insert(Fact::Method);
        }
        if let Some(token) = self.request.tokens.first() {
            let names = ["iss", "exp", "nbf", "iat", "sub", "jti"].into_iter();
            let names = names.filter(|name| token.claims.contains_key(*name)).chain(["aud"]);
            all.extend(names.map(|name| Fact::Claim(name.to_owned())));
        }
        for place in effective.tokens.iter().flat_map(|rule| &rule.places) {
            match place {
                Place::Header { name, .. } => all.insert(Fact::Header(name.clone())),
                Place::Cookie(_) => all.insert(Fact::Header("cookie".to_owned())),
                Place::Param(_) => all.insert(Fact::Path),
            };
        }
        all.retain(|fact| match fact {
            Fact::Header(name) => !values(self.request, name).is_empty(),
            Fact::Path => self.request.path.as_ref().is_some_and(|path| path.contains('?')),
            _ => true,
        });
        all
    }
}
