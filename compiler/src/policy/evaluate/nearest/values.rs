//! The values of facts that are tried: of those that the rules in question cannot tell apart, one.
//!
//! In question are the ALLOW rule that is to match and all rules that refuse; other ALLOW rules do not matter.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::super::Judge;
use super::super::matching::{self, Facts, Truth};
use super::super::methods::METHODS;
use super::super::places::places;
use super::facts::{Fact, Setting, claims, is_of_issuer, values as header_values};
use super::identities::Identities;
use super::lists::{self, at, listed, lists, strings, with};
use super::subject::Subject;
use super::{paths, way, witnesses};
use crate::policy::effective::rules::{Matcher, Test};
use crate::policy::effective::strings::{PathMatch, StringMatch, request_principal};
use crate::policy::inventory::Normalization;
use crate::policy::request::{Caller, Destination, Json, Place, Request, Token, TokenState};
use crate::policy::{JwtRule, Target};

/// What the values of facts are made of, for one destination.
#[derive(Debug)]
pub(in crate::policy::evaluate) struct Values {
    target: Target,
    /// A word that is part of no pattern.
    fresh: String,
    domains: Vec<String>,
    /// The tests of rules that refuse, by the facts that they are about.
    refusing: BTreeMap<Fact, Vec<Test>>,
    ports: Vec<(u16, Option<u16>)>,
    providers: Vec<String>,
    tokens: Vec<Token>,
    audiences: Vec<String>,
    /// Headers that hold tokens, or are made of the claims that are named.
    pub(super) of_tokens: BTreeMap<String, Vec<String>>,
    normalization: Normalization,
    /// The paths that patterns can tell apart, for those that were asked about.
    kinds: Mutex<HashMap<Vec<PathMatch>, paths::Kinds>>,
    /// Whether some requests go through a waypoint first, so that the caller decides who judges.
    pub(super) has_waypoint: bool,
}

/// Values of a fact, and whether they are all kinds that there are.
pub(super) struct Choice {
    pub(super) settings: Vec<Setting>,
    pub(super) is_complete: bool,
}

impl Choice {
    fn all(settings: impl IntoIterator<Item = Setting>) -> Self {
        Self {
            settings: settings.into_iter().collect(),
            is_complete: true,
        }
    }
}

impl Values {
    /// What the rules on the way of a request can tell apart.
    pub(super) fn new(judge: &Judge<'_>, to: &Destination) -> Self {
        let mesh = &judge.inventory.mesh;
        let way = way::Way::new(judge, to);
        let jwt: Vec<&JwtRule> = way.jwt_rules().collect();
        let tokens = jwt
            .iter()
            .flat_map(|rule| places(rule).into_iter().map(|place| token(rule, place)));
        let mut values = Self {
            target: judge.target,
            fresh: way.fresh(),
            domains: mesh
                .own_domains()
                .into_iter()
                .chain(mesh.trusts.iter().map(String::as_str))
                .map(str::to_owned)
                .collect(),
            refusing: BTreeMap::new(),
            ports: way.ports(judge, to),
            providers: mesh.providers.keys().cloned().collect(),
            tokens: tokens.collect(),
            audiences: jwt.iter().flat_map(|rule| &rule.audiences).cloned().collect(),
            of_tokens: headers_of_tokens(&jwt),
            normalization: mesh.normalization,
            kinds: Mutex::default(),
            has_waypoint: way.has_waypoint,
        };
        let mut tests: Vec<&Test> = way.refusing().collect();
        let mut seen = HashSet::new();
        tests.retain(|test| seen.insert(*test));
        for test in tests {
            for fact in values.facts_of(test) {
                values.refusing.entry(fact).or_default().push(test.clone());
            }
        }
        values
    }

    /// The facts of which a test may want other values.
    fn facts_of(&self, test: &Test) -> Vec<Fact> {
        match Subject::of(test) {
            Subject::One(fact) => vec![fact],
            Subject::Header(name) => {
                let claims = self
                    .of_tokens
                    .get(&name)
                    .into_iter()
                    .flatten()
                    .cloned()
                    .map(Fact::Claim);
                claims.chain([Fact::Header(name.clone())]).collect()
            }
            Subject::Principal => vec![Fact::Claim("iss".to_owned()), Fact::Claim("sub".to_owned())],
            Subject::Claim(name) => vec![Fact::Claim(name)],
            // One address can be both.
            Subject::ClientIp => vec![Fact::ClientIp, Fact::PeerIp],
            Subject::Nothing => Vec::new(),
        }
    }

