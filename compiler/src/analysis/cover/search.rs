//! The search in what is left of a query: a point outside all candidates, or the candidates that leave none.
//!
//! A candidate is refuted by the opposite of one thing that it asks. What must be is done first: a candidate with one
//! thing open is refuted by that; where candidates leave a value unnamed it is taken, and refutes all that name others.
//! Then one thing is chosen, and both ways are followed.

use super::local::{Ask, Candidate, Mask, Problem, Slot};
use super::{BoxId, Pool};

/// Deeper than this the stack might not hold.
const MAX_DEPTH: usize = 400;

/// A point outside all candidates, or those that leave none.
pub(super) fn search(problem: &Problem, pool: &mut Pool) -> Found {
    let all: Vec<usize> = (0..problem.candidates.len()).collect();
    follow(problem, problem.start.clone(), &all, pool, 0)
}

/// What a search came to.
pub(super) enum Found {
    Core(Vec<BoxId>),
    Free(Vec<Slot>),
    /// A bound came first.
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    True,
    False,
    Open,
}

/// A candidate that is not refuted, with what it asks that is open.
struct Alive<'p> {
    at: usize,
    candidate: &'p Candidate,
    open: Vec<&'p (usize, Ask)>,
}

fn follow(problem: &Problem, mut slots: Vec<Slot>, candidates: &[usize], pool: &mut Pool, depth: usize) -> Found {
    let mut core: Vec<BoxId> = Vec::new();
    let mut left = candidates.to_vec();
    loop {
        if depth > MAX_DEPTH || !pool.take(left.len() + 1) {
            return Found::Nothing;
        }
        let alive: Vec<Alive<'_>> = left
            .iter()
            .filter_map(|at| alive(*at, problem.candidates.get(*at)?, &slots))
            .collect();
        left = alive.iter().map(|it| it.at).collect();
        if alive.is_empty() {
            return Found::Free(slots);
        }
        if let Some(holds) = alive.iter().find(|it| it.open.is_empty()) {
            core.push(holds.candidate.id);
            return Found::Core(core);
        }
        if refute_forced(&alive, &mut slots, &mut core) || take_unnamed(&alive, &mut slots) {
            continue;
        }
        let Some((dim, ask)) = choose(&alive, slots.len()) else {
            return Found::Nothing;
        };
        for wanted in [false, true] {
            let mut way = slots.clone();
            assume(&mut way, *dim, ask, wanted);
            match follow(problem, way, &left, pool, depth + 1) {
                Found::Core(more) => core.extend(more),
                found => return found,
            }
        }
        return Found::Core(core);
    }
}

fn alive<'p>(at: usize, candidate: &'p Candidate, slots: &[Slot]) -> Option<Alive<'p>> {
    let mut open = Vec::new();
    for ask in &candidate.asks {
        match state(&ask.1, slots.get(ask.0)?) {
            State::True => {}
            State::False => return None,
            State::Open => open.push(ask),
        }
    }
    Some(Alive { at, candidate, open })
}

