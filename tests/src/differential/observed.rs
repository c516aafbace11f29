//! What was asked of a real proxy, held against what meshc says. What differs is a disagreement.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::case::Case;
use super::judge::{self, Understood};
use crate::envoy::request::{Request, Seen};
use crate::envoy::{Keys, Scenario, now};

/// A mesh, and what a proxy answered in it.
#[derive(Debug, Deserialize, Serialize)]
pub struct Observed {
    pub name: String,
    /// When it was asked, in seconds since 1970.
    pub now: i64,
    pub scenario: Scenario,
    pub asked: Vec<(Request, Seen)>,
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
    /// Those of them that were asked of programs of the Mesh language.
    pub of_programs: usize,
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
        self.of_programs += other.of_programs;
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

impl Observed {
    /// A fixed case, of which it is known what a proxy answers. What meshc declines to answer is left out.
    #[must_use]
    pub fn of_case(case: Case) -> Self {
        let answered = case.asked.into_iter().filter(|asked| asked.known.unknown.is_none());
        Self {
            name: case.scenario.name.clone(),
            now: now(),
            asked: answered
                .map(|asked| (asked.request, Seen::from(asked.known.outcome())))
                .collect(),
            scenario: case.scenario,
        }
    }

    /// Asks meshc the same, and adds what came of it. Requests with tokens are asked twice: once with what the tokens say,
    /// once with their texts.
    pub fn compare(&self, keys: &Keys, tally: &mut Tally) -> Result<()> {
        let differs = |(request, seen): &(Request, Seen), said: String| Disagreement {
            scenario: Scenario {
                name: self.name.clone(),
                ..self.scenario.clone()
            },
            request: request.clone(),
            seen: seen.clone(),
            said,
        };
        let understood = match Understood::new(&self.scenario, keys) {
            Ok(understood) => understood,
            Err(error) => {
                let first = self.asked.first();
                tally
                    .disagreements
                    .extend(first.map(|asked| differs(asked, format!("{error:#}"))));
                return Ok(());
            }
        };
        let judge = understood.judge();
        for asked @ (request, seen) in &self.asked {
            *tally.outcomes.entry(seen.to_string()).or_default() += 1;
            if *seen == Seen::Refused {
                let reason = "istiod makes no listener for the port".to_owned();
                *tally.unanswered.entry(reason).or_default() += 1;
                continue;
            }
            let Some(question) = judge::question(&understood, &self.scenario, request, keys, self.now)? else {
                let reason = "meshc has no words for the request".to_owned();
                *tally.unanswered.entry(reason).or_default() += 1;
                continue;
            };
            let mut said = judge::answer(&judge, &question);
            if !request.tokens.is_empty() {
                let sent = request.with_texts(&keys.sets, self.now)?;
                if let Some(mut question) = judge::question(&understood, &self.scenario, &sent, keys, self.now)? {
                    understood.tokens.read(&mut question);
                    let of_text = judge::answer(&judge, &question);
                    // What a token is like as text is not always known of one that is given by what it says.
                    if said.is_err() || of_text != Ok(judge::as_outcome(&seen.to_string())) {
                        said = of_text;
                    }
                }
            }
            match said {
                Err(reason) => *tally.unanswered.entry(reason).or_default() += 1,
                Ok(said) => {
                    tally.pairs += 1;
                    tally.of_programs += usize::from(self.scenario.program.is_some());
                    if said != judge::as_outcome(&seen.to_string()) {
                        tally.disagreements.push(differs(asked, said.to_owned()));
                    }
                }
            }
        }
        Ok(())
    }
}
