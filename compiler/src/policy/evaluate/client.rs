//! The client half: which DestinationRule a proxy heeds for a host, and the TLS that it then speaks.

use crate::policy::age;
use crate::policy::effective::{includes, object_of};
use crate::policy::inventory::Inventory;
use crate::policy::request::{Reason, Unknown};
use crate::policy::{ClientTls, DestinationRule, PolicySet, StringMap, Target, TlsByPort, TlsMode};

const KIND: &str = "DestinationRule";

/// A client's proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a StringMap,
    pub(crate) gateway: bool,
    pub(crate) target: Target,
}

/// What the rules say of the TLS towards a host's port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing: automatic mutual TLS, where it can be.
    Nothing,
    /// Nothing for this port, and mutual TLS for all ports: it is automatic, and each pod with a sidecar is taken for one
    /// that offers it, whatever its policies say. Source: `checkMtlsEnabled` in `pilot/pkg/xds/endpoints/mtls_checker.go`.
    Offered(Reason),
    Mode(TlsMode, Reason),
}

impl Said {
    /// The rule that says it.
    pub(crate) const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Nothing => None,
            Self::Offered(reason) | Self::Mode(_, reason) => Some(reason),
        }
    }
}

/// The TLS that rules say for a Service port of a host; without a port, for all its ports.
pub(crate) fn said(
    policies: &PolicySet,
    inventory: &Inventory,
    client: Client<'_>,
    (host, port): (&str, Option<u16>),
    service_namespace: Option<&str>,
) -> Result<Said, Unknown> {
    let Some(rule) = lookup(policies, inventory, client, host, service_namespace)? else {
        return Ok(Said::Nothing);
    };
    let mode = |tls: Option<&ClientTls>| {
        tls.map_or(Said::Nothing, |tls| {
            // A sidecar fetches no secret unless the rule selects it: then there is no TLS at all.
            let plain = tls.credential_name.is_some()
                && !client.gateway
                && rule.clients.is_none()
                && matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual);
            let mode = if plain { TlsMode::Disable } else { tls.mode };
            Said::Mode(
                mode,
                Reason {
                    object: object_of(KIND, &rule.meta),
                    rule: None,
                    origin: rule.meta.origin,
                },
            )
        })
    };
    let none = TlsByPort::default();
    let tls = rule.tls.as_ref().unwrap_or(&none);
    let all = mode(tls.all.as_ref());
    let of_port = |tls: &Option<ClientTls>| match (tls, &all) {
        // Clusters are made by what is said for the port, and pods are taken for what is said for all ports.
        (None, Said::Mode(TlsMode::IstioMutual, reason)) if !client.target.is_legacy() => Said::Offered(reason.clone()),
        (None, Said::Mode(mode, reason)) if *mode != TlsMode::IstioMutual => {
            Said::Mode(TlsMode::Disable, reason.clone())
        }
        (tls, _) => mode(tls.as_ref()),
    };
    match port {
        Some(port) => Ok(tls.ports.get(&port).map_or(all.clone(), of_port)),
        None if tls.ports.values().all(|tls| of_port(tls) == all) => Ok(all),
        None => Err(Unknown::Port),
    }
}

