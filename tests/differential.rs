//! What a real proxy with istiod's configuration answers, for the fixed cases of `tests/cases/differential`.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use meshc_tests::differential::case::{self, Case};
use meshc_tests::envoy::request::Seen;
use meshc_tests::envoy::{Keys, Mesh};
use meshc_tests::parts;

/// The key sets that cases name.
const KEY_SETS: &[&str] = &["main", "other"];

#[test]
fn fixed_cases_are_what_envoy_does() {
    let (Some(oracle), Some(envoy)) = (parts::oracle().unwrap(), parts::envoy().unwrap()) else {
        return;
    };
    let keys = Keys::new(KEY_SETS).unwrap();
    let cases = case::all().unwrap();
    let (ambient, plain): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.scenario.is_ambient());
    let mut report = String::new();
    for (cases, ambient) in [(plain, false), (ambient, true)] {
        if cases.is_empty() {
            continue;
        }
        let scenarios: Vec<_> = cases.iter().map(|case| case.scenario.clone()).collect();
        let mut generator = oracle.generator(ambient).unwrap();
        let mesh = Mesh::start(&scenarios, &mut generator, envoy, &keys).unwrap();
        compare(&cases, &mesh, &mut report);
    }
    assert!(report.is_empty(), "Envoy does otherwise:\n{report}");
}

fn compare(cases: &[Case], mesh: &Mesh<'_>, report: &mut String) {
    let asked = || {
        let indexed = cases.iter().enumerate();
        indexed.flat_map(|(index, case)| case.asked.iter().map(move |asked| (index, asked)))
    };
    let requests: Vec<_> = asked().map(|(index, asked)| (index, &asked.request)).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seen = mesh.ask(&requests, i64::try_from(now).unwrap()).unwrap();
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
