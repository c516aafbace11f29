//! What a rule asks for, as it is written.

use std::collections::BTreeSet;

use crate::policy::{Condition, ConditionKey, Lists, Operation, Rule, Source};

/// Whether every way to match a rule goes through one of these.
pub(super) fn demands(
    rule: &Rule,
    source: impl Fn(&Source) -> bool,
    operation: impl Fn(&Operation) -> bool,
    condition: impl Fn(&Condition) -> bool,
) -> bool {
    rule.conditions.iter().any(condition)
        || (!rule.sources.is_empty() && rule.sources.iter().all(source))
        || (!rule.operations.is_empty() && rule.operations.iter().all(operation))
}

const fn says<T>(lists: &Lists<T>) -> bool {
    !lists.values.is_empty()
}

/// Whether every request that a rule matches shows an identity of the mesh.
pub(super) fn demands_identity(rule: &Rule) -> bool {
    demands(
        rule,
        source_has_identity,
        |_| false,
        |condition| is_identity(&condition.key) && says(&condition.lists),
    )
}

/// Whether a source asks for an identity of the mesh.
pub(super) fn source_has_identity(source: &Source) -> bool {
    says(&source.principals)
        || says(&source.namespaces)
        || says(&source.service_accounts)
        || says(&source.trust_domains)
}

/// Whether a condition is about the identity of the peer.
pub(super) const fn is_identity(key: &ConditionKey) -> bool {
    matches!(
        key,
        ConditionKey::SourceNamespace
            | ConditionKey::SourcePrincipal
            | ConditionKey::SourceServiceAccount
            | ConditionKey::SourceTrustDomain
    )
}

/// Whether every request that a rule matches has a token that was read.
pub(super) fn demands_token(rule: &Rule) -> bool {
    demands(
        rule,
        |source| says(&source.request_principals),
        |_| false,
        |condition| is_token(&condition.key) && says(&condition.lists),
    )
}

/// Whether a condition is about a token.
pub(super) const fn is_token(key: &ConditionKey) -> bool {
    matches!(
        key,
        ConditionKey::RequestPrincipal | ConditionKey::Audiences | ConditionKey::Presenter | ConditionKey::Claim(_)
    )
}

/// Whether a rule says anything about tokens.
pub(super) fn mentions_token(rule: &Rule) -> bool {
    rule.sources.iter().any(|source| !source.request_principals.is_empty())
        || rule.conditions.iter().any(|condition| is_token(&condition.key))
}

/// The ports that a rule is about; `None`: any.
pub(super) fn ports(rule: &Rule) -> Option<BTreeSet<u16>> {
    let operations = &rule.operations;
    let named = !operations.is_empty() && operations.iter().all(|operation| says(&operation.ports));
    let mut found: Option<BTreeSet<u16>> = named.then(|| {
        operations
            .iter()
            .flat_map(|operation| operation.ports.values.clone())
            .collect()
    });
    for condition in &rule.conditions {
        if condition.key == ConditionKey::DestinationPort && says(&condition.lists) {
            let values: BTreeSet<u16> = condition
                .lists
                .values
                .iter()
                .filter_map(|port| port.parse().ok())
                .collect();
            found = Some(match found {
                Some(before) => before.intersection(&values).copied().collect(),
                None => values,
            });
        }
    }
    found
}

/// The ports that a rule holds at where these are declared; `None` stands for all.
pub(super) fn ports_at(rule: &Rule) -> Vec<Option<u16>> {
    match ports(rule) {
        Some(ports) => ports.into_iter().map(Some).collect(),
        None => vec![None],
    }
}
