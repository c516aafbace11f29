//! Paths that stand for all others: one of each kind that a set of patterns can tell apart, templates among them.
//!
//! The patterns are read as automata side by side, byte by byte, and every state that they can come to together is
//! visited once, by the shortest path to it.

use std::collections::{BTreeMap, HashSet, VecDeque};

use crate::policy::effective::strings::{PathMatch, Piece, StringMatch};

/// So many states are visited.
const MAX_STATES: usize = 4_000;

/// A step of a pattern through a path.
#[derive(Clone, Copy)]
enum Step {
    Byte(u8),
    /// One byte that a template's wildcard takes.
    One,
    /// Any number of them.
    Segment,
    /// And of slashes.
    Rest,
    Any,
}

impl Step {
    const fn repeats(self) -> bool {
        matches!(self, Self::Segment | Self::Rest | Self::Any)
    }

    fn takes(self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => own == byte,
            Self::One | Self::Segment => is_of_template(byte),
            Self::Rest => byte == b'/' || is_of_template(byte),
            Self::Any => true,
        }
    }
}

fn is_of_template(byte: u8) -> bool {
    let one = PathMatch::Template(vec![Piece::Segment]);
    one.matches(&char::from(byte).to_string())
}

/// A pattern as steps; a set of them, by bits, is where it can be.
struct Automaton(Vec<Step>);

impl Automaton {
    /// `None`: it has more steps than there are bits.
    fn new(pattern: &PathMatch) -> Option<Self> {
        let bytes = |text: &str| text.bytes().map(Step::Byte).collect::<Vec<Step>>();
        let mut steps = Vec::new();
        match pattern {
            PathMatch::Plain(StringMatch::Present) => steps.push(Step::Any),
            PathMatch::Plain(StringMatch::Exact(text)) => steps.extend(bytes(text)),
            PathMatch::Plain(StringMatch::Prefix(text)) => steps.extend(bytes(text).into_iter().chain([Step::Any])),
            PathMatch::Plain(StringMatch::Suffix(text)) => steps.extend([Step::Any].into_iter().chain(bytes(text))),
            PathMatch::Template(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => steps.extend(bytes(text)),
                        Piece::Segment => steps.extend([Step::One, Step::Segment]),
                        Piece::Rest => steps.push(Step::Rest),
                    }
                }
            }
        }
        (steps.len() < 128).then_some(Self(steps))
    }

    fn start(&self) -> u128 {
        self.with_skipped(1)
    }

    fn next(&self, at: u128, byte: u8) -> u128 {
        let mut next = 0;
        for (place, step) in self.0.iter().enumerate() {
            if at & (1 << place) != 0 && step.takes(byte) {
                next |= 1 << if step.repeats() { place } else { place + 1 };
            }
        }
        self.with_skipped(next)
    }

    /// What repeats may take nothing.
    fn with_skipped(&self, mut at: u128) -> u128 {
        for (place, step) in self.0.iter().enumerate() {
            if at & (1 << place) != 0 && step.repeats() {
                at |= 1 << (place + 1);
            }
        }
        at
    }

    fn has_ended(&self, at: u128) -> bool {
        at & (1 << self.0.len()) != 0
    }
}

/// Where a path is within a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Inside {
    Start,
    Dot,
    Dots,
    Text,
}

impl Inside {
    /// `None`: no enforcer sees such a path, as dots are resolved, and slashes merged where the mesh says so.
    fn next(self, byte: u8, merges: bool) -> Option<Self> {
        match (self, byte) {
            (Self::Dot | Self::Dots, b'/' | b';') => None,
            (Self::Start, b'/') if merges => None,
            (_, b'/') => Some(Self::Start),
            (Self::Start, b'.') => Some(Self::Dot),
            (Self::Dot, b'.') => Some(Self::Dots),
            _ => Some(Self::Text),
        }
    }
}

/// A path of each kind, and whether these are all kinds.
pub(super) type Kinds = (Vec<String>, bool);

/// A path of each kind that the patterns can tell apart. `fresh` is a word of no
/// pattern; `merges`: slashes that follow each other are seen as one.
pub(super) fn kinds(patterns: &[PathMatch], fresh: &str, merges: bool) -> Kinds {
    let automata: Vec<Automaton> = patterns.iter().filter_map(Automaton::new).collect();
    let mut is_complete = automata.len() == patterns.len();
    let mut bytes: Vec<u8> = vec![b'/'];
    for step in automata.iter().flat_map(|automaton| &automaton.0) {
        if let Step::Byte(byte) = step
            && !bytes.contains(byte)
        {
            bytes.push(*byte);
        }
    }
    // What Envoy decodes, escapes or cuts off is not tried.
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"%\\?#\"<>^`{|}".contains(byte);
    is_complete &= bytes.iter().all(plain);
    bytes.retain(plain);
    let other = |candidates: &[u8]| candidates.iter().copied().find(|byte| !bytes.contains(byte));
    let word = fresh
        .bytes()
        .chain(*b"xyzabcdefghijklmnopqrstuvw0123456789")
        .collect::<Vec<u8>>();
    let (inside, outside) = (other(&word), other(b"*[]"));
    bytes.extend(inside.into_iter().chain(outside));

    let mut found: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    let start: Vec<u128> = automata.iter().map(Automaton::start).collect();
    let mut queue = VecDeque::from([(start, Inside::Text, String::new())]);
    while let Some((at, within, path)) = queue.pop_front() {
        for byte in &bytes {
            let Some(within) = within.next(*byte, merges).filter(|_| !path.is_empty() || *byte == b'/') else {
                continue;
            };
            let next: Vec<u128> = automata.iter().zip(&at).map(|(it, at)| it.next(*at, *byte)).collect();
            if seen.len() == MAX_STATES {
                return (order, false);
            }
            if !seen.insert((next.clone(), within)) {
                continue;
            }
            let path = format!("{path}{}", char::from(*byte));
            if !matches!(within, Inside::Dot | Inside::Dots) {
                let kind = automata.iter().zip(&next).map(|(it, at)| it.has_ended(*at)).collect();
                found.entry(kind).or_insert_with(|| {
                    order.push(readable(&path, patterns, inside, fresh));
                    path.clone()
                });
            }
            queue.push_back((next, within, path));
        }
    }
    (order, is_complete)
}

/// A path of a template, with a word for each wildcard.
pub(super) fn filled(pieces: &[Piece], fresh: &str) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Segment | Piece::Rest => fresh.to_owned(),
    };
    pieces.iter().map(text).collect()
}

/// The path with the word in place of a sign that stands for any, if it is of the same kind.
fn readable(path: &str, patterns: &[PathMatch], sign: Option<u8>, fresh: &str) -> String {
    let Some(sign) = sign else { return path.to_owned() };
    let spoken = path.replace(char::from(sign), fresh);
    let same = patterns
        .iter()
        .all(|pattern| pattern.matches(path) == pattern.matches(&spoken));
    if same { spoken } else { path.to_owned() }
}
