//! A property: normal form, joining and grouping into rules keep the meaning of every formula.
//!
//! Each value of each list is taken as a fact that a request has or lacks, whatever the value says; a form that means
//! the same under all such facts means the same for all requests.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::formula::{Alternative, Formula, Slot, alternatives};
use super::rules;
use crate::diagnostics::Diagnostics;
use crate::policy::{ConditionKey, Lists, Rule};
use crate::source::Span;

type Facts = BTreeSet<(Slot, String)>;

/// Slots with a place for a second list, so that no formula is refused.
fn slots() -> Vec<Slot> {
    vec![
        Slot::Principals,
        Slot::Namespaces,
        Slot::IpBlocks,
        Slot::Ports,
        Slot::RequestPrincipals,
        Slot::When(ConditionKey::Header("x".to_owned())),
        Slot::When(ConditionKey::Sni),
    ]
}

/// Values that stand in any slot, addresses and ports included.
fn values(slot: &Slot) -> Vec<String> {
    match slot {
        Slot::IpBlocks => ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(str::to_owned).to_vec(),
        _ => ["1", "2", "3"].map(str::to_owned).to_vec(),
    }
}

fn formulas() -> impl Strategy<Value = Formula> {
    let list = (0..slots().len(), prop::sample::subsequence(vec![0usize, 1, 2], 1..=2)).prop_map(|(slot, picks)| {
        let slot = slots()[slot].clone();
        let all = values(&slot);
        Formula::List(slot, picks.into_iter().map(|at| all[at].clone()).collect())
    });
    let leaf = prop_oneof![9 => list, 1 => Just(Formula::True)];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..=3).prop_map(Formula::And),
            prop::collection::vec(inner.clone(), 1..=3).prop_map(Formula::Or),
            inner.prop_map(|f| Formula::Not(Box::new(f))),
        ]
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    let all: Vec<(Slot, String)> = slots()
        .into_iter()
        .flat_map(|slot| values(&slot).into_iter().map(move |v| (slot.clone(), v)))
        .collect();
    let most = all.len();
    prop::sample::subsequence(all, 0..=most).prop_map(|list| list.into_iter().collect())
}

fn formula_holds(formula: &Formula, facts: &Facts) -> bool {
    match formula {
        Formula::True => true,
        Formula::List(slot, values) => has(slot, values, facts),
        Formula::And(parts) => parts.iter().all(|part| formula_holds(part, facts)),
        Formula::Or(parts) => parts.iter().any(|part| formula_holds(part, facts)),
        Formula::Not(inner) => !formula_holds(inner, facts),
    }
}

fn has(slot: &Slot, values: &[String], facts: &Facts) -> bool {
    values
        .iter()
        .any(|value| facts.contains(&(slot.clone(), value.clone())))
}

fn alternative_holds(alternative: &Alternative, facts: &Facts) -> bool {
    alternative
        .positive
        .iter()
        .all(|(slot, values)| has(slot, values, facts))
        && alternative
            .negative
            .iter()
            .all(|(slot, values)| !has(slot, values, facts))
}

fn lists_hold<T: ToString>(slot: &Slot, lists: &Lists<T>, facts: &Facts) -> bool {
    let texts = |list: &[T]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    (lists.values.is_empty() || has(slot, &texts(&lists.values), facts)) && !has(slot, &texts(&lists.not_values), facts)
}

/// The slot whose facts a condition asks.
fn slot_of(key: &ConditionKey) -> Slot {
    slots()
        .into_iter()
        .find(|slot| slot.second().as_ref() == Some(key))
        .unwrap()
}

fn rule_holds(rule: &Rule, facts: &Facts) -> bool {
    let source = |s: &crate::policy::Source| {
        let ips = Lists {
            values: s.ip_blocks.values.iter().map(|ip| ip.as_str()).collect(),
            not_values: s.ip_blocks.not_values.iter().map(|ip| ip.as_str()).collect(),
        };
        lists_hold(&Slot::Principals, &s.principals, facts)
            && lists_hold(&Slot::Namespaces, &s.namespaces, facts)
            && lists_hold(&Slot::RequestPrincipals, &s.request_principals, facts)
            && lists_hold(&Slot::IpBlocks, &ips, facts)
    };
    (rule.sources.is_empty() || rule.sources.iter().any(source))
        && (rule.operations.is_empty()
            || rule
                .operations
                .iter()
                .any(|o| lists_hold(&Slot::Ports, &o.ports, facts)))
        && rule
            .conditions
            .iter()
            .all(|c| lists_hold(&slot_of(&c.key), &c.lists, facts))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_mean_what_the_formula_means(formula in formulas(), requests in prop::collection::vec(facts(), 8), separate: bool) {
        let Ok(list) = alternatives(&formula) else { return Ok(()) };
        let mut acc = Diagnostics::default();
        let rules = rules::rules(&list, separate, Span::default(), &mut acc);
        prop_assert!(!acc.has_errors());
        for facts in &requests {
            let expected = formula_holds(&formula, facts);
            prop_assert_eq!(list.iter().any(|a| alternative_holds(a, facts)), expected);
            prop_assert_eq!(rules.iter().any(|rule| rule_holds(rule, facts)), expected);
        }
    }
}
