//! Which values of each fact the rules on a request's way can tell apart.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::super::Judge;
use super::super::methods::METHODS;
use super::super::places::places;
use super::facts::{Fact, Setting, claims, values as header_values};
use super::identities::Identities;
use super::lists::{at, listed, lists, strings, with};
use super::rules::{different, is_of_caller, jwt_rules, matchers, of_header, ports_of};
use super::witnesses;
use crate::policy::JwtRule;
use crate::policy::effective::rules::{Matcher, Test};
use crate::policy::effective::strings::{PathMatch, PeerMatch, Piece, StringMatch, request_principal};
use crate::policy::effective::{Effective, Enforcer};
use crate::policy::inventory::Normalization;
use crate::policy::request::{Caller, Destination, Json, Place, Request, Token, TokenState};

/// Values by fact.
#[derive(Debug, Default)]
pub(in crate::policy::evaluate) struct Values {
    /// A word that is part of no pattern.
    fresh: String,
    domains: Vec<String>,
    texts: BTreeMap<Fact, BTreeSet<StringMatch>>,
    templates: Vec<Vec<Piece>>,
    claims: BTreeMap<Vec<String>, BTreeSet<StringMatch>>,
    nets: BTreeMap<Fact, BTreeSet<IpNet>>,
    ports: Vec<(u16, Option<u16>)>,
    tokens: Vec<Token>,
    /// In the order in which they read best.
    paths: Vec<String>,
    /// The same by the alphabet, so that those with one beginning stand together.
    paths_by_text: BTreeSet<String>,
    callers: BTreeSet<String>,
    /// Headers that hold tokens, or are made of the claims that are named.
    pub(super) of_tokens: BTreeMap<String, Vec<String>>,
    /// Those that do not depend on the request at hand.
    fixed: BTreeMap<Fact, Vec<Setting>>,
    pub(super) normalization: Option<Normalization>,
    /// How many ALLOW rules there are.
    pub(super) allow_rules: usize,
    /// Whether some requests go through a waypoint first, so that the caller decides who judges.
    pub(super) has_waypoint: bool,
}

impl Values {
    /// What the rules on the way of a request can tell apart.
    pub(super) fn new(judge: &Judge<'_>, to: &Destination) -> Self {
        let mesh = &judge.inventory.mesh;
        let mut values = Self {
            domains: mesh.own_domains().into_iter().map(str::to_owned).collect(),
            normalization: Some(mesh.normalization),
            ..Self::default()
        };
        values.domains.extend(mesh.trusts.iter().cloned());
        let own;
        let mut effective: Vec<&Effective> = Vec::new();
        let mut ports: BTreeSet<u16> = BTreeSet::new();
        match to {
            Destination::Known(index) => {
                let several = judge.several(*index).map(|several| several.stands_for.clone());
                for index in several.unwrap_or_else(|| vec![*index]) {
                    effective.extend(judge.pod_policy(index));
                    for (at, service) in judge.inventory.services.iter().enumerate() {
                        if let Some((namespace, name)) = &service.waypoint
                            && service.workloads.contains(&index)
                        {
                            values.has_waypoint = true;
                            effective.extend(judge.waypoint_policy(at, service, namespace, name));
                        }
                    }
                }
            }
            Destination::Pod { namespace, labels, .. } => {
                let enforcer = Enforcer::of_pod(judge.inventory.data_plane(namespace), namespace, labels);
                own =
                    enforcer.map(|enforcer| Effective::compose(&judge.homes, judge.inventory, judge.target, enforcer));
                effective.extend(&own);
            }
        }
        let allow = effective.iter().flat_map(|effective| &effective.allow.policies);
        values.allow_rules = allow.map(|policy| policy.http.len().max(policy.tcp.len())).sum();
        let matchers = matchers(&effective);
        for matcher in &matchers {
            values.add(matcher, &mut ports);
        }
        values.fresh = values.fresh(&matchers);
        let mut callers = Identities::of(&values.domains.iter().map(String::as_str).collect::<Vec<_>>());
        for matcher in &matchers {
            callers.add(matcher, &values.fresh);
        }
        let mut settings = vec![Setting::Caller(Caller::Outsider)];
        let identities = different(callers.all(&values.fresh), &matchers, judge);
        values.callers.extend(identities.iter().cloned());
        let identities = identities.into_iter();
        settings.extend(identities.map(|identity| Setting::Caller(Caller::Principal(identity))));
        values.fixed.insert(Fact::Caller, settings);
        values.ports = ports_of(judge, to, ports);
        let rules: Vec<&JwtRule> = effective.iter().flat_map(|effective| jwt_rules(effective)).collect();
        for rule in &rules {
            for place in places(rule) {
                if let Place::Header { name, .. } = place {
                    values.of_tokens.entry(name).or_default();
                }
            }
            if let Some(header) = &rule.output_payload_to_header {
                values.of_tokens.entry(header.to_ascii_lowercase()).or_default();
            }
            for (header, claim) in &rule.output_claim_to_headers {
                let claims = values.of_tokens.entry(header.to_ascii_lowercase()).or_default();
                claims.extend(claim.split('.').next().map(str::to_owned));
            }
        }
        values.add_claims_of_headers();
        let tokens = rules.iter().flat_map(|rule| {
            let places = places(rule).into_iter();
            places.map(|place| token(rule, place))
        });
        values.tokens = tokens.collect();
        values.fix(judge);
        values
    }

