//! Which facts a refusal rests on, and which values of them could lift it.
//!
//! Whatever is admitted instead differs in one of the facts that a branch names: for a DENY rule that matches, in one
//! of those that it tests; where no ALLOW rule matches, in one that the first unmet part of some ALLOW rule tests.

use std::collections::BTreeSet;

use super::super::chain::Judged;
use super::super::matching::{self, Facts, Truth};
use super::super::places::places;
use super::facts::{Fact, Setting, is_of_issuer};
use super::rules::{is_of_caller, of_header};
use super::values::Values;
use crate::policy::effective::rules::{CompiledRule, Matcher, Test};
use crate::policy::effective::{Effective, Policy};
use crate::policy::inventory::Normalization;
use crate::policy::request::{Caller, Place, Request, Stage};

/// A fact to change, and to what.
pub(super) struct Branch {
    pub(super) fact: Fact,
    pub(super) settings: Vec<Setting>,
}

/// A refused request, and what of it is settled.
pub(super) struct Refused<'a> {
    pub(super) values: &'a Values,
    /// The caller with mutual TLS, where it is a workload.
    pub(super) own: Option<&'a Setting>,
    pub(super) request: &'a Request,
    pub(super) changed: &'a BTreeSet<Fact>,
    /// So many facts may still be changed.
    pub(super) left: usize,
}

/// The branches, and whether there are more for those who may change more facts.
#[derive(Default)]
pub(super) struct Branches {
    pub(super) list: Vec<Branch>,
    pub(super) is_cut: bool,
}

