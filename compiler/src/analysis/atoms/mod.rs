//! What the patterns of one fact can tell apart: a dimension, with an atom for each class of values.
//!
//! An atom is a class of values that no pattern under study tells apart; each knows a shortest value. Where there would
//! be too many, and for what requests do not state, a dimension is *loose*: each matcher of it is an atom of its own, and
//! any of them may hold at once. That is more than can be, so what is proved of a loose dimension is true.

mod automaton;
mod fact;
mod pattern;
mod peers;
mod ranges;
mod texts;
mod universe;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::sets::{Atom, Set};
use crate::policy::Target;
use crate::policy::effective::rules::Matcher;
use crate::policy::effective::strings::{PathMatch, Piece, StringMatch};
pub(crate) use fact::{Fact, HOST, fact};
use pattern::{Bytes, Pattern, Step, literal, some, suffix};
use ranges::{Interval, Intervals};
use texts::Texts;
use universe::universe;

/// A dimension of the request space.
#[derive(Debug)]
pub(crate) struct Dimension {
    pub(crate) fact: Fact,
    /// Whether a request has any number of its atoms, and not just one.
    pub(crate) many: bool,
    pub(crate) size: Atom,
    /// The atom of requests without it.
    pub(crate) absent: Option<Atom>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Texts(Box<Texts>),
    /// Those of Istio's form, then others.
    Peers {
        known: Box<Texts>,
        foreign: Box<Texts>,
    },
    Ports(Intervals),
    Addresses(Intervals),
    /// The atom of each matcher.
    Loose(BTreeMap<String, Atom>),
}

/// A value of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Absent,
    /// A SPIFFE identity without `spiffe://`, where the fact is the peer.
    Text(String),
    Address(IpAddr),
    Port(u16),
}

impl Dimension {
    /// The dimension of a fact, cut by the matchers of it.
    pub(crate) fn new(fact: Fact, matchers: &[&Matcher], target: Target) -> Self {
        let values = values(&fact, matchers, target).unwrap_or_else(|| {
            let names: BTreeSet<String> = matchers.iter().map(|matcher| name(matcher)).collect();
            Values::Loose(names.into_iter().zip(0..).collect())
        });
        let is_loose = matches!(values, Values::Loose(_));
        let many = is_loose || fact.has_many(target);
        let mut size = values.size();
        let absent = (!many && fact.may_be_absent()).then_some(size);
        size += Atom::from(absent.is_some());
        Self {
            fact,
            many,
            size,
            absent,
            values,
        }
    }

    /// Whether its atoms are matchers, and not classes of values.
    pub(crate) const fn is_loose(&self) -> bool {
        matches!(self.values, Values::Loose(_))
    }

    /// The atoms that any of the matchers takes, which are some of those that the dimension was made of.
    pub(crate) fn set<'m>(&self, matchers: impl Iterator<Item = &'m Matcher>) -> Set {
        let sets = matchers.flat_map(|matcher| self.sets(matcher));
        Set::from_ranges(sets.flat_map(|set| set.ranges().to_vec()).collect())
    }

    fn sets(&self, matcher: &Matcher) -> Vec<Set> {
        match &self.values {
            Values::Texts(texts) => pattern(matcher).iter().map(|pattern| texts.set(pattern)).collect(),
            Values::Peers { known, foreign } => {
                let own = peers::known_patterns(matcher).into_iter().map(|it| known.set(&it));
                let moved = |set: Set| {
                    let ranges = set.ranges().iter();
                    Set::from_ranges(ranges.map(|(a, b)| (a + known.size(), b + known.size())).collect())
                };
                let others = peers::foreign_patterns(matcher)
                    .into_iter()
                    .map(|it| moved(foreign.set(&it)));
                own.chain(others).collect()
            }
            Values::Ports(intervals) | Values::Addresses(intervals) => {
                interval(matcher).iter().map(|it| intervals.set(it)).collect()
            }
            Values::Loose(atoms) => {
                let atom = atoms.get(&name(matcher)).copied();
                vec![Set::from_atoms(atom.into_iter())]
            }
        }
    }

    /// All its atoms.
    pub(crate) fn all(&self) -> Set {
        Set::all(self.size)
    }

    /// The shortest value of an atom; `None` where it has none that could be said.
    pub(crate) fn value(&self, atom: Atom) -> Option<Value> {
        if self.absent == Some(atom) {
            return Some(Value::Absent);
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        match &self.values {
            Values::Texts(texts) => text(texts.witness(atom)?).map(Value::Text),
            Values::Peers { known, foreign } => match known.witness(atom) {
                Some(bytes) => peers::identity(&text(bytes)?).map(Value::Text),
                None => text(foreign.witness(atom.checked_sub(known.size())?)?).map(Value::Text),
            },
            Values::Ports(intervals) => intervals.first(atom).and_then(ranges::port_at).map(Value::Port),
            Values::Addresses(intervals) => intervals.first(atom).and_then(ranges::address_at).map(Value::Address),
            Values::Loose(_) => None,
        }
    }

    /// The atom of a value; `None` if the fact cannot have it.
    pub(crate) fn locate(&self, value: &Value) -> Option<Atom> {
        match (&self.values, value) {
            (_, Value::Absent) => self.absent,
            (Values::Texts(texts), Value::Text(text)) => {
                let folded = matches!(self.fact, Fact::Host | Fact::Sni).then(|| text.to_ascii_lowercase());
                texts.locate(folded.as_ref().unwrap_or(text).as_bytes())
            }
            (Values::Peers { known, foreign }, Value::Text(text)) => match peers::known_text(text) {
                Some(text) => known.locate(text.as_bytes()),
                None => Some(known.size() + foreign.locate(text.as_bytes())?),
            },
            (Values::Ports(intervals), Value::Port(port)) => intervals.locate(ranges::place_of_port(*port)),
            (Values::Addresses(intervals), Value::Address(ip)) => intervals.locate(ranges::place_of(*ip)),
            _ => None,
        }
    }
}

