//! What the tests of one fact can tell apart: for each class of its values, one value that stands for it.
//!
//! The evaluator itself says which classes a test takes, so that there is no second reading of a pattern.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::policy::Target;
use crate::policy::effective::rules::{Matcher, Test};
use crate::policy::effective::strings::{DomainMatch, PathMatch, PeerMatch, StringMatch};
use crate::policy::evaluate::matching::{self, Facts, HeaderValue, Host, Peer, Truth};
use crate::policy::request::Json;

/// More values of one fact are not tried.
const MAX_VALUES: usize = 4096;

/// A fact of a request or connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact<'r> {
    Peer,
    PeerIp,
    ClientIp,
    DestinationIp,
    Host,
    Method,
    Path,
    Port,
    Sni,
    Header(&'r str),
    Claim(&'r [String]),
}

impl Fact<'_> {
    pub(super) fn words(self) -> String {
        match self {
            Self::Peer => "the identity of the caller".to_owned(),
            Self::PeerIp => "the address of the peer".to_owned(),
            Self::ClientIp => "the address of the client".to_owned(),
            Self::DestinationIp => "the address of the destination".to_owned(),
            Self::Host => "the host".to_owned(),
            Self::Method => "the method".to_owned(),
            Self::Path => "the path".to_owned(),
            Self::Port => "the port".to_owned(),
            Self::Sni => "the SNI".to_owned(),
            Self::Header(name) => format!("the header `{name}`"),
            Self::Claim(path) => format!("the claim `{}`", path.join(".")),
        }
    }

    /// Whether a request may have several values, of which a test wants only one.
    const fn has_many(self) -> bool {
        matches!(self, Self::Header(_) | Self::Claim(_))
    }
}

/// The fact that a matcher is about, if its values can be cut into classes.
pub(super) fn fact(matcher: &Matcher) -> Option<Fact<'_>> {
    Some(match matcher {
        Matcher::Peer(_)
        | Matcher::ZtunnelPrincipal(_)
        | Matcher::ZtunnelNamespace(_)
        | Matcher::ZtunnelAccount { .. } => Fact::Peer,
        Matcher::PeerIp(_) => Fact::PeerIp,
        Matcher::ClientIp(_) => Fact::ClientIp,
        Matcher::DestinationIp(_) => Fact::DestinationIp,
        Matcher::Host(_) => Fact::Host,
        Matcher::Method(_) => Fact::Method,
        Matcher::Path(_) => Fact::Path,
        Matcher::Port(_) => Fact::Port,
        Matcher::Sni(_) => Fact::Sni,
        Matcher::Header(name, _) => Fact::Header(name),
        Matcher::Claim(path, _) => Fact::Claim(path),
        Matcher::RequestPrincipal(..) | Matcher::BoundPrincipal(_) | Matcher::Metadata { .. } => return None,
    })
}

/// Whether all these tests of one fact can hold at once. Without doubt only if the answer is no.
pub(super) fn can_hold(fact: &Fact<'_>, tests: &[&Test], target: Target) -> bool {
    let excludes = tests.iter().any(|test| !test.negative.is_empty());
    if !excludes && (tests.len() == 1 || fact.has_many()) {
        return true;
    }
    let tests: Vec<Test> = tests.iter().map(|test| relaxed(test)).collect();
    let mut seeds = Seeds::default();
    for matcher in tests.iter().flat_map(|test| test.positive.iter().chain(&test.negative)) {
        seeds.add(matcher);
    }
    let Some(values) = seeds.values(*fact, target) else {
        return true;
    };
    let may = |test: &Test, facts: &Facts| matching::holds(test, facts) != Truth::No;
    if !fact.has_many() {
        return values.iter().any(|facts| tests.iter().all(|test| may(test, facts)));
    }
    // Each test may be met by a value of its own, which none of the tests excludes.
    let negative: Vec<Matcher> = tests.iter().flat_map(|test| test.negative.iter().cloned()).collect();
    tests.iter().filter(|test| !test.positive.is_empty()).all(|test| {
        let wanted = Test {
            positive: test.positive.clone(),
            negative: negative.clone(),
        };
        values.iter().any(|facts| may(&wanted, facts))
    })
}

/// The test without what cannot be cut into classes: it takes no less.
fn relaxed(test: &Test) -> Test {
    Test {
        positive: if test.positive.iter().all(can_be_cut) {
            test.positive.clone()
        } else {
            Vec::new()
        },
        negative: test.negative.iter().filter(|m| can_be_cut(m)).cloned().collect(),
    }
}

fn can_be_cut(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::Path(PathMatch::Template(_)) => false,
        Matcher::Peer(PeerMatch::Namespace(pieces)) => match pieces.as_slice() {
            [_] => true,
            [before, after] => before == "/ns/" || after == "/",
            _ => false,
        },
        Matcher::Peer(PeerMatch::TrustDomain(DomainMatch::Star(before, after))) => {
            before.is_empty() || after.is_empty()
        }
        _ => true,
    }
}

