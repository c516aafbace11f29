//! One automaton for all walks of a dimension: its state says which of them a text is on, and which it has ended.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::LazyLock;

use super::pattern::{Bytes, Step, Walk};

/// More states are not made.
const MAX_STATES: usize = 20_000;
/// Nor more steps taken from all of them.
const MAX_STEPS: usize = 20_000_000;
/// Nor more ways from a state to what can still become of a text.
const MAX_WAYS: usize = 4_000_000;

/// A state, by its number; the first is that of the empty text.
pub(super) type State = u32;
/// Which walks a text has ended, by its number.
pub(super) type Signature = u32;

/// The walks of a dimension, followed together.
#[derive(Debug)]
pub(super) struct Automaton {
    /// The class of each byte: bytes of one class are never told apart.
    classes: Vec<usize>,
    /// The bytes of each class, the plainest first.
    members: Vec<Vec<u8>>,
    /// By state and class.
    next: Vec<Vec<State>>,
    signature: Vec<Signature>,
    /// The walks of each signature, by their numbers.
    signatures: Vec<Vec<u32>>,
    /// For each state: the signatures that can still be reached, with how many bytes the shortest way has, and its first
    /// class where it has one.
    ways: Vec<BTreeMap<Signature, (u32, usize)>>,
}

impl Automaton {
    /// `None` if it would be too large.
    pub(super) fn new(walks: &[&Walk]) -> Option<Self> {
        let (classes, members) = classes(walks);
        let mut automaton = Self {
            classes,
            members,
            next: Vec::new(),
            signature: Vec::new(),
            signatures: Vec::new(),
            ways: Vec::new(),
        };
        automaton.explore(walks)?;
        automaton.find_ways()?;
        Some(automaton)
    }

    pub(super) fn step(&self, state: State, byte: u8) -> State {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or_default();
        self.by_class(state, class)
    }

    fn by_class(&self, state: State, class: usize) -> State {
        let row = self.next.get(state as usize);
        row.and_then(|row| row.get(class)).copied().unwrap_or_default()
    }

    /// The bytes of each class, the plainest first.
    pub(super) fn classes(&self) -> &[Vec<u8>] {
        &self.members
    }

    pub(super) fn signature(&self, state: State) -> Signature {
        self.signature.get(state as usize).copied().unwrap_or_default()
    }

    pub(super) fn walks_of(&self, signature: Signature) -> &[u32] {
        self.signatures.get(signature as usize).map_or(&[], Vec::as_slice)
    }

    /// What can become of a text in this state, with the fewest bytes that it takes.
    pub(super) fn ways(&self, state: State) -> impl Iterator<Item = (Signature, u32)> {
        let ways = self.ways.get(state as usize).into_iter().flatten();
        ways.map(|(signature, (length, _))| (*signature, *length))
    }

    /// The shortest text that leads from a state to a signature.
    pub(super) fn shortest(&self, mut state: State, signature: Signature) -> Vec<u8> {
        let mut text = Vec::new();
        while let Some((length, class)) = self.ways.get(state as usize).and_then(|ways| ways.get(&signature)) {
            if *length == 0 {
                break;
            }
            text.extend(self.members.get(*class).and_then(|bytes| bytes.first()));
            state = self.by_class(state, *class);
        }
        text
    }

    fn explore(&mut self, walks: &[&Walk]) -> Option<()> {
        let mut known: HashMap<Vec<(u32, u32)>, State> = HashMap::new();
        let mut signatures: HashMap<Vec<u32>, Signature> = HashMap::new();
        let numbered = || walks.iter().zip(0..);
        let tied = numbered().filter(|(walk, _)| !begins_anywhere(walk));
        let start = closed(walks, tied.map(|(_, walk)| (walk, 0)).collect());
        // What begins anywhere is on its way in each state, so that no state has to say so.
        let begun: Vec<Vec<(u32, u32)>> = self
            .members
            .iter()
            .map(|bytes| {
                let begins = |walk: &Walk| {
                    let byte = bytes.first().copied().unwrap_or_default();
                    begins_anywhere(walk) && matches!(walk.get(1), Some(Step::One(set)) if set.contains(byte))
                };
                numbered()
                    .filter(|(walk, _)| begins(walk))
                    .map(|(_, walk)| (walk, 2))
                    .collect()
            })
            .collect();
        let mut steps = 0;
        let mut waiting = VecDeque::from([start.clone()]);
        known.insert(start, 0);
        while let Some(positions) = waiting.pop_front() {
            let is_end = |(walk, at): &(u32, u32)| walks.get(*walk as usize).is_some_and(|w| w.len() == *at as usize);
            let ended: Vec<u32> = positions
                .iter()
                .filter(|it| is_end(it))
                .map(|(walk, _)| *walk)
                .collect();
            let number = u32::try_from(signatures.len()).ok()?;
            let signature = *signatures.entry(ended).or_insert_with_key(|ended| {
                self.signatures.push(ended.clone());
                number
            });
            self.signature.push(signature);
            steps += (positions.len() + 1) * self.members.len();
            if steps > MAX_STEPS {
                return None;
            }
            let mut row = Vec::with_capacity(self.members.len());
            for (byte, begun) in self.members.iter().filter_map(|bytes| bytes.first()).zip(&begun) {
                let moved =
                    positions
                        .iter()
                        .filter_map(|(walk, at)| match walks.get(*walk as usize)?.get(*at as usize)? {
                            Step::One(bytes) => bytes.contains(*byte).then_some((*walk, at + 1)),
                            Step::Many(bytes) => bytes.contains(*byte).then_some((*walk, *at)),
                        });
                let moved = closed(walks, moved.chain(begun.iter().copied()).collect());
                let number = u32::try_from(known.len()).ok()?;
                let state = *known.entry(moved).or_insert_with_key(|positions| {
                    waiting.push_back(positions.clone());
                    number
                });
                row.push(state);
            }
            if known.len() > MAX_STATES {
                return None;
            }
            self.next.push(row);
        }
        Some(())
    }