    /// The facts that a change of can matter where no answer says which do.
    pub(super) fn facts(&self, request: &Request, wanted: &[&Test]) -> BTreeSet<Fact> {
        let mut facts = BTreeSet::from([
            Fact::Method,
            Fact::Path,
            Fact::Host,
            Fact::Token,
            Fact::Caller,
            Fact::Port,
        ]);
        facts.extend([Fact::PeerIp, Fact::ClientIp, Fact::DestinationIp]);
        facts.extend(self.refusing.keys().cloned());
        facts.extend(wanted.iter().flat_map(|test| self.facts_of(test)));
        facts.extend(self.providers.iter().cloned().map(Fact::Answer));
        facts.extend(request.headers.iter().map(|(name, _)| Fact::Header(name.clone())));
        if let Some(token) = request.tokens.first() {
            facts.extend(token.claims.keys().cloned().map(Fact::Claim));
        }
        facts
    }

    /// The values of a fact with which the tests that are wanted can hold; those that these tests alone ask for come first.
    pub(super) fn settings(&self, fact: &Fact, request: &Request, wanted: &[&Test], own: Option<&Setting>) -> Choice {
        let mut tests: Vec<&Test> = wanted
            .iter()
            .copied()
            .filter(|test| self.facts_of(test).contains(fact))
            .collect();
        let count = tests.len();
        tests.extend(self.refusing.get(fact).into_iter().flatten());
        let (wanted, _) = tests.split_at(count);
        let mut choice = match fact {
            Fact::Method => self.methods(request, &tests),
            Fact::Path => self.paths(request, wanted, &tests),
            Fact::Host => {
                let hosts = self.texts(wanted, &tests, text).into_iter().map(Some);
                Choice::all(hosts.chain([None]).map(Setting::Host))
            }
            Fact::Sni => {
                let names = self.texts(wanted, &tests, text).into_iter().map(Some);
                Choice::all([None].into_iter().chain(names).map(Setting::Sni))
            }
            Fact::Header(name) => self.headers(name, request, wanted, &tests),
            Fact::Token => self.tokens(request),
            Fact::Claim(name) => self.claim(name, request, wanted, &tests),
            Fact::Caller => self.callers(wanted, &tests, own),
            Fact::Answer(provider) => Choice::all([Setting::Answer(provider.clone(), true)]),
            Fact::Port => Choice::all(self.ports.iter().map(|(port, service)| Setting::Port(*port, *service))),
            Fact::PeerIp => Choice::all(addresses(&tests).map(Setting::PeerIp)),
            Fact::ClientIp => Choice::all(addresses(&tests).map(Setting::ClientIp)),
            Fact::DestinationIp => Choice::all(addresses(&tests).map(Setting::DestinationIp)),
        };
        // What a token makes of a test is seen only when all its claims are set, and an address can be another's.
        let is_shown = |test: &&&Test| match Subject::of(test) {
            Subject::One(_) => true,
            Subject::Header(name) => !self.of_tokens.contains_key(&name),
            Subject::Claim(_) => true,
            Subject::ClientIp => *fact == Fact::ClientIp,
            Subject::Principal | Subject::Nothing => false,
        };
        let wanted: Vec<&Test> = wanted.iter().filter(is_shown).copied().collect();
        let mut facts = Facts::nothing(self.target);
        choice.settings.retain(|setting| {
            setting.show(&mut facts, self.normalization);
            !setting.is_of(request) && wanted.iter().all(|test| matching::holds(test, &facts) != Truth::No)
        });
        choice
    }

    /// Texts that the patterns can tell apart, those that are wanted before others.
    fn texts(
        &self,
        wanted: &[&Test],
        tests: &[&Test],
        pattern: impl Fn(&Matcher) -> Option<StringMatch>,
    ) -> Vec<String> {
        let mut texts = witnesses::texts(&patterns(wanted, &pattern), &self.fresh);
        texts.extend(witnesses::texts(&patterns(tests, &pattern), &self.fresh));
        witnesses::distinct(texts)
    }

