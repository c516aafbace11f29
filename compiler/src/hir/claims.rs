//! JSON that a text holds, as the policy model holds it.

use std::collections::BTreeMap;

use super::Extra;
use crate::policy::request::Json;

/// The claims of a token.
#[must_use]
pub fn claims(extra: &Extra) -> BTreeMap<String, Json> {
    match extra {
        Extra::Token { claims, .. } => match json(claims) {
            Json::Object(claims) => claims,
            _ => BTreeMap::new(),
        },
        _ => BTreeMap::new(),
    }
}

/// JSON as the policy model holds it.
#[must_use]
pub fn json(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(it) => Json::Bool(*it),
        serde_json::Value::Number(it) => Json::Number(it.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(it) => Json::String(it.clone()),
        serde_json::Value::Array(items) => Json::List(items.iter().map(json).collect()),
        serde_json::Value::Object(map) => {
            Json::Object(map.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
    }
}
