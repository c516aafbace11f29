//! What becomes of each declaration at one place: whether it can match, and whether others leave it anything to decide.
//!
//! A declaration may stand for several rules. What is said of it is true of all of them together, and what decides
//! instead of them are rules of other declarations.

use std::collections::{BTreeMap, BTreeSet};

use super::cover::{Bound, Ended, Pool};
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
    /// A bound came before it was known whether it decides anything.
    Undecided(Unproved),
    /// It decides something.
    Alive,
}

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unproved {
    pub(crate) bound: Bound,
    /// The facts of which most values are told apart, in words.
    pub(crate) facts: Vec<String>,
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
    /// Whether that is sure: that no bound came before it.
    pub(crate) least: bool,
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
            (Self::Undecided(why), _) | (_, Self::Undecided(why)) => Self::Undecided(why),
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
                one.least &= other.least;
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

/// The verdicts at one gate.
pub(crate) fn at_gate(place: &Place<'_>, gate: &Gate<'_>, pool: &mut Pool) -> Vec<(Span, Verdict)> {
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
        let settled = judge(gate, group, &removed, pool);
        if matches!(settled, Settled::Dead(_) | Settled::Decided { .. }) {
            removed.extend(group.rules.iter().map(|(id, _)| *id));
        }
        verdicts.push((group, settled));
    }
    // What is nice to know comes last, so that no question goes without an answer for it.
    let told = verdicts.into_iter().map(|(group, settled)| {
        let verdict = match settled {
            Settled::Dead(dead) => Verdict::Dead(dead),
            Settled::Decided { by, earlier } => decided(place, gate, group, &by, earlier, pool),
            Settled::Undecided(why) => Verdict::Undecided(why),
            Settled::Alive => Verdict::Alive,
        };
        (group.origin, verdict)
    });
    told.collect()
}

/// What is known of a group, before all that is told of it.
enum Settled {
    Dead(Dead),
    Decided { by: BTreeSet<OwnerId>, earlier: bool },
    Undecided(Unproved),
    Alive,
}

impl Group<'_, '_> {
    /// Its boxes; `None` if one of its rules has too many.
    fn cubes(&self) -> Option<Vec<Cube>> {
        let mut cubes = Vec::new();
        for (_, rule) in &self.rules {
            cubes.extend(rule.region.as_ref()?.cubes.iter().cloned());
        }
        Some(cubes)
    }

    /// The facts of which its rules ask what cannot hold together.
    fn contradictions(&self, gate: &Gate<'_>) -> BTreeSet<String> {
        let regions = self.rules.iter().filter_map(|(_, rule)| rule.region.as_ref());
        let dims = regions.flat_map(|region| &region.contradictions);
        let dimensions = dims.filter_map(|dim| gate.space.dimension(*dim));
        dimensions.map(|dimension| dimension.fact.words()).collect()
    }
}

fn judge(gate: &Gate<'_>, group: &Group<'_, '_>, removed: &BTreeSet<OwnerId>, pool: &mut Pool) -> Settled {
    let Some(cubes) = group.cubes() else {
        return Settled::Undecided(Unproved {
            bound: Bound::Boxes,
            facts: Vec::new(),
        });
    };
    if cubes.is_empty() {
        return Settled::Dead(Dead {
            facts: group.contradictions(gate),
            impossible: BTreeSet::new(),
        });
    }
    let first = group.rules.first().map_or(0, |(id, _)| *id);
    let provider = |rule: &RuleAt<'_>| rule.policy.provider.clone();
    let own = group.rules.first().and_then(|(_, rule)| provider(rule));
    let has_say = !group.rules.iter().any(|(_, rule)| rule.policy.dry_run);
    let others = |id: OwnerId| {
        has_say
            && gate.rule(id).is_some_and(|rule| {
                let decides = match group.stage {
                    Stage::Allow => matches!(rule.stage, Stage::Deny | Stage::Allow),
                    Stage::Deny => rule.stage == Stage::Deny,
                    Stage::Custom => rule.stage == Stage::Custom && provider(rule) == own,
                    Stage::Audit => false,
                };
                decides && !rule.policy.dry_run && rule.rule.origin != group.origin && !removed.contains(&id)
            })
    };
    // Most rules leave something, which answers all three questions.
    let by_all = gate.covered(&cubes, &others, false, pool);
    if let Covered::Free(_) = by_all {
        return Settled::Alive;
    }
    let ended = pool.ended.take();
    let nothing = |_| false;
    if let Covered::By(owners) = gate.covered(&cubes, &nothing, true, pool) {
        return Settled::Dead(Dead {
            facts: BTreeSet::new(),
            impossible: impossible(gate, &owners),
        });
    }
    let earlier = |id: OwnerId| id < first && others(id);
    match (gate.covered(&cubes, &earlier, false, pool), by_all) {
        (Covered::By(by), _) => Settled::Decided { by, earlier: true },
        (_, Covered::By(by)) => Settled::Decided { by, earlier: false },
        _ => Settled::Undecided(unproved(gate, ended)),
    }
}

fn unproved(gate: &Gate<'_>, ended: Option<Ended>) -> Unproved {
    let ended = ended.unwrap_or(Ended {
        bound: Bound::Pool,
        dims: Vec::new(),
    });
    let dimensions = ended.dims.iter().filter_map(|dim| gate.space.dimension(*dim));
    Unproved {
        bound: ended.bound,
        facts: dimensions.map(|dimension| dimension.fact.words()).collect(),
    }
}

/// All that is told of a group that others decide.
fn decided(
    place: &Place<'_>,
    gate: &Gate<'_>,
    group: &Group<'_, '_>,
    by: &BTreeSet<OwnerId>,
    earlier: bool,
    pool: &mut Pool,
) -> Verdict {
    let (owners, least) = gate.least(&group.cubes().unwrap_or_default(), by, pool);
    let rules = owners.iter().filter_map(|id| gate.rule(*id));
    Verdict::Decided(Decided {
        stage: group.stage,
        by: rules.map(|rule| (rule.stage, rule.rule.origin)).collect(),
        least,
        impossible: impossible(gate, &owners),
        earlier,
        example: example(place, gate, group),
    })
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
