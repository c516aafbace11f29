//! Policy objects out of nothing, over every field that they have.

use serde_json::{Map, Value, json};

use super::facts::{CONDITIONS, Fact, OPERATION, SOURCE};
use crate::generate::Die;

/// Where an object stands and which pods it selects.
pub(super) struct Scope {
    pub(super) namespace: String,
    /// `None`: all of the namespace.
    pub(super) labels: Option<Map<String, Value>>,
    /// What a waypoint is told of: kind, name and group.
    pub(super) targets: Vec<Target>,
}

pub(super) type Target = (&'static str, String, &'static str);

/// The authorizers that a policy may ask. Of a pod that asks both, Istio denies what either is asked about.
pub(super) const AUTHORIZERS: &[&str] = &["by-grpc", "by-grpc", "by-grpc", "by-http"];

pub(super) fn object(kind: &str, name: &str, scope: &Scope, mut spec: Value) -> Value {
    if let (Some(labels), Some(spec)) = (&scope.labels, spec.as_object_mut()) {
        spec.insert("selector".to_owned(), json!({ "matchLabels": labels }));
    }
    let targets = scope.targets.iter();
    let targets: Vec<Value> = targets
        .map(|(kind, name, group)| json!({ "group": group, "kind": kind, "name": name }))
        .collect();
    if let Some(spec) = spec.as_object_mut() {
        match targets.as_slice() {
            [] => {}
            // The older field, for some of them.
            [one] if name.ends_with(['1', '4']) => drop(spec.insert("targetRef".to_owned(), one.clone())),
            all => drop(spec.insert("targetRefs".to_owned(), json!(all))),
        }
    }
    json!({
        "apiVersion": "security.istio.io/v1", "kind": kind,
        "metadata": { "name": name, "namespace": scope.namespace },
        "spec": spec,
    })
}

pub(super) fn authorization(name: &str, scope: &Scope, die: &mut Die) -> Value {
    let mut spec = Map::new();
    let actions = [
        "ALLOW", "ALLOW", "ALLOW", "ALLOW", "DENY", "DENY", "DENY", "AUDIT", "CUSTOM", "",
    ];
    let action = die.one(&actions);
    if action == "CUSTOM" {
        spec.insert("provider".to_owned(), json!({ "name": die.one(AUTHORIZERS) }));
    }
    if !action.is_empty() {
        spec.insert("action".to_owned(), json!(action));
    }
    let rules: Vec<Value> = (0..die.pick(&[1, 1, 1, 2, 2, 3])).map(|_| rule(die)).collect();
    if !(action == "ALLOW" && die.once_in(15)) {
        spec.insert("rules".to_owned(), Value::Array(rules));
    }
    let mut object = object("AuthorizationPolicy", name, scope, Value::Object(spec));
    if matches!(action, "ALLOW" | "DENY") && die.once_in(12) {
        let value = die.one(&["true", "true", "false"]);
        if let Some(meta) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            meta.insert("annotations".to_owned(), json!({ "istio.io/dry-run": value }));
        }
    }
    object
}

fn rule(die: &mut Die) -> Value {
    let mut rule = Map::new();
    if die.once_in(25) {
        return Value::Object(rule);
    }
    if die.once_in(2) {
        let from: Vec<Value> = (0..1 + die.below(5) / 3)
            .map(|_| json!({ "source": fields(SOURCE, die) }))
            .collect();
        rule.insert("from".to_owned(), Value::Array(from));
    }
    if die.once_in(2) || rule.is_empty() {
        let to: Vec<Value> = (0..1 + die.below(5) / 3)
            .map(|_| json!({ "operation": fields(OPERATION, die) }))
            .collect();
        rule.insert("to".to_owned(), Value::Array(to));
    }
    if die.once_in(3) {
        let when: Vec<Value> = (0..1 + die.below(5) / 3).map(|_| condition(die)).collect();
        rule.insert("when".to_owned(), Value::Array(when));
    }
    Value::Object(rule)
}

/// One or two fields of the table, positive, negative or both.
fn fields(table: &[(&str, &str, Fact)], die: &mut Die) -> Value {
    let mut fields = Map::new();
    for _ in 0..1 + die.below(5) / 3 {
        let Some((positive, negative, fact)) = table.get(die.below(table.len())) else {
            continue;
        };
        let names: &[&str] = match die.below(6) {
            0 | 1 => &[negative],
            2 => &[positive, negative],
            _ => &[positive],
        };
        for name in names {
            fields.insert((*name).to_owned(), values(*fact, die));
        }
    }
    Value::Object(fields)
}

