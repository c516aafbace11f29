//! What becomes of each declaration at one place: whether it can match, and whether others leave it anything to decide.
//!
//! A declaration may stand for several rules. What is said of it is true of all of them together, and what decides
//! instead of them are rules of other declarations.

use std::collections::{BTreeMap, BTreeSet};

use super::cover::Pool;
use super::cube::Cube;
use super::gate::{Covered, Gate, Never, Owner, OwnerId, RuleAt, Stage};
use super::place::Place;
use super::{request_data, witness};
use crate::diagnostics::Data;
use crate::source::Span;

/// What becomes of a declaration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// No request or connection matches.
    Dead(Dead),
    /// All that it matches is decided by others, in the same way or before.
    Decided(Decided),
    /// It decides something, or it is not known that it does not.
    Alive,
}

/// Why nothing matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dead {
    /// Facts of which it asks what cannot hold together, in words.
    pub(crate) facts: BTreeSet<String>,
    /// What cannot happen.
    pub(crate) impossible: BTreeSet<Never>,
}

/// Who decides instead.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decided {
    /// The own stage.
    pub(crate) stage: Stage,
    /// An irredundant cover at each place, by declaration, in the order of evaluation.
    pub(crate) by: BTreeSet<(Stage, Span)>,
    pub(crate) impossible: BTreeSet<Never>,
    /// Whether all of them are evaluated before it.
    pub(crate) earlier: bool,
    /// A request that it matches, where one could be made.
    pub(crate) example: Option<Example>,
}

/// A request, in words and as data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    pub(crate) words: String,
    pub(crate) data: Data,
}

impl Verdict {
    /// What holds if each holds somewhere. A declaration that is dead in one place and decided in another is decided.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Alive, _) | (_, Self::Alive) => Self::Alive,
            (Self::Dead(mut one), Self::Dead(other)) => {
                one.facts.extend(other.facts);
                one.impossible.extend(other.impossible);
                Self::Dead(one)
            }
            (Self::Decided(one), Self::Dead(_)) | (Self::Dead(_), Self::Decided(one)) => Self::Decided(one),
            (Self::Decided(mut one), Self::Decided(other)) => {
                one.by.extend(other.by);
                one.impossible.extend(other.impossible);
                one.earlier &= other.earlier;
                one.stage = one.stage.min(other.stage);
                one.example = one.example.or(other.example);
                Self::Decided(one)
            }
        }
    }
}

/// The verdicts at a place, by the declaration's place in the text.
pub(crate) fn verdicts(place: &Place<'_>) -> BTreeMap<Span, Verdict> {
    let mut all: BTreeMap<Span, Verdict> = BTreeMap::new();
    let mut pool = Pool::default();
    for http in place.traffic() {
        // What decides something at one gate does at the place, and is asked no more.
        let is_alive = |origin: &Span| matches!(all.get(origin), Some(Verdict::Alive));
        if place.rules_of(http).all(|rule| is_alive(&rule.origin)) {
            continue;
        }
        for (origin, verdict) in at_gate(place, &place.gate(http, &[]), &mut pool) {
            let before = all.remove(&origin);
            let verdict = before.map_or(verdict.clone(), |before| before.and(verdict));
            all.insert(origin, verdict);
        }
    }
    all
}

/// The rules of one declaration in one stage.
struct Group<'g, 'e> {
    origin: Span,
    stage: Stage,
    rules: Vec<(OwnerId, &'g RuleAt<'e>)>,
}

fn at_gate(place: &Place<'_>, gate: &Gate<'_>, pool: &mut Pool) -> Vec<(Span, Verdict)> {
    let mut groups: BTreeMap<(Stage, Span), Group<'_, '_>> = BTreeMap::new();
    for (id, rule) in gate.rules() {
        let group = groups.entry((rule.stage, rule.rule.origin)).or_insert_with(|| Group {
            origin: rule.rule.origin,
            stage: rule.stage,
            rules: Vec::new(),
        });
        group.rules.push((id, rule));
    }
    let mut groups: Vec<Group<'_, '_>> = groups.into_values().collect();
    groups.sort_by_key(|group| group.rules.first().map(|(id, _)| *id));
    let mut removed: BTreeSet<OwnerId> = BTreeSet::new();
    let mut verdicts = Vec::new();
    // From the last to the first, so that of two that say the same the later is left out.
    for group in groups.iter().rev() {
        let verdict = judge(place, gate, group, &removed, pool);
        if verdict != Verdict::Alive {
            removed.extend(group.rules.iter().map(|(id, _)| *id));
        }
        verdicts.push((group.origin, verdict));
    }
    verdicts
}

