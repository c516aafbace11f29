//! The atoms of a dimension of texts: a trie of the whole texts and beginnings that its patterns name, times one
//! automaton for the rest of them.
//!
//! A text is its own atom if a pattern names it. Any other is told apart by the longest beginning that it has, its
//! *region*, and by the walks that take it, its *signature*. Where a text leaves the trie its region is settled, and the
//! automaton says which signatures are still to be reached, and how soon.
//! Atoms are numbered region by region, so that a beginning is one range of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::automaton::{Automaton, Signature, State};
use super::pattern::{Pattern, Walk};
use super::universe::Universe;
use crate::analysis::sets::{Atom, Set};

/// More atoms of a dimension are not made.
pub(super) const MAX_ATOMS: usize = 65_536;
/// Nor more letters of a trie.
const MAX_NODES: usize = 4_000_000;

/// The atoms of the texts that a fact can have.
#[derive(Debug)]
pub(super) struct Texts {
    /// The shortest text of each.
    witnesses: Vec<Vec<u8>>,
    exact: HashMap<Vec<u8>, Atom>,
    prefixes: HashMap<Vec<u8>, (Atom, Atom)>,
    walks: HashMap<Walk, Set>,
    nodes: Vec<Node>,
    automaton: Arc<Automaton>,
    /// The atom of a region and a signature.
    classes: HashMap<(usize, Signature), Atom>,
}

/// A text on the way to one that a pattern names.
#[derive(Debug)]
struct Node {
    parent: usize,
    byte: u8,
    depth: u32,
    children: Vec<(u8, usize)>,
    is_exact: bool,
    is_prefix: bool,
    /// The node of the longest beginning.
    region: usize,
    state: State,
}

/// The shortest text of a class that is known: where it leaves the trie, by which byte, and where it goes on.
#[derive(Clone, Copy)]
struct Best {
    length: u32,
    node: usize,
    /// `None`: it is the text of the node.
    leaves: Option<(u8, State)>,
}

impl Texts {
    /// `None` if there would be too many.
    pub(super) fn new(patterns: &BTreeSet<Pattern>, universe: &Universe) -> Option<Self> {
        let walks: Vec<&Walk> = patterns
            .iter()
            .filter_map(|pattern| match pattern {
                Pattern::Walk(walk) => Some(walk),
                Pattern::Exact(_) | Pattern::Prefix(_) => None,
            })
            .collect();
        let bounds = u32::try_from(walks.len()).ok()?;
        let (form, never) = (universe.form.as_ref().map(|_| bounds), universe.never.as_ref());
        let never = never.map(|_| bounds + u32::from(form.is_some()));
        let automaton = universe.automaton(&walks)?;
        let is_possible = |signature: Signature| {
            let ended = automaton.walks_of(signature);
            form.is_none_or(|form| ended.contains(&form)) && never.is_none_or(|never| !ended.contains(&never))
        };
        let mut nodes = trie(patterns, &automaton)?;
        for node in &mut nodes {
            node.is_exact &= is_possible(automaton.signature(node.state));
        }
        let best = classes(&nodes, &automaton, &is_possible)?;

        let mut texts = Self {
            witnesses: Vec::new(),
            exact: HashMap::new(),
            prefixes: HashMap::new(),
            walks: HashMap::new(),
            nodes,
            automaton,
            classes: HashMap::new(),
        };
        let signatures = texts.number(&best)?;
        let mut taken: Vec<Vec<Atom>> = vec![Vec::new(); walks.len()];
        for (signature, atom) in signatures.iter().zip(0..) {
            for walk in texts.automaton.walks_of(*signature) {
                if let Some(taken) = taken.get_mut(*walk as usize) {
                    taken.push(atom);
                }
            }
        }
        let sets = taken.into_iter().map(|atoms| Set::from_atoms(atoms.into_iter()));
        texts.walks = walks.into_iter().cloned().zip(sets).collect();
        Some(texts)
    }

    pub(super) fn size(&self) -> Atom {
        // There are at most as many as `MAX_ATOMS`.
        u32::try_from(self.witnesses.len()).unwrap_or(u32::MAX)
    }

    /// The shortest text of an atom.
    pub(super) fn witness(&self, atom: Atom) -> Option<&[u8]> {
        self.witnesses.get(atom as usize).map(Vec::as_slice)
    }

    /// The atoms that a pattern takes, which is one of those that the atoms were made of.
    pub(super) fn set(&self, pattern: &Pattern) -> Set {
        match pattern {
            Pattern::Exact(text) => Set::from_atoms(self.exact.get(text).copied().into_iter()),
            Pattern::Prefix(text) => Set::from_ranges(self.prefixes.get(text).copied().into_iter().collect()),
            Pattern::Walk(walk) => self.walks.get(walk).cloned().unwrap_or_default(),
        }
    }

    /// The atom of a text; `None` if no fact has it.
    pub(super) fn locate(&self, text: &[u8]) -> Option<Atom> {
        let (mut at, mut left) = (0, false);
        let mut state: State = 0;
        for byte in text {
            state = self.automaton.step(state, *byte);
            if !left {
                let children = self.nodes.get(at).map_or(&[][..], |node| &node.children);
                match children.binary_search_by_key(byte, |(byte, _)| *byte) {
                    Ok(child) => at = children.get(child)?.1,
                    Err(_) => left = true,
                }
            }
        }
        let node = self.nodes.get(at)?;
        if !left && node.is_exact {
            return self.exact.get(text).copied();
        }
        let signature = self.automaton.signature(state);
        self.classes.get(&(node.region, signature)).copied()
    }

