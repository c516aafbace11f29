//! AuthorizationPolicy: actions with what each needs, and rules.

use std::rc::Rc;

use super::match_values::{self, Values};
use super::schema::is_misspelt;
use super::{errors, selection};
use crate::backends::yaml::tree::{Node, Value};
use crate::diagnostics::Diagnostics;

/// The fields of a source, with how their values are checked. Their `not` twins are checked alike.
const SOURCE: [(&str, &str, Values); 7] = [
    ("principals", "notPrincipals", Values::Any),
    ("requestPrincipals", "notRequestPrincipals", Values::Any),
    ("namespaces", "notNamespaces", Values::Any),
    ("serviceAccounts", "notServiceAccounts", Values::Accounts),
    ("trustDomains", "notTrustDomains", Values::TrustDomains),
    ("ipBlocks", "notIpBlocks", Values::Addresses),
    ("remoteIpBlocks", "notRemoteIpBlocks", Values::Addresses),
];

const OPERATION: [(&str, &str, Values); 4] = [
    ("ports", "notPorts", Values::Ports),
    ("methods", "notMethods", Values::Any),
    ("paths", "notPaths", Values::Paths),
    ("hosts", "notHosts", Values::Any),
];

/// Fields of a source that a provider's policy cannot ask for.
const UNKNOWN_TO_CUSTOM: [&str; 5] = [
    "namespaces",
    "serviceAccounts",
    "trustDomains",
    "principals",
    "requestPrincipals",
];

/// Fields of a source that TCP has too, in Istio's eyes when it warns.
const OF_TCP: [&str; 5] = [
    "principals",
    "namespaces",
    "ipBlocks",
    "remoteIpBlocks",
    "serviceAccounts",
];

pub(super) fn check(spec: &Node, acc: &mut Diagnostics) {
    selection::check(spec, acc);
    let action = match spec.get("action") {
        Some(node) => node.text().unwrap_or(""),
        None => "ALLOW",
    };
    let rules = spec.items_of("rules");
    let place = spec.entry("action").map_or(spec.span, |entry| entry.value.span);
    if rules.is_empty() && matches!(action, "DENY" | "CUSTOM") {
        acc.push(errors::missing_rules(place, action));
    }
    let provider = spec.entry("provider");
    if action == "CUSTOM" {
        let name = provider.and_then(|provider| provider.value.text_of("name"));
        if !rules.is_empty() && name.is_none_or(str::is_empty) {
            acc.push(errors::missing_provider(
                provider.map_or(place, |provider| provider.key_span),
            ));
        }
    } else if let Some(provider) = provider
        && matches!(action, "ALLOW" | "DENY" | "AUDIT")
    {
        acc.push(errors::provider_without_custom(provider.key_span, action));
    }
    for rule in rules {
        self::rule(rule, action, acc);
    }
}

fn rule(rule: &Rc<Node>, action: &str, acc: &mut Diagnostics) {
    let custom = action == "CUSTOM";
    let mut sources = Vec::new();
    for from in rule.items_of("from") {
        match from.get("source") {
            None if is_misspelt(from, &["source"]) => {}
            None if matches!(from.value, Value::Map(_)) => acc.push(errors::missing_field(from.span, "source", "from")),
            None => {}
            Some(source) => {
                self::source(source, custom, acc);
                sources.push(source);
            }
        }
    }
    let mut operations = Vec::new();
    for to in rule.items_of("to") {
        match to.get("operation") {
            None if is_misspelt(to, &["operation"]) => {}
            None if matches!(to.value, Value::Map(_)) => acc.push(errors::missing_field(to.span, "operation", "to")),
            None => {}
            Some(operation) => {
                if !says_something(operation, &OPERATION) && !is_misspelt(operation, &names(&OPERATION)) {
                    acc.push(errors::empty_match(operation.span, "operation"));
                }
                lists(operation, &OPERATION, acc);
                operations.push(operation);
            }
        }
    }
    for condition in rule.items_of("when") {
        match_values::condition(condition, custom, acc);
    }
    let tcp_from = sources.iter().any(|source| says(source, &OF_TCP));
    let tcp_to = operations.iter().any(|operation| says(operation, &["ports"]));
    let closes_tcp = (!sources.is_empty() && operations.is_empty() && !tcp_from) || (!operations.is_empty() && !tcp_to);
    if action == "DENY" && closes_tcp {
        let first = rule.entries().first().map_or(rule.span, |entry| entry.key_span);
        acc.push(errors::deny_closes_tcp(first));
    }
}

fn source(source: &Node, custom: bool, acc: &mut Diagnostics) {
    if !says_something(source, &SOURCE) && !is_misspelt(source, &names(&SOURCE)) {
        acc.push(errors::empty_match(source.span, "source"));
    }
    lists(source, &SOURCE, acc);
    // The structure's rule counts even an empty list.
    let accounts = ["serviceAccounts", "notServiceAccounts"];
    let others = ["principals", "notPrincipals", "namespaces", "notNamespaces"];
    if let Some(account) = accounts.iter().find_map(|field| source.entry(field))
        && let Some(other) = others.iter().find_map(|field| source.entry(field))
    {
        acc.push(errors::exclusive(
            other.key_span,
            account.key_span,
            &account.key,
            &other.key,
        ));
    }
    if custom {
        for (field, not_field, _) in &SOURCE {
            for field in [field, not_field] {
                let asked = source.entry(field).filter(|entry| !entry.value.items().is_empty());
                if let Some(entry) = asked
                    && UNKNOWN_TO_CUSTOM
                        .iter()
                        .any(|name| name == field || twin(name) == *field)
                {
                    acc.push(errors::unknown_to_custom(entry.key_span, field));
                }
            }
        }
    }
}

fn lists(node: &Node, fields: &[(&str, &str, Values)], acc: &mut Diagnostics) {
    for (field, not_field, values) in fields {
        for field in [field, not_field] {
            match_values::check(node, field, *values, acc);
        }
    }
}

fn says_something(node: &Node, fields: &[(&str, &str, Values)]) -> bool {
    let full = |field: &str| !node.items_of(field).is_empty();
    fields
        .iter()
        .any(|(field, not_field, _)| full(field) || full(not_field))
}

fn names(fields: &[(&'static str, &'static str, Values)]) -> Vec<&'static str> {
    fields
        .iter()
        .flat_map(|(field, not_field, _)| [*field, *not_field])
        .collect()
}

/// Whether one of the fields, or its `not` twin, has a value.
fn says(node: &Node, fields: &[&str]) -> bool {
    let full = |field: &str| !node.items_of(field).is_empty();
    fields.iter().any(|field| full(field) || full(&twin(field)))
}

/// `notPorts` for `ports`.
fn twin(field: &str) -> String {
    let mut letters = field.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    format!("not{}{}", first.map_or(String::new(), String::from), letters.as_str())
}