    /// From each signature backwards, so that the first way found is a shortest one.
    fn find_ways(&mut self) -> Option<()> {
        let mut before: Vec<Vec<(State, usize)>> = vec![Vec::new(); self.next.len()];
        for (row, from) in self.next.iter().zip(0..) {
            for (class, to) in row.iter().enumerate() {
                if let Some(before) = before.get_mut(*to as usize) {
                    before.push((from, class));
                }
            }
        }
        self.ways = vec![BTreeMap::new(); self.next.len()];
        let mut count = 0;
        for signature in (0..).take(self.signatures.len()) {
            let ends = self.signature.iter().zip(0..).filter(|(own, _)| **own == signature);
            let mut waiting: VecDeque<(State, u32)> = ends.map(|(_, state)| (state, 0)).collect();
            for (state, _) in &waiting {
                self.ways.get_mut(*state as usize)?.insert(signature, (0, 0));
            }
            while let Some((state, length)) = waiting.pop_front() {
                count += 1;
                if count > MAX_WAYS {
                    return None;
                }
                for (from, class) in before.get(state as usize)? {
                    let ways = self.ways.get_mut(*from as usize)?;
                    ways.entry(signature).or_insert_with(|| {
                        waiting.push_back((*from, length + 1));
                        (length + 1, *class)
                    });
                }
            }
        }
        Some(())
    }
}

/// Whether a walk takes anything before a first byte of its own.
fn begins_anywhere(walk: &Walk) -> bool {
    matches!(walk.as_slice(), [Step::Many(any), Step::One(_), ..] if *any == Bytes::any())
}

/// The positions with those that are reached without a byte, in order.
fn closed(walks: &[&Walk], mut positions: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let mut at = 0;
    while let Some((walk, place)) = positions.get(at).copied() {
        let step = walks.get(walk as usize).and_then(|walk| walk.get(place as usize));
        if matches!(step, Some(Step::Many(_))) {
            positions.push((walk, place + 1));
        }
        at += 1;
    }
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// The classes of bytes that no step tells apart.
fn classes(walks: &[&Walk]) -> (Vec<usize>, Vec<Vec<u8>>) {
    let mut sets: Vec<_> = walks
        .iter()
        .flat_map(|walk| walk.iter())
        .map(|step| match step {
            Step::One(bytes) | Step::Many(bytes) => *bytes,
        })
        .collect();
    sets.sort_unstable();
    sets.dedup();
    // One set after the other cuts the classes that it meets in part.
    let mut cut = vec![0_usize; 256];
    let mut count = 1;
    for set in sets {
        let mut halves = vec![[None; 2]; count];
        count = 0;
        for (byte, class) in (0..=u8::MAX).zip(&mut cut) {
            let half = halves
                .get_mut(*class)
                .and_then(|halves| halves.get_mut(usize::from(set.contains(byte))));
            if let Some(half) = half {
                *class = *half.get_or_insert_with(|| {
                    count += 1;
                    count - 1
                });
            }
        }
    }
    let mut numbers: Vec<Option<usize>> = vec![None; count];
    let mut classes = vec![0; 256];
    let mut members: Vec<Vec<u8>> = Vec::new();
    for byte in PLAINEST_FIRST.iter().copied() {
        let cut = cut.get(usize::from(byte)).copied().unwrap_or_default();
        let Some(number) = numbers.get_mut(cut) else { continue };
        let number = *number.get_or_insert(members.len());
        if number == members.len() {
            members.push(Vec::new());
        }
        if let Some(bytes) = members.get_mut(number) {
            bytes.push(byte);
        }
        if let Some(slot) = classes.get_mut(usize::from(byte)) {
            *slot = number;
        }
    }
    (classes, members)
}

/// All bytes, those first that make a text easy to read.
static PLAINEST_FIRST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let rank = |byte: &u8| match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'-' | b'.' | b'/' => 3,
        b'!'..=b'~' => 4,
        b' ' => 5,
        b'\n' => 6,
        0..0x80 => 7,
        _ => 8,
    };
    let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
    bytes.sort_by_key(rank);
    // A letter that stands for any other is one that few names begin with.
    let x = bytes.iter().position(|byte| *byte == b'x');
    if let Some(start) = x.and_then(|x| bytes.get_mut(..=x)) {
        start.rotate_right(1);
    }
    bytes
});
