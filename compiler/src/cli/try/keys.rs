//! Tokens that can be tried: every issuer of the policy also takes tokens that are signed with a key made here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::jwt::key_set;
use crate::cli::near;
use crate::jwt::KeySet;
use crate::jwt::test_key::{Algorithm, NoKey, TestKey};
use crate::policy::effective::TokenRule;
use crate::policy::request::{Json, Token};
use crate::policy::{Keys, PolicySet};

/// A key for each issuer, by its `iss`. They stay the same while policies come and go.
#[derive(Default)]
pub(super) struct TestKeys {
    keys: BTreeMap<String, TestKey>,
}

impl TestKeys {
    /// Lets a policy take tokens of ours: keys that are elsewhere give way to ours, and ours join those that stand in the
    /// policy. A set that cannot be read stays as it is, see [`fault`].
    pub(super) fn enter(&mut self, policies: &mut PolicySet) -> Result<(), NoKey> {
        let rules = policies.request_authentications.iter_mut();
        for rule in rules.flat_map(|policy| &mut policy.rules) {
            let issuer = rule.issuer.clone().unwrap_or_default();
            if !self.keys.contains_key(&issuer) {
                self.keys.insert(issuer.clone(), TestKey::make(Algorithm::Es256)?);
            }
            let Some(key) = self.keys.get(&issuer) else { continue };
            let own = key_set(key, key.kid());
            let keys = match &rule.keys {
                Keys::Discovery | Keys::Uri(_) => Some(own),
                Keys::Inline(text) => joined(text, own),
            };
            if let Some(keys) = keys {
                rule.keys = Keys::Inline(keys.to_string());
            }
        }
        Ok(())
    }

    /// The text of a token, signed with our key of its issuer.
    pub(super) fn mint(&self, token: &Token) -> Option<String> {
        let iss = match token.claims.get("iss") {
            Some(Json::String(iss)) => Some(iss),
            _ => token.issuer.as_ref(),
        };
        let key = self.keys.get(iss.map_or("", String::as_str))?;
        let header = json!({ "alg": key.alg(), "kid": key.kid(), "typ": "JWT" });
        let mut claims = token.claims.clone();
        if let Some(iss) = iss {
            claims
                .entry("iss".to_owned())
                .or_insert_with(|| Json::String(iss.clone()));
        }
        let claims = near::plain(&Json::Object(claims));
        key.sign(&header.to_string(), &claims.to_string()).ok()
    }

    /// The private key of an issuer in PEM, for `meshc jwt mint`.
    pub(super) fn pem(&self, issuer: Option<&str>) -> Option<String> {
        self.keys.get(issuer.unwrap_or_default())?.pem().ok()
    }
}

/// Why tokens by this rule cannot be tried.
pub(super) fn fault(rule: &TokenRule) -> Option<String> {
    let Keys::Inline(text) = &rule.rule.keys else {
        return None;
    };
    let issuer = rule.rule.issuer.as_deref().unwrap_or("any issuer");
    let why = KeySet::read(text).err()?;
    Some(format!(
        "the key set of `{issuer}` ({}) cannot be used: {why}",
        rule.object
    ))
}

/// One set with the keys of both.
fn joined(text: &str, mut own: Value) -> Option<Value> {
    KeySet::read(text).ok()?;
    let mut set: Value = serde_json::from_str(text).ok()?;
    let own = own.get_mut("keys")?.as_array_mut()?;
    set.get_mut("keys")?.as_array_mut()?.append(own);
    Some(set)
}