/// Refutes the candidates that have one thing open; `false` if there are none.
fn refute_forced(alive: &[Alive<'_>], slots: &mut [Slot], core: &mut Vec<BoxId>) -> bool {
    let mut forced = false;
    for it in alive {
        let [(dim, ask)] = it.open.as_slice() else { continue };
        // One that was refuted since may have closed it.
        if slots.get(*dim).map(|slot| state(ask, slot)) == Some(State::Open) {
            core.push(it.candidate.id);
            assume(slots, *dim, ask, false);
            forced = true;
        }
    }
    forced
}

/// Takes what no candidate names at some dimension; `false` if each dimension is named whole.
fn take_unnamed(alive: &[Alive<'_>], slots: &mut [Slot]) -> bool {
    let asks = || alive.iter().flat_map(|it| &it.open);
    for (dim, slot) in slots.iter_mut().enumerate() {
        let mut here = asks().filter(|(own, _)| *own == dim).map(|(_, ask)| ask).peekable();
        if here.peek().is_none() {
            continue;
        }
        match slot {
            Slot::In(mask) => {
                let mut unnamed = mask.clone();
                for ask in here {
                    if let Ask::In(named) = ask {
                        take_away(&mut unnamed, named);
                    }
                }
                if !is_empty(&unnamed) {
                    *mask = unnamed;
                    return true;
                }
            }
            Slot::Many { needs, forbid } => {
                let (mut needed, mut forbidden) = (vec![0; forbid.len()], Vec::new());
                for ask in here {
                    match ask {
                        Ask::Need(mask) => add(&mut needed, mask),
                        Ask::Forbid(mask) => forbidden.push(mask),
                        Ask::In(_) => {}
                    }
                }
                if forbidden.is_empty() {
                    let keeps = |need: &Mask| !is_within(need, &needed);
                    if needs.iter().all(keeps) {
                        needs.iter_mut().for_each(|need| take_away(need, &needed));
                        add(forbid, &needed);
                        return true;
                    }
                } else if is_empty(&needed) {
                    for mask in forbidden {
                        let mut need = mask.clone();
                        take_away(&mut need, forbid);
                        needs.push(need);
                    }
                    return true;
                }
            }
        }
    }
    false
}

/// Of the candidate with the least open, what most others ask about too.
fn choose<'p>(alive: &[Alive<'p>], dims: usize) -> Option<&'p (usize, Ask)> {
    let mut counts = vec![0_usize; dims];
    for (dim, _) in alive.iter().flat_map(|it| &it.open) {
        if let Some(count) = counts.get_mut(*dim) {
            *count += 1;
        }
    }
    let shortest = alive.iter().min_by_key(|it| it.open.len())?;
    let count = |ask: &&&(usize, Ask)| counts.get(ask.0).copied().unwrap_or_default();
    shortest.open.iter().max_by_key(count).copied()
}

fn state(ask: &Ask, slot: &Slot) -> State {
    let of = |holds: bool, fails: bool| match (holds, fails) {
        (true, _) => State::True,
        (false, true) => State::False,
        (false, false) => State::Open,
    };
    match (ask, slot) {
        (Ask::In(mask), Slot::In(own)) => of(is_within(own, mask), !meets(own, mask)),
        (Ask::Need(mask), Slot::Many { needs, forbid }) => {
            of(needs.iter().any(|need| is_within(need, mask)), is_within(mask, forbid))
        }
        (Ask::Forbid(mask), Slot::Many { needs, forbid }) => {
            of(is_within(mask, forbid), needs.iter().any(|need| is_within(need, mask)))
        }
        _ => State::Open,
    }
}

/// Makes what is open hold, or fail.
fn assume(slots: &mut [Slot], dim: usize, ask: &Ask, wanted: bool) {
    let Some(slot) = slots.get_mut(dim) else { return };
    match (slot, ask, wanted) {
        (Slot::In(own), Ask::In(mask), true) => keep(own, mask),
        (Slot::In(own), Ask::In(mask), false) => take_away(own, mask),
        (Slot::Many { needs, forbid }, Ask::Need(mask), true)
        | (Slot::Many { needs, forbid }, Ask::Forbid(mask), false) => {
            let mut need = mask.clone();
            take_away(&mut need, forbid);
            needs.push(need);
        }
        (Slot::Many { needs, forbid }, Ask::Forbid(mask), true)
        | (Slot::Many { needs, forbid }, Ask::Need(mask), false) => {
            add(forbid, mask);
            needs.iter_mut().for_each(|need| take_away(need, mask));
        }
        _ => {}
    }
}

fn is_empty(mask: &Mask) -> bool {
    mask.iter().all(|word| *word == 0)
}

fn is_within(mask: &Mask, other: &Mask) -> bool {
    mask.iter().zip(other).all(|(a, b)| a & !b == 0)
}

fn meets(mask: &Mask, other: &Mask) -> bool {
    mask.iter().zip(other).any(|(a, b)| a & b != 0)
}

fn keep(mask: &mut Mask, other: &Mask) {
    mask.iter_mut().zip(other).for_each(|(a, b)| *a &= b);
}

fn add(mask: &mut Mask, other: &Mask) {
    mask.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
}

fn take_away(mask: &mut Mask, other: &Mask) {
    mask.iter_mut().zip(other).for_each(|(a, b)| *a &= !b);
}