impl Refused<'_> {
    /// What could lift the refusal of an enforcer.
    pub(super) fn by_enforcer(&self, effective: &Effective, facts: &Facts, judged: &Judged) -> Branches {
        let mut branches = Branches::default();
        let answer = &judged.answer;
        let reason = answer.because.first();
        let refusing = |policies: &[Policy]| {
            let mut refusing = Vec::new();
            for policy in policies
                .iter()
                .filter(|policy| reason.is_some_and(|it| it.object == policy.object))
            {
                let rules = policy.rules(facts.http).iter();
                refusing.extend(
                    rules
                        .filter(|rule| reason.is_some_and(|it| it.rule == Some(rule.index)))
                        .cloned(),
                );
            }
            refusing
        };
        match answer.stage {
            Some(Stage::Allow) => self.lacking(effective, facts, &mut branches),
            // Whatever is admitted here meets an ALLOW rule too.
            Some(Stage::Deny) if self.fewest(effective, facts) > self.left => branches.is_cut = true,
            Some(Stage::Deny) => self.matching(&refusing(&effective.deny.policies), facts, &mut branches.list),
            Some(Stage::Custom) => {
                for provider in effective
                    .custom
                    .policies
                    .iter()
                    .filter_map(|policy| policy.provider.clone())
                {
                    self.all_of(Fact::Answer(provider), &mut branches.list);
                }
                self.matching(&refusing(&effective.custom.policies), facts, &mut branches.list);
            }
            Some(Stage::Jwt) => self.token(effective, &mut branches.list),
            Some(Stage::Http | Stage::Mtls | Stage::ClientTls) | None => {}
        }
        branches.list.extend(self.other_way().list);
        branches
    }

    /// What could lift a refusal on the way to the enforcers.
    pub(super) fn on_the_way(&self, stage: Option<Stage>) -> Branches {
        let mut branches = Branches::default();
        let facts = match stage {
            Some(Stage::Http) => vec![Fact::Method, Fact::Path, Fact::Port, Fact::Caller],
            _ => vec![Fact::Caller, Fact::Port],
        };
        for fact in facts {
            self.all_of(fact, &mut branches.list);
        }
        branches
    }

    /// Where there is no answer, anything can lead to one.
    pub(super) fn unknown(&self) -> Branches {
        let mut branches = Branches::default();
        for fact in self.values.facts(self.request) {
            self.all_of(fact, &mut branches.list);
        }
        branches
    }

    /// Ways past the enforcer: by another port, and where the caller decides who judges, as another one.
    fn other_way(&self) -> Branches {
        let mut branches = Branches::default();
        self.all_of(Fact::Port, &mut branches.list);
        if self.values.has_waypoint {
            self.all_of(Fact::Caller, &mut branches.list);
        } else if !self.changed.contains(&Fact::Caller) {
            branches.list.push(Branch {
                fact: Fact::Caller,
                settings: vec![Setting::Caller(Caller::Outsider)],
            });
        }
        branches
    }

    fn all_of(&self, fact: Fact, list: &mut Vec<Branch>) {
        if !self.changed.contains(&fact) {
            let mut settings = self.values.settings(&fact, self.request, &[]);
            settings.splice(0..0, self.own.filter(|_| fact == Fact::Caller).cloned());
            list.push(Branch { fact, settings });
        }
    }

    /// Values with which a test of a rule that matches fails.
    fn matching(&self, rules: &[CompiledRule], facts: &Facts, list: &mut Vec<Branch>) {
        let tests = rules.iter().flat_map(|rule| rule.clauses.iter().flatten().flatten());
        let mut found: Vec<Branch> = Vec::new();
        for test in tests.filter(|test| matching::holds(test, facts) == Truth::Yes) {
            for fact in self.facts_of(test, facts) {
                found.extend(self.branch(fact, test, &[], facts, false));
            }
        }
        found.sort_by(|a, b| a.fact.cmp(&b.fact));
        list.extend(found);
    }

    /// At least so many facts are to be changed for the ALLOW rules to admit it.
    fn fewest(&self, effective: &Effective, facts: &Facts) -> usize {
        let enforced = |policy: &&Policy| self.request.dry_run || !policy.dry_run;
        let mut policies = effective.allow.policies.iter().filter(enforced).peekable();
        if policies.peek().is_none() {
            return 0;
        }
        let rules = policies.flat_map(|policy| policy.rules(facts.http));
        let lacks = rules.filter_map(|rule| match self.lack(rule, facts) {
            Err(Settled) => None,
            Ok(None) => Some(0),
            Ok(Some(lack)) => Some(lack.at_least),
        });
        lacks.min().unwrap_or(usize::MAX)
    }

    /// Values with which a part of an ALLOW rule holds that does not, the rules with the fewest such parts first.
    fn lacking(&self, effective: &Effective, facts: &Facts, branches: &mut Branches) {
        let mut found: Vec<(usize, Branch)> = Vec::new();
        let policies = effective.allow.policies.iter();
        for policy in policies.filter(|policy| self.request.dry_run || !policy.dry_run) {
            for rule in policy.rules(facts.http) {
                let Ok(Some(lack)) = self.lack(rule, facts) else {
                    continue;
                };
                if lack.at_least > self.left {
                    branches.is_cut = true;
                    continue;
                }
                for (test, together) in lack.unmet {
                    for fact in self.facts_of(test, facts) {
                        let branch = self.branch(fact, test, &together, facts, true);
                        found.extend(branch.map(|branch| (lack.at_least, branch)));
                    }
                }
            }
        }
        found.sort_by(|(a, x), (b, y)| (a, &x.fact).cmp(&(b, &y.fact)));
        branches.list.extend(found.into_iter().map(|(_, branch)| branch));
    }

    fn branch(&self, fact: Fact, test: &Test, together: &[&Test], facts: &Facts, wanted: bool) -> Option<Branch> {
        if self.changed.contains(&fact) {
            return None;
        }
        let mut settings = if wanted {
            self.values.meeting(&fact, self.request, test, together)
        } else {
            self.values.settings(&fact, self.request, together)
        };
        settings.splice(0..0, self.own.filter(|_| fact == Fact::Caller).cloned());
        // What a token makes of a test is seen only when all its claims are set.
        let is_seen = fact != Fact::Token && (!matches!(fact, Fact::Claim(_)) || of_claims(test));
        if is_seen {
            let normalization = self.values.normalization.unwrap_or(Normalization::Base);
            settings.retain(|setting| {
                let facts = setting.seen(facts, self.request, normalization);
                (matching::holds(test, &facts) == Truth::Yes) == wanted
            });
        }
        (!settings.is_empty()).then_some(Branch { fact, settings })
    }

    /// What could make the filter of tokens let the request go on.
    fn token(&self, effective: &Effective, list: &mut Vec<Branch>) {
        self.all_of(Fact::Token, list);
        for claim in ["iss", "aud", "exp", "nbf", "iat", "sub", "jti"] {
            if self
                .request
                .tokens
                .iter()
                .any(|token| token.claims.contains_key(claim) || claim == "aud")
            {
                let fact = Fact::Claim(claim.to_owned());
                let mut settings = self.values.settings(&fact, self.request, &[]);
                if claim == "aud" {
                    let rules = effective.tokens.iter().flat_map(|rule| &rule.rule.audiences);
                    let audience = |text: &String| crate::policy::request::Json::String(text.clone());
                    settings.extend(rules.map(|text| Setting::Claim("aud".to_owned(), Some(audience(text)))));
                }
                if !self.changed.contains(&fact) {
                    list.push(Branch { fact, settings });
                }
            }
        }
        let mut others = BTreeSet::new();
        for place in effective.tokens.iter().flat_map(|rule| places(&rule.rule)) {
            others.insert(match place {
                Place::Header { name, .. } => Fact::Header(name),
                Place::Param(_) => Fact::Path,
                Place::Cookie(_) => Fact::Header("cookie".to_owned()),
            });
        }
        for fact in others {
            let stated = match &fact {
                Fact::Header(name) => self.request.headers.iter().any(|(own, _)| own == name),
                _ => self.request.path.as_ref().is_some_and(|path| path.contains('?')),
            };
            if stated {
                self.all_of(fact, list);
            }
        }
    }

    /// The facts that what a test says depends on.
    fn facts_of(&self, test: &Test, facts: &Facts) -> BTreeSet<Fact> {
        let mut all = BTreeSet::new();
        for matcher in test.positive.iter().chain(&test.negative) {
            match matcher {
                matcher if is_of_caller(matcher) => all.extend([Fact::Caller]),
                Matcher::RequestPrincipal(..) => {
                    all.extend([
                        Fact::Token,
                        Fact::Claim("iss".to_owned()),
                        Fact::Claim("sub".to_owned()),
                    ]);
                }
                Matcher::Claim(path, _) => {
                    all.insert(Fact::Token);
                    all.extend(path.first().cloned().map(Fact::Claim));
                }
                Matcher::PeerIp(_) => all.extend([Fact::PeerIp]),
                Matcher::ClientIp(_) => {
                    all.insert(Fact::ClientIp);
                    if self.request.client_ip.is_none() {
                        all.insert(Fact::PeerIp);
                    }
                }
                Matcher::DestinationIp(_) => all.extend([Fact::DestinationIp]),
                Matcher::Host(_) => all.extend([Fact::Host]),
                Matcher::Method(_) => all.extend([Fact::Method]),
                Matcher::Path(_) => all.extend([Fact::Path]),
                Matcher::Port(_) => all.extend([Fact::Port]),
                Matcher::Sni(_) => all.extend([Fact::Sni]),
                Matcher::Header(name, _) => {
                    all.insert(of_header(name));
                    if let Some(claims) = self.values.of_tokens.get(name) {
                        all.insert(Fact::Token);
                        all.extend(claims.iter().cloned().map(Fact::Claim));
                    }
                }
                _ => {}
            }
        }
        // A preflight carries no token.
        if facts.http && facts.method == "OPTIONS" && all.contains(&Fact::Token) {
            all.insert(Fact::Method);
        }
        if self.request.tokens.is_empty() {
            all.retain(|fact| !matches!(fact, Fact::Claim(_)));
        }
        all
    }
}