/// The texts that the patterns of a fact, or of a part of it, compare with.
#[derive(Default)]
struct Texts {
    exact: BTreeSet<String>,
    prefixes: BTreeSet<String>,
    suffixes: BTreeSet<String>,
}

impl Texts {
    fn add(&mut self, pattern: &StringMatch) {
        match pattern {
            StringMatch::Present => false,
            StringMatch::Exact(text) => self.exact.insert(text.clone()),
            StringMatch::Prefix(text) => self.prefixes.insert(text.clone()),
            StringMatch::Suffix(text) => self.suffixes.insert(text.clone()),
        };
    }

    /// One text of every class.
    ///
    /// A text that equals none of `exact` matches the same patterns as the longest prefix and the longest suffix that it
    /// matches, with something between them that is in no pattern. `*` alone asks besides whether there is a line end,
    /// which is of no use between the parts of an identity.
    fn values(&self, lines: bool) -> BTreeSet<String> {
        let all = || self.exact.iter().chain(&self.prefixes).chain(&self.suffixes);
        let fresh = ('a'..='z')
            .chain('\u{e000}'..='\u{f8ff}')
            .find(|c| !all().any(|text| text.contains(*c)));
        let fresh = fresh.unwrap_or('\u{fffd}');
        let empty = String::new();
        let mut values = self.exact.clone();
        values.insert(String::new());
        for prefix in self.prefixes.iter().chain([&empty]) {
            for suffix in self.suffixes.iter().chain([&empty]) {
                values.insert(format!("{prefix}{fresh}{suffix}"));
                if lines {
                    values.insert(format!("{prefix}{fresh}\n{fresh}{suffix}"));
                }
            }
        }
        values
    }

    fn count(&self) -> usize {
        let pairs = (self.prefixes.len() + 1).saturating_mul(self.suffixes.len() + 1);
        self.exact
            .len()
            .saturating_add(pairs.saturating_mul(2))
            .saturating_add(1)
    }
}

/// What the tests of one fact mention.
#[derive(Default)]
struct Seeds {
    texts: Texts,
    domains: Texts,
    namespaces: Texts,
    accounts: Texts,
    nets: Vec<IpNet>,
    ports: BTreeSet<u16>,
}

impl Seeds {
    fn add(&mut self, matcher: &Matcher) {
        match matcher {
            Matcher::Host(pattern)
            | Matcher::Method(pattern)
            | Matcher::Path(PathMatch::Plain(pattern))
            | Matcher::Sni(pattern)
            | Matcher::Header(_, pattern)
            | Matcher::Claim(_, pattern) => self.texts.add(pattern),
            Matcher::Peer(PeerMatch::Principal(pattern)) | Matcher::ZtunnelPrincipal(pattern) => {
                self.texts.add(pattern);
                self.add_principal(pattern);
            }
            Matcher::Peer(PeerMatch::Namespace(pieces)) => {
                let name = |piece: &str| piece.trim_start_matches("/ns/").trim_end_matches('/').to_owned();
                match pieces.as_slice() {
                    [only] => self.namespaces.add(&StringMatch::Exact(name(only))),
                    [before, after] if before == "/ns/" => self.namespaces.add(&StringMatch::Suffix(name(after))),
                    [before, _] => self.namespaces.add(&StringMatch::Prefix(name(before))),
                    _ => {}
                }
            }
            Matcher::Peer(PeerMatch::ServiceAccount { namespace, name })
            | Matcher::ZtunnelAccount { namespace, name } => {
                self.namespaces.add(&StringMatch::Exact(namespace.clone()));
                self.accounts.add(&StringMatch::Exact(name.clone()));
            }
            Matcher::Peer(PeerMatch::TrustDomain(domain)) => match domain {
                DomainMatch::Any => {}
                DomainMatch::Exact(domain) => self.domains.add(&StringMatch::Exact(domain.clone())),
                DomainMatch::Star(before, after) if before.is_empty() => {
                    self.domains.add(&StringMatch::Suffix(after.clone()));
                }
                DomainMatch::Star(before, _) => self.domains.add(&StringMatch::Prefix(before.clone())),
            },
            Matcher::ZtunnelNamespace(pattern) => self.namespaces.add(pattern),
            Matcher::PeerIp(net) | Matcher::ClientIp(net) | Matcher::DestinationIp(net) => self.nets.push(*net),
            Matcher::Port(port) => {
                self.ports.insert(*port);
            }
            Matcher::Path(PathMatch::Template(_))
            | Matcher::RequestPrincipal(..)
            | Matcher::BoundPrincipal(_)
            | Matcher::Metadata { .. } => {}
        }
    }

