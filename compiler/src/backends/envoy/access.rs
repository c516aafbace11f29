//! AuthorizationPolicies as Envoy's RBAC filters (`pilot/pkg/security/authz/builder/builder.go`).

use serde_json::{Map, Value, json};

use super::matchers;
use crate::policy::effective::rules::{CompiledRule, Matcher, Test};
use crate::policy::effective::{Effective, Policy, Stage};

/// AUDIT, DENY and ALLOW, in this order; those that there are policies of.
pub(super) fn enforced(effective: &Effective, http: bool) -> Option<Vec<Value>> {
    let filters = [
        (&effective.audit, Some("LOG")),
        (&effective.deny, Some("DENY")),
        (&effective.allow, None),
    ];
    let filters = filters.into_iter().filter(|(stage, _)| !stage.policies.is_empty());
    filters.map(|(stage, action)| of_action(stage, action, http)).collect()
}

/// One filter for the policies of an action: enforced ones as `rules`, dry-run ones as `shadowRules`.
fn of_action(stage: &Stage, action: Option<&str>, http: bool) -> Option<Value> {
    let mut config = Map::new();
    for (key, dry_run) in [("rules", false), ("shadowRules", true)] {
        let meant: Vec<&Policy> = stage.policies.iter().filter(|it| it.dry_run == dry_run).collect();
        if !meant.is_empty() {
            let rules = meant.into_iter().flat_map(|policy| rules(policy, http, "", ""));
            config.insert(key.to_owned(), rbac(action, rules.collect::<Option<_>>()?));
        }
    }
    // Istio asks for the action of the shadow rules, also where there are none.
    let prefix = match action {
        Some("DENY") if config.contains_key("shadowRules") => "istio_dry_run_deny_",
        _ => "istio_dry_run_allow_",
    };
    config.insert("shadowRulesStatPrefix".to_owned(), json!(prefix));
    Some(filter(config, http))
}

/// The rules by which an external authorizer is asked. With several authorizers Istio asks none and denies.
pub(super) fn custom(effective: &Effective, http: bool) -> Option<Vec<Value>> {
    let policies = &effective.custom.policies;
    let mut providers: Vec<&str> = policies
        .iter()
        .filter_map(|policy| policy.provider.as_deref())
        .collect();
    providers.sort_unstable();
    providers.dedup();
    let broken = providers.len() > 1;
    let filters = providers.into_iter().map(|provider| {
        let prefix = format!("istio-ext-authz-{provider}-");
        let suffix = if broken { "-deny-due-to-bad-CUSTOM-action" } else { "" };
        let own = policies
            .iter()
            .filter(|policy| policy.provider.as_deref() == Some(provider));
        let rules = own
            .flat_map(|policy| rules(policy, http, &prefix, suffix))
            .collect::<Option<_>>()?;
        let mut config = Map::new();
        if broken {
            config.insert("rules".to_owned(), rbac(Some("DENY"), rules));
        } else {
            config.insert("shadowRules".to_owned(), rbac(Some("DENY"), rules));
            config.insert("shadowRulesStatPrefix".to_owned(), json!("istio_ext_authz_"));
        }
        Some(filter(config, http))
    });
    filters.collect()
}

fn filter(mut config: Map<String, Value>, http: bool) -> Value {
    let kind = if http { "http" } else { "network" };
    if !http {
        config.insert("statPrefix".to_owned(), json!("tcp."));
    }
    let mut typed = Map::new();
    let address = format!("type.googleapis.com/envoy.extensions.filters.{kind}.rbac.v3.RBAC");
    typed.insert("@type".to_owned(), json!(address));
    typed.extend(config);
    json!({ "name": format!("envoy.filters.{kind}.rbac"), "typedConfig": typed })
}

/// Without an action it is ALLOW, which is Envoy's default.
fn rbac(action: Option<&str>, rules: Vec<(String, Value)>) -> Value {
    let mut rbac = Map::new();
    rbac.extend(action.map(|action| ("action".to_owned(), json!(action))));
    if !rules.is_empty() {
        rbac.insert("policies".to_owned(), Value::Object(rules.into_iter().collect()));
    }
    Value::Object(rbac)
}

