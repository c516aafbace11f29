//! What it costs to prove findings: the rules of one workload, those of many, and hostile ones; by the two kinds of rules
//! that `rules` makes.

mod measure;
mod rules;

use std::time::Duration;

use criterion::Criterion;
use meshc::analysis::Analysis;
use meshc::diagnostics::{Diagnostic, Diagnostics};
use meshc::policy::evaluate::Judge;
use meshc::policy::inventory::Inventory;
use meshc::policy::{PolicySet, Target};
use rules::{Dice, Ruling};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(200))
        .configure_from_args();
    for (kind, make) in [
        ("tenants", rules::tenants as fn(&mut Dice, usize) -> Vec<Ruling>),
        ("broad", rules::broad),
    ] {
        for count in [10, 100, 1_000, 10_000] {
            let policies = rules::one(make(&mut Dice::new(1), count));
            measure::size(&format!("{count} rules of {kind}: {} findings", findings(&policies)));
            let spent = measure::best(&mut criterion, &format!("{kind}/{count} rules"), || findings(&policies));
            bar(&format!("{kind}: {count} rules of one workload"), spent, count);
        }
    }
    let thousand = many(&mut criterion, 1_000);
    measure::ratio(
        "1,000 workloads of 10 rules / 120 ms",
        thousand,
        Some(Duration::from_millis(120)),
        1.0,
    );
    let ten_thousand = many(&mut criterion, 10_000);
    measure::ratio(
        "10,000 workloads of 10 rules / 1.5 s",
        ten_thousand,
        Some(Duration::from_millis(1500)),
        1.0,
    );
    measure::ratio("10,000 workloads / 1,000", ten_thousand, thousand, 12.0);
    for (name, family) in rules::hostile::families() {
        hostile(&mut criterion, name, &rules::hostile::question(&family));
    }
    for (name, family) in rules::hostile::families() {
        hostile(
            &mut criterion,
            &format!("each of {name}"),
            &rules::hostile::workload(&family),
        );
    }
    criterion.final_summary();
}

/// Whatever is asked ends, with an answer or as undecided.
fn hostile(criterion: &mut Criterion, name: &str, policies: &PolicySet) {
    let found = judged(policies, one_value_each());
    let of = |code: &str| found.iter().filter(|finding| finding.code.id == code).count();
    let (covered, undecided) = (of("W0601") + of("W0602"), of("N0603"));
    measure::size(&format!(
        "{name}: {covered} covered, {undecided} reasons why some are undecided"
    ));
    let spent = measure::best(criterion, &format!("hostile/{name}"), || {
        judged(policies, one_value_each())
    });
    measure::ratio(&format!("{name} / 2 s"), spent, Some(Duration::from_secs(2)), 1.0);
}

/// A release in which a header has one value.
fn one_value_each() -> Target {
    Target::parse("istio-1.26").unwrap_or(Target::NEWEST)
}

fn bar(what: &str, spent: Option<Duration>, count: usize) {
    let bar = match count {
        100 => Duration::from_millis(1),
        10_000 => Duration::from_millis(800),
        _ => return,
    };
    measure::ratio(&format!("{what} / {bar:?}"), spent, Some(bar), 1.0);
}

fn many(criterion: &mut Criterion, workloads: usize) -> Option<Duration> {
    let policies = rules::many(&mut Dice::new(2), workloads);
    measure::size(&format!("{workloads} workloads: {} findings", findings(&policies)));
    measure::best(criterion, &format!("{workloads} workloads of 10 rules"), || {
        findings(&policies)
    })
}

/// How many findings there are, on all cores as in the compiler.
fn findings(policies: &PolicySet) -> usize {
    judged(policies, Target::NEWEST).len()
}

fn judged(policies: &PolicySet, target: Target) -> Vec<Diagnostic> {
    let inventory = Inventory::default();
    let judge = Judge::new(policies, &inventory, target);
    let mut acc = Diagnostics::default();
    Analysis::of(&judge).report(&mut acc);
    acc.into_sorted()
}
