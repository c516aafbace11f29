//! A rule as each enforcer compiles it: Envoy for HTTP, Envoy for TCP, and ztunnel.
//!
//! They differ in what becomes of facts that a connection does not have: an ALLOW rule with one is dropped whole, other
//! rules forget it, and ztunnel forgets rather the rule's whole list.

use ipnet::IpNet;

use super::strings::{PathMatch, PeerMatch, StringMatch, domains_with_aliases, request_principal, with_aliases};
use crate::policy::{Condition, ConditionKey, IpBlock, Lists, Operation, Rule, Source, Target};
use crate::source::Span;

/// A test of one value of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Matcher {
    Peer(PeerMatch),
    /// As ztunnel reads identities: it knows only those of four parts.
    ZtunnelPrincipal(StringMatch),
    ZtunnelNamespace(StringMatch),
    ZtunnelAccount {
        namespace: String,
        name: String,
    },
    RequestPrincipal(StringMatch, StringMatch),
    /// As one text, in a legacy release.
    BoundPrincipal(StringMatch),
    PeerIp(IpNet),
    ClientIp(IpNet),
    DestinationIp(IpNet),
    /// In lower case.
    Host(StringMatch),
    Method(StringMatch),
    Path(PathMatch),
    Port(u16),
    Sni(StringMatch),
    /// The name in lower case.
    Header(String, StringMatch),
    Claim(Vec<String>, StringMatch),
    /// Metadata of a filter, which no request states.
    Metadata {
        filter: String,
        key: String,
        pattern: StringMatch,
    },
}

/// One of `positive` where there are any, and none of `negative`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Test {
    pub(crate) positive: Vec<Matcher>,
    pub(crate) negative: Vec<Matcher>,
}

/// Any of its lists of tests, all tests of one. Without lists it never holds.
pub(crate) type Clause = Vec<Vec<Test>>;

/// A rule: all its clauses.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRule {
    /// Counted from 0, as written.
    pub(crate) index: usize,
    pub(crate) origin: Span,
    pub(crate) clauses: Vec<Clause>,
}

impl CompiledRule {
    /// The rule as lists of tests of which one must hold as a whole: of each clause one list. `None`: more than `most`.
    pub(crate) fn boxes(&self, most: usize) -> Option<Vec<Vec<&Test>>> {
        let mut boxes: Vec<Vec<&Test>> = vec![Vec::new()];
        for clause in &self.clauses {
            if boxes.len().saturating_mul(clause.len()) > most {
                return None;
            }
            boxes = boxes
                .iter()
                .flat_map(|tests| {
                    let entries = clause.iter();
                    entries.map(move |entry| tests.iter().copied().chain(entry).collect())
                })
                .collect();
        }
        Some(boxes)
    }
}

/// Who compiles, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Http,
    Tcp,
    Ztunnel,
}

/// What the meaning of a rule's values depends on.
#[derive(Clone, Copy)]
pub(crate) struct Compiler<'a> {
    pub(crate) layer: Layer,
    pub(crate) target: Target,
    /// Whether the action is ALLOW.
    pub(crate) allow: bool,
    /// The trust domain and its aliases.
    pub(crate) own_domains: &'a [&'a str],
    /// The policy's.
    pub(crate) namespace: &'a str,
}

/// A fact that has no place in this compilation.
struct Dropped;