fn judge(
    place: &Place<'_>,
    gate: &Gate<'_>,
    group: &Group<'_, '_>,
    removed: &BTreeSet<OwnerId>,
    pool: &mut Pool,
) -> Verdict {
    let mut cubes: Vec<Cube> = Vec::new();
    let mut dead = Dead::default();
    for (_, rule) in &group.rules {
        let Some(region) = &rule.region else {
            return Verdict::Alive;
        };
        cubes.extend(region.cubes.iter().cloned());
        let dims = region
            .contradictions
            .iter()
            .filter_map(|dim| gate.space.dimension(*dim));
        dead.facts.extend(dims.map(|dimension| dimension.fact.words()));
    }
    let nothing = |_| false;
    match gate.covered(&cubes, &nothing, true, pool) {
        Covered::By(owners) => {
            dead.impossible = impossible(gate, &owners);
            if !cubes.is_empty() {
                dead.facts.clear();
            }
            return Verdict::Dead(dead);
        }
        Covered::Undecided => return Verdict::Alive,
        Covered::Free(_) => {}
    }
    if group.rules.iter().any(|(_, rule)| rule.policy.dry_run) {
        return Verdict::Alive;
    }
    let first = group.rules.first().map_or(0, |(id, _)| *id);
    let provider = |rule: &RuleAt<'_>| rule.policy.provider.clone();
    let own = group.rules.first().and_then(|(_, rule)| provider(rule));
    let others = |id: OwnerId| {
        gate.rule(id).is_some_and(|rule| {
            let decides = match group.stage {
                Stage::Allow => matches!(rule.stage, Stage::Deny | Stage::Allow),
                Stage::Deny => rule.stage == Stage::Deny,
                Stage::Custom => rule.stage == Stage::Custom && provider(rule) == own,
                Stage::Audit => false,
            };
            decides && !rule.policy.dry_run && rule.rule.origin != group.origin && !removed.contains(&id)
        })
    };
    let earlier = |id: OwnerId| id < first && others(id);
    for (takes, earlier) in [(&earlier as &dyn Fn(OwnerId) -> bool, true), (&others, false)] {
        if let Covered::By(owners) = gate.covered(&cubes, takes, true, pool) {
            let by = owners.iter().filter_map(|id| gate.rule(*id));
            return Verdict::Decided(Decided {
                stage: group.stage,
                by: by.map(|rule| (rule.stage, rule.rule.origin)).collect(),
                impossible: impossible(gate, &owners),
                earlier,
                example: example(place, gate, group),
            });
        }
    }
    Verdict::Alive
}

fn example(place: &Place<'_>, gate: &Gate<'_>, group: &Group<'_, '_>) -> Option<Example> {
    let rules = group.rules.iter().map(|(_, rule)| *rule);
    let cubes = rules.flat_map(|rule| {
        rule.region
            .iter()
            .flat_map(move |region| region.cubes.iter().map(move |it| (rule, it)))
    });
    // Of many boxes the first few are enough to try.
    let mut requests = cubes
        .take(4)
        .filter_map(|(rule, cube)| witness::of_rule(place, gate, rule, cube));
    let (request, _) = requests.next()?;
    Some(Example {
        words: witness::words(&request),
        data: request_data::data(place.judge.inventory(), &request),
    })
}

fn impossible(gate: &Gate<'_>, owners: &BTreeSet<OwnerId>) -> BTreeSet<Never> {
    let why = |id: &OwnerId| match gate.owner(*id)? {
        Owner::Impossible(why) => Some(*why),
        Owner::Rule(_) => None,
    };
    owners.iter().filter_map(why).collect()
}