/// The rule that a client's proxy heeds for a host: of its own namespace, of the service's, of the root namespace.
pub(crate) fn lookup<'p>(
    policies: &'p PolicySet,
    inventory: &Inventory,
    client: Client<'_>,
    host: &str,
    service_namespace: Option<&str>,
) -> Result<Option<&'p DestinationRule>, Unknown> {
    let root = inventory.mesh.root.as_str();
    let legacy = client.target.is_legacy();
    let of = |namespace: &str| -> Vec<&'p DestinationRule> {
        let rules = policies.destination_rules.iter();
        rules
            .filter(|rule| rule.meta.namespace.as_deref() == Some(namespace))
            .collect()
    };
    let own = of(client.namespace)
        .into_iter()
        .filter(|rule| is_own(rule, client, root));
    if let Some(found) = most_specific(&own.collect::<Vec<_>>(), inventory, host) {
        if !legacy {
            apart(&of(client.namespace), &found, inventory)?;
        }
        return pick(&found, client).map(Some);
    }
    for namespace in service_namespace.into_iter().chain(std::iter::once(root)) {
        let rules: Vec<_> = of(namespace)
            .into_iter()
            .filter(|rule| rule.clients.is_none())
            // A legacy release keeps rules for one namespace apart from those for all.
            .filter(|rule| !legacy || is_for_all(rule))
            .filter(|rule| !is_private(rule, namespace))
            .collect();
        // The most specific host counts, exported to this client or to others.
        let found: Vec<_> = most_specific(&rules, inventory, host).unwrap_or_default();
        let visible: Vec<_> = found
            .into_iter()
            .filter(|rule| is_exported(rule, client.namespace))
            .collect();
        if !visible.is_empty() {
            if !legacy {
                apart(&of(namespace), &visible, inventory)?;
            }
            return pick(&visible, client).map(Some);
        }
    }
    Ok(None)
}

/// Exported to its own namespace alone: istiod does not show such a rule to others, whose next wider one then holds.
/// Source: `SetDestinationRules` in `pilot/pkg/model/push_context.go`.
fn is_private(rule: &DestinationRule, own: &str) -> bool {
    matches!(rule.export_to.as_slice(), [only] if only == "." || only == own)
}

fn is_for_all(rule: &DestinationRule) -> bool {
    rule.export_to.is_empty() || rule.export_to.iter().any(|namespace| namespace == "*")
}

/// The rules that a client's proxy would heed for a host if there were no other, whichever it heeds.
pub(crate) fn candidates<'p>(
    policies: &'p PolicySet,
    inventory: &Inventory,
    client: Client<'_>,
    host: &str,
    service_namespace: Option<&str>,
) -> Vec<&'p DestinationRule> {
    let root = inventory.mesh.root.as_str();
    let usable = |rule: &&DestinationRule| {
        let home = rule.meta.namespace.as_deref();
        let selects = |labels: &StringMap| includes(client.labels, labels);
        if home == Some(client.namespace) && is_own(rule, client, root) {
            return rule.clients.as_ref().is_none_or(selects);
        }
        let near = home.is_some() && (home == service_namespace || home == Some(root));
        let kept = !client.target.is_legacy() || is_for_all(rule);
        near && kept && rule.clients.is_none() && is_exported(rule, client.namespace)
    };
    policies
        .destination_rules
        .iter()
        .filter(|rule| usable(rule) && stands_for(rule, inventory, host))
        .collect()
}

/// Whether a rule stands for a host, whoever heeds it.
pub(crate) fn stands_for(rule: &DestinationRule, inventory: &Inventory, host: &str) -> bool {
    rank(rule, inventory, host).is_some()
}

/// Why a client's proxy heeds `winner` and not `loser`, which stands for the same host.
pub(crate) fn why_heeded(winner: &DestinationRule, loser: &DestinationRule, client: Client<'_>) -> &'static str {
    if winner.meta.namespace == loser.meta.namespace {
        return if winner.host != loser.host {
            "of one namespace, the destination with the most specific host is heeded"
        } else if winner.clients.is_some() {
            "a destination that selects the client's pods is heeded before one for all"
        } else {
            "of several destinations for one host, one is heeded"
        };
    }
    if winner.meta.namespace.as_deref() == Some(client.namespace) {
        "the client's own namespace is looked through first"
    } else {
        "the namespace of the service is looked through before the root namespace"
    }
}

/// Whether a rule of the client's own namespace is looked at in the first place.
fn is_own(rule: &DestinationRule, client: Client<'_>, root: &str) -> bool {
    if client.namespace == root {
        !client.target.is_legacy() && (rule.clients.is_some() || rule.export_to == ["."])
    } else {
        is_exported(rule, client.namespace)
    }
}

fn is_exported(rule: &DestinationRule, to: &str) -> bool {
    let own = rule.meta.namespace.as_deref() == Some(to);
    if rule.clients.is_some() {
        return own;
    }
    rule.export_to.is_empty() || rule.export_to.iter().any(|e| e == "*" || e == to || (e == "." && own))
}

/// The rules with the most specific host that fits: an exact one, else the longest with a star.
fn most_specific<'p>(
    rules: &[&'p DestinationRule],
    inventory: &Inventory,
    host: &str,
) -> Option<Vec<&'p DestinationRule>> {
    let rank = |rule: &DestinationRule| rank(rule, inventory, host);
    let best = rules.iter().filter_map(|rule| rank(rule)).max()?;
    Some(rules.iter().copied().filter(|rule| rank(rule) == Some(best)).collect())
}