    fn add(&mut self, matcher: &Matcher, ports: &mut BTreeSet<u16>) {
        let mut text = |fact: Fact, pattern: &StringMatch| {
            self.texts.entry(fact).or_default().insert(pattern.clone());
        };
        match matcher {
            Matcher::Method(pattern) => text(Fact::Method, pattern),
            Matcher::Host(pattern) => text(Fact::Host, pattern),
            Matcher::Sni(pattern) => text(Fact::Sni, pattern),
            Matcher::Header(name, pattern) => text(of_header(name), pattern),
            Matcher::Path(PathMatch::Plain(pattern)) => text(Fact::Path, pattern),
            Matcher::Path(PathMatch::Template(pieces)) => self.templates.push(pieces.clone()),
            Matcher::Claim(path, pattern) => {
                self.claims.entry(path.clone()).or_default().insert(pattern.clone());
            }
            Matcher::RequestPrincipal(iss, sub) => {
                for (name, pattern) in [("iss", iss), ("sub", sub)] {
                    let patterns = self.claims.entry(vec![name.to_owned()]).or_default();
                    patterns.insert(pattern.clone());
                }
            }
            Matcher::BoundPrincipal(pattern) => {
                // It is made of both, as today's is cut.
                let (iss, sub) = match pattern {
                    StringMatch::Exact(text) => request_principal(text),
                    StringMatch::Prefix(text) => request_principal(&format!("{text}*")),
                    StringMatch::Suffix(text) => request_principal(&format!("*{text}")),
                    StringMatch::Present => request_principal("*"),
                };
                for (name, pattern) in [("iss", iss), ("sub", sub)] {
                    let patterns = self.claims.entry(vec![name.to_owned()]).or_default();
                    patterns.insert(pattern);
                }
            }
            Matcher::PeerIp(net) => {
                // One address can be both.
                self.nets.entry(Fact::PeerIp).or_default().insert(*net);
            }
            Matcher::ClientIp(net) => {
                self.nets.entry(Fact::ClientIp).or_default().insert(*net);
                self.nets.entry(Fact::PeerIp).or_default().insert(*net);
            }
            Matcher::DestinationIp(net) => {
                self.nets.entry(Fact::DestinationIp).or_default().insert(*net);
            }
            Matcher::Port(port) => {
                ports.insert(*port);
            }
            Matcher::Peer(_)
            | Matcher::ZtunnelPrincipal(_)
            | Matcher::ZtunnelNamespace(_)
            | Matcher::ZtunnelAccount { .. }
            | Matcher::Metadata { .. } => {}
        }
    }

