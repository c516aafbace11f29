//! Rules for tokens as Envoy's JWT filter (`pilot/pkg/security/authn/policy_applier.go`).

use serde_json::{Map, Value, json};

use crate::policy::effective::TokenRule;
use crate::policy::{JwtRule, Keys};

/// A claim that Istio lets be one text with spaces, whatever a rule says.
const ALWAYS_SPLIT: [&str; 2] = ["permission", "scope"];

/// The filter, or none where no token is looked at; `None` where the policy lacks the keys.
pub(super) fn filter(rules: &[TokenRule]) -> Option<Vec<Value>> {
    if rules.is_empty() {
        return Some(Vec::new());
    }
    let names: Vec<String> = (0..rules.len()).map(|at| format!("origins-{at}")).collect();
    let providers = names.iter().zip(rules);
    let providers: Map<String, Value> = providers
        .map(|(name, rule)| Some((name.clone(), provider(&rule.rule)?)))
        .collect::<Option<_>>()?;
    Some(vec![json!({
        "name": "envoy.filters.http.jwt_authn",
        "typedConfig": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": providers,
            "rules": [{ "match": { "prefix": "/" }, "requires": requirement(&names) }],
            "bypassCorsPreflight": true,
        },
    })])
}

/// One good token is enough; without any, none of the rules may have found a bad one.
fn requirement(names: &[String]) -> Value {
    let named = |name: &String| json!({ "providerName": name });
    let or_missing = |name: &String| any(vec![named(name), json!({ "allowMissing": {} })]);
    match names {
        [only] => or_missing(only),
        several => {
            let mut requirements: Vec<Value> = several.iter().map(named).collect();
            let all: Vec<Value> = several.iter().map(or_missing).collect();
            requirements.push(json!({ "requiresAll": { "requirements": all } }));
            any(requirements)
        }
    }
}

fn any(requirements: Vec<Value>) -> Value {
    json!({ "requiresAny": { "requirements": requirements } })
}

fn provider(rule: &JwtRule) -> Option<Value> {
    let Keys::Inline(keys) = &rule.keys else { return None };
    let mut provider = Map::new();
    let mut put = |key: &str, value: Value| provider.insert(key.to_owned(), value);
    if let Some(issuer) = &rule.issuer {
        put("issuer", json!(issuer));
    }
    if !rule.audiences.is_empty() {
        put("audiences", json!(rule.audiences));
    }
    put("localJwks", json!({ "inlineString": keys }));
    if rule.forward_original_token {
        put("forward", json!(true));
    }
    if !rule.from_headers.is_empty() {
        let headers = rule.from_headers.iter().map(|place| match &place.prefix {
            Some(prefix) => json!({ "name": place.name, "valuePrefix": prefix }),
            None => json!({ "name": place.name }),
        });
        put("fromHeaders", headers.collect());
    }
    if !rule.from_params.is_empty() {
        put("fromParams", json!(rule.from_params));
    }
    if !rule.from_cookies.is_empty() {
        put("fromCookies", json!(rule.from_cookies));
    }
    if let Some(header) = &rule.output_payload_to_header {
        put("forwardPayloadHeader", json!(header));
    }
    put("payloadInMetadata", json!("payload"));
    let mut split: Vec<&str> = rule.space_delimited_claims.iter().map(String::as_str).collect();
    split.extend(
        ALWAYS_SPLIT
            .iter()
            .filter(|claim| !rule.space_delimited_claims.iter().any(|it| it == *claim)),
    );
    split.sort_unstable();
    put("normalizePayloadInMetadata", json!({ "spaceDelimitedClaims": split }));
    if !rule.output_claim_to_headers.is_empty() {
        let outputs = rule.output_claim_to_headers.iter();
        let outputs = outputs.map(|(header, claim)| json!({ "headerName": header, "claimName": claim }));
        put("claimToHeaders", outputs.collect());
    }
    Some(Value::Object(provider))
}
