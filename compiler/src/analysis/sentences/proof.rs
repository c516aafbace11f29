//! Whether requests are never or always admitted: the proof, or a request that is an exception.
//!
//! `never` holds at a gate if all of them that an ALLOW rule admits is denied; `always` if all of them are admitted, and
//! neither denied nor shown to an authorizer. The regions hold more requests than there can be, so that what is proved
//! holds of all real ones; an exception counts only once the evaluator has confirmed it, and what is neither proved nor
//! refuted is undecided.

use super::super::atoms::Fact;
use super::super::cover::{Bound, Pool};
use super::super::cube::Cube;
use super::super::gate::{Covered, Gate, OwnerId, RuleAt, Stage};
use super::super::place::Place;
use super::super::witness;
use super::Layer;
use super::parts::{Arrival, Part};
use crate::policy::request::{Answer, Outcome, Request};

/// So many free boxes are tried as counterexamples.
const MAX_TRIED: usize = 64;
/// So many pairs of a box and an ALLOW box are looked at.
const MAX_PAIRS: usize = 200_000;

/// What is known of a sentence.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Holds,
    /// No request that it speaks of can arrive there.
    Idle,
    Violated(Box<Exchange>),
    /// For this reason.
    Undecided(String),
}

impl Verdict {
    /// What is known if both must hold.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Violated(example), _) | (_, Self::Violated(example)) => Self::Violated(example),
            (Self::Undecided(why), _) | (_, Self::Undecided(why)) => Self::Undecided(why),
            (Self::Holds, _) | (_, Self::Holds) => Self::Holds,
            (Self::Idle, Self::Idle) => Self::Idle,
        }
    }
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub request: Request,
    pub answer: Answer,
}

impl Exchange {
    /// The request in words.
    #[must_use]
    pub fn words(&self) -> String {
        witness::words(&self.request)
    }
}

/// The proof that requests of a layer are never or always admitted, or a request that is an exception.
pub(crate) struct Proof<'p> {
    place: &'p Place<'p>,
    gate: &'p Gate<'p>,
    http: bool,
    always: bool,
    pool: Pool,
    tried: usize,
    /// What is asked about, for counterexamples.
    region: Vec<Cube>,
}

impl<'p> Proof<'p> {
    pub(crate) fn new(place: &'p Place<'p>, layer: &'p Layer<'p>, always: bool) -> Self {
        Self {
            place,
            gate: &layer.gate,
            http: layer.http,
            always,
            pool: Pool::default(),
            tried: 0,
            region: Vec::new(),
        }
    }

    /// What is known of boxes of a part.
    pub(crate) fn part(&mut self, cubes: &[Cube], part: &Part) -> Verdict {
        if cubes.is_empty() {
            return Verdict::Idle;
        }
        self.region = cubes.to_vec();
        match (&part.arrival, self.always) {
            (Arrival::Unknown(why), _) => return Verdict::Undecided(why.clone()),
            (Arrival::Past, true) => return Verdict::Holds,
            (Arrival::Past, false) => return self.refute(cubes),
            (Arrival::Refused, always) => {
                let Some(sent) = self.sent(cubes, part) else {
                    return Verdict::Idle;
                };
                // They can be sent, and none arrives.
                return if always { self.refute(&sent) } else { Verdict::Holds };
            }
            (Arrival::AtRules, _) => {}
        }
        let nothing = |_: OwnerId| false;
        match self.gate.covered(cubes, &nothing, false, &mut self.pool) {
            Covered::By(_) => return Verdict::Idle,
            Covered::Undecided => return out_of_steps(&self.pool),
            Covered::Free(_) => {}
        }
        if self.always {
            self.always(cubes)
        } else {
            self.never(cubes)
        }
    }

    /// Of boxes that TLS refuses, those to show; `None` if there would be no such requests with another identity either.
    fn sent(&mut self, cubes: &[Cube], part: &Part) -> Option<Vec<Cube>> {
        let (Some((peer, _)), None) = (self.gate.space.find(&Fact::Peer), part.unproxied) else {
            return Some(cubes.to_vec());
        };
        let mut sent = Vec::new();
        let mut possible = false;
        for cube in cubes {
            let anyone = [cube.with(peer, None)];
            match self.gate.covered(&anyone, &|_| false, false, &mut self.pool) {
                Covered::By(_) => {}
                Covered::Undecided => possible = true,
                Covered::Free(free) => sent.push(free.with(peer, cube.get(peer).cloned())),
            }
        }
        if sent.is_empty() && possible {
            sent = cubes.to_vec();
        }
        (!sent.is_empty()).then_some(sent)
    }

    /// The box with nothing said of tokens, if it is among what is asked about.
    fn plainer(&self, cube: &Cube) -> Option<Cube> {
        let no_token = self.gate.space.presence(&Fact::Issuer, false)?;
        let dimensions = self.gate.space.dimensions().iter().enumerate();
        let of_token = dimensions.filter(|(_, dimension)| dimension.fact.is_of_token());
        let plain = of_token.fold(cube.clone(), |cube, (dim, _)| cube.with(dim, None));
        let plain = plain.and(&no_token).ok()?;
        (plain != *cube && self.region.iter().any(|asked| plain.is_within(asked))).then_some(plain)
    }

    fn never(&mut self, cubes: &[Cube]) -> Verdict {
        let targets = if self.is_closed() {
            let Some(targets) = self.met(cubes, Stage::Allow) else {
                return too_many();
            };
            targets
        } else {
            cubes.to_vec()
        };
        let gate = self.gate;
        self.outside(&targets, &|id| enforced(gate, id, Stage::Deny))
    }

