//! Alternatives to Istio's rules: caller facts to a source, operation facts to an operation, the rest to `when`.

use std::collections::BTreeMap;

use super::errors;
use super::formula::{Alternative, Slot};
use crate::diagnostics::Diagnostics;
use crate::policy::{Condition, ConditionKey, IpBlock, Lists, Operation, Rule, Source};
use crate::source::Span;

/// Istio's limit for `from` in a rule.
const MAX_SOURCES: usize = 512;

/// Istio's limit for `serviceAccounts` in a source.
const MAX_ACCOUNTS: usize = 16;

/// One alternative in Istio's parts; an empty source or operation is left out of the rule.
struct Part {
    source: Source,
    operation: Operation,
    conditions: Vec<Condition>,
    http: bool,
}

/// The rules of an item. With `separate`, what asks for HTTP facts and what does not are rules of their own.
pub(super) fn rules(alternatives: &[Alternative], separate: bool, origin: Span, acc: &mut Diagnostics) -> Vec<Rule> {
    let parts: Vec<Part> = alternatives.iter().map(|a| part(a, separate, origin, acc)).collect();
    let mut rules: Vec<Rule> = Vec::new();
    let mut done: Vec<bool> = vec![false; parts.len()];
    for (at, first) in parts.iter().enumerate() {
        if done.get(at).copied().unwrap_or(true) {
            continue;
        }
        let mut alike: Vec<&Part> = Vec::new();
        for (other, candidate) in parts.iter().enumerate().skip(at) {
            if candidate.conditions == first.conditions && candidate.http == first.http {
                alike.push(candidate);
                if let Some(done) = done.get_mut(other) {
                    *done = true;
                }
            }
        }
        for (sources, operations) in products(&alike) {
            let chunks: Vec<&[Source]> = if sources.is_empty() {
                vec![&[]]
            } else {
                sources.chunks(MAX_SOURCES).collect()
            };
            for sources in chunks {
                let conditions = first.conditions.clone();
                rules.push(Rule {
                    sources: sources.to_vec(),
                    operations: operations.clone(),
                    conditions,
                    origin,
                });
            }
        }
    }
    rules
}

/// Pairs of source and operation as products of lists: those with one operation together, then those with one list of
/// sources. An empty part stands for no restriction and so for an empty list.
fn products(parts: &[&Part]) -> Vec<(Vec<Source>, Vec<Operation>)> {
    let mut by_operation: Vec<(Operation, Vec<Source>)> = Vec::new();
    for part in parts {
        match by_operation
            .iter_mut()
            .find(|(operation, _)| *operation == part.operation)
        {
            Some((_, sources)) => sources.push(part.source.clone()),
            None => by_operation.push((part.operation.clone(), vec![part.source.clone()])),
        }
    }
    let mut by_sources: Vec<(Vec<Source>, Vec<Operation>)> = Vec::new();
    for (operation, sources) in by_operation {
        match by_sources.iter_mut().find(|(other, _)| *other == sources) {
            Some((_, operations)) => operations.push(operation),
            None => by_sources.push((sources, vec![operation])),
        }
    }
    for (sources, operations) in &mut by_sources {
        if sources.contains(&Source::default()) {
            sources.clear();
        }
        if operations.contains(&Operation::default()) {
            operations.clear();
        }
    }
    by_sources
}

fn part(alternative: &Alternative, separate: bool, origin: Span, acc: &mut Diagnostics) -> Part {
    let mut source = Source::default();
    let mut operation = Operation::default();
    let mut conditions = Conditions::default();
    let accounts_move = speaks(alternative, &Slot::Principals)
        || speaks(alternative, &Slot::Namespaces)
        || alternative
            .lists(&Slot::ServiceAccounts)
            .any(|list| list.len() > MAX_ACCOUNTS)
        || alternative
            .negative
            .get(&Slot::ServiceAccounts)
            .is_some_and(|list| list.len() > MAX_ACCOUNTS);
    for (slot, values) in &alternative.positive {
        let (slot, values) = moved(slot, values, accounts_move);
        if !place(&mut source, &mut operation, &slot, &values, true) {
            match slot.second() {
                Some(key) => conditions.positive(key, values),
                None => {
                    let first = alternative.lists(&slot).next().cloned().unwrap_or_default();
                    acc.push(errors::second_list(slot_words(&slot), &first, &values, origin));
                }
            }
        }
    }
    for (slot, values) in &alternative.negative {
        let (slot, values) = moved(slot, values, accounts_move);
        if !place(&mut source, &mut operation, &slot, &values, false)
            && let Some(key) = slot.second()
        {
            conditions.negative(key, values);
        }
    }
    Part {
        source,
        operation,
        conditions: conditions.finish(),
        http: separate && alternative.speaks_of_http(),
    }
}

