//! Rules that no one would write, each family hard for another way of deciding: do some DENY rules hold everything?

use meshc::policy::{Action, Authorization, Condition, ConditionKey, Lists, OneOrMore, PolicySet, Rule};

use super::{Dice, policies, some};

/// A family: its name, and its rules. The question is whether they hold every request together.
pub(crate) type Family = (&'static str, Vec<Rule>);

/// Those of the study's table.
pub(crate) fn families() -> Vec<Family> {
    vec![
        ("grid of 2^10 cells", grid(1 << 10)),
        ("grid of 2^10 cells, one hole", grid((1 << 10) - 1)),
        ("staircase of 100 steps", staircase(100)),
        ("odd cycle of 201 parities", parities(201)),
        ("30 pairs", pairs(30)),
        ("random, 50 facts, 213 rules", random(50, 213)),
        ("random, 100 facts, 520 rules", random(100, 520)),
        ("random, 200 facts, 1,100 rules", random(200, 1_100)),
        ("one claim of 100 values, 520 rules", one_claim(100, 520)),
        ("negations, 12 facts of 4 values, 300 rules", negations(12, 4, 8, 300)),
        (
            "negations, 30 facts of 3 values, 1,000 rules",
            negations(30, 3, 5, 1_000),
        ),
        ("pigeonhole, 8 into 7", pigeonhole(8)),
        ("pigeonhole, 9 into 8", pigeonhole(9)),
        ("pigeonhole, 12 into 11", pigeonhole(12)),
    ]
}

/// One rule that allows everything, and the family as DENY rules, all at one place.
pub(crate) fn question(family: &[Rule]) -> PolicySet {
    let deny = family.iter().map(|rule| (true, rule.clone()));
    let mut authorizations = policies(deny.collect(), None, 0);
    for policy in &mut authorizations {
        policy
            .action
            .rules_mut()
            .iter_mut()
            .for_each(|rule| rule.origin = Rule::default().origin);
    }
    let everything = policies(vec![(false, Rule::default())], Some(1), 1);
    let as_all = |policy: Authorization| Authorization {
        selection: meshc::policy::Selection::All,
        ..policy
    };
    authorizations.retain(|policy| !policy.action.rules().is_empty());
    authorizations.extend(everything.into_iter().map(as_all));
    PolicySet {
        authorizations,
        ..PolicySet::default()
    }
}

/// The family as DENY rules of one workload, each asked about against all others.
pub(crate) fn workload(family: &[Rule]) -> PolicySet {
    let rules = family.iter().map(|rule| (true, rule.clone()));
    PolicySet {
        authorizations: policies(rules.collect(), None, 0)
            .into_iter()
            .filter(|policy| matches!(&policy.action, Action::Deny(rules) if OneOrMore::as_slice(rules).len() > 1))
            .collect(),
        ..PolicySet::default()
    }
}

fn rule(conditions: impl IntoIterator<Item = Condition>) -> Rule {
    Rule {
        conditions: conditions.into_iter().collect(),
        ..Rule::default()
    }
}

fn lists(values: Vec<String>, positive: bool) -> Lists<String> {
    let none = Vec::new();
    let (values, not_values) = if positive { (values, none) } else { (none, values) };
    Lists { values, not_values }
}

/// Whether there is a claim, of which only one value is told apart.
fn claim(at: usize, holds: bool) -> Condition {
    Condition {
        key: ConditionKey::Claim(vec![format!("c{at}")]),
        lists: lists(some("a").values, holds),
    }
}

/// A header, which in older releases has one value.
fn header(at: usize, values: impl IntoIterator<Item = usize>, holds: bool) -> Condition {
    Condition {
        key: ConditionKey::Header(format!("x-{at}")),
        lists: lists(values.into_iter().map(|value| format!("v{value}")).collect(), holds),
    }
}

fn grid(cells: usize) -> Vec<Rule> {
    let cell = |cell: usize| rule((0..10).map(|bit| claim(bit, cell >> bit & 1 == 1)));
    (0..cells).map(cell).collect()
}

fn staircase(steps: usize) -> Vec<Rule> {
    let step = |at: usize| {
        let low = |fact, holds| header(fact, 0..=at, holds);
        [
            rule([header(0, [at], true), low(1, true)]),
            rule([header(0, [at], true), low(1, false), low(2, true)]),
            rule([header(0, [at], true), low(1, false), low(2, false)]),
        ]
    };
    (0..steps)
        .flat_map(step)
        .chain([rule([header(0, 0..steps, false)])])
        .collect()
}

fn parities(count: usize) -> Vec<Rule> {
    let same = |at: usize| [true, false].map(|holds| rule([claim(at, holds), claim((at + 1) % count, holds)]));
    (0..count).flat_map(same).collect()
}

fn pairs(count: usize) -> Vec<Rule> {
    let differ = |at: usize| [true, false].map(|holds| rule([claim(at, holds), claim(at + count, !holds)]));
    (0..count).flat_map(differ).collect()
}

fn random(facts: usize, rules: usize) -> Vec<Rule> {
    let mut dice = Dice::new(3);
    let one = |_| {
        rule(
            (0..3)
                .map(|_| claim(dice.below(facts), dice.below(2) == 0))
                .collect::<Vec<_>>(),
        )
    };
    (0..rules).map(one).collect()
}

fn one_claim(values: usize, rules: usize) -> Vec<Rule> {
    let mut dice = Dice::new(4);
    let mut group = || Condition {
        key: ConditionKey::Claim(vec!["groups".to_owned()]),
        lists: lists(vec![format!("g{}", dice.below(values))], dice.below(2) == 0),
    };
    (0..rules)
        .map(|_| rule((0..3).map(|_| group()).collect::<Vec<_>>()))
        .collect()
}

pub(crate) fn negations(facts: usize, values: usize, each: usize, rules: usize) -> Vec<Rule> {
    let mut dice = Dice::new(5);
    let mut not = || header(dice.below(facts), [dice.below(values)], false);
    (0..rules)
        .map(|_| rule((0..each).map(|_| not()).collect::<Vec<_>>()))
        .collect()
}

/// Each of these is in a hole, and no two are in one.
fn pigeonhole(count: usize) -> Vec<Rule> {
    let holes = count - 1;
    let outside = (0..count).map(|at| rule([header(at, 0..holes, false)]));
    let both = |hole: usize| {
        let pairs = (0..count).flat_map(move |one| (0..one).map(move |other| (one, other)));
        pairs.map(move |(one, other)| rule([header(one, [hole], true), header(other, [hole], true)]))
    };
    outside.chain((0..holes).flat_map(both)).collect()
}
