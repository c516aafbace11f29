//! What the analysis of rules finds.

use std::collections::BTreeSet;

use super::gate::{Never, Stage};
use super::verdict::{Dead, Decided, Unproved};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::code::codes;
use crate::source::Span;

codes! {
    DEAD_RULE Warning "W0600" "dead-rule" "dead_rule.md"
        "No request can match a rule.";
    SHADOWED_RULE Warning "W0601" "shadowed-rule" "shadowed_rule.md"
        "What a rule matches is always decided by rules before it.";
    REDUNDANT_RULE Warning "W0602" "redundant-rule" "redundant_rule.md"
        "Other rules together say all that a rule says.";
    UNDECIDED_RULE Note "N0603" "undecided-rule" "undecided_rule.md"
        "Whether a rule decides anything is not known.";
}

/// More places are counted and not shown.
const MAX_SHOWN: usize = 8;

pub(super) fn dead_rule(span: Span, dead: &Dead) -> Diagnostic {
    let facts: Vec<&str> = dead.facts.iter().map(String::as_str).collect();
    let message = if !facts.is_empty() {
        let facts = facts.join(" and of ");
        format!("no request can match this rule: what it asks of {facts} cannot hold together")
    } else if let Some(why) = joined(&dead.impossible) {
        format!("no request can match this rule: {why}")
    } else {
        "no request can match this rule".to_owned()
    };
    Diagnostic::new(&DEAD_RULE, span, message).help("change what contradicts itself, or remove the rule")
}

pub(super) fn shadowed_rule(span: Span, decided: &Decided) -> Diagnostic {
    let denied = decided.stage == Stage::Allow && decided.by.iter().all(|(stage, _)| *stage == Stage::Deny);
    let (message, help) = match decided.stage {
        Stage::Allow if denied => (
            "this rule admits nothing: all that it matches is denied",
            "remove the rule, or leave out of the DENY what it is meant to admit",
        ),
        Stage::Allow => (
            "this rule decides nothing: all that it matches is admitted or denied already",
            "remove the rule, or narrow those that hold all of it",
        ),
        Stage::Deny => (
            "this rule decides nothing: all that it matches is denied already",
            "remove the rule",
        ),
        Stage::Custom | Stage::Audit => (
            "this rule decides nothing: the authorizer is asked about all of it already",
            "remove the rule",
        ),
    };
    with_cover(Diagnostic::new(&SHADOWED_RULE, span, message).help(help), decided)
}

pub(super) fn redundant_rule(span: Span, decided: &Decided) -> Diagnostic {
    let message = "removing this rule changes nothing: others say all that it says";
    let finding = Diagnostic::new(&REDUNDANT_RULE, span, message);
    with_cover(finding.help("remove the rule, or narrow the others"), decided)
}

/// Rules that a bound left undecided, for one reason, in the order of the text.
pub(super) fn undecided_rule(span: Span, others: &[Span], why: &Unproved) -> Diagnostic {
    let bound = why.bound.words();
    let message = format!("whether this rule decides anything is not known: {bound}");
    let mut finding = Diagnostic::new(&UNDECIDED_RULE, span, message);
    for other in others.iter().take(MAX_SHOWN) {
        finding = finding.secondary(*other, "nor of this rule");
    }
    let left = others.len().saturating_sub(MAX_SHOWN);
    if left > 0 {
        finding = finding.help(format!("nor of {left} more rules"));
    }
    if !why.facts.is_empty() {
        let facts = why.facts.join(", ");
        finding = finding.help(format!("rules tell most values apart of {facts}"));
    }
    finding.help("nothing is said of what is not proved; simpler lists, or fewer rules at one place, can be judged")
}

/// The rules that hold all of it together, and what cannot happen besides.
fn with_cover(mut finding: Diagnostic, decided: &Decided) -> Diagnostic {
    for (stage, span) in decided.by.iter().take(MAX_SHOWN) {
        let message = match stage {
            Stage::Custom => "the authorizer is asked here",
            Stage::Deny => "denied here",
            Stage::Allow => "admitted here",
            Stage::Audit => "marked here",
        };
        finding = finding.secondary(*span, message);
    }
    let left = decided.by.len().saturating_sub(MAX_SHOWN);
    if left > 0 {
        finding = finding.help(format!("{left} more rules belong to those that hold all of it"));
    }
    if !decided.least {
        finding = finding.help("a bound came before it was known that each of them is needed");
    }
    if let Some(why) = joined(&decided.impossible) {
        finding = finding.help(format!("what is left of it does not occur: {why}"));
    }
    if let Some(example) = &decided.example {
        let words = &example.words;
        finding = finding
            .help(format!("it matches, for example, {words}"))
            .witness(Some(example.data.clone()));
    }
    finding
}

fn joined(impossible: &BTreeSet<Never>) -> Option<String> {
    let sentences: Vec<&str> = impossible.iter().map(|why| why.words()).collect();
    (!sentences.is_empty()).then(|| sentences.join(", and "))
}