/// How specifically a rule stands for a host; `None`: not at all.
fn rank(rule: &DestinationRule, inventory: &Inventory, host: &str) -> Option<(bool, usize)> {
    let name = full_host(rule, &inventory.mesh.domain);
    match name.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix).then_some((false, name.len())),
        None => (name == host).then_some((true, name.len())),
    }
}

/// A rule's host, written out: a short name is one of the rule's namespace.
pub(crate) fn full_host(rule: &DestinationRule, domain: &str) -> String {
    let name = rule.host.as_str();
    if name.contains('.') || name.starts_with('*') {
        return name.to_owned();
    }
    let namespace = rule.meta.namespace.as_deref().unwrap_or_default();
    format!("{name}.{namespace}.svc.{domain}")
}

/// Whether Istio keeps the rules of a namespace for the host of these apart or merges them whole, whoever they are exported
/// to.
fn apart(rules: &[&DestinationRule], found: &[&DestinationRule], inventory: &Inventory) -> Result<(), Unknown> {
    let domain = &inventory.mesh.domain;
    let Some(first) = found.first() else { return Ok(()) };
    let host = full_host(first, domain);
    let same: Vec<_> = rules.iter().filter(|rule| full_host(rule, domain) == host).collect();
    let exported = |rule: &&&DestinationRule| rule.clients.is_none() && !rule.export_to.is_empty();
    if same.len() > 1 && same.iter().any(exported) {
        return Err(several(same.iter().map(|rule| **rule)));
    }
    Ok(())
}

fn several<'r>(rules: impl Iterator<Item = &'r DestinationRule>) -> Unknown {
    let names = rules.map(|rule| object_of(KIND, &rule.meta).to_string());
    Unknown::Other(format!(
        "{} stand for one host, and how Istio merges them is not judged; write one",
        names.collect::<Vec<_>>().join(" and ")
    ))
}

/// Rules for all clients that Istio merges: the traffic policy of the oldest that has one counts, and no other.
fn merged<'p>(rules: &[&'p DestinationRule]) -> Result<&'p DestinationRule, Unknown> {
    let mut speaking: Vec<_> = rules.iter().copied().filter(|rule| rule.tls.is_some()).collect();
    age::keep_oldest(&mut speaking, |rule| &rule.meta);
    match (speaking.as_slice(), rules) {
        ([], [first, ..]) => Ok(first),
        ([first, rest @ ..], _) if rest.iter().all(|rule| rule.tls == first.tls) => Ok(first),
        ([one, other, ..], _) => Err(Unknown::Other(format!(
            "{} and {} stand for one host and say different TLS: the older one counts, and which one is older is not known (`metadata.creationTimestamp`)",
            object_of(KIND, &one.meta),
            object_of(KIND, &other.meta)
        ))),
        _ => Err(several(rules.iter().copied())),
    }
}

