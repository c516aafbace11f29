//! Policies in plain words, for people who read what is in force.

use std::fmt;

use super::request::Place;
use super::{Condition, ConditionKey, Lists, MtlsMode, Operation, Rule, Selection, Source, TargetRefKind, TlsMode};

/// A rule in words: any of `from`, any of `to`, all of `when`. An empty list asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleWords {
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub when: Vec<String>,
}

impl RuleWords {
    /// A rule in words. Accounts of `trust_domain` are shortened to namespace and name.
    #[must_use]
    pub fn of(rule: &Rule, trust_domain: &str) -> Self {
        Self {
            from: rule.sources.iter().map(|it| source(it, trust_domain)).collect(),
            to: rule.operations.iter().map(operation).collect(),
            when: rule.conditions.iter().map(|it| condition(it, trust_domain)).collect(),
        }
    }
}

impl fmt::Display for RuleWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = |list: &[String], nothing: &str| match list {
            [] => nothing.to_owned(),
            list => list.join("; or "),
        };
        let (from, to) = (any(&self.from, "anyone"), any(&self.to, "anything"));
        write!(f, "from {from} to {to}")?;
        if !self.when.is_empty() {
            write!(f, " when {}", self.when.join(" and "))?;
        }
        Ok(())
    }
}

fn source(source: &Source, trust_domain: &str) -> String {
    let mut parts = Vec::new();
    values(&mut parts, "", &source.principals, |v| principal(v, trust_domain));
    values(&mut parts, "namespace ", &source.namespaces, star("any"));
    values(&mut parts, "account ", &source.service_accounts, star("any"));
    values(&mut parts, "trust domain ", &source.trust_domains, star("any"));
    values(&mut parts, "", &source.request_principals, |v| token(v));
    values(&mut parts, "peer address ", &source.ip_blocks, |v| {
        v.as_str().to_owned()
    });
    values(&mut parts, "client address ", &source.remote_ip_blocks, |v| {
        v.as_str().to_owned()
    });
    join(&parts, "anyone")
}

fn operation(operation: &Operation) -> String {
    let mut parts = Vec::new();
    values(&mut parts, "", &operation.methods, star("any method"));
    values(&mut parts, "", &operation.paths, star("any path"));
    values(&mut parts, "host ", &operation.hosts, star("any"));
    values(&mut parts, "port ", &operation.ports, u16::to_string);
    // `GET /a port 80` reads as one.
    if parts.is_empty() {
        "anything".to_owned()
    } else {
        parts.join(" ")
    }
}

fn condition(condition: &Condition, trust_domain: &str) -> String {
    let what = match &condition.key {
        ConditionKey::Header(name) => format!("header {name}"),
        ConditionKey::SourceIp => "the peer's address".to_owned(),
        ConditionKey::RemoteIp => "the client's address".to_owned(),
        ConditionKey::SourceNamespace => "the caller's namespace".to_owned(),
        ConditionKey::SourcePrincipal => "the caller".to_owned(),
        ConditionKey::SourceServiceAccount => "the caller's account".to_owned(),
        ConditionKey::SourceTrustDomain => "the caller's trust domain".to_owned(),
        ConditionKey::RequestPrincipal => "the token".to_owned(),
        ConditionKey::Audiences => "the token's audience".to_owned(),
        ConditionKey::Presenter => "the token's presenter".to_owned(),
        ConditionKey::Claim(path) if path.as_slice() == ["iss"] => "the token's issuer".to_owned(),
        ConditionKey::Claim(path) => format!("claim {}", path.join(".")),
        ConditionKey::DestinationIp => "the destination's address".to_owned(),
        ConditionKey::DestinationPort => "the port".to_owned(),
        ConditionKey::Sni => "SNI".to_owned(),
        key @ (ConditionKey::Filter { .. } | ConditionKey::Unreadable(_)) => key.to_string(),
    };
    let word = |value: &String| match &condition.key {
        ConditionKey::SourcePrincipal => principal(value, trust_domain),
        ConditionKey::RequestPrincipal => token(value),
        _ if value == "*" => "any value".to_owned(),
        _ => value.clone(),
    };
    let either = |values: &[String]| values.iter().map(word).collect::<Vec<_>>().join(" or ");
    let Lists { values, not_values } = &condition.lists;
    match (values.as_slice(), not_values.as_slice()) {
        ([], []) => format!("{what} is anything"),
        (is, []) => format!("{what} is {}", either(is)),
        ([], not) => format!("{what} is not {}", either(not)),
        (is, not) => format!("{what} is {} and not {}", either(is), either(not)),
    }
}

/// Adds the positive and the negative values of a fact.
fn values<T>(parts: &mut Vec<String>, what: &str, lists: &Lists<T>, word: impl Fn(&T) -> String) {
    let listed = |values: &[T]| values.iter().map(&word).collect::<Vec<_>>().join(", ");
    if !lists.values.is_empty() {
        parts.push(format!("{what}{}", listed(&lists.values)));
    }
    if !lists.not_values.is_empty() {
        let not = listed(&lists.not_values);
        parts.push(match not.strip_prefix("any ") {
            Some(none) => format!("{what}no {none}"),
            None => format!("not {what}{not}"),
        });
    }
}

fn join(parts: &[String], nothing: &str) -> String {
    if parts.is_empty() {
        nothing.to_owned()
    } else {
        parts.join(" and ")
    }
}

