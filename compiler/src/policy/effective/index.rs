//! Which rules a request can match at all, by its peer and its path, so that not every rule is tried.
//!
//! A rule is filed under values of which one must be there for it to match; what it leaves out is a certain no.

use std::collections::HashMap;

use super::Policy;
use super::rules::{Clause, CompiledRule, Matcher, Test};
use super::strings::{PathMatch, PeerMatch, StringMatch};
use crate::policy::evaluate::matching::{Facts, Peer};
use crate::policy::inventory::principal_parts;

/// Fewer rules are tried one by one.
const WORTH_AN_INDEX: usize = 8;

/// A rule by its policy and its place among the policy's compiled rules.
pub(crate) type Slot = (u32, u32);

/// The rules of policies that are judged together, filed by what they need.
///
/// A mesh has one for each stage of each workload, most of them of few rules, so it is small where nothing is filed.
#[derive(Debug, Default)]
pub(crate) struct Index {
    all: Vec<Slot>,
    filed: Option<Box<Filed>>,
}

#[derive(Debug, Default)]
struct Filed {
    /// Rules that need nothing that can be looked up.
    loose: Vec<Slot>,
    principals: HashMap<String, Vec<Slot>>,
    namespaces: HashMap<String, Vec<Slot>>,
    paths: HashMap<String, Vec<Slot>>,
    prefixes: HashMap<String, Vec<Slot>>,
    /// The lengths of `prefixes`, each once, in order.
    lengths: Vec<usize>,
}

/// A value that must be there.
#[derive(Clone, Copy)]
enum Key<'r> {
    Principal(&'r str),
    Namespace(&'r str),
    Path(&'r str),
    Prefix(&'r str),
}

impl Key<'_> {
    /// How much a look-up leaves over: the fewer the better.
    const fn breadth(self) -> u8 {
        match self {
            Self::Path(_) => 0,
            Self::Principal(_) => 1,
            Self::Prefix(_) => 2,
            Self::Namespace(_) => 3,
        }
    }
}

impl Index {
    /// Files the rules that `rules` gives of each policy.
    pub(crate) fn new<'p>(policies: &'p [Policy], rules: impl Fn(&'p Policy) -> &'p [CompiledRule]) -> Self {
        let mut index = Self::default();
        let mut filed = Vec::new();
        for (policy, number) in policies.iter().zip(0..) {
            for (rule, place) in rules(policy).iter().zip(0..) {
                index.all.push((number, place));
                filed.push(((number, place), rule));
            }
        }
        if index.all.len() >= WORTH_AN_INDEX {
            index.filed = Some(Box::new(Filed::new(filed)));
        }
        index
    }
    /// The rules that may match, in order.
    pub(crate) fn candidates(&self, facts: &Facts) -> Vec<Slot> {
        let Some(filed) = &self.filed else {
            return self.all.clone();
        };
        let peer = match &facts.peer {
            Peer::Nobody => None,
            Peer::Is(principal) => match principal_parts(principal) {
                Some((_, namespace, _)) => Some((principal.as_str(), namespace)),
                // Of an odd identity a namespace can be in several places.
                None => return self.all.clone(),
            },
            Peer::Waypoint(_) => return self.all.clone(),
        };
        let mut found = filed.loose.clone();
        let mut add = |map: &HashMap<String, Vec<Slot>>, value: &str| {
            if let Some(slots) = map.get(value) {
                found.extend_from_slice(slots);
            }
        };
        if let Some((principal, namespace)) = peer {
            add(&filed.principals, principal);
            add(&filed.namespaces, namespace);
        }
        if facts.http {
            add(&filed.paths, &facts.path);
            for length in &filed.lengths {
                // A length inside a character is no end of any prefix of this path.
                if let Some(start) = facts.path.get(..*length) {
                    add(&filed.prefixes, start);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Filed {
    fn new(rules: Vec<(Slot, &CompiledRule)>) -> Self {
        let mut filed = Self::default();
        for (slot, rule) in rules {
            filed.file(slot, rule);
        }
        filed.lengths = filed.prefixes.keys().map(String::len).collect();
        filed.lengths.sort_unstable();
        filed.lengths.dedup();
        filed
    }

    fn file(&mut self, slot: Slot, rule: &CompiledRule) {
        let keys = rule.clauses.iter().filter_map(keys_of_clause);
        let Some(keys) = keys.min_by_key(|keys| (breadth(keys), keys.len())) else {
            self.loose.push(slot);
            return;
        };
        for key in keys {
            let (map, value) = match key {
                Key::Principal(value) => (&mut self.principals, value),
                Key::Namespace(value) => (&mut self.namespaces, value),
                Key::Path(value) => (&mut self.paths, value),
                Key::Prefix(value) => (&mut self.prefixes, value),
            };
            if let Some(slots) = map.get_mut(value) {
                slots.push(slot);
            } else {
                map.insert(value.to_owned(), vec![slot]);
            }
        }
    }
}

/// Keys of which one must be there for the clause to hold: those of each alternative.
fn keys_of_clause(clause: &Clause) -> Option<Vec<Key<'_>>> {
    let mut all = Vec::new();
    for tests in clause {
        let keys = tests.iter().filter_map(keys_of_test);
        all.extend(keys.min_by_key(|keys| (breadth(keys), keys.len()))?);
    }
    // A clause without alternatives never holds, and is left to say so itself.
    (!all.is_empty()).then_some(all)
}

fn keys_of_test(test: &Test) -> Option<Vec<Key<'_>>> {
    if test.positive.is_empty() {
        return None;
    }
    test.positive.iter().map(key).collect()
}

fn breadth(keys: &[Key<'_>]) -> u8 {
    keys.iter().map(|key| key.breadth()).max().unwrap_or(u8::MAX)
}

fn key(matcher: &Matcher) -> Option<Key<'_>> {
    match matcher {
        Matcher::Peer(PeerMatch::Principal(StringMatch::Exact(principal)))
        | Matcher::ZtunnelPrincipal(StringMatch::Exact(principal)) => Some(Key::Principal(principal)),
        // Older releases read a sign in these as one of a regular expression, so that they may match elsewhere.
        Matcher::Peer(pattern) if pattern.has_sign() => None,
        Matcher::Peer(PeerMatch::Namespace(pieces)) => match pieces.as_slice() {
            [only] => only.strip_prefix("/ns/")?.strip_suffix('/').map(Key::Namespace),
            _ => None,
        },
        Matcher::Peer(PeerMatch::ServiceAccount { namespace, .. }) | Matcher::ZtunnelAccount { namespace, .. } => {
            Some(Key::Namespace(namespace))
        }
        Matcher::ZtunnelNamespace(StringMatch::Exact(namespace)) => Some(Key::Namespace(namespace)),
        Matcher::Path(PathMatch::Plain(StringMatch::Exact(path))) => Some(Key::Path(path)),
        Matcher::Path(PathMatch::Plain(StringMatch::Prefix(prefix))) => Some(Key::Prefix(prefix)),
        _ => None,
    }
}