/// Of the rules of one host, the one that selects the client, else the one for all.
fn pick<'p>(rules: &[&'p DestinationRule], client: Client<'_>) -> Result<&'p DestinationRule, Unknown> {
    if let [only] = rules
        && only.clients.is_none()
    {
        return Ok(only);
    }
    let plain: Vec<_> = rules.iter().copied().filter(|rule| rule.clients.is_none()).collect();
    let selecting: Vec<_> = rules
        .iter()
        .filter(|rule| {
            rule.clients
                .as_ref()
                .is_some_and(|labels| includes(client.labels, labels))
        })
        .collect();
    let exported = plain.iter().any(|rule| !rule.export_to.is_empty());
    match selecting.as_slice() {
        [one] if !exported => Ok(one),
        [] if !exported && !plain.is_empty() => merged(&plain),
        _ => Err(several(rules.iter().copied())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Meta;
    use crate::source::Span;

    /// Name, creation, exported to, and the mode of TLS.
    type Rule<'t> = (&'t str, Option<i64>, &'t [&'t str], Option<TlsMode>);

    /// What a client of `clients` speaks towards a host of `shop` that these rules of `shop` stand for.
    fn spoken(rules: &[Rule<'_>]) -> Result<Option<TlsMode>, String> {
        let rule = |(name, created, export_to, mode): &Rule<'_>| DestinationRule {
            meta: Meta {
                name: (*name).to_owned(),
                namespace: Some("shop".to_owned()),
                labels: StringMap::new(),
                annotations: StringMap::new(),
                created: *created,
                origin: Span::default(),
            },
            host: "web".to_owned(),
            tls: mode.map(|mode| TlsByPort {
                all: Some(ClientTls::plain(mode)),
                ..TlsByPort::default()
            }),
            subsets: Vec::new(),
            export_to: export_to.iter().map(|to| (*to).to_owned()).collect(),
            clients: None,
        };
        let policies = PolicySet {
            destination_rules: rules.iter().map(rule).collect(),
            ..PolicySet::default()
        };
        let labels = StringMap::new();
        let client = Client {
            namespace: "clients",
            labels: &labels,
            gateway: false,
            target: Target::NEWEST,
        };
        let host = ("web.shop.svc.cluster.local", Some(80));
        match said(&policies, &Inventory::default(), client, host, Some("shop")) {
            Ok(Said::Mode(mode, _)) => Ok(Some(mode)),
            Ok(Said::Nothing | Said::Offered(_)) => Ok(None),
            Err(why) => Err(why.to_string()),
        }
    }

    #[test]
    fn the_oldest_traffic_policy_of_a_host_counts() {
        use TlsMode::{Disable, IstioMutual, Simple};
        let all: &[&str] = &[];
        let rules = [
            ("a", Some(3), all, Some(Disable)),
            ("b", Some(2), all, Some(IstioMutual)),
            ("c", Some(1), all, None),
        ];
        assert_eq!(spoken(&rules), Ok(Some(IstioMutual)));
        assert_eq!(spoken(&rules[2..]), Ok(None));
        let unknown = [("a", None, all, Some(Disable)), ("b", Some(1), all, Some(Simple))];
        let why = spoken(&unknown).unwrap_err();
        assert!(
            why.contains("DestinationRule shop/a and DestinationRule shop/b"),
            "{why}"
        );
        assert_eq!(
            spoken(&[("a", None, all, Some(Simple)), ("b", None, all, Some(Simple))]),
            Ok(Some(Simple))
        );
    }

    #[test]
    fn rules_that_are_merged_across_exports_have_no_answer() {
        let hidden = [
            ("a", Some(1), &["other"][..], Some(TlsMode::Disable)),
            ("b", Some(2), &["other", "clients"][..], Some(TlsMode::IstioMutual)),
        ];
        assert!(spoken(&hidden).unwrap_err().contains("how Istio merges them"));
        assert_eq!(spoken(&hidden[1..]), Ok(Some(TlsMode::IstioMutual)));
        assert_eq!(spoken(&hidden[..1]), Ok(None));
    }
}
