//! Sentences about requests to a place, asked of the engine: `WHO to WHAT when COND`, as rules that are in force nowhere.

mod parts;
mod proof;
mod rules;
mod spots;

use super::atoms::Fact;
use super::cube::Cube;
use super::gate::Gate;
use super::place::Place;
use super::space::MAX_CUBES;
use crate::policy::Invariant;
use crate::policy::effective::rules::{CompiledRule, Matcher};
pub(crate) use parts::Part;
use parts::{Accepted, parts, special_ports};
pub use proof::Exchange;
pub(crate) use proof::{Proof, Verdict};
pub(crate) use spots::{Spotted, spots};

/// A place made ready for some sentences: the values that they name are told apart there.
pub(crate) struct Ground<'p> {
    pub(crate) place: &'p Place<'p>,
    /// For HTTP requests, and for connections that are none.
    pub(crate) layers: Vec<Layer<'p>>,
}

/// HTTP requests to a place, or connections.
pub(crate) struct Layer<'p> {
    pub(crate) http: bool,
    pub(crate) gate: Gate<'p>,
    pub(crate) parts: Vec<Part>,
    /// By the sentence; `None`: a value of it cannot be read.
    rules: Vec<Option<Vec<CompiledRule>>>,
    /// Where no token is looked at, none is proved.
    no_token: Option<Cube>,
}

impl<'p> Ground<'p> {
    pub(crate) fn new(place: &'p Place<'p>, sentences: &[&Invariant]) -> Self {
        let (inventory, target) = (place.judge.inventory(), place.judge.target());
        let accepted = Accepted::at(place);
        let ports = special_ports(place);
        let layers = [true, false].map(|http| {
            let rules: Vec<_> = sentences
                .iter()
                .map(|sentence| rules::rules(sentence, inventory, target, http))
                .collect();
            let mut also: Vec<CompiledRule> = rules.iter().flatten().flatten().cloned().collect();
            also.push(rules::telling_apart(accepted.matchers()));
            also.push(rules::telling_apart(
                ports.iter().map(|port| Matcher::Port(*port)).collect(),
            ));
            // To ztunnel each request is a connection.
            let gate = place.gate(http && !place.has_ztunnel(), &also);
            let no_token = gate.space.presence(&Fact::Issuer, false);
            Layer {
                http,
                parts: parts(place, &gate, http, &accepted),
                no_token: no_token.filter(|_| place.effective().tokens.is_empty()),
                gate,
                rules,
            }
        });
        Self {
            place,
            layers: layers.into(),
        }
    }

    /// Whether a sentence never or always holds here.
    pub(crate) fn verdict(&self, sentence: usize, always: bool) -> Verdict {
        let mut all = Verdict::Idle;
        for layer in &self.layers {
            let cubes = match layer.cubes(sentence) {
                Ok(cubes) => cubes,
                Err(why) => return Verdict::Undecided(why),
            };
            let parts = layer.parts.iter().filter(|part| layer.speaks_of(sentence, part));
            for part in parts.filter(|part| part.declared || !always) {
                let cubes = joined(&cubes, &part.cube);
                all = all.and(if always {
                    self.always(layer, part, &cubes)
                } else {
                    Proof::new(self.place, layer, false).part(&cubes, part)
                });
                if matches!(all, Verdict::Violated(_)) {
                    return all;
                }
            }
        }
        all
    }
}

impl Ground<'_> {
    /// Whether all requests of a part are admitted.
    pub(crate) fn always(&self, layer: &Layer<'_>, part: &Part, cubes: &[Cube]) -> Verdict {
        if self.place.judge.target().is_legacy() {
            return Verdict::Undecided(
                "what Istio 1.4 always admits is not proved: write the requests as a `test`".to_owned(),
            );
        }
        Proof::new(self.place, layer, true).part(cubes, part)
    }
}

impl Layer<'_> {
    /// Whether a sentence speaks of a part: of a port where no policy acts only if it names that.
    pub(crate) fn speaks_of(&self, sentence: usize, part: &Part) -> bool {
        part.unproxied.is_none_or(|port| {
            let rules = self.rules.get(sentence).into_iter().flatten().flatten();
            rules.into_iter().any(|rule| rules::names_port(rule, port))
        })
    }

    /// The boxes of a sentence.
    ///
    /// # Errors
    /// Why they are not known.
    pub(crate) fn cubes(&self, sentence: usize) -> Result<Vec<Cube>, String> {
        let Some(Some(rules)) = self.rules.get(sentence) else {
            return Err("a value of it cannot be read in this release".to_owned());
        };
        let mut cubes = Vec::new();
        for rule in rules {
            let region = self.gate.space.region(rule);
            let region =
                region.map_err(|_| format!("it has more than {MAX_CUBES} boxes of requests when multiplied out"))?;
            cubes.extend(region.cubes);
        }
        Ok(match &self.no_token {
            Some(no_token) => joined(&cubes, no_token),
            None => cubes,
        })
    }
}

/// Each box cut with another.
pub(crate) fn joined(cubes: &[Cube], other: &Cube) -> Vec<Cube> {
    cubes.iter().filter_map(|cube| cube.and(other).ok()).collect()
}