fn speaks(alternative: &Alternative, slot: &Slot) -> bool {
    alternative.lists(slot).next().is_some() || alternative.negative.contains_key(slot)
}

/// Istio refuses service accounts beside principals or namespaces in one source, and more than 16 (AP9, AP10); as
/// principals they may stand.
fn moved(slot: &Slot, values: &[String], accounts_move: bool) -> (Slot, Vec<String>) {
    if *slot == Slot::ServiceAccounts && accounts_move {
        let principal = |account: &String| match account.split_once('/') {
            Some((namespace, name)) => format!("*/ns/{namespace}/sa/{name}"),
            None => account.clone(),
        };
        return (Slot::Principals, values.iter().map(principal).collect());
    }
    (slot.clone(), values.to_vec())
}

/// Puts values into their list; `false` where a positive list is taken, or the slot is a condition.
fn place(source: &mut Source, operation: &mut Operation, slot: &Slot, values: &[String], positive: bool) -> bool {
    let texts = match slot {
        Slot::Principals => &mut source.principals,
        Slot::Namespaces => &mut source.namespaces,
        Slot::ServiceAccounts => &mut source.service_accounts,
        Slot::TrustDomains => &mut source.trust_domains,
        Slot::RequestPrincipals => &mut source.request_principals,
        Slot::Hosts => &mut operation.hosts,
        Slot::Methods => &mut operation.methods,
        Slot::Paths => &mut operation.paths,
        Slot::IpBlocks => {
            return put(
                &mut source.ip_blocks,
                values.iter().filter_map(|v| IpBlock::parse(v)),
                positive,
            );
        }
        Slot::RemoteIpBlocks => {
            return put(
                &mut source.remote_ip_blocks,
                values.iter().filter_map(|v| IpBlock::parse(v)),
                positive,
            );
        }
        Slot::Ports => {
            return put(
                &mut operation.ports,
                values.iter().filter_map(|v| v.parse().ok()),
                positive,
            );
        }
        Slot::When(_) => return false,
    };
    put(texts, values.iter().cloned(), positive)
}

fn put<T>(lists: &mut Lists<T>, values: impl Iterator<Item = T>, positive: bool) -> bool {
    if positive {
        if !lists.values.is_empty() {
            return false;
        }
        lists.values.extend(values);
    } else {
        lists.not_values.extend(values);
    }
    true
}

/// The conditions of an alternative: one for each key, more where a key has several positive lists.
#[derive(Default)]
struct Conditions {
    list: Vec<Condition>,
    first: BTreeMap<ConditionKey, usize>,
}

impl Conditions {
    fn positive(&mut self, key: ConditionKey, values: Vec<String>) {
        self.first.entry(key.clone()).or_insert(self.list.len());
        self.list.push(Condition {
            key,
            lists: Lists {
                values,
                not_values: Vec::new(),
            },
        });
    }

    fn negative(&mut self, key: ConditionKey, values: Vec<String>) {
        match self.first.get(&key).and_then(|at| self.list.get_mut(*at)) {
            Some(condition) => condition.lists.not_values.extend(values),
            None => {
                self.first.insert(key.clone(), self.list.len());
                self.list.push(Condition {
                    key,
                    lists: Lists {
                        values: Vec::new(),
                        not_values: values,
                    },
                });
            }
        }
    }

    fn finish(self) -> Vec<Condition> {
        self.list
    }
}

const fn slot_words(slot: &Slot) -> &'static str {
    match slot {
        Slot::Methods => "methods",
        Slot::Paths => "paths",
        Slot::Hosts => "hosts",
        _ => "values",
    }
}
