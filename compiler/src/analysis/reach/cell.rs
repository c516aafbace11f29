//! One cell: the requests of a caller and an operation, part by part, and what the answer rests on.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cover::Pool;
use super::super::cube::Cube;
use super::super::gate::{self, Covered, OwnerId};
use super::super::sentences::{Ground, Layer, Part, Proof, Verdict, joined};
use super::super::space::MAX_CUBES;
use super::{Cell, Exchange, Reaches};
use crate::policy::request::{Reason, Stage};

/// So many pairs of a rule's box and one that is asked about are looked at for what the answer rests on.
const MAX_PAIRS: usize = 20_000;

/// The boxes of each sentence at each layer.
pub(super) struct Regions {
    layers: Vec<Vec<Result<Vec<Cube>, String>>>,
}

impl Regions {
    pub(super) fn of(ground: &Ground<'_>, sentences: usize) -> Self {
        let of_layer = |layer: &Layer<'_>| (0..sentences).map(|sentence| layer.cubes(sentence)).collect();
        Self {
            layers: ground.layers.iter().map(of_layer).collect(),
        }
    }

    /// The boxes of which both sentences speak.
    fn both(&self, layer: usize, one: usize, other: usize) -> Result<Vec<Cube>, String> {
        let of = |sentence: usize| match self.layers.get(layer).and_then(|layer| layer.get(sentence)) {
            Some(Ok(cubes)) => Ok(cubes),
            Some(Err(why)) => Err(why.clone()),
            None => Err("there is no such sentence".to_owned()),
        };
        let (ones, others) = (of(one)?, of(other)?);
        if ones.len().saturating_mul(others.len()) > MAX_CUBES {
            return Err(format!("it has more than {MAX_CUBES} boxes of requests"));
        }
        Ok(others.iter().flat_map(|other| joined(ones, other)).collect())
    }
}

/// How many requests of a part are admitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    All,
    Some,
    None,
}

/// A part, and what is known of it.
#[derive(Clone, Copy)]
struct Seen<'g> {
    http: bool,
    part: &'g Part,
    /// Whether a yes has to hold there: not at ports that nobody declares, nor where no policy acts.
    counts: bool,
    status: Status,
}

#[derive(Default)]
struct Gathered<'g> {
    statuses: Vec<Seen<'g>>,
    admitted: Option<Exchange>,
    refused: Option<Exchange>,
    unknown: Option<String>,
    depends: BTreeSet<String>,
    rules: BTreeMap<(bool, OwnerId), (Stage, Reason)>,
}

/// What is known of a caller's requests for an operation.
pub(super) fn cell(ground: &Ground<'_>, regions: &Regions, caller: usize, operation: usize) -> Cell {
    let mut gathered = Gathered::default();
    for (at, layer) in ground.layers.iter().enumerate() {
        let cubes = match regions.both(at, caller, operation) {
            Ok(cubes) => cubes,
            Err(why) => return Cell::unknown(&why),
        };
        for part in &layer.parts {
            let counts = part.declared && layer.speaks_of(operation, part);
            gathered.part(ground, layer, (part, counts), &joined(&cubes, &part.cube));
        }
    }
    gathered.end()
}