    /// Numbers the atoms, and says the signature of each.
    fn number(&mut self, best: &BTreeMap<(usize, Signature), Best>) -> Option<Vec<Signature>> {
        let mut exact_of: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut inner: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            if node.is_exact {
                exact_of.entry(node.region).or_default().push(at);
            }
            if node.is_prefix && at != 0 {
                let around = self.nodes.get(node.parent).map_or(0, |parent| parent.region);
                inner.entry(around).or_default().push(at);
            }
        }
        let mut signatures = Vec::new();
        // Regions that are to be numbered, and those that are to be closed.
        let mut waiting = vec![(0, None)];
        while let Some((region, start)) = waiting.pop() {
            let here = u32::try_from(signatures.len()).ok()?;
            if let Some(start) = start {
                let text = self.text(region);
                self.prefixes.insert(text, (start, here));
                continue;
            }
            waiting.push((region, Some(here)));
            waiting.extend(
                inner
                    .get(&region)
                    .into_iter()
                    .flatten()
                    .rev()
                    .map(|inner| (*inner, None)),
            );
            for ((_, signature), best) in best.range((region, 0)..=(region, u32::MAX)) {
                self.classes
                    .insert((region, *signature), u32::try_from(signatures.len()).ok()?);
                signatures.push(*signature);
                let mut witness = self.text(best.node);
                if let Some((byte, state)) = best.leaves {
                    witness.push(byte);
                    witness.extend(self.automaton.shortest(state, *signature));
                }
                self.witnesses.push(witness);
            }
            for at in exact_of.get(&region).into_iter().flatten() {
                let state = self.nodes.get(*at)?.state;
                let text = self.text(*at);
                self.exact.insert(text.clone(), u32::try_from(signatures.len()).ok()?);
                signatures.push(self.automaton.signature(state));
                self.witnesses.push(text);
            }
            if signatures.len() > MAX_ATOMS {
                return None;
            }
        }
        Some(signatures)
    }

    fn text(&self, node: usize) -> Vec<u8> {
        let mut text = Vec::new();
        let mut at = node;
        while at != 0 {
            let Some(node) = self.nodes.get(at) else { break };
            text.push(node.byte);
            at = node.parent;
        }
        text.reverse();
        text
    }
}

/// The texts that patterns name, and all that lead to them. The first is the empty one; each comes after its parent.
fn trie(patterns: &BTreeSet<Pattern>, automaton: &Automaton) -> Option<Vec<Node>> {
    let root = Node {
        parent: 0,
        byte: 0,
        depth: 0,
        children: Vec::new(),
        is_exact: false,
        // Whatever begins with no other beginning is of its region.
        is_prefix: true,
        region: 0,
        state: 0,
    };
    let mut nodes = vec![root];
    for pattern in patterns {
        let (text, exact) = match pattern {
            Pattern::Exact(text) => (text, true),
            Pattern::Prefix(text) => (text, false),
            Pattern::Walk(_) => continue,
        };
        let mut at = 0;
        for byte in text {
            let node = nodes.get(at)?;
            at = match node.children.binary_search_by_key(byte, |(byte, _)| *byte) {
                Ok(child) => node.children.get(child)?.1,
                Err(place) => {
                    let new = nodes.len();
                    let (state, depth) = (automaton.step(node.state, *byte), node.depth + 1);
                    nodes.get_mut(at)?.children.insert(place, (*byte, new));
                    nodes.push(Node {
                        parent: at,
                        byte: *byte,
                        depth,
                        children: Vec::new(),
                        is_exact: false,
                        is_prefix: false,
                        region: 0,
                        state,
                    });
                    new
                }
            };
        }
        if nodes.len() > MAX_NODES {
            return None;
        }
        let node = nodes.get_mut(at)?;
        node.is_exact |= exact;
        node.is_prefix |= !exact;
    }
    for at in 1..nodes.len() {
        let node = nodes.get(at)?;
        let region = if node.is_prefix {
            at
        } else {
            nodes.get(node.parent)?.region
        };
        nodes.get_mut(at)?.region = region;
    }
    Some(nodes)
}

/// The classes of texts that are no exact ones, each with its shortest text.
fn classes(
    nodes: &[Node],
    automaton: &Automaton,
    is_possible: &dyn Fn(Signature) -> bool,
) -> Option<BTreeMap<(usize, Signature), Best>> {
    let mut best: BTreeMap<(usize, Signature), Best> = BTreeMap::new();
    let mut seen: BTreeSet<(usize, State)> = BTreeSet::new();
    let mut offer = |region, signature, offered: Best| {
        if is_possible(signature) {
            let known = best.entry((region, signature)).or_insert(offered);
            if offered.length < known.length {
                *known = offered;
            }
        }
        best.len() <= MAX_ATOMS
    };
    // By depth, so that a way out that was seen before was seen at a shorter text.
    let mut waiting = VecDeque::from([0]);
    while let Some(at) = waiting.pop_front() {
        let node: &Node = nodes.get(at)?;
        waiting.extend(node.children.iter().map(|(_, child)| *child));
        let itself = Best {
            length: node.depth,
            node: at,
            leaves: None,
        };
        if !node.is_exact && !offer(node.region, automaton.signature(node.state), itself) {
            return None;
        }
        for bytes in automaton.classes() {
            let is_child = |byte: &&u8| node.children.binary_search_by_key(*byte, |(byte, _)| *byte).is_ok();
            let Some(byte) = bytes.iter().find(|byte| !is_child(byte)) else {
                continue;
            };
            let state = automaton.step(node.state, *byte);
            if !seen.insert((node.region, state)) {
                continue;
            }
            for (signature, length) in automaton.ways(state) {
                let leaving = Best {
                    length: node.depth + 1 + length,
                    node: at,
                    leaves: Some((*byte, state)),
                };
                if !offer(node.region, signature, leaving) {
                    return None;
                }
            }
        }
    }
    Some(best)
}