impl Values {
    fn size(&self) -> Atom {
        match self {
            Self::Texts(texts) => texts.size(),
            Self::Peers { known, foreign } => known.size() + foreign.size(),
            Self::Ports(intervals) | Self::Addresses(intervals) => intervals.size(),
            Self::Loose(atoms) => u32::try_from(atoms.len()).unwrap_or(u32::MAX),
        }
    }
}

/// How a matcher is called where it is an atom of its own.
fn name(matcher: &Matcher) -> String {
    format!("{matcher:?}")
}

/// `None` if there would be too many atoms, or none can be made.
fn values(fact: &Fact, matchers: &[&Matcher], target: Target) -> Option<Values> {
    let patterns = |of: fn(&Matcher) -> Vec<Pattern>| matchers.iter().flat_map(|matcher| of(matcher)).collect();
    Some(match fact {
        Fact::Unstated => return None,
        Fact::Peer => Values::Peers {
            known: Texts::new(&patterns(peers::known_patterns), &peers::KNOWN)?.into(),
            foreign: Texts::new(&patterns(peers::foreign_patterns), &peers::FOREIGN)?.into(),
        },
        Fact::PeerIp | Fact::ClientIp | Fact::DestinationIp | Fact::Port => {
            let intervals: Vec<Interval> = matchers.iter().filter_map(|matcher| interval(matcher)).collect();
            if *fact == Fact::Port {
                Values::Ports(Intervals::ports(&intervals))
            } else {
                Values::Addresses(Intervals::addresses(&intervals))
            }
        }
        fact => Values::Texts(Texts::new(&patterns(pattern_list), universe(fact, target))?.into()),
    })
}

fn pattern_list(matcher: &Matcher) -> Vec<Pattern> {
    pattern(matcher).into_iter().collect()
}

/// The pattern of a matcher of texts, as [`matching`](crate::policy::evaluate::matching) reads it.
fn pattern(matcher: &Matcher) -> Option<Pattern> {
    let anything = || Pattern::Prefix(Vec::new());
    let plain = |pattern: &StringMatch, present: Pattern| match pattern {
        StringMatch::Present => present,
        StringMatch::Exact(text) => Pattern::Exact(text.clone().into_bytes()),
        StringMatch::Prefix(text) => Pattern::Prefix(text.clone().into_bytes()),
        StringMatch::Suffix(text) => suffix(text),
    };
    Some(match matcher {
        // A value that is not empty and has no line end, which is any that they can have.
        Matcher::Path(PathMatch::Plain(pattern)) | Matcher::Sni(pattern) => plain(pattern, anything()),
        Matcher::Host(pattern) | Matcher::Method(pattern) | Matcher::Header(_, pattern) => plain(pattern, anything()),
        Matcher::Claim(_, pattern) => plain(pattern, Pattern::Walk(some(Bytes::of(|byte| byte != b'\n')).to_vec())),
        Matcher::Path(PathMatch::Template(pieces)) => Pattern::Walk(pieces.iter().flat_map(piece).collect()),
        _ => return None,
    })
}

fn piece(piece: &Piece) -> Vec<Step> {
    let of_template = |byte: u8| crate::policy::effective::strings::is_template_byte(byte);
    match piece {
        Piece::Literal(text) => literal(text).collect(),
        Piece::Segment => some(Bytes::of(of_template)).to_vec(),
        Piece::Rest => vec![Step::Many(Bytes::of(|byte| of_template(byte) || byte == b'/'))],
    }
}

fn interval(matcher: &Matcher) -> Option<Interval> {
    match matcher {
        Matcher::Port(port) => Some(Interval::port(*port)),
        Matcher::PeerIp(net) | Matcher::ClientIp(net) | Matcher::DestinationIp(net) => Some(Interval::net(net)),
        _ => None,
    }
}