impl<'g> Gathered<'g> {
    fn part(&mut self, ground: &Ground<'_>, layer: &'g Layer<'_>, (part, counts): (&'g Part, bool), cubes: &[Cube]) {
        let proof = |always| Proof::new(ground.place, layer, always).part(cubes, part);
        let status = match proof(false) {
            Verdict::Idle => return,
            Verdict::Undecided(why) => {
                self.unknown = Some(why);
                return;
            }
            Verdict::Holds => {
                if let (None, Verdict::Violated(example)) = (&self.refused, proof(true)) {
                    self.refused = Some(*example);
                }
                Status::None
            }
            Verdict::Violated(example) => {
                self.admitted.get_or_insert(*example);
                match ground.always(layer, part, cubes) {
                    Verdict::Holds | Verdict::Idle => Status::All,
                    Verdict::Violated(example) => {
                        self.refused.get_or_insert(*example);
                        Status::Some
                    }
                    Verdict::Undecided(why) => {
                        self.unknown = Some(why);
                        Status::Some
                    }
                }
            }
        };
        if status != Status::None {
            self.rests_on(layer, cubes, status);
        }
        self.statuses.push(Seen {
            http: layer.http,
            part,
            counts,
            status,
        });
    }

    /// Notes the rules that have a say, and the facts that they look at.
    fn rests_on(&mut self, layer: &Layer<'_>, cubes: &[Cube], status: Status) {
        let gate = &layer.gate;
        let denies = |id: OwnerId| {
            let rule = gate.rule(id);
            rule.is_some_and(|rule| rule.stage == gate::Stage::Deny && !rule.policy.dry_run)
        };
        let (mut pairs, mut pool) = (0, Pool::default());
        for (id, rule) in gate.rules().filter(|(_, rule)| !rule.policy.dry_run) {
            let stage = match rule.stage {
                gate::Stage::Custom => Stage::Custom,
                gate::Stage::Deny => Stage::Deny,
                gate::Stage::Allow => Stage::Allow,
                gate::Stage::Audit => continue,
            };
            let own = rule.region.iter().flat_map(|region| &region.cubes);
            for (own, asked) in own.flat_map(|own| cubes.iter().map(move |asked| (own, asked))) {
                pairs += 1;
                if pairs > MAX_PAIRS {
                    return;
                }
                let Ok(both) = own.and(asked) else { continue };
                let before = |id: OwnerId| stage == Stage::Allow && denies(id);
                if let Covered::By(_) = gate.covered(&[both], &before, false, &mut pool) {
                    continue;
                }
                let reason = || (stage, rule.policy.reason(Some(rule.rule)));
                self.rules.entry((!layer.http, id)).or_insert_with(reason);
                if status == Status::All {
                    continue;
                }
                if let (Stage::Custom, Some(provider)) = (stage, &rule.policy.provider) {
                    self.depends
                        .insert(format!("the answer of the authorizer `{provider}`"));
                }
                for (dim, literal) in own.literals() {
                    let given = asked.get(*dim).is_some_and(|given| given.is_within(literal));
                    if let (false, Some(dimension)) = (given, gate.space.dimension(*dim)) {
                        self.depends.insert(dimension.fact.words());
                    }
                }
            }
        }
    }

    fn end(mut self) -> Cell {
        let counted: Vec<Seen<'_>> = self.statuses.iter().filter(|seen| seen.counts).copied().collect();
        let counted = if counted.is_empty() {
            self.statuses.clone()
        } else {
            counted
        };
        let all = counted.iter().all(|seen| seen.status == Status::All);
        let reaches = match (&self.admitted, &self.unknown) {
            (Some(_), None) if all => Reaches::Always,
            (Some(_), _) => Reaches::Sometimes,
            (None, Some(why)) => Reaches::Unknown(why.clone()),
            (None, None) if self.statuses.is_empty() => Reaches::Nothing,
            (None, None) => Reaches::Never,
        };
        if reaches == Reaches::Always {
            // Of ports that nobody declares.
            self.refused = None;
        }
        if reaches == Reaches::Sometimes {
            self.tells_apart(&counted);
            if self.depends.is_empty() {
                self.tells_apart(&self.statuses.clone());
            }
        }
        Cell {
            reaches,
            admitted: self.admitted,
            refused: self.refused,
            depends: self.depends.into_iter().collect(),
            rules: self.rules.into_values().collect(),
        }
    }

    /// Notes what tells parts with different ends apart.
    fn tells_apart(&mut self, seen: &[Seen<'_>]) {
        for one in seen {
            for other in seen.iter().filter(|other| other.status != one.status) {
                let same_port = one.part.port == other.part.port;
                let same_peer = one.part.known == other.part.known;
                if same_port && !same_peer {
                    self.depends.insert("the identity of the caller".to_owned());
                }
                if !same_port && same_peer {
                    self.depends.insert("the port".to_owned());
                }
                if same_port && one.http != other.http {
                    self.depends.insert("whether it is HTTP".to_owned());
                }
            }
        }
    }
}
