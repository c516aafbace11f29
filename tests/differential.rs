//! The fixed cases of `tests/cases/differential`: a real proxy with istiod's configuration answers as they say, and so does
//! meshc.

use std::fmt::Write as _;

use meshc_tests::differential::case::{self, Case};
use meshc_tests::differential::ci;
use meshc_tests::differential::generate::world;
use meshc_tests::differential::judge::{self, Understood};
use meshc_tests::differential::minimise::{minimise, to_case};
use meshc_tests::differential::observed::{Disagreement, Tally};
use meshc_tests::differential::run::{KEY_SETS, Session};
use meshc_tests::envoy::request::Seen;
use meshc_tests::envoy::{Configured, Keys, Mesh, Refused, now};
use meshc_tests::parts;

#[test]
fn fixed_cases_are_what_envoy_does() {
    let (Some(oracle), Some(envoy)) = (parts::oracle().unwrap(), parts::envoy().unwrap()) else {
        return;
    };
    let keys = Keys::new(KEY_SETS).unwrap();
    let cases = case::all().unwrap();
    let mut report = String::new();
    let scenarios: Vec<_> = cases.iter().map(|case| case.scenario.clone()).collect();
    let configured = Configured::new(scenarios, Refused::Fail, &mut oracle.generators(), &keys).unwrap();
    let mesh = Mesh::start(configured, envoy, &keys).unwrap();
    compare(&cases, &mesh, &mut report);
    assert!(report.is_empty(), "Envoy does otherwise:\n{report}");
}

#[test]
fn fixed_cases_are_what_meshc_says() {
    let keys = Keys::new(KEY_SETS).unwrap();
    let now = now();
    let mut report = String::new();
    for case in case::all().unwrap() {
        let understood = match Understood::new(&case.scenario, &keys) {
            Ok(understood) => understood,
            Err(error) => {
                writeln!(report, "{error:#}").unwrap();
                continue;
            }
        };
        let judge = understood.judge();
        for asked in &case.asked {
            // Who listens is a fact of the installation, which policies are not asked about.
            if asked.known.outcome() == "refused" {
                continue;
            }
            let Some(question) = judge::question(&understood, &case.scenario, &asked.request, &keys, now).unwrap()
            else {
                continue;
            };
            let place = format!("{} / {}", case.scenario.name, asked.known.say);
            let expected = asked.known.outcome();
            let expected = judge::as_outcome(&expected);
            match (judge::answer(&judge, &question), &asked.known.unknown) {
                (Ok(said), None) if said == expected => {}
                (Err(said), Some(known)) if said.starts_with(known.as_str()) => {}
                (said, _) => writeln!(report, "{place}: expected {expected}, meshc says {said:?}").unwrap(),
            }
        }
    }
    assert!(report.is_empty(), "meshc says otherwise:\n{report}");
}

#[test]
fn generated_meshes_are_what_envoy_does() {
    let (Some(oracle), Some(envoy)) = (parts::oracle().unwrap(), parts::envoy().unwrap()) else {
        return;
    };
    let mut session = Session::new(oracle, envoy).unwrap();
    let mut total = Tally::default();
    let each = |_, tally: Tally| {
        total.add(tally);
        Ok(total.pairs < ci::PAIRS && total.disagreements.is_empty())
    };
    session.compare_batches(0, ci::batch, each).unwrap();
    let mut report = String::new();
    for found in &total.disagreements {
        let request = serde_json::to_string(&found.request).unwrap();
        let Disagreement {
            scenario, seen, said, ..
        } = found;
        writeln!(report, "{}: Envoy {seen:?}, meshc {said}: {request}", scenario.name).unwrap();
    }
    if let Some(found) = total.disagreements.first() {
        report.push_str(&to_case(&minimise(&mut session, found).unwrap()).unwrap());
    }
    assert!(report.is_empty(), "they disagree:\n{report}");
    assert!(total.pairs >= ci::PAIRS);
    assert!(
        total.of_programs * 6 > total.pairs,
        "too few programs: {}",
        total.of_programs
    );
    // Where nothing is refused, or everything, nothing is tried.
    for outcome in ["200", "400", "401", "403", "reset", "tls-error", "echo"] {
        assert!(
            total.outcomes.get(outcome).is_some_and(|count| *count > 100),
            "{outcome}: {:?}",
            total.outcomes
        );
    }
    let unanswered: usize = total.unanswered.values().sum();
    assert!(
        unanswered * 100 < total.pairs,
        "meshc answers too little: {:?}",
        total.unanswered
    );
}

#[test]
fn a_world_that_cannot_be_played_is_no_smaller_one() {
    let (Some(oracle), Some(envoy)) = (parts::oracle().unwrap(), parts::envoy().unwrap()) else {
        return;
    };
    let mut session = Session::new(oracle, envoy).unwrap();
    let mut world = world(ci::SEED, 1);
    world.requests.retain(|request| request.to.starts_with("gw."));
    // Without its Gateway there is no listener, and without its host a VirtualService is none.
    world
        .scenario
        .objects
        .retain(|object| object["metadata"]["name"] == "gw");
    let found = Disagreement {
        request: world.requests.pop().unwrap(),
        scenario: world.scenario,
        seen: Seen::Timeout,
        said: "what nobody says".to_owned(),
    };
    let smallest = minimise(&mut session, &found).unwrap();
    assert_eq!(smallest.scenario.objects, found.scenario.objects);
}

fn compare(cases: &[Case], mesh: &Mesh<'_>, report: &mut String) {
    let asked = || {
        let indexed = cases.iter().enumerate();
        indexed.flat_map(|(index, case)| case.asked.iter().map(move |asked| (index, asked)))
    };
    let requests: Vec<_> = asked().map(|(index, asked)| (index, &asked.request)).collect();
    let seen = mesh.ask(&requests).unwrap();
    assert_eq!(seen.len(), requests.len());
    for ((index, asked), seen) in asked().zip(seen) {
        let place = format!("{} / {}", cases[index].scenario.name, asked.known.say);
        let expected = asked.known.outcome();
        if seen.to_string() != expected {
            writeln!(report, "{place}: expected {expected}, seen {seen:?}").unwrap();
        } else if matches!(seen, Seen::Status(200, _)) {
            let shown = seen.upstream();
            for (name, value) in &asked.known.upstream {
                let own = shown.iter().find(|(own, _)| own == name).map(|(_, value)| value);
                if own != value.as_ref() {
                    writeln!(report, "{place}: the application sees {name} = {own:?}, not {value:?}").unwrap();
                }
            }
        }
    }
}
