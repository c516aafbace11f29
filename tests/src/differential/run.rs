//! Worlds, asked twice: of a real proxy and of meshc.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::generate::World;
use super::observed::{Observed, Seconds, Tally};
use crate::envoy::request::Request;
use crate::envoy::{Configured, Keys, Mesh, Refused, now};
use crate::parts::{Envoy, Generators, Oracle};

/// The key sets that worlds and cases name.
pub const KEY_SETS: &[&str] = &["main", "other"];

/// What asks: istiod's code, Envoy, and the keys that both know.
pub struct Session<'p> {
    generators: Generators<'p>,
    envoy: &'p Envoy,
    pub keys: Keys,
}

/// What a proxy answered in worlds.
pub struct Answered {
    pub observed: Vec<Observed>,
    /// Objects that a cluster would not have stored.
    pub refused: usize,
    pub seconds: Seconds,
    /// Resident bytes of Envoy.
    pub memory: u64,
}

impl Answered {
    /// Holds all of it against what meshc says.
    pub fn compare(&self, keys: &Keys) -> Result<Tally> {
        let started = Instant::now();
        let mut tally = Tally {
            refused: self.refused,
            memory: self.memory,
            ..Tally::default()
        };
        for observed in &self.observed {
            observed.compare(keys, &mut tally)?;
        }
        tally.seconds = Seconds {
            judge: started.elapsed().as_secs_f64(),
            ..self.seconds
        };
        Ok(tally)
    }
}

impl<'p> Session<'p> {
    /// Starts what asks.
    pub fn new(oracle: &'p Oracle, envoy: &'p Envoy) -> Result<Self> {
        Ok(Self {
            generators: oracle.generators(),
            envoy,
            keys: Keys::new(KEY_SETS)?,
        })
    }

    /// Asks everything in these worlds.
    pub fn compare(&mut self, worlds: &[World]) -> Result<Tally> {
        let configured = configure(&mut self.generators, &self.keys, worlds)?;
        ask(self.envoy, &self.keys, configured, worlds)?.compare(&self.keys)
    }

    /// Asks batch after batch as [`Session::ask_batches`] does; `each` sees how it compares with what meshc says.
    pub fn compare_batches(
        &mut self,
        first: u64,
        batch: impl Fn(u64) -> Vec<World> + Send,
        mut each: impl FnMut(u64, Tally) -> Result<bool>,
    ) -> Result<()> {
        self.ask_batches(first, batch, |number, answered, keys| {
            each(number, answered.compare(keys)?)
        })
    }

    /// Asks batch after batch, from the given one on, for as long as `each` wants: it sees what came of one, and says
    /// whether to go on. The next batch is configured while one is asked.
    pub fn ask_batches(
        &mut self,
        first: u64,
        batch: impl Fn(u64) -> Vec<World> + Send,
        mut each: impl FnMut(u64, Answered, &Keys) -> Result<bool>,
    ) -> Result<()> {
        let (generators, keys, envoy) = (&mut self.generators, &self.keys, self.envoy);
        let (ready, next) = sync_channel(0);
        thread::scope(|scope| {
            scope.spawn(move || {
                for number in first.. {
                    let worlds = batch(number);
                    let configured = configure(generators, keys, &worlds);
                    let ends = configured.is_err();
                    // Nobody takes it any more when enough was asked.
                    if ready.send((number, worlds, configured)).is_err() || ends {
                        break;
                    }
                }
            });
            // Dropped at the end, which ends the other thread too.
            for (number, worlds, configured) in next {
                let answered = ask(envoy, keys, configured?, &worlds)?;
                if !each(number, answered, keys)? {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn configure(generators: &mut Generators<'_>, keys: &Keys, worlds: &[World]) -> Result<Configured> {
    let scenarios = worlds.iter().map(|world| world.scenario.clone()).collect();
    Configured::new(scenarios, Refused::LeaveOut, generators, keys)
}

fn ask(envoy: &Envoy, keys: &Keys, configured: Configured, worlds: &[World]) -> Result<Answered> {
    let refused = configured.refused;
    let scenarios = configured.scenarios.clone();
    let mesh = Mesh::start(configured, envoy, keys)?;
    let indexed = worlds.iter().enumerate();
    let requests: Vec<(usize, &Request)> = indexed
        .flat_map(|(index, world)| world.requests.iter().map(move |request| (index, request)))
        .collect();
    let now = now();
    let started = Instant::now();
    let seen = mesh.ask(&requests)?;
    let seconds = Seconds {
        ask: started.elapsed().as_secs_f64(),
        configure: mesh.timing.configure,
        start: mesh.timing.start,
        judge: 0.0,
    };
    let memory = mesh.memory();
    drop(mesh);
    let mut seen = seen.into_iter();
    let observed = scenarios.into_iter().zip(worlds).map(|(scenario, world)| {
        let asked = world.requests.iter().map(|request| {
            let seen = seen.next().context("a request without an answer")?;
            Ok((request.clone(), seen))
        });
        Ok(Observed {
            name: scenario.name.clone(),
            now,
            asked: asked.collect::<Result<_>>()?,
            scenario,
        })
    });
    Ok(Answered {
        observed: observed.collect::<Result<_>>()?,
        refused,
        seconds,
        memory,
    })
}