/// Facts that are settled keep a rule from matching.
struct Settled;

/// What a rule lacks to match.
struct Lack<'r> {
    /// At least so many facts are to be changed.
    at_least: usize,
    /// Of each entry that could meet the first unmet clause a test, with those on the same request as it.
    unmet: Vec<(&'r Test, Vec<&'r Test>)>,
}

impl Refused<'_> {
    /// What the rule lacks, if it does not match.
    fn lack<'r>(&self, rule: &'r CompiledRule, facts: &Facts) -> Result<Option<Lack<'r>>, Settled> {
        let mut unmet: Option<Vec<Vec<&Test>>> = None;
        let mut sure: BTreeSet<Fact> = BTreeSet::new();
        let mut open: Vec<Vec<BTreeSet<Fact>>> = Vec::new();
        for clause in &rule.clauses {
            let failing = |entry: &'r Vec<Test>| -> Vec<&'r Test> {
                entry
                    .iter()
                    .filter(|test| matching::holds(test, facts) != Truth::Yes)
                    .collect()
            };
            let mut entries: Vec<Vec<&Test>> = clause.iter().map(failing).collect();
            if entries.iter().any(Vec::is_empty) {
                continue;
            }
            entries.retain(|entry| {
                let can = |test: &&Test| {
                    // Most rules are for other callers.
                    let mut matchers = test.positive.iter().chain(&test.negative);
                    if self.changed.contains(&Fact::Caller) && matchers.all(is_of_caller) {
                        return false;
                    }
                    let facts = self.facts_of(test, facts);
                    facts.iter().any(|fact| !self.changed.contains(fact))
                };
                entry.iter().all(can)
            });
            let costs: Vec<BTreeSet<Fact>> = entries
                .iter()
                .map(|entry| entry.iter().flat_map(|test| self.cost(test, facts)).collect())
                .collect();
            match costs.as_slice() {
                [] => return Err(Settled),
                [only] => sure.extend(only.iter().cloned()),
                _ => open.push(costs),
            }
            unmet.get_or_insert(entries);
        }
        let fewest = |entries: &Vec<BTreeSet<Fact>>| {
            let more = entries.iter().map(|entry| entry.difference(&sure).count());
            more.min().unwrap_or_default()
        };
        // Sources and operations have no fact in common.
        let at_least = sure.len() + open.iter().map(fewest).sum::<usize>();
        let alone = rule.clauses.iter().filter_map(|clause| match clause.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let alone: Vec<&Test> = alone.flatten().collect();
        let first = |entry: Vec<&'r Test>| {
            let test = *entry.first()?;
            let mut together = alone.clone();
            together.extend(
                entry
                    .iter()
                    .filter(|test| !alone.iter().any(|own| std::ptr::eq(*own, **test))),
            );
            Some((test, together))
        };
        let lack = |unmet: Vec<Vec<&'r Test>>| Lack {
            at_least,
            unmet: unmet.into_iter().filter_map(first).collect(),
        };
        Ok(unmet.map(lack))
    }

    /// Facts that have to be changed, each on its own account, for a test to hold.
    fn cost(&self, test: &Test, facts: &Facts) -> BTreeSet<Fact> {
        let mut of = self.facts_of(test, facts);
        if of.contains(&Fact::Token) {
            let claim = test
                .positive
                .iter()
                .chain(&test.negative)
                .find_map(|matcher| match matcher {
                    Matcher::Claim(path, _) => path.first().filter(|name| !is_of_issuer(name)).cloned(),
                    _ => None,
                });
            let claim = claim.map(Fact::Claim);
            return match claim {
                // A header or a principal can come with the token.
                None => BTreeSet::from([Fact::Token]),
                Some(claim) if self.request.tokens.is_empty() => BTreeSet::from([Fact::Token, claim]),
                Some(claim) if self.request.tokens.len() == 1 && facts.claims.is_some() => BTreeSet::from([claim]),
                Some(_) => BTreeSet::from([Fact::Token]),
            };
        }
        // The address of the peer can be the client's.
        if of.remove(&Fact::ClientIp) {
            of.insert(Fact::PeerIp);
        }
        of
    }
}

fn of_claims(test: &Test) -> bool {
    let is_claim = |matcher: &Matcher| matches!(matcher, Matcher::Claim(..) | Matcher::RequestPrincipal(..));
    test.positive.iter().chain(&test.negative).any(is_claim)
}
