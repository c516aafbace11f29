//! Values of rules that no request has: text that Istio takes, and compares in another way than was meant.

use super::{Subject, errors};
use crate::diagnostics::Diagnostics;
use crate::diagnostics::suggest::nearest;
use crate::policy::evaluate::METHODS;
use crate::policy::{Authorization, ConditionKey, Lists, Rule};
use crate::source::Span;

/// Claims that are numbers, by RFC 7519 and by OpenID Connect.
const NUMBERS: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    for (at, policy) in subject.policies.authorizations.iter().enumerate() {
        of_policy(policy, at < subject.own.authorizations, acc);
    }
}

fn of_policy(policy: &Authorization, own: bool, acc: &mut Diagnostics) {
    for rule in policy.action.rules() {
        let mut odd = |what: &str, value: &str, why: &str| acc.push(errors::odd_value(rule.origin, what, value, why));
        for source in &rule.sources {
            each(&source.principals, |value| {
                principal(value)
                    .into_iter()
                    .for_each(|why| odd("principal", value, why))
            });
            each(&source.namespaces, |value| {
                namespace(value)
                    .into_iter()
                    .for_each(|why| odd("namespace", value, why))
            });
            each(&source.request_principals, |value| {
                request_principal(value)
                    .into_iter()
                    .for_each(|why| odd("request principal", value, why));
            });
        }
        for operation in &rule.operations {
            each(&operation.paths, |value| {
                path(value, own).into_iter().for_each(|why| odd("path", value, why))
            });
            each(&operation.hosts, |value| {
                host(value).into_iter().for_each(|why| odd("host", value, why))
            });
        }
        conditions(rule, &mut odd);
        methods(rule, acc);
        dotted(rule.origin, rule, acc);
    }
}

fn each(lists: &Lists<String>, mut of: impl FnMut(&String)) {
    lists.values.iter().chain(&lists.not_values).for_each(&mut of);
}

fn conditions(rule: &Rule, odd: &mut impl FnMut(&str, &str, &str)) {
    for condition in &rule.conditions {
        let (what, why): (&str, fn(&str) -> Option<&'static str>) = match &condition.key {
            ConditionKey::SourcePrincipal => ("principal", principal),
            ConditionKey::SourceNamespace => ("namespace", namespace),
            ConditionKey::RequestPrincipal => ("request principal", request_principal),
            ConditionKey::Claim(path) => {
                let number = path.len() == 1 && path.iter().any(|claim| NUMBERS.contains(&claim.as_str()));
                if number && !condition.lists.values.is_empty() {
                    odd(
                        "claim",
                        &condition.key.to_string(),
                        "it is a number, and only texts and lists of texts can match",
                    );
                }
                continue;
            }
            _ => continue,
        };
        each(&condition.lists, |value| {
            why(value).into_iter().for_each(|why| odd(what, value, why))
        });
    }
}

/// Whether a star stands where it is no wildcard: only one, at one end, is.
fn has_literal_star(value: &str) -> bool {
    let inner = match value.strip_prefix('*') {
        Some(rest) => rest,
        None => value.strip_suffix('*').unwrap_or(value),
    };
    inner.contains('*')
}

const LITERAL: &str = "only one star at one end is a wildcard, and this one stands for itself";

fn principal(value: &str) -> Option<&'static str> {
    if value.starts_with("spiffe://") {
        return Some("Istio puts `spiffe://` before it, so an identity would have it twice");
    }
    if has_literal_star(value) {
        return Some(LITERAL);
    }
    let bare = !value.contains('/') && !value.contains('*');
    bare.then_some("an identity is a trust domain, `/ns/`, a namespace, `/sa/` and an account")
}

fn namespace(value: &str) -> Option<&'static str> {
    value.contains('/').then_some("the name of a namespace has no `/`")
}

fn request_principal(value: &str) -> Option<&'static str> {
    has_literal_star(value).then_some(LITERAL)
}

fn host(value: &str) -> Option<&'static str> {
    if value.contains('/') {
        return Some("a host is a name and perhaps a port, without scheme and path");
    }
    has_literal_star(value).then_some(LITERAL)
}

fn path(value: &str, own: bool) -> Option<&'static str> {
    let template = value.contains("{*}") || value.contains("{**}");
    if value.contains('?') {
        return Some("a path is compared without its query");
    }
    if value.contains('#') {
        return Some("a path is compared without its fragment");
    }
    if !value.starts_with(['/', '*']) {
        return Some("a path begins with `/`");
    }
    // A text has its own sign for a star that is meant.
    (!own && !template && has_literal_star(value)).then_some(LITERAL)
}

fn methods(rule: &Rule, acc: &mut Diagnostics) {
    for operation in &rule.operations {
        each(&operation.methods, |value| {
            if !value.contains('*') && !METHODS.contains(&value.as_str()) {
                let upper = value.to_ascii_uppercase();
                let near = if METHODS.contains(&upper.as_str()) {
                    Some(upper.as_str())
                } else {
                    nearest(&upper, METHODS.iter().copied())
                };
                acc.push(errors::odd_method(rule.origin, value, near));
            }
        });
    }
}

/// A claim with a dot in its name, which is no way into an object.
fn dotted(span: Span, rule: &Rule, acc: &mut Diagnostics) {
    for condition in &rule.conditions {
        if let ConditionKey::Claim(path) = &condition.key {
            // The names of some issuers are addresses, and who goes on with brackets knows them.
            let dotted = match path.as_slice() {
                [only] => Some(only).filter(|name| name.contains('.') && !name.contains('/')),
                _ => None,
            };
            if let Some(name) = dotted {
                acc.push(errors::dotted_claim(span, &condition.key.to_string(), name));
            }
        }
    }
}