fn condition(die: &mut Die) -> Value {
    let Some((key, fact)) = CONDITIONS.get(die.below(CONDITIONS.len())) else {
        return Value::Null;
    };
    let mut condition = Map::from_iter([("key".to_owned(), json!(key))]);
    let names: &[&str] = match die.below(5) {
        0 => &["notValues"],
        1 => &["values", "notValues"],
        _ => &["values"],
    };
    for name in names {
        condition.insert((*name).to_owned(), values(*fact, die));
    }
    Value::Object(condition)
}

fn values(fact: Fact, die: &mut Die) -> Value {
    let count = die.pick(&[1, 1, 1, 2, 3]);
    Value::Array((0..count).map(|_| json!(die.one(fact.patterns()))).collect())
}

const MODES: &[&str] = &["STRICT", "STRICT", "PERMISSIVE", "DISABLE", "UNSET"];

pub(super) fn peer(name: &str, scope: &Scope, die: &mut Die) -> Value {
    let mut spec = Map::new();
    if !die.once_in(6) {
        spec.insert("mtls".to_owned(), json!({ "mode": die.one(MODES) }));
    }
    if scope.labels.is_some() && die.once_in(2) {
        let mut ports = Map::new();
        for _ in 0..1 + die.below(2) {
            ports.insert(
                die.one(Fact::Port.patterns()).to_owned(),
                json!({ "mode": die.one(MODES) }),
            );
        }
        spec.insert("portLevelMtls".to_owned(), Value::Object(ports));
    }
    aged(object("PeerAuthentication", name, scope, Value::Object(spec)), die)
}

/// Some objects are older than others, and many of one age.
fn aged(mut object: Value, die: &mut Die) -> Value {
    let created = die.one(&["", "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]);
    if !created.is_empty()
        && let Some(meta) = object.pointer_mut("/metadata").and_then(Value::as_object_mut)
    {
        meta.insert("creationTimestamp".to_owned(), json!(created));
    }
    object
}

pub(super) fn request(name: &str, scope: &Scope, die: &mut Die) -> Value {
    let rules: Vec<Value> = (0..die.pick(&[1, 1, 2])).map(|_| jwt_rule(die)).collect();
    aged(
        object("RequestAuthentication", name, scope, json!({ "jwtRules": rules })),
        die,
    )
}

fn jwt_rule(die: &mut Die) -> Value {
    let mut rule = Map::new();
    rule.insert(
        "issuer".to_owned(),
        json!(die.one(&["https://idp.test", "https://idp.test", "plain", "a"])),
    );
    rule.insert(
        "jwks".to_owned(),
        json!(die.one(&["${jwks:main}", "${jwks:main}", "${jwks:other}"])),
    );
    if die.once_in(4) {
        rule.insert(
            "audiences".to_owned(),
            json!([die.one(Fact::Audience.patterns()).replace('*', "x"), "shop"]),
        );
    }
    if die.once_in(4) {
        let header = match die.below(4) {
            0 => json!({ "name": "X-Token" }),
            1 => json!({ "name": "x-token", "prefix": "Tok " }),
            2 => json!({ "name": "authorization", "prefix": "Bearer " }),
            _ => json!({ "name": "x-token", "prefix": "Tok" }),
        };
        rule.insert("fromHeaders".to_owned(), json!([header]));
    }
    if die.once_in(6) {
        rule.insert("fromParams".to_owned(), json!([die.one(&["tok", "access_token"])]));
    }
    if die.once_in(6) {
        rule.insert("fromCookies".to_owned(), json!(["sess"]));
    }
    if die.once_in(4) {
        rule.insert("forwardOriginalToken".to_owned(), json!(die.once_in(2)));
    }
    if die.once_in(4) {
        let claim = die.one(&["sub", "groups", "deep.er", "n", "scope"]);
        rule.insert(
            "outputClaimToHeaders".to_owned(),
            json!([{ "header": "x-claim", "claim": claim }]),
        );
    }
    if die.once_in(10) {
        rule.insert("outputPayloadToHeader".to_owned(), json!("x-payload"));
    }
    if die.once_in(6) {
        rule.insert("spaceDelimitedClaims".to_owned(), json!(["groups"]));
    }
    Value::Object(rule)
}