fn star(any: &'static str) -> impl Fn(&String) -> String {
    move |value| if value == "*" { any.to_owned() } else { value.clone() }
}

/// An account of the mesh as `namespace/name`, anything else as written.
fn principal(text: &String, trust_domain: &str) -> String {
    if text == "*" {
        return "any identity of the mesh".to_owned();
    }
    let account = text
        .strip_prefix(trust_domain)
        .and_then(|rest| rest.strip_prefix("/ns/"))
        .and_then(|rest| rest.split_once("/sa/"));
    match account {
        Some((namespace, name)) => format!("{namespace}/{name}"),
        None => text.clone(),
    }
}

fn token(text: &str) -> String {
    match text {
        "*" => "any valid token".to_owned(),
        text => match text.strip_suffix("/*") {
            Some(issuer) => format!("a token of {issuer}"),
            None => format!("the token {text}"),
        },
    }
}

/// Which pods or services a policy is for.
#[must_use]
pub fn selection(selection: &Selection) -> String {
    match selection {
        Selection::All | Selection::EmptySelector => "all pods".to_owned(),
        Selection::Labels(labels) => format!("pods with {}", labels_of(labels.as_map())),
        Selection::Targets(targets) => {
            let target = |target: &super::TargetRef| {
                let kind = match target.kind {
                    TargetRefKind::Service => "service",
                    TargetRefKind::ServiceEntry => "service entry",
                    TargetRefKind::Gateway => "gateway or waypoint",
                    TargetRefKind::GatewayClass => "gateway class",
                };
                format!("{kind} {}", target.name)
            };
            targets.as_slice().iter().map(target).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Labels as `app=web,tier=front`.
#[must_use]
pub fn labels_of(labels: &super::StringMap) -> String {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

/// Where a token is looked for.
#[must_use]
pub fn token_place(place: &Place) -> String {
    match place {
        Place::Header { name, prefix } if prefix.is_empty() => format!("header {name}"),
        Place::Header { name, prefix } => format!("header {name} after `{prefix}`"),
        Place::Param(name) => format!("parameter {name}"),
        Place::Cookie(name) => format!("cookie {name}"),
    }
}

/// A mode of mutual TLS at a server.
#[must_use]
pub const fn mode(mode: MtlsMode) -> &'static str {
    match mode {
        MtlsMode::Strict => "strict",
        MtlsMode::Permissive => "permissive",
        MtlsMode::Disable => "disable",
        MtlsMode::Unset => "unset",
    }
}

/// A client's TLS, as destinations write it.
#[must_use]
pub const fn client_tls(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "disable",
        TlsMode::Simple => "simple",
        TlsMode::Mutual => "mutual",
        TlsMode::IstioMutual => "istio-mutual",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::IpBlock;

    fn lists(values: &[&str], not_values: &[&str]) -> Lists<String> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Lists {
            values: owned(values),
            not_values: owned(not_values),
        }
    }

    #[track_caller]
    fn says(rule: &Rule, expected: &str) {
        assert_eq!(RuleWords::of(rule, "cluster.local").to_string(), expected);
    }

    #[test]
    fn a_rule_without_parts_is_for_all() {
        says(&Rule::default(), "from anyone to anything");
    }

    #[test]
    fn sources_are_joined_with_or_and_their_facts_with_and() {
        let rule = Rule {
            sources: vec![
                Source {
                    principals: lists(&["cluster.local/ns/shop/sa/web", "other.example/ns/a/sa/b"], &[]),
                    namespaces: lists(&[], &["ops"]),
                    ..Source::default()
                },
                Source {
                    principals: lists(&[], &["*"]),
                    ip_blocks: Lists {
                        values: IpBlock::parse("10.0.0.0/8").into_iter().collect(),
                        not_values: Vec::new(),
                    },
                    ..Source::default()
                },
                Source {
                    request_principals: lists(&["https://a.example/*"], &[]),
                    ..Source::default()
                },
            ],
            ..Rule::default()
        };
        says(
            &rule,
            "from shop/web, other.example/ns/a/sa/b and not namespace ops; or no identity of the mesh and peer address \
             10.0.0.0/8; or a token of https://a.example to anything",
        );
    }

    #[test]
    fn operations_and_conditions_read_as_sentences() {
        let condition = |key, lists| Condition { key, lists };
        let rule = Rule {
            operations: vec![Operation {
                methods: lists(&["GET", "HEAD"], &[]),
                paths: lists(&["/a"], &["/a/b"]),
                ports: Lists {
                    values: vec![80],
                    not_values: Vec::new(),
                },
                ..Operation::default()
            }],
            conditions: vec![
                condition(
                    ConditionKey::Claim(vec!["iss".to_owned()]),
                    lists(&["https://a.example"], &[]),
                ),
                condition(ConditionKey::Header("x-a".to_owned()), lists(&["1", "2"], &["3"])),
                condition(ConditionKey::SourcePrincipal, lists(&[], &["cluster.local/ns/a/sa/b"])),
            ],
            ..Rule::default()
        };
        says(
            &rule,
            "from anyone to GET, HEAD /a not /a/b port 80 when the token's issuer is https://a.example and header x-a is 1 \
             or 2 and not 3 and the caller is not a/b",
        );
    }
}