    /// A claim that becomes a header is told apart as the header is.
    fn add_claims_of_headers(&mut self) {
        for (header, claims) in &self.of_tokens {
            let patterns = self
                .texts
                .get(&Fact::Header(header.clone()))
                .cloned()
                .unwrap_or_default();
            for claim in claims {
                self.claims
                    .entry(vec![claim.clone()])
                    .or_default()
                    .extend(patterns.iter().cloned());
            }
        }
    }

    /// A word that no pattern has.
    fn fresh(&self, matchers: &[&Matcher]) -> String {
        let callers: Vec<String> = matchers
            .iter()
            .filter(|matcher| is_of_caller(matcher))
            .map(|matcher| format!("{matcher:?}").to_ascii_lowercase())
            .collect();
        let texts = self.texts.values().chain(self.claims.values()).flatten();
        let literals: Vec<String> = texts
            .filter_map(|pattern| match pattern {
                StringMatch::Exact(text) | StringMatch::Prefix(text) | StringMatch::Suffix(text) => {
                    Some(text.to_ascii_lowercase())
                }
                StringMatch::Present => None,
            })
            .collect();
        let templates = format!("{:?}", self.templates).to_ascii_lowercase();
        let free = |word: &String| {
            let in_it = |text: &String| text.contains(word.as_str());
            !templates.contains(word.as_str()) && !literals.iter().any(in_it) && !callers.iter().any(in_it)
        };
        let numbered = (2..u32::MAX).map(|number| format!("other{number}"));
        std::iter::once("other".to_owned())
            .chain(numbered)
            .find(free)
            .unwrap_or_default()
    }

    /// The facts that are worth a change.
    pub(super) fn facts(&self, request: &Request) -> Vec<Fact> {
        let mut facts: BTreeSet<Fact> = self.fixed.keys().cloned().collect();
        facts.extend(self.texts.keys().cloned());
        facts.extend(
            self.claims
                .keys()
                .filter_map(|path| path.first().cloned())
                .map(Fact::Claim),
        );
        facts.extend(request.headers.iter().map(|(name, _)| Fact::Header(name.clone())));
        if let Some(token) = request.tokens.first() {
            facts.extend(token.claims.keys().cloned().map(Fact::Claim));
        }
        facts.insert(Fact::Path);
        facts.insert(Fact::Token);
        facts.into_iter().collect()
    }

    fn fix(&mut self, judge: &Judge<'_>) {
        let none = BTreeSet::new();
        let patterns = self.texts.get(&Fact::Method).unwrap_or(&none);
        // Of methods that no rule tells apart, one is enough.
        let mut kinds = BTreeSet::new();
        let usual = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
        let methods = usual.iter().chain(METHODS).filter(|method| **method != "CONNECT");
        let methods = methods.filter(|method| {
            let kind: Vec<bool> = patterns.iter().map(|pattern| pattern.matches_present(method)).collect();
            kinds.insert(kind)
        });
        let methods = methods.map(|method| Setting::Method((*method).to_owned())).collect();
        self.paths = witnesses::paths(
            self.texts.get(&Fact::Path).unwrap_or(&none),
            &self.templates,
            &self.fresh,
        );
        self.paths_by_text = self.paths.iter().cloned().collect();
        let mut hosts: Vec<Setting> = Vec::new();
        if let Some(patterns) = self.texts.get(&Fact::Host) {
            let texts = witnesses::texts(patterns, &self.fresh).into_iter();
            hosts.extend(texts.map(|host| Setting::Host(Some(host))));
        }
        hosts.push(Setting::Host(None));
        let mut names = vec![Setting::Sni(None)];
        if let Some(patterns) = self.texts.get(&Fact::Sni) {
            let texts = witnesses::texts(patterns, &self.fresh).into_iter();
            names.extend(texts.map(|sni| Setting::Sni(Some(sni))));
        }
        let address = |fact: &Fact, make: fn(std::net::IpAddr) -> Setting| {
            let nets = self.nets.get(fact).unwrap_or(&none_of_nets()).clone();
            witnesses::addresses(&nets).into_iter().map(make).collect::<Vec<_>>()
        };
        let answers = judge.inventory.mesh.providers.keys();
        let answers: Vec<String> = answers.cloned().collect();
        let all = [
            (Fact::Method, methods),
            (Fact::Host, hosts),
            (Fact::Sni, names),
            (Fact::PeerIp, address(&Fact::PeerIp, Setting::PeerIp)),
            (Fact::ClientIp, address(&Fact::ClientIp, Setting::ClientIp)),
            (
                Fact::DestinationIp,
                address(&Fact::DestinationIp, Setting::DestinationIp),
            ),
            (
                Fact::Port,
                self.ports
                    .iter()
                    .map(|(port, service)| Setting::Port(*port, *service))
                    .collect(),
            ),
        ];
        self.fixed.extend(all);
        for provider in answers {
            let settings = vec![Setting::Answer(provider.clone(), true)];
            self.fixed.insert(Fact::Answer(provider), settings);
        }
    }