impl Compiler<'_> {
    /// The rules that remain.
    pub(crate) fn rules(&self, rules: &[Rule]) -> Vec<CompiledRule> {
        rules
            .iter()
            .enumerate()
            .filter_map(|(index, rule)| self.rule(index, rule).ok())
            .collect()
    }

    fn rule(&self, index: usize, rule: &Rule) -> Result<CompiledRule, Dropped> {
        let mut clauses = Vec::new();
        if !rule.sources.is_empty() {
            clauses.push(self.clause(rule.sources.iter().map(|source| self.source(source)))?);
        }
        if !rule.operations.is_empty() {
            clauses.push(self.clause(rule.operations.iter().map(|operation| self.operation(operation)))?);
        }
        for condition in &rule.conditions {
            clauses.push(self.clause(std::iter::once(self.condition(condition)))?);
        }
        Ok(CompiledRule {
            index,
            origin: rule.origin,
            clauses,
        })
    }

    /// ztunnel skips an entry of which nothing is left; for Envoy such an entry holds.
    fn clause(&self, entries: impl Iterator<Item = Result<Vec<Test>, Dropped>>) -> Result<Clause, Dropped> {
        let mut clause = Vec::new();
        for entry in entries {
            let tests = entry?;
            if self.layer != Layer::Ztunnel || !tests.is_empty() {
                clause.push(tests);
            }
        }
        Ok(clause)
    }

    /// In Istio's order, so that what is printed for Envoy looks like Istio's.
    fn source(&self, source: &Source) -> Result<Vec<Test>, Dropped> {
        let ztunnel = self.layer == Layer::Ztunnel;
        let mut tests = Vec::new();
        self.push(&mut tests, true, &self.principals(&source.principals), |v| {
            self.principal(v)
        })?;
        self.push(&mut tests, self.layer == Layer::Http, &source.request_principals, |v| {
            Some(self.request_principal(v))
        })?;
        self.push(&mut tests, true, &source.namespaces, |v| self.namespace(v))?;
        self.push(&mut tests, true, &source.service_accounts, |v| self.account(v))?;
        if !ztunnel {
            self.push(&mut tests, true, &self.domains(&source.trust_domains), |v| {
                Some(Matcher::Peer(PeerMatch::trust_domain(v)))
            })?;
        }
        self.push(&mut tests, !ztunnel, &source.remote_ip_blocks, |v| {
            Some(Matcher::ClientIp(v.net()))
        })?;
        self.push(&mut tests, true, &source.ip_blocks, |v| Some(Matcher::PeerIp(v.net())))?;
        Ok(tests)
    }

    fn operation(&self, operation: &Operation) -> Result<Vec<Test>, Dropped> {
        let http = self.layer == Layer::Http;
        let mut tests = Vec::new();
        self.push(&mut tests, http, &operation.hosts, |v| {
            Some(Matcher::Host(StringMatch::parse(&v.to_ascii_lowercase())))
        })?;
        self.push(&mut tests, http, &operation.methods, |v| {
            Some(Matcher::Method(StringMatch::parse(v)))
        })?;
        self.push(&mut tests, http, &operation.paths, |v| {
            Some(Matcher::Path(PathMatch::parse(v)))
        })?;
        self.push(&mut tests, true, &operation.ports, |v| Some(Matcher::Port(*v)))?;
        Ok(tests)
    }

    fn condition(&self, condition: &Condition) -> Result<Vec<Test>, Dropped> {
        let http = self.layer == Layer::Http;
        let envoy = self.layer != Layer::Ztunnel;
        let lists = &condition.lists;
        let mut tests = Vec::new();
        let out = &mut tests;
        match &condition.key {
            ConditionKey::Header(name) => {
                let name = name.to_ascii_lowercase();
                self.push(out, http, lists, |v| {
                    Some(Matcher::Header(name.clone(), StringMatch::parse(v)))
                })
            }
            ConditionKey::SourceIp => self.push(out, true, lists, |v| address(v).map(Matcher::PeerIp)),
            ConditionKey::RemoteIp => self.push(out, envoy, lists, |v| address(v).map(Matcher::ClientIp)),
            ConditionKey::SourceNamespace => self.push(out, true, lists, |v| self.namespace(v)),
            ConditionKey::SourcePrincipal => self.push(out, true, &self.principals(lists), |v| self.principal(v)),
            ConditionKey::SourceServiceAccount => self.push(out, envoy, lists, |v| self.account(v)),
            ConditionKey::SourceTrustDomain => self.push(out, envoy, &self.domains(lists), |v| {
                Some(Matcher::Peer(PeerMatch::trust_domain(v)))
            }),
            ConditionKey::RequestPrincipal => self.push(out, http, lists, |v| Some(self.request_principal(v))),
            ConditionKey::Audiences => self.claim(out, lists, &["aud".to_owned()]),
            ConditionKey::Presenter => self.claim(out, lists, &["azp".to_owned()]),
            ConditionKey::Claim(path) => self.claim(out, lists, path),
            ConditionKey::DestinationIp => self.push(out, true, lists, |v| address(v).map(Matcher::DestinationIp)),
            ConditionKey::DestinationPort => self.push(out, true, lists, |v| v.parse().ok().map(Matcher::Port)),
            ConditionKey::Sni => self.push(out, envoy, lists, |v| Some(Matcher::Sni(StringMatch::parse(v)))),
            ConditionKey::Unreadable(_) => self.push(out, false, lists, |_| None),
            ConditionKey::Filter { filter, key } => self.push(out, envoy, lists, |v| {
                Some(Matcher::Metadata {
                    filter: filter.clone(),
                    key: key.clone(),
                    pattern: StringMatch::parse(v),
                })
            }),
        }?;
        Ok(tests)
    }

    fn claim(&self, tests: &mut Vec<Test>, lists: &Lists<String>, path: &[String]) -> Result<(), Dropped> {
        self.push(tests, self.layer == Layer::Http, lists, |v| {
            Some(Matcher::Claim(path.to_vec(), StringMatch::parse(v)))
        })
    }

    /// Adds the test of a fact, if it says anything. A fact that the layer lacks, or a value that cannot be read, takes an
    /// ALLOW rule with it; elsewhere only itself.
    fn push<T>(
        &self,
        tests: &mut Vec<Test>,
        seen: bool,
        lists: &Lists<T>,
        matcher: impl Fn(&T) -> Option<Matcher>,
    ) -> Result<(), Dropped> {
        if lists.is_empty() {
            return Ok(());
        }
        if !seen {
            return if self.allow { Err(Dropped) } else { Ok(()) };
        }
        let read = |values: &[T]| -> Result<Vec<Matcher>, Dropped> {
            let all: Vec<Matcher> = values.iter().filter_map(&matcher).collect();
            if self.allow && all.len() < values.len() {
                return Err(Dropped);
            }
            Ok(all)
        };
        let (positive, negative) = (read(&lists.values)?, read(&lists.not_values)?);
        if !positive.is_empty() || !negative.is_empty() {
            tests.push(Test { positive, negative });
        }
        Ok(())
    }

    fn principals(&self, lists: &Lists<String>) -> Lists<String> {
        if self.layer == Layer::Ztunnel {
            return lists.clone();
        }
        Lists {
            values: with_aliases(&lists.values, self.own_domains),
            not_values: with_aliases(&lists.not_values, self.own_domains),
        }
    }

    fn domains(&self, lists: &Lists<String>) -> Lists<String> {
        Lists {
            values: domains_with_aliases(&lists.values, self.own_domains),
            not_values: domains_with_aliases(&lists.not_values, self.own_domains),
        }
    }

    fn request_principal(&self, value: &str) -> Matcher {
        if self.target.is_legacy() {
            return Matcher::BoundPrincipal(StringMatch::parse(value));
        }
        let (iss, sub) = request_principal(value);
        Matcher::RequestPrincipal(iss, sub)
    }

    #[expect(clippy::unnecessary_wraps, reason = "all readers of values have one form")]
    fn principal(&self, value: &str) -> Option<Matcher> {
        let pattern = StringMatch::parse(value);
        Some(match self.layer {
            Layer::Ztunnel => Matcher::ZtunnelPrincipal(pattern),
            Layer::Http | Layer::Tcp => Matcher::Peer(PeerMatch::Principal(pattern)),
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "all readers of values have one form")]
    fn namespace(&self, value: &str) -> Option<Matcher> {
        Some(match self.layer {
            Layer::Ztunnel => Matcher::ZtunnelNamespace(StringMatch::parse(value)),
            Layer::Http | Layer::Tcp => Matcher::Peer(PeerMatch::namespace(value)),
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "all readers of values have one form")]
    fn account(&self, value: &str) -> Option<Matcher> {
        Some(match self.layer {
            Layer::Ztunnel => {
                let (namespace, name) = value.split_once('/').unwrap_or((self.namespace, value));
                Matcher::ZtunnelAccount {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                }
            }
            Layer::Http | Layer::Tcp => Matcher::Peer(PeerMatch::service_account(value, self.namespace)),
        })
    }
}

fn address(text: &str) -> Option<IpNet> {
    IpBlock::parse(text).map(|block| block.net())
}
