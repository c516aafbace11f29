//! Exact findings about rules, each a statement about every request there can be.
//!
//! All of them ask the compiled rules that the evaluator asks. What a bound leaves undecided is not reported.

mod atoms;
pub mod composed;
pub mod errors;
mod region;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::Diagnostics;
use crate::policy::effective::{self, rules::CompiledRule};
use crate::policy::inventory::Mesh;
use crate::policy::{Authorization, PolicySet, Target};
use crate::source::Span;

/// What is found of the rules of one place in the text.
#[derive(Default)]
struct Found {
    /// One of them can match, or it is not known that none can.
    alive: bool,
    /// The facts that contradict themselves, in words.
    facts: BTreeSet<String>,
}

/// Reports each rule that no request or connection can match, whoever enforces it.
///
/// A declaration may stand for many rules. It is reported once, and only if none of them can match.
pub fn check(policies: &PolicySet, mesh: &Mesh, target: Target, acc: &mut Diagnostics) {
    let own_domains = mesh.own_domains();
    let mut found: BTreeMap<Span, Found> = BTreeMap::new();
    for (at, policy) in policies.authorizations.iter().enumerate() {
        judge(at, policy, target, &own_domains, &mut found);
    }
    for (origin, found) in found {
        if !found.alive {
            acc.push(errors::dead_rule(origin, &found.facts));
        }
    }
}

fn judge(at: usize, policy: &Authorization, target: Target, own: &[&str], found: &mut BTreeMap<Span, Found>) {
    let envoy = effective::compile(at, policy, false, target, own);
    let mut dead: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for rule in &envoy.http {
        if let Some(facts) = region::contradiction(rule, target) {
            dead.insert(rule.index, facts);
        }
    }
    if !dead.is_empty() {
        // What a rule asks of requests may be forgotten for connections, and then it matches these.
        let ztunnel = effective::compile(at, policy, true, target, own);
        let mut keep = |rules: &[CompiledRule]| {
            for rule in rules {
                if dead.contains_key(&rule.index) && region::contradiction(rule, target).is_none() {
                    dead.remove(&rule.index);
                }
            }
        };
        keep(&envoy.tcp);
        keep(&ztunnel.tcp);
    }
    for (index, rule) in policy.action.rules().iter().enumerate() {
        let entry = found.entry(rule.origin).or_default();
        match dead.remove(&index) {
            Some(facts) => entry.facts.extend(facts),
            None => entry.alive = true,
        }
    }
}

#[cfg(test)]
mod tests;