    /// The values of a fact with which a test may hold; `together` are as below.
    pub(super) fn meeting(&self, fact: &Fact, request: &Request, test: &Test, together: &[&Test]) -> Vec<Setting> {
        let has_query = request.path.as_ref().is_some_and(|path| path.contains('?'));
        let found = match fact {
            Fact::Path if !has_query => among(&self.paths_by_text, &test.positive, |matcher| match matcher {
                Matcher::Path(PathMatch::Plain(pattern)) => Some(pattern),
                _ => None,
            })
            .map(|paths| paths.into_iter().map(Setting::Path).collect()),
            Fact::Caller => among(&self.callers, &test.positive, |matcher| match matcher {
                Matcher::Peer(PeerMatch::Principal(pattern)) => Some(pattern),
                _ => None,
            })
            .map(|callers| {
                callers
                    .into_iter()
                    .map(Caller::Principal)
                    .map(Setting::Caller)
                    .collect()
            }),
            _ => None,
        };
        found.unwrap_or_else(|| self.settings(fact, request, together))
    }

    /// The values of a fact; `together` are tests of one rule on it, which one value may have to meet.
    pub(super) fn settings(&self, fact: &Fact, request: &Request, together: &[&Test]) -> Vec<Setting> {
        match fact {
            Fact::Path => self.paths(request),
            Fact::Header(name) => self.headers(name, request, together),
            Fact::Claim(name) => self.claim(name, request, together),
            Fact::Token => self.tokens(request),
            Fact::Caller => {
                let mut settings = self.combined_callers(together);
                settings.extend(self.fixed.get(fact).into_iter().flatten().cloned());
                settings
            }
            Fact::Method
            | Fact::Host
            | Fact::Sni
            | Fact::Answer(_)
            | Fact::Port
            | Fact::PeerIp
            | Fact::ClientIp
            | Fact::DestinationIp => self.fixed.get(fact).cloned().unwrap_or_default(),
        }
    }

    /// Paths with the query that the request has, and without one.
    fn paths(&self, request: &Request) -> Vec<Setting> {
        let paths = &self.paths;
        let sent = request.path.as_deref().unwrap_or("/");
        let Some((own, query)) = sent.split_once('?') else {
            return paths.iter().cloned().map(Setting::Path).collect();
        };
        let kept = paths.iter().map(|path| format!("{path}?{query}"));
        let all = kept.chain([own.to_owned()]).chain(paths.iter().cloned());
        all.map(Setting::Path).collect()
    }