    /// Of methods that no test tells apart, one is enough. HTTP/2 takes those that rules write, too.
    fn methods(&self, request: &Request, tests: &[&Test]) -> Choice {
        let usual = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
        let mut kinds = BTreeSet::new();
        let mut facts = Facts::nothing(self.target);
        let known = usual.iter().chain(METHODS).map(|method| (*method).to_owned());
        let written = || witnesses::texts(&patterns(tests, method), &self.fresh);
        let written = request.http2.then(written).into_iter().flatten();
        let methods = known.chain(written).filter(|method| method != "CONNECT");
        Choice::all(
            methods
                .filter(|method| {
                    facts.method.clone_from(method);
                    let holds = tests.iter().map(|test| matching::holds(test, &facts) == Truth::Yes);
                    // OPTIONS can be a preflight.
                    kinds.insert((method == "OPTIONS", holds.collect::<Vec<bool>>()))
                })
                .map(Setting::Method),
        )
    }

    /// Paths with the query that the request has, and without one.
    fn paths(&self, request: &Request, wanted: &[&Test], tests: &[&Test]) -> Choice {
        let of = |tests: &[&Test]| -> Vec<PathMatch> {
            let all = tests.iter().flat_map(|test| test.positive.iter().chain(&test.negative));
            let paths = all.filter_map(|matcher| match matcher {
                Matcher::Path(path) => Some(path.clone()),
                _ => None,
            });
            witnesses::distinct(paths.collect())
        };
        let (wanted, tests) = (of(wanted), of(tests));
        let mut paths = simple_paths(&wanted, &self.fresh);
        paths.extend(simple_paths(&tests, &self.fresh));
        let mut is_complete = true;
        if tests.iter().any(|path| matches!(path, PathMatch::Template(_))) {
            let merges = !matches!(self.normalization, Normalization::None | Normalization::Base);
            let mut known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
            let make = || paths::kinds(&tests, &self.fresh, merges);
            let (kinds, all) = known.entry(tests.clone()).or_insert_with(make);
            is_complete = *all;
            paths.extend(kinds.iter().cloned());
        }
        let paths = witnesses::distinct(paths);
        let sent = request.path.as_deref().unwrap_or("/");
        let Some((own, query)) = sent.split_once('?') else {
            let settings = paths.into_iter().map(Setting::Path).collect();
            return Choice { settings, is_complete };
        };
        let kept = paths.iter().map(|path| format!("{path}?{query}"));
        let all = kept.chain([own.to_owned()]).chain(paths.iter().cloned());
        Choice {
            settings: all.map(Setting::Path).collect(),
            is_complete,
        }
    }

    fn headers(&self, name: &str, request: &Request, wanted: &[&Test], tests: &[&Test]) -> Choice {
        let own: Vec<String> = header_values(request, name).into_iter().map(str::to_owned).collect();
        let joint = self.joint(wanted, text, StringMatch::matches_present);
        let texts = self.texts(wanted, tests, text);
        let lists = lists(&texts, joint, &own);
        Choice {
            settings: lists
                .into_iter()
                .map(|list| Setting::Header(name.to_owned(), list))
                .collect(),
            is_complete: lists::are_all(texts.len(), wanted, tests),
        }
    }

    fn claim(&self, name: &str, request: &Request, wanted: &[&Test], tests: &[&Test]) -> Choice {
        let Some(token) = request.tokens.first() else {
            return Choice::all([]);
        };
        let old = token.claims.get(name);
        let setting = |value| Setting::Claim(name.to_owned(), value);
        let mut settings = Vec::new();
        let mut whole = old.cloned();
        let mut is_complete = true;
        for path in claim_paths(name, tests) {
            let inner = path.get(1..).unwrap_or_default();
            let own = strings(at(old, inner));
            let pattern = |matcher: &Matcher| self.of_claim(&path, matcher);
            let joint = self.joint(wanted, pattern, StringMatch::matches);
            if let Some(joint) = &joint {
                whole = Some(with(whole.as_ref(), inner, listed(joint)));
            }
            let mut texts = self.texts(wanted, tests, pattern);
            if path == ["aud"] {
                texts.extend(self.audiences.iter().cloned());
            }
            is_complete &= lists::are_all(texts.len(), wanted, tests);
            for list in lists(&texts, joint, &own) {
                settings.push(setting(if list.is_empty() {
                    None
                } else {
                    Some(with(old, inner, listed(&list)))
                }));
            }
        }
        if whole.as_ref() != old {
            settings.insert(0, setting(whole));
        }
        settings.push(setting(None));
        Choice { settings, is_complete }
    }