    fn always(&mut self, cubes: &[Cube]) -> Verdict {
        for stage in [Stage::Custom, Stage::Deny] {
            let Some(targets) = self.met(cubes, stage) else {
                return too_many();
            };
            let verdict = self.outside(&targets, &|_| false);
            if !matches!(verdict, Verdict::Holds) {
                return verdict;
            }
        }
        if !self.is_closed() {
            return Verdict::Holds;
        }
        let gate = self.gate;
        self.outside(cubes, &|id| enforced(gate, id, Stage::Allow))
    }

    /// Whether there is an ALLOW policy, so that what no rule admits is refused.
    fn is_closed(&self) -> bool {
        let policies = &self.place.effective().allow.policies;
        policies.iter().any(|policy| !policy.dry_run)
    }

    /// Whether the authorizer of a CUSTOM rule is asked: about connections only one that speaks gRPC is.
    fn is_asked(&self, rule: &RuleAt<'_>) -> bool {
        let providers = &self.place.judge.inventory().mesh.providers;
        let provider = rule.policy.provider.as_ref().and_then(|name| providers.get(name));
        self.gate.http || provider.is_none_or(|provider| provider.grpc)
    }

    /// The boxes where rules of a stage match; `None`: too many.
    fn met(&self, cubes: &[Cube], stage: Stage) -> Option<Vec<Cube>> {
        let mut met = Vec::new();
        let all = [Cube::default()];
        let mut pairs = 0_usize;
        let has_say = |rule: &RuleAt<'_>| is_enforced(rule, stage) && self.is_asked(rule);
        for (_, rule) in self.gate.rules().filter(|(_, rule)| has_say(rule)) {
            // Of a rule that is not known everything is thought.
            let own = rule.region.as_ref().map_or(all.as_slice(), |region| &region.cubes);
            pairs = pairs.saturating_add(own.len().saturating_mul(cubes.len()));
            if pairs > MAX_PAIRS {
                return None;
            }
            met.extend(
                own.iter()
                    .flat_map(|own| cubes.iter().filter_map(|cube| cube.and(own).ok())),
            );
        }
        Some(met)
    }

    /// Holds if the boxes are inside those of some owners and of what cannot happen.
    fn outside(&mut self, targets: &[Cube], takes: &dyn Fn(OwnerId) -> bool) -> Verdict {
        let mut free = Vec::new();
        let mut undecided = false;
        for target in targets {
            match self
                .gate
                .covered(std::slice::from_ref(target), takes, false, &mut self.pool)
            {
                Covered::By(_) => {}
                Covered::Undecided => undecided = true,
                Covered::Free(cube) => {
                    free.push(cube);
                    if free.len() >= MAX_TRIED {
                        break;
                    }
                }
            }
        }
        match self.refute(&free) {
            Verdict::Idle if undecided => out_of_steps(&self.pool),
            Verdict::Idle => Verdict::Holds,
            verdict => verdict,
        }
    }

    /// A request of a box that breaks the invariant, as the evaluator says; idle if there are no boxes.
    fn refute(&mut self, cubes: &[Cube]) -> Verdict {
        let mut verdict = Verdict::Idle;
        for cube in cubes {
            self.tried += 1;
            if self.tried > MAX_TRIED {
                return Verdict::Undecided(format!(
                    "more than {MAX_TRIED} requests that may break it would have to be tried"
                ));
            }
            let plain = self.plainer(cube).map(|plain| self.exception(&plain));
            let found = match plain {
                Some(Ok(example)) => Ok(example),
                _ => self.exception(cube),
            };
            match found {
                Ok(example) => return Verdict::Violated(Box::new(example)),
                Err(why) => verdict = Verdict::Undecided(why),
            }
        }
        verdict
    }

    /// A request of a box that is an exception, as the evaluator says.
    ///
    /// # Errors
    /// Why there is none.
    fn exception(&self, cube: &Cube) -> Result<Exchange, String> {
        let Some(mut request) = witness::request(self.place, self.gate, cube) else {
            return Err("what may break it asks of a request what none can state".to_owned());
        };
        request.http = Some(self.http);
        self.answer_as_feared(&mut request);
        match self.place.judge.answer(&request) {
            Ok(answer) if (answer.outcome == Outcome::Ok) != self.always => Ok(Exchange { request, answer }),
            Ok(answer) => Err(format!(
                "no rule settles {}, though it is answered {}: {}",
                witness::words(&request),
                answer.outcome.word(),
                answer.why
            )),
            Err(unknown) => Err(format!(
                "what is answered to {} is not known: {unknown}",
                witness::words(&request)
            )),
        }
    }

    /// Authorizers admit what must never pass, and refuse what always must.
    fn answer_as_feared(&self, request: &mut Request) {
        let policies = &self.place.effective().custom.policies;
        let providers = policies.iter().filter_map(|policy| policy.provider.clone());
        request
            .answers
            .extend(providers.map(|provider| (provider, !self.always)));
    }
}

fn enforced(gate: &Gate<'_>, id: OwnerId, stage: Stage) -> bool {
    gate.rule(id).is_some_and(|rule| is_enforced(rule, stage))
}

fn is_enforced(rule: &RuleAt<'_>, stage: Stage) -> bool {
    rule.stage == stage && !rule.policy.dry_run
}

fn out_of_steps(pool: &Pool) -> Verdict {
    let bound = pool.ended.as_ref().map_or(Bound::Pool, |ended| ended.bound);
    Verdict::Undecided(bound.words())
}

fn too_many() -> Verdict {
    Verdict::Undecided(format!(
        "the rules there meet it in more than {MAX_PAIRS} boxes of requests"
    ))
}
