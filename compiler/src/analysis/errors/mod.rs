//! What the analysis of rules finds.

use std::collections::BTreeSet;

use crate::diagnostics::Diagnostic;
use crate::diagnostics::code::codes;
use crate::source::Span;

codes! {
    DEAD_RULE Warning "W0600" "dead-rule" "dead_rule.md"
        "No request can match a rule.";
}

pub(super) fn dead_rule(span: Span, facts: &BTreeSet<String>) -> Diagnostic {
    let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
    let message = if facts.is_empty() {
        "no request can match this rule".to_owned()
    } else {
        let facts = facts.join(" and of ");
        format!("no request can match this rule: what it asks of {facts} cannot hold together")
    };
    Diagnostic::new(&DEAD_RULE, span, message).help("change what contradicts itself, or remove the rule")
}