    /// The pattern by which a matcher tests a claim, if it does.
    fn of_claim(&self, path: &[String], matcher: &Matcher) -> Option<StringMatch> {
        let [first, inner @ ..] = path else { return None };
        let principal = |iss: &StringMatch, sub: &StringMatch| match first.as_str() {
            "iss" => Some(iss.clone()),
            "sub" => Some(sub.clone()),
            _ => None,
        };
        match matcher {
            Matcher::Claim(own, pattern) => (own == path).then(|| pattern.clone()),
            Matcher::RequestPrincipal(iss, sub) => principal(iss, sub),
            Matcher::BoundPrincipal(pattern) => {
                // It is made of both, as today's is cut.
                let (iss, sub) = match pattern {
                    StringMatch::Exact(text) => request_principal(text),
                    StringMatch::Prefix(text) => request_principal(&format!("{text}*")),
                    StringMatch::Suffix(text) => request_principal(&format!("*{text}")),
                    StringMatch::Present => request_principal("*"),
                };
                principal(&iss, &sub)
            }
            // A claim that becomes a header is told apart as the header is.
            Matcher::Header(name, pattern) if inner.is_empty() => {
                let claims = self.of_tokens.get(name)?;
                claims.contains(first).then(|| pattern.clone())
            }
            _ => None,
        }
    }

    /// Values that meet all tests that are wanted, one for each of them, if there are any.
    fn joint(
        &self,
        wanted: &[&Test],
        pattern: impl Fn(&Matcher) -> Option<StringMatch>,
        matches: fn(&StringMatch, &str) -> bool,
    ) -> Option<Vec<String>> {
        let negative: Vec<StringMatch> = wanted
            .iter()
            .flat_map(|test| test.negative.iter().filter_map(&pattern))
            .collect();
        let mut values = Vec::new();
        for test in wanted {
            let wanted: BTreeSet<StringMatch> = test.positive.iter().filter_map(&pattern).collect();
            if wanted.is_empty() {
                continue;
            }
            let fits = |text: &String| {
                wanted.iter().any(|pattern| matches(pattern, text))
                    && !negative.iter().any(|pattern| matches(pattern, text))
            };
            values.push(witnesses::texts(&wanted, &self.fresh).into_iter().find(fits)?);
        }
        let values = witnesses::distinct(values);
        (values.len() > 1).then_some(values)
    }

    /// No token, those that rules accept with what the request's token says, and its own, made good.
    fn tokens(&self, request: &Request) -> Choice {
        let mut settings = Vec::new();
        if let Some(own) = request.tokens.first() {
            let valid = Token {
                state: TokenState::Valid,
                ..own.clone()
            };
            settings.extend([Setting::Token(Some(valid)), Setting::Token(None)]);
        }
        let own = claims(request);
        if request.tokens.is_empty() && own.is_some() {
            settings.push(Setting::Token(None));
        }
        for token in &self.tokens {
            let mut token = token.clone();
            for (name, value) in own.into_iter().flatten() {
                if !is_of_issuer(name) {
                    token.claims.insert(name.clone(), value.clone());
                }
            }
            settings.push(Setting::Token(Some(token)));
        }
        Choice::all(settings)
    }

    /// The caller's own identity, nobody, and those that the tests can tell apart.
    fn callers(&self, wanted: &[&Test], tests: &[&Test], own: Option<&Setting>) -> Choice {
        let identities = |tests: &[&Test]| {
            let mut named = Identities::of(&self.domains);
            for matcher in tests.iter().flat_map(|test| test.positive.iter().chain(&test.negative)) {
                named.add(matcher, &self.fresh);
            }
            named.all(&self.fresh)
        };
        let (mut all, mut is_complete) = identities(wanted);
        if tests.len() > wanted.len() {
            let (more, more_are_complete) = identities(tests);
            all.extend(more);
            is_complete = more_are_complete;
        }
        let all = witnesses::distinct(all).into_iter();
        let all = all.map(|identity| Setting::Caller(Caller::Principal(identity)));
        let first = own.cloned().into_iter().chain([Setting::Caller(Caller::Outsider)]);
        Choice {
            settings: first.chain(all).collect(),
            is_complete,
        }
    }
}