/// The rules of a policy, each by the name that Istio gives it.
fn rules<'p>(
    policy: &'p Policy,
    http: bool,
    prefix: &'p str,
    suffix: &'p str,
) -> impl Iterator<Item = Option<(String, Value)>> + 'p {
    let object = &policy.object;
    let name = move |index: usize| {
        format!(
            "{prefix}ns[{}]-policy[{}]-rule[{index}]{suffix}",
            object.namespace, object.name
        )
    };
    // A policy that is written without rules matches nothing, by a rule of its own.
    let nothing = policy.is_empty.then(|| {
        let never = json!({
            "permissions": [{ "notRule": { "any": true } }],
            "principals": [{ "notId": { "any": true } }],
        });
        Some((name(0), never))
    });
    let rules = policy
        .rules(http)
        .iter()
        .map(move |it| Some((name(it.index), rule(it)?)));
    nothing.into_iter().chain(rules)
}

/// Facts of the request are permissions, those of its sender principals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Permission,
    Principal,
}

impl Side {
    pub(super) const fn of(matcher: &Matcher) -> Self {
        match matcher {
            Matcher::DestinationIp(_)
            | Matcher::Host(_)
            | Matcher::Method(_)
            | Matcher::Path(_)
            | Matcher::Port(_)
            | Matcher::Sni(_)
            | Matcher::Metadata { .. } => Self::Permission,
            Matcher::Peer(_)
            | Matcher::ZtunnelPrincipal(_)
            | Matcher::ZtunnelNamespace(_)
            | Matcher::ZtunnelAccount { .. }
            | Matcher::RequestPrincipal(..)
            | Matcher::BoundPrincipal(_)
            | Matcher::PeerIp(_)
            | Matcher::ClientIp(_)
            | Matcher::Header(..)
            | Matcher::Claim(..) => Self::Principal,
        }
    }

    const fn and(self) -> (&'static str, &'static str) {
        match self {
            Self::Permission => ("andRules", "rules"),
            Self::Principal => ("andIds", "ids"),
        }
    }

    const fn or(self) -> (&'static str, &'static str) {
        match self {
            Self::Permission => ("orRules", "rules"),
            Self::Principal => ("orIds", "ids"),
        }
    }

    const fn not(self) -> &'static str {
        match self {
            Self::Permission => "notRule",
            Self::Principal => "notId",
        }
    }
}

fn rule(rule: &CompiledRule) -> Option<Value> {
    Some(json!({
        "permissions": side(rule, Side::Permission)?,
        "principals": side(rule, Side::Principal)?,
    }))
}

/// The ways in which one side of a rule can hold: of each clause one entry.
fn side(rule: &CompiledRule, side: Side) -> Option<Vec<Value>> {
    let mut ways: Vec<Vec<&Test>> = vec![Vec::new()];
    for clause in rule.clauses.iter().filter(|clause| is_of(clause, side)) {
        ways = ways
            .iter()
            .flat_map(|way| {
                clause
                    .iter()
                    .map(move |tests| way.iter().copied().chain(tests).collect())
            })
            .collect();
    }
    let (and, items) = side.and();
    ways.iter()
        .map(|tests| {
            let mut parts = tests
                .iter()
                .flat_map(|test| parts(test, side))
                .collect::<Option<Vec<Value>>>()?;
            if parts.is_empty() {
                parts.push(json!({ "any": true }));
            }
            Some(json!({ and: { items: parts } }))
        })
        .collect()
}

/// A clause is all of one side. One of which nothing is left holds, on either.
fn is_of(clause: &[Vec<Test>], side: Side) -> bool {
    let mut matchers = clause
        .iter()
        .flatten()
        .flat_map(|test| test.positive.iter().chain(&test.negative));
    matchers.next().is_some_and(|matcher| Side::of(matcher) == side)
}

/// One of the positive values, and none of the negative ones.
fn parts(test: &Test, side: Side) -> Vec<Option<Value>> {
    let positive = (!test.positive.is_empty()).then(|| any(&test.positive, side));
    let negative = (!test.negative.is_empty()).then(|| Some(json!({ side.not(): any(&test.negative, side)? })));
    positive.into_iter().chain(negative).collect()
}

/// Any of the values. Those of metadata stand in one matcher, and a lone request principal by itself.
fn any(values: &[Matcher], side: Side) -> Option<Value> {
    match values.first() {
        Some(only @ Matcher::RequestPrincipal(..)) if values.len() == 1 => matchers::value(only),
        Some(Matcher::Claim(path, _)) => Some(matchers::claim(path, values)),
        Some(Matcher::Metadata { filter, key, .. }) => Some(matchers::metadata(filter, key, values)),
        _ => {
            let (or, items) = side.or();
            let values: Vec<Value> = values.iter().map(matchers::value).collect::<Option<_>>()?;
            Some(json!({ or: { items: values } }))
        }
    }
}
