//! External authorizers: what Envoy does with the rules by which one is asked.
//!
//! Istio puts those rules into an RBAC filter that decides nothing and leaves a mark, and behind it the filter that asks
//! where the mark is (`pilot/pkg/security/authz/builder`).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::bootstrap::cluster;

/// Who answers in the place of an authorizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorizer {
    /// It always says this: its rules then let pass, or refuse.
    Says(bool),
    /// Somebody at this address.
    At(SocketAddr),
}

/// What is asked, and how.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub provider: &'a str,
    pub authorizer: Authorizer,
    pub grpc: bool,
    /// About requests, or else about connections.
    pub http: bool,
}

/// The mark of the rules.
const MARK: &str = "istio_ext_authz_";

/// The filters of a policy, with those by which its authorizer is asked.
#[must_use]
pub fn with_authorizer(filters: Vec<Value>, asked: Asked<'_>) -> Vec<Value> {
    let is_mark = |filter: &Value| filter.pointer("/typedConfig/shadowRulesStatPrefix") == Some(&json!(MARK));
    let mut all = Vec::new();
    for filter in filters {
        if !is_mark(&filter) {
            all.push(filter);
            continue;
        }
        // About connections only those can be asked that speak gRPC; Istio asks no other.
        if !asked.http && !asked.grpc {
            continue;
        }
        match asked.authorizer {
            Authorizer::Says(true) => {}
            Authorizer::Says(false) => all.push(enforced(filter)),
            Authorizer::At(_) => all.extend([filter, question(asked)]),
        }
    }
    all
}

/// The same rules, where each that matches refuses.
fn enforced(mut filter: Value) -> Value {
    if let Some(config) = filter.get_mut("typedConfig").and_then(Value::as_object_mut) {
        config.remove("shadowRulesStatPrefix");
        let rules = config.remove("shadowRules");
        config.extend(rules.map(|rules| ("rules".to_owned(), rules)));
    }
    filter
}

fn name(provider: &str, grpc: bool) -> String {
    format!("authorizer/{provider}/{}", if grpc { "grpc" } else { "http" })
}

fn question(asked: Asked<'_>) -> Value {
    let kind = if asked.http { "http" } else { "network" };
    let cluster = name(asked.provider, asked.grpc);
    let mut config = json!({
        "@type": format!("type.googleapis.com/envoy.extensions.filters.{kind}.ext_authz.v3.ExtAuthz"),
        "transportApiVersion": "V3",
        "filterEnabledMetadata": {
            "filter": format!("envoy.filters.{kind}.rbac"),
            "path": [{ "key": format!("{MARK}shadow_effective_policy_id") }],
            "value": { "stringMatch": { "prefix": format!("istio-ext-authz-{}", asked.provider) } },
        },
    });
    let (field, service) = if asked.grpc {
        (
            "grpcService",
            json!({ "envoyGrpc": { "clusterName": cluster }, "timeout": "5s" }),
        )
    } else {
        (
            "httpService",
            json!({ "serverUri": { "uri": "http://authorizer", "cluster": cluster, "timeout": "5s" } }),
        )
    };
    if let Some(config) = config.as_object_mut() {
        config.insert(field.to_owned(), service);
        let (field, value) = if asked.http {
            ("statusOnError", json!({ "code": "Forbidden" }))
        } else {
            ("statPrefix", json!("tcp."))
        };
        config.insert(field.to_owned(), value);
    }
    json!({ "name": format!("envoy.filters.{kind}.ext_authz"), "typedConfig": config })
}

/// The clusters of those that have an address, for either way to speak.
pub(super) fn clusters(authorizers: &BTreeMap<String, Authorizer>) -> Vec<Value> {
    let mut all = Vec::new();
    for (provider, authorizer) in authorizers {
        let Authorizer::At(address) = authorizer else {
            continue;
        };
        for grpc in [false, true] {
            let mut cluster = cluster(&name(provider, grpc), *address);
            if let Some(fields) = cluster.as_object_mut().filter(|_| grpc) {
                let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
                fields.insert(
                    "typedExtensionProtocolOptions".to_owned(),
                    json!({ options: {
                        "@type": format!("type.googleapis.com/{options}"),
                        "explicitHttpConfig": { "http2ProtocolOptions": {} },
                    }}),
                );
            }
            all.push(cluster);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(authorizer: Authorizer, grpc: bool, http: bool) -> Vec<String> {
        let mark = json!({ "name": "ask", "typedConfig": {
            "shadowRules": { "action": "DENY" }, "shadowRulesStatPrefix": MARK } });
        let deny = json!({ "name": "deny", "typedConfig": {
            "rules": {}, "shadowRulesStatPrefix": "istio_dry_run_allow_" } });
        let asked = Asked {
            provider: "opa",
            authorizer,
            grpc,
            http,
        };
        let made = with_authorizer(vec![mark, deny], asked).into_iter();
        let shown = |filter: Value| {
            let enforced = filter.pointer("/typedConfig/rules").is_some();
            format!(
                "{}{}",
                filter["name"].as_str().unwrap(),
                if enforced { "!" } else { "" }
            )
        };
        made.map(shown).collect()
    }

    #[test]
    fn rules_let_pass_refuse_or_ask() {
        let at = Authorizer::At(SocketAddr::from(([127, 0, 0, 1], 9191)));
        assert_eq!(filters(Authorizer::Says(true), false, true), ["deny!"]);
        assert_eq!(filters(Authorizer::Says(false), false, true), ["ask!", "deny!"]);
        assert_eq!(
            filters(at, false, true),
            ["ask", "envoy.filters.http.ext_authz", "deny!"]
        );
        assert_eq!(
            filters(at, true, false),
            ["ask", "envoy.filters.network.ext_authz", "deny!"]
        );
        assert_eq!(filters(at, false, false), ["deny!"]);
        assert_eq!(filters(Authorizer::Says(false), false, false), ["deny!"]);
    }
}
