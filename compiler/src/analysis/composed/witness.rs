//! A request that a rule is made for. It proposes, and the evaluator confirms: one that the rule does not match is of no
//! use, and does no harm.

use std::net::{IpAddr, Ipv4Addr};

use super::Subject;
use super::places::{Place, Plane};
use super::shape;
use crate::policy::request::{Caller, Request};
use crate::policy::{Action, ConditionKey, Lists, Operation, Rule, Source};

/// So many proposals are made for a rule.
const MOST: usize = 16;
/// An address of nobody (RFC 5737).
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// What a pattern with a star at an end stands for.
pub(super) fn filled(pattern: &str) -> String {
    pattern.replace("{**}", "x").replace("{*}", "x").replace('*', "x")
}

impl Subject<'_> {
    /// A request without any proof: plaintext, no token, from nowhere in particular.
    pub(super) fn plain(&self, place: &Place<'_>) -> Option<Request> {
        let to = place.destination()?;
        let mut request = Request::new(to, Caller::Outsider);
        request.peer_ip = Some(SOMEWHERE);
        request.client_ip = Some(SOMEWHERE);
        request.destination_ip = Some(SOMEWHERE);
        let spoken = place.ports.iter().find(|(_, spoken)| spoken.is_http());
        request.port = spoken.or(place.ports.iter().next()).map(|(port, _)| *port);
        request.http = Some(true);
        let policies = self.access(place);
        request.answers = policies
            .filter_map(|policy| match &policy.action {
                Action::Custom { provider, .. } => Some((provider.clone(), true)),
                _ => None,
            })
            .collect();
        Some(request)
    }

    /// An identity of this mesh.
    pub(super) fn someone(&self) -> Caller {
        Caller::Principal(format!("{}/ns/somewhere/sa/someone", self.inventory.mesh.trust_domain))
    }

    /// Requests that are made for a rule at a place.
    pub(super) fn requests(&self, rule: &Rule, place: &Place<'_>) -> Vec<Request> {
        if matches!(place.plane, Plane::Waypoint(_)) {
            return Vec::new();
        }
        let none = (Source::default(), Operation::default());
        let sources = if rule.sources.is_empty() {
            std::slice::from_ref(&none.0)
        } else {
            &rule.sources
        };
        let operations = if rule.operations.is_empty() {
            std::slice::from_ref(&none.1)
        } else {
            &rule.operations
        };
        let pairs = sources
            .iter()
            .flat_map(|source| operations.iter().map(move |operation| (source, operation)));
        pairs
            .take(MOST)
            .filter_map(|(source, operation)| self.request(rule, (source, operation), place))
            .collect()
    }

    fn request(&self, rule: &Rule, (source, operation): (&Source, &Operation), place: &Place<'_>) -> Option<Request> {
        let mut request = self.plain(place)?;
        let first = |lists: &Lists<String>| lists.values.first().map(|value| filled(value));
        request.method = first(&operation.methods).or_else(|| {
            let excluded = &operation.methods.not_values;
            let free = ["GET", "POST", "PUT", "DELETE"]
                .iter()
                .find(|it| !excluded.iter().any(|not| not == *it));
            free.map(|method| (*method).to_owned())
        });
        request.path = first(&operation.paths)
            .or_else(|| (!operation.paths.not_values.is_empty()).then(|| "/somewhere-else".to_owned()));
        request.host = first(&operation.hosts);
        let ports = shape::ports(rule);
        if let Some(ports) = &ports {
            request.port = Some(
                *ports
                    .iter()
                    .find(|port| place.ports.contains_key(port))
                    .or(ports.first())?,
            );
        } else if !demands_http(rule) {
            // Where the pods speak no HTTP, a connection will do.
            request.port = request.port.or_else(|| place.ports.keys().next().copied());
        }
        request.peer_ip = source
            .ip_blocks
            .values
            .first()
            .map(|block| block.net().addr())
            .or(request.peer_ip);
        request.client_ip = source
            .remote_ip_blocks
            .values
            .first()
            .map(|block| block.net().addr())
            .or(request.client_ip);
        for condition in &rule.conditions {
            let Some(value) = condition.lists.values.first() else {
                continue;
            };
            match &condition.key {
                ConditionKey::Header(name) => request.headers.push((name.to_ascii_lowercase(), filled(value))),
                ConditionKey::Sni => request.sni = Some(filled(value)),
                _ => {}
            }
        }
        if let Some(principal) = self.principal(rule, source, place) {
            request.caller = Caller::Principal(principal);
        }
        Some(request)
    }

    /// An identity that a source asks for.
    fn principal(&self, rule: &Rule, source: &Source, place: &Place<'_>) -> Option<String> {
        let of = |key: &ConditionKey| {
            let mut conditions = rule.conditions.iter().filter(move |it| it.key == *key);
            conditions.find_map(|it| it.lists.values.first())
        };
        let domain = source
            .trust_domains
            .values
            .first()
            .or_else(|| of(&ConditionKey::SourceTrustDomain));
        let domain = domain.map_or_else(|| self.inventory.mesh.trust_domain.clone(), |it| filled(it));
        let principal = source
            .principals
            .values
            .first()
            .or_else(|| of(&ConditionKey::SourcePrincipal));
        if let Some(pattern) = principal {
            let tail = |text: &str| format!("{domain}/ns/somewhere/sa/{text}");
            return Some(match pattern.as_str() {
                "*" => tail("someone"),
                pattern if !pattern.contains('*') => pattern.to_owned(),
                pattern => match (
                    pattern.strip_prefix("*/sa/"),
                    pattern.strip_prefix('*'),
                    pattern.strip_suffix("/*"),
                ) {
                    (Some(account), ..) => tail(account),
                    (None, Some(rest), _) => format!("{domain}{rest}"),
                    (None, None, Some(start)) if start.contains("/ns/") => format!("{start}/sa/someone"),
                    _ => return None,
                },
            });
        }
        let account = source
            .service_accounts
            .values
            .first()
            .or_else(|| of(&ConditionKey::SourceServiceAccount));
        if let Some(account) = account {
            let (namespace, name) = account.split_once('/').unwrap_or((place.namespace, account));
            return Some(format!("{domain}/ns/{namespace}/sa/{name}"));
        }
        let namespace = source
            .namespaces
            .values
            .first()
            .or_else(|| of(&ConditionKey::SourceNamespace));
        if let Some(namespace) = namespace {
            return Some(format!("{domain}/ns/{}/sa/someone", filled(namespace)));
        }
        (shape::demands_identity(rule)).then(|| format!("{domain}/ns/somewhere/sa/someone"))
    }
}

/// Whether a rule asks for something that only HTTP has.
pub(super) fn demands_http(rule: &Rule) -> bool {
    rule.operations
        .iter()
        .any(|it| !it.hosts.is_empty() || !it.methods.is_empty() || !it.paths.is_empty())
        || shape::mentions_token(rule)
        || rule
            .conditions
            .iter()
            .any(|it| matches!(it.key, ConditionKey::Header(_)))
}

/// A request in words.
pub(super) fn words(request: &Request) -> String {
    let who = match &request.caller {
        Caller::Outsider => "a caller without a certificate",
        Caller::Principal(principal) => principal,
        Caller::Workload(_) => "a workload",
    };
    let mut what = format!(
        "{} {}",
        request.method.as_deref().unwrap_or("GET"),
        request.path.as_deref().unwrap_or("/")
    );
    if let Some(host) = &request.host {
        what.push_str(&format!(" with the host {host}"));
    }
    for (name, value) in &request.headers {
        what.push_str(&format!(" with {name}: {value}"));
    }
    if let Some(port) = request.port {
        what.push_str(&format!(" on port {port}"));
    }
    format!("`{what}` by {who}")
}
