//! The requests that a sentence speaks of, as rules for requests and for connections.

use crate::policy::effective::rules::{Clause, CompiledRule, Compiler, Layer, Matcher, Test};
use crate::policy::inventory::Inventory;
use crate::policy::{Invariant, Target};
use crate::source::Span;

/// The rules of a sentence; `None` if a value of it cannot be read.
pub(super) fn rules(
    invariant: &Invariant,
    inventory: &Inventory,
    target: Target,
    http: bool,
) -> Option<Vec<CompiledRule>> {
    let own_domains = inventory.mesh.own_domains();
    let compiler = Compiler {
        layer: Layer::Http,
        target,
        allow: true,
        own_domains: &own_domains,
        namespace: "",
    };
    let rules = compiler.rules(&invariant.rules);
    if rules.len() < invariant.rules.len() {
        return None;
    }
    Some(if http {
        rules
    } else {
        rules.into_iter().map(of_connections).collect()
    })
}

/// A connection has no HTTP fact: what wants one does not match, what excludes one does.
fn of_connections(mut rule: CompiledRule) -> CompiledRule {
    rule.clauses = rule.clauses.into_iter().map(of_connection).collect();
    rule
}

fn of_connection(clause: Clause) -> Clause {
    let mut kept = Vec::new();
    for tests in clause {
        let wants = |test: &Test| test.positive.iter().any(is_of_http);
        if tests.iter().any(wants) {
            continue;
        }
        let tests = tests.into_iter().map(|mut test| {
            test.negative.retain(|matcher| !is_of_http(matcher));
            test
        });
        kept.push(tests.collect());
    }
    kept
}

const fn is_of_http(matcher: &Matcher) -> bool {
    matches!(
        matcher,
        Matcher::RequestPrincipal(..)
            | Matcher::BoundPrincipal(_)
            | Matcher::Host(_)
            | Matcher::Method(_)
            | Matcher::Path(_)
            | Matcher::Header(..)
            | Matcher::Claim(..)
    )
}

/// A rule that is there for its values alone, so that a space tells them apart.
pub(super) fn telling_apart(matchers: Vec<Matcher>) -> CompiledRule {
    let test = Test {
        positive: matchers,
        negative: Vec::new(),
    };
    CompiledRule {
        index: 0,
        origin: Span::default(),
        clauses: vec![vec![vec![test]]],
    }
}

/// Whether a rule asks for this port by its number.
pub(super) fn names_port(rule: &CompiledRule, port: u16) -> bool {
    let mut tests = rule.clauses.iter().flatten().flatten();
    tests.any(|test| test.positive.contains(&Matcher::Port(port)))
}