/// The pattern of a test of a host, of the SNI or of a header.
fn text(matcher: &Matcher) -> Option<StringMatch> {
    match matcher {
        Matcher::Host(pattern) | Matcher::Sni(pattern) | Matcher::Header(_, pattern) => Some(pattern.clone()),
        _ => None,
    }
}

fn method(matcher: &Matcher) -> Option<StringMatch> {
    match matcher {
        Matcher::Method(pattern) => Some(pattern.clone()),
        _ => None,
    }
}

/// Paths of the plain patterns, and of each template one.
fn simple_paths(patterns: &[PathMatch], fresh: &str) -> Vec<String> {
    let plain = || {
        patterns.iter().filter_map(|path| match path {
            PathMatch::Plain(pattern) => Some(pattern),
            PathMatch::Template(_) => None,
        })
    };
    // A beginning that is a path itself reads better than one with a word added.
    let starts = plain().filter_map(|pattern| match pattern {
        StringMatch::Prefix(start) if start.starts_with('/') => Some(start.clone()),
        _ => None,
    });
    let templates = patterns.iter().filter_map(|path| match path {
        PathMatch::Template(pieces) => Some(paths::filled(pieces, fresh)),
        PathMatch::Plain(_) => None,
    });
    let mut all: Vec<String> = starts.chain(templates).collect();
    for text in witnesses::texts(plain(), fresh) {
        all.push(if text.starts_with('/') {
            text
        } else {
            format!("/{text}")
        });
    }
    all
}

/// The patterns of tests.
fn patterns(tests: &[&Test], pattern: impl Fn(&Matcher) -> Option<StringMatch>) -> BTreeSet<StringMatch> {
    let all = tests.iter().flat_map(|test| test.positive.iter().chain(&test.negative));
    all.filter_map(pattern).collect()
}

/// The places in a claim that tests look at; the whole is one.
fn claim_paths(name: &str, tests: &[&Test]) -> BTreeSet<Vec<String>> {
    let all = tests.iter().flat_map(|test| test.positive.iter().chain(&test.negative));
    let inner = all.filter_map(|matcher| match matcher {
        Matcher::Claim(path, _) if path.first().is_some_and(|first| first == name) => Some(path.clone()),
        _ => None,
    });
    inner.chain([vec![name.to_owned()]]).collect()
}

fn addresses(tests: &[&Test]) -> impl Iterator<Item = std::net::IpAddr> {
    let all = tests.iter().flat_map(|test| test.positive.iter().chain(&test.negative));
    let nets = all.filter_map(|matcher| match matcher {
        Matcher::PeerIp(net) | Matcher::ClientIp(net) | Matcher::DestinationIp(net) => Some(*net),
        _ => None,
    });
    witnesses::addresses(&nets.collect()).into_iter()
}

/// Headers that hold tokens, with the claims that they are made of.
fn headers_of_tokens(rules: &[&JwtRule]) -> BTreeMap<String, Vec<String>> {
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in rules {
        for place in places(rule) {
            if let Place::Header { name, .. } = place {
                headers.entry(name).or_default();
            }
        }
        if let Some(header) = &rule.output_payload_to_header {
            headers.entry(header.to_ascii_lowercase()).or_default();
        }
        for (header, claim) in &rule.output_claim_to_headers {
            let claims = headers.entry(header.to_ascii_lowercase()).or_default();
            claims.extend(claim.split('.').next().map(str::to_owned));
        }
    }
    headers
}

/// A good token for a rule.
fn token(rule: &JwtRule, place: Place) -> Token {
    let iss = rule
        .issuer
        .clone()
        .unwrap_or_else(|| "https://issuer.example.com".to_owned());
    let mut claims = BTreeMap::from([("iss".to_owned(), Json::String(iss))]);
    if let Some(audience) = rule.audiences.first() {
        claims.insert("aud".to_owned(), Json::String(audience.clone()));
    }
    Token {
        keys: rule.keys.clone(),
        issuer: rule.issuer.clone(),
        claims,
        state: TokenState::Valid,
        place,
    }
}