    fn headers(&self, name: &str, request: &Request, together: &[&Test]) -> Vec<Setting> {
        let none = BTreeSet::new();
        let patterns = self.texts.get(&Fact::Header(name.to_owned())).unwrap_or(&none);
        let own: Vec<String> = header_values(request, name).into_iter().map(str::to_owned).collect();
        let pattern = |matcher: &Matcher| match matcher {
            Matcher::Header(own, pattern) if own == name => Some(pattern.clone()),
            _ => None,
        };
        let joint = self.joint(together, pattern, StringMatch::matches_present);
        let lists = lists(&witnesses::texts(patterns, &self.fresh), joint, &own);
        lists
            .into_iter()
            .map(|list| Setting::Header(name.to_owned(), list))
            .collect()
    }

    fn claim(&self, name: &str, request: &Request, together: &[&Test]) -> Vec<Setting> {
        let Some(token) = request.tokens.first() else {
            return Vec::new();
        };
        let old = token.claims.get(name);
        let setting = |value| Setting::Claim(name.to_owned(), value);
        let mut settings = Vec::new();
        let mut whole = old.cloned();
        for (path, patterns) in self
            .claims
            .iter()
            .filter(|(path, _)| path.first().is_some_and(|first| first == name))
        {
            let inner = path.get(1..).unwrap_or_default();
            let own = strings(at(old, inner));
            let pattern = |matcher: &Matcher| match matcher {
                Matcher::Claim(own, pattern) if own == path => Some(pattern.clone()),
                Matcher::RequestPrincipal(iss, _) if path == &["iss"] => Some(iss.clone()),
                Matcher::RequestPrincipal(_, sub) if path == &["sub"] => Some(sub.clone()),
                _ => None,
            };
            let joint = self.joint(together, pattern, StringMatch::matches);
            if let Some(joint) = &joint {
                whole = Some(with(whole.as_ref(), inner, listed(joint)));
            }
            for list in lists(&witnesses::texts(patterns, &self.fresh), joint, &own) {
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
        settings
    }

    /// Values that meet all these tests, one for each of them, if there are any.
    fn joint(
        &self,
        together: &[&Test],
        pattern: impl Fn(&Matcher) -> Option<StringMatch>,
        matches: fn(&StringMatch, &str) -> bool,
    ) -> Option<Vec<String>> {
        let negative: Vec<StringMatch> = together
            .iter()
            .flat_map(|test| test.negative.iter().filter_map(&pattern))
            .collect();
        let mut values = Vec::new();
        for test in together {
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
    fn tokens(&self, request: &Request) -> Vec<Setting> {
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
                if !super::facts::is_of_issuer(name) {
                    token.claims.insert(name.clone(), value.clone());
                }
            }
            settings.push(Setting::Token(Some(token)));
        }
        settings
    }

    fn combined_callers(&self, together: &[&Test]) -> Vec<Setting> {
        let mut named = Identities::of(&self.domains.iter().map(String::as_str).collect::<Vec<_>>());
        let matchers = together.iter().flat_map(|test| &test.positive);
        let mut any = false;
        for matcher in matchers.filter(|matcher| is_of_caller(matcher)) {
            named.add(matcher, &self.fresh);
            any = true;
        }
        let identities = if any { named.all(&self.fresh) } else { Vec::new() };
        identities
            .into_iter()
            .map(|identity| Setting::Caller(Caller::Principal(identity)))
            .collect()
    }
}

fn none_of_nets() -> BTreeSet<IpNet> {
    BTreeSet::new()
}

/// The texts that one of the tests takes, if all of them spell out a text or its beginning.
fn among<'m>(
    texts: &BTreeSet<String>,
    tests: &'m [Matcher],
    pattern: impl Fn(&'m Matcher) -> Option<&'m StringMatch>,
) -> Option<Vec<String>> {
    let mut found = BTreeSet::new();
    for test in tests {
        match pattern(test)? {
            StringMatch::Exact(text) => found.extend(texts.get(text)),
            StringMatch::Prefix(start) => {
                let from = texts.range::<String, _>(start..);
                found.extend(from.take_while(|text| text.starts_with(start.as_str())));
            }
            StringMatch::Suffix(_) | StringMatch::Present => return None,
        }
    }
    (!tests.is_empty()).then(|| found.into_iter().cloned().collect())
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
