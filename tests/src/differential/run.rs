//! Worlds, asked twice: of a real proxy and of meshc. What differs is a disagreement.

use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::generate::World;
use super::judge::{self, Understood};
use crate::envoy::request::{Request, Seen};
use crate::envoy::{Configured, Keys, Mesh, Refused, Scenario, now};
use crate::parts::{Envoy, Generator, Oracle};

/// The key sets that worlds and cases name.
pub const KEY_SETS: &[&str] = &["main", "other"];

/// What asks: istiod's code, Envoy, and the keys that both know.
pub struct Session<'p> {
    generator: Generator,
    envoy: &'p Envoy,
    pub keys: Keys,
}

/// A request to which meshc and the proxy say different things.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub scenario: Scenario,
    pub request: Request,
    pub seen: Seen,
    /// In the words of tests, or why there is no answer.
    pub said: String,
}

impl Disagreement {
    /// What is the same where the cause is most often the same.
    #[must_use]
    pub fn kind(&self) -> (String, String) {
        let seen = match &self.seen {
            Seen::Status(200, _) => "200".to_owned(),
            seen => format!("{seen:?}"),
        };
        (seen, self.said.clone())
    }
}

/// What came of worlds.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests that were answered twice.
    pub pairs: usize,
    /// Requests that meshc did not answer, by its reason.
    pub unanswered: BTreeMap<String, usize>,
    /// By outcome.
    pub outcomes: BTreeMap<String, usize>,
    /// Objects that a cluster would not have stored.
    pub refused: usize,
    pub disagreements: Vec<Disagreement>,
    pub seconds: Seconds,
    /// Most resident bytes of Envoy.
    pub memory: u64,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seconds {
    /// istiod's code, and the rewriting of what it says.
    pub configure: f64,
    /// Until Envoy is ready.
    pub start: f64,
    pub ask: f64,
    /// Reading the policies and judging the requests.
    pub judge: f64,
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.refused += other.refused;
        for (reason, count) in other.unanswered {
            *self.unanswered.entry(reason).or_default() += count;
        }
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.disagreements.extend(other.disagreements);
        self.seconds.configure += other.seconds.configure;
        self.seconds.start += other.seconds.start;
        self.seconds.ask += other.seconds.ask;
        self.seconds.judge += other.seconds.judge;
        self.memory = self.memory.max(other.memory);
    }
}

impl<'p> Session<'p> {
    /// Starts what asks.
    pub fn new(oracle: &Oracle, envoy: &'p Envoy) -> Result<Self> {
        Ok(Self {
            generator: oracle.generator(false)?,
            envoy,
            keys: Keys::new(KEY_SETS)?,
        })
    }

    /// Asks everything in these worlds.
    pub fn compare(&mut self, worlds: &[World]) -> Result<Tally> {
        let configured = configure(&mut self.generator, &self.keys, worlds)?;
        ask(self.envoy, &self.keys, configured, worlds)
    }

    /// Asks batch after batch, from the given one on, for as long as `each` wants: it sees what came of one, and says
    /// whether to go on. The next batch is configured while one is asked.
    pub fn compare_batches(
        &mut self,
        first: u64,
        batch: impl Fn(u64) -> Vec<World> + Send,
        mut each: impl FnMut(u64, Tally) -> Result<bool>,
    ) -> Result<()> {
        let (generator, keys, envoy) = (&mut self.generator, &self.keys, self.envoy);
        let (ready, next) = sync_channel(0);
        thread::scope(|scope| {
            scope.spawn(move || {
                for number in first.. {
                    let worlds = batch(number);
                    let configured = configure(generator, keys, &worlds);
                    let ends = configured.is_err();
                    // Nobody takes it any more when enough was asked.
                    if ready.send((number, worlds, configured)).is_err() || ends {
                        break;
                    }
                }
            });
            // Dropped at the end, which ends the other thread too.
            for (number, worlds, configured) in next {
                let tally = ask(envoy, keys, configured?, &worlds)?;
                if !each(number, tally)? {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn configure(generator: &mut Generator, keys: &Keys, worlds: &[World]) -> Result<Configured> {
    let scenarios = worlds.iter().map(|world| world.scenario.clone()).collect();
    Configured::new(scenarios, Refused::LeaveOut, generator, keys)
}

fn ask(envoy: &Envoy, keys: &Keys, configured: Configured, worlds: &[World]) -> Result<Tally> {
    let mut tally = Tally {
        refused: configured.refused,
        ..Tally::default()
    };
    let scenarios = configured.scenarios.clone();
    let mesh = Mesh::start(configured, envoy, keys)?;
    let indexed = worlds.iter().enumerate();
    let requests: Vec<(usize, &Request)> = indexed
        .flat_map(|(index, world)| world.requests.iter().map(move |request| (index, request)))
        .collect();
    let now = now();
    let started = Instant::now();
    let seen = mesh.ask(&requests)?;
    tally.seconds.ask = started.elapsed().as_secs_f64();
    tally.seconds.configure = mesh.timing.configure;
    tally.seconds.start = mesh.timing.start;
    tally.memory = mesh.memory();
    drop(mesh);
    let started = Instant::now();
    let mut seen = seen.into_iter();
    for (scenario, world) in scenarios.iter().zip(worlds) {
        let understood = match Understood::new(scenario, keys) {
            Ok(understood) => understood,
            Err(error) => {
                let seen = seen.by_ref().take(world.requests.len());
                let first = world.requests.iter().zip(seen).collect::<Vec<_>>().into_iter().next();
                tally.disagreements.extend(first.map(|(request, seen)| Disagreement {
                    scenario: scenario.clone(),
                    request: request.clone(),
                    seen,
                    said: format!("{error:#}"),
                }));
                continue;
            }
        };
        let judge = understood.judge();
        for request in &world.requests {
            let seen = seen.next().context("a request without an answer")?;
            *tally.outcomes.entry(seen.to_string()).or_default() += 1;
            let said = match judge::question(scenario, request, keys, now)? {
                Some(question) => judge::answer(&judge, &question),
                None => Err("meshc has no words for the request".to_owned()),
            };
            match said {
                Err(reason) => *tally.unanswered.entry(reason).or_default() += 1,
                Ok(said) => {
                    tally.pairs += 1;
                    if said != judge::as_outcome(&seen.to_string()) {
                        tally.disagreements.push(Disagreement {
                            scenario: scenario.clone(),
                            request: request.clone(),
                            seen,
                            said: said.to_owned(),
                        });
                    }
                }
            }
        }
    }
    tally.seconds.judge = started.elapsed().as_secs_f64();
    Ok(tally)
}