    /// What a pattern of whole identities says of trust domain, namespace and account.
    fn add_principal(&mut self, pattern: &StringMatch) {
        let (text, starts, ends) = match pattern {
            StringMatch::Present => return,
            StringMatch::Exact(text) => (text, true, true),
            StringMatch::Prefix(text) => (text, true, false),
            StringMatch::Suffix(text) => (text, false, true),
        };
        let parts: Vec<&str> = text.split('/').collect();
        let last = parts.len().saturating_sub(1);
        for (at, part) in parts.iter().enumerate() {
            let place = if starts { at } else { (at + 4).saturating_sub(last) };
            let texts = match place {
                0 => &mut self.domains,
                2 => &mut self.namespaces,
                4 => &mut self.accounts,
                _ => continue,
            };
            // A part is whole unless the star touches it.
            texts.add(&match (starts || at > 0, ends || at < last) {
                (true, true) => StringMatch::Exact((*part).to_owned()),
                (true, false) => StringMatch::Prefix((*part).to_owned()),
                (false, _) => StringMatch::Suffix((*part).to_owned()),
            });
        }
    }

    /// What an enforcer sees, once for each class of values of the fact; `None` if there are too many.
    fn values(mut self, fact: Fact<'_>, target: Target) -> Option<Vec<Facts>> {
        let facts = Facts::nothing(target);
        let with = |set: &dyn Fn(&mut Facts)| {
            let mut facts = facts.clone();
            set(&mut facts);
            facts
        };
        if fact == Fact::Peer {
            // An identity of namespace `ns` has `/ns/` twice, and then what follows looks like a namespace too.
            self.namespaces.add(&StringMatch::Exact("ns".to_owned()));
            // One of another form still has a trust domain.
            let domains = self.domains.values(false);
            self.texts
                .prefixes
                .extend(domains.iter().map(|domain| format!("{domain}/")));
            let (d, n, a) = (self.domains.count(), self.namespaces.count(), self.accounts.count());
            let triples = d.saturating_mul(n).saturating_mul(a);
            if triples.saturating_add(self.texts.count()) > MAX_VALUES {
                return None;
            }
            let mut peers = vec![with(&|_| {})];
            let accounts = self.accounts.values(false);
            let namespaces = self.namespaces.values(false);
            let mut names = self.texts.values(false);
            for domain in domains {
                for namespace in &namespaces {
                    names.extend(accounts.iter().map(|a| format!("{domain}/ns/{namespace}/sa/{a}")));
                }
            }
            peers.extend(names.into_iter().map(|it| with(&|f| f.peer = Peer::Is(it.clone()))));
            return Some(peers);
        }
        if self.texts.count().max(self.nets.len()).max(self.ports.len()) > MAX_VALUES {
            return None;
        }
        let texts = || self.texts.values(true).into_iter();
        Some(match fact {
            Fact::Peer => Vec::new(),
            Fact::PeerIp => addresses(&self.nets)
                .map(|ip| with(&|f| f.peer_ip = Some(ip)))
                .collect(),
            Fact::ClientIp => addresses(&self.nets)
                .map(|ip| with(&|f| f.client_ip = Some(ip)))
                .collect(),
            Fact::DestinationIp => addresses(&self.nets)
                .map(|ip| with(&|f| f.destination_ip = Some(ip)))
                .collect(),
            Fact::Host => texts().map(|t| with(&|f| f.host = Host::Is(t.clone()))).collect(),
            Fact::Method => texts().map(|t| with(&|f| f.method.clone_from(&t))).collect(),
            Fact::Path => texts().map(|t| with(&|f| f.path.clone_from(&t))).collect(),
            Fact::Sni => {
                let absent = std::iter::once(with(&|_| {}));
                absent
                    .chain(texts().map(|t| with(&|f| f.sni = Some(t.clone()))))
                    .collect()
            }
            Fact::Port => {
                let other = (1..=u16::MAX).find(|port| !self.ports.contains(port));
                let ports = self.ports.iter().copied().chain(other);
                ports.map(|port| with(&|f| f.port = Some(port))).collect()
            }
            Fact::Header(name) => texts()
                .map(|t| {
                    with(&|f| {
                        f.headers = vec![(name.to_owned(), HeaderValue::Text(t.clone()))];
                        // Some names of headers stand for these.
                        f.method.clone_from(&t);
                        f.host = Host::Is(t.clone());
                    })
                })
                .collect(),
            Fact::Claim(path) => texts().map(|t| with(&|f| f.claims = claim(path, &t))).collect(),
        })
    }
}

/// A token whose only claim is this one.
fn claim(path: &[String], text: &str) -> Option<BTreeMap<String, Json>> {
    let mut value = Json::String(text.to_owned());
    let (first, rest) = path.split_first()?;
    for name in rest.iter().rev() {
        value = Json::Object([(name.clone(), value)].into());
    }
    Some([(first.clone(), value)].into())
}

/// The first address of every interval into which the networks cut all addresses.
fn addresses(nets: &[IpNet]) -> impl Iterator<Item = IpAddr> {
    let mut all: BTreeSet<IpAddr> = BTreeSet::from([IpAddr::from([0_u8; 4]), IpAddr::from([0_u16; 8])]);
    for net in nets {
        all.insert(net.network());
        let after = match net.broadcast() {
            IpAddr::V4(last) => u32::from(last).checked_add(1).map(|it| IpAddr::V4(it.into())),
            IpAddr::V6(last) => u128::from(last).checked_add(1).map(|it| IpAddr::V6(it.into())),
        };
        all.extend(after);
    }
    all.into_iter()
}
