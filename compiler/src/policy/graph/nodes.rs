//! What a policy looks like as nodes: the whole, and its parts.

use super::build::Builder;
use super::{Node, Part, Scope, Stage, Standing};
use crate::policy::effective::{includes, object_of};
use crate::policy::evaluate::client::full_host;
use crate::policy::inventory::Inventory;
use crate::policy::legacy::{AuthenticationPolicy, PeerMethod, ServicePort};
use crate::policy::request::ObjectRef;
use crate::policy::words::{self, RuleWords};
use crate::policy::{
    Action, Authorization, ClientTls, DestinationRule, Labels, Meta, MtlsMode, PeerAuthentication, PeerScope, PolicyId,
    RequestAuthentication, Selection, TargetRefKind, TlsByPort,
};
use crate::source::Span;

/// The nodes of a policy: the whole first.
pub(super) fn of(builder: &Builder<'_>, policy: PolicyId) -> Vec<(Option<Part>, Node)> {
    let (policies, inventory) = (builder.judge.policies(), builder.judge.inventory());
    let made = match policy {
        PolicyId::Peer(at) => policies
            .peer_authentications
            .get(at)
            .map(|it| peer(it, inventory, builder.port)),
        PolicyId::Request(at) => policies
            .request_authentications
            .get(at)
            .map(|it| request(it, inventory)),
        PolicyId::Authorization(at) => policies.authorizations.get(at).map(|it| authorization(it, inventory)),
        PolicyId::Destination(at) => policies.destination_rules.get(at).map(|it| {
            let meant = |port: u16| builder.service_ports.as_ref().is_none_or(|ports| ports.contains(&port));
            destination(it, inventory, meant)
        }),
        PolicyId::Legacy(at) => policies.authentication_policies.get(at).map(|it| legacy(it, policy)),
    };
    let mut made = made.unwrap_or_default();
    for (_, node) in &mut made {
        node.policy = policy;
    }
    made
}

type Made = Vec<(Option<Part>, Node)>;

fn whole(kind: &'static str, meta: &Meta, scope: Scope, stage: Stage, says: String) -> Made {
    let object = object_of(kind, meta);
    let node = Node {
        name: name_of(&object),
        policy: PolicyId::Peer(0),
        object,
        part: None,
        whole: None,
        scope,
        stage,
        says,
        origin: meta.origin,
        standing: Standing::Idle,
        why: None,
    };
    vec![(None, node)]
}

fn name_of(object: &ObjectRef) -> String {
    if object.namespace.is_empty() {
        format!("{}/{}", object.kind, object.name)
    } else {
        format!("{}/{}/{}", object.kind, object.namespace, object.name)
    }
}

/// Adds a part of the policy whose whole comes first.
fn add(made: &mut Made, part: Part, says: String, origin: Option<Span>) {
    let Some((_, whole)) = made.first() else { return };
    let mut node = whole.clone();
    node.name = match part {
        Part::Port(port) => format!("{}#port-{port}", node.name),
        Part::Rule(at) => format!("{}#rule-{}", node.name, at + 1),
    };
    node.part = Some(part);
    node.says = says;
    node.origin = origin.unwrap_or(node.origin);
    made.push((Some(part), node));
}

fn wide(namespace: &str, inventory: &Inventory) -> Scope {
    if namespace == inventory.mesh.root {
        Scope::Mesh
    } else {
        Scope::Namespace(namespace.to_owned())
    }
}

/// Pods by their labels: the one workload that is known by them, if there is one.
fn pods(namespace: Option<&str>, labels: &Labels, inventory: &Inventory) -> Scope {
    let mut known = inventory.workloads.iter().filter(|workload| {
        namespace.is_none_or(|namespace| namespace == workload.namespace) && includes(&workload.labels, labels.as_map())
    });
    match (known.next(), known.next()) {
        (Some(one), None) => Scope::Workload {
            namespace: one.namespace.clone(),
            name: one.name.clone(),
        },
        _ => Scope::Pods {
            namespace: namespace.map(str::to_owned),
            labels: labels.as_map().clone(),
        },
    }
}

fn peer(policy: &PeerAuthentication, inventory: &Inventory, port: Option<u16>) -> Made {
    let namespace = policy.meta.namespace.as_deref().unwrap_or_default();
    let scope = match &policy.scope {
        PeerScope::Namespace | PeerScope::EmptySelector => wide(namespace, inventory),
        PeerScope::Workload { labels, .. } => pods(Some(namespace), labels, inventory),
    };
    let says = match policy.mode {
        None | Some(MtlsMode::Unset) => "no mode for all ports".to_owned(),
        Some(mode) => words::mode(mode).to_owned(),
    };
    let mut made = whole("PeerAuthentication", &policy.meta, scope, Stage::Mtls, says);
    if let PeerScope::Workload { ports, .. } = &policy.scope {
        for (own, mode) in ports.iter().filter(|(own, _)| port.is_none_or(|port| port == **own)) {
            add(&mut made, Part::Port(*own), words::mode(*mode).to_owned(), None);
        }
    }
    made
}

fn selected(selection: &Selection, meta: &Meta, inventory: &Inventory) -> Scope {
    let namespace = meta.namespace.clone().unwrap_or_default();
    match selection {
        Selection::All | Selection::EmptySelector => wide(&namespace, inventory),
        Selection::Labels(labels) => {
            let home = (namespace != inventory.mesh.root).then_some(namespace.as_str());
            pods(home, labels, inventory)
        }
        Selection::Targets(targets) => match targets.as_slice() {
            [one] => {
                let name = one.name.clone();
                match one.kind {
                    TargetRefKind::Service | TargetRefKind::ServiceEntry => Scope::Service { namespace, name },
                    TargetRefKind::Gateway => Scope::Waypoint { namespace, name },
                    TargetRefKind::GatewayClass => Scope::Mesh,
                }
            }
            _ => wide(&namespace, inventory),
        },
    }
}

fn request(policy: &RequestAuthentication, inventory: &Inventory) -> Made {
    let scope = selected(&policy.selection, &policy.meta, inventory);
    let says = format!("accepts tokens, for {}", words::selection(&policy.selection));
    let mut made = whole("RequestAuthentication", &policy.meta, scope, Stage::Tokens, says);
    for (at, rule) in policy.rules.as_slice().iter().enumerate() {
        let issuer = rule.issuer.as_deref().unwrap_or("any issuer");
        add(&mut made, Part::Rule(at), format!("issuer {issuer}"), Some(rule.origin));
    }
    made
}

fn authorization(policy: &Authorization, inventory: &Inventory) -> Made {
    let scope = selected(&policy.selection, &policy.meta, inventory);
    let rules = policy.action.rules();
    let (stage, what) = match &policy.action {
        Action::Allow(rules) if rules.is_empty() => (Stage::Allow, "ALLOW nothing".to_owned()),
        Action::Allow(_) => (Stage::Allow, "ALLOW".to_owned()),
        Action::Deny(_) => (Stage::Deny, "DENY".to_owned()),
        Action::Audit(_) => (Stage::Audit, "AUDIT".to_owned()),
        Action::Custom { provider, .. } => (Stage::Custom, format!("CUSTOM, asks {provider}")),
    };
    let dry_run = if policy.dry_run { ", dry run" } else { "" };
    let says = format!("{what}{dry_run}, for {}", words::selection(&policy.selection));
    let mut made = whole("AuthorizationPolicy", &policy.meta, scope, stage, says);
    for (at, rule) in rules.iter().enumerate() {
        let says = RuleWords::of(rule, &inventory.mesh.trust_domain).to_string();
        add(&mut made, Part::Rule(at), says, Some(rule.origin));
    }
    made
}

fn destination(policy: &DestinationRule, inventory: &Inventory, meant: impl Fn(u16) -> bool) -> Made {
    let domain = &inventory.mesh.domain;
    let host = full_host(policy, domain);
    let namespace = policy.meta.namespace.clone().unwrap_or_default();
    let service = inventory.services.iter().find(|service| service.host(domain) == host);
    let scope = match service {
        Some(service) => Scope::Service {
            namespace: service.namespace.clone(),
            name: service.name.clone(),
        },
        None if namespace == inventory.mesh.root => Scope::Mesh,
        None => Scope::Host {
            namespace,
            host: host.clone(),
        },
    };
    let of_clients = policy.clients.as_ref().map_or(String::new(), |labels| {
        format!(" from pods with {}", words::labels_of(labels))
    });
    let all = policy.tls.as_ref().and_then(|tls| tls.all.as_ref());
    let says = format!("{} to {host}{of_clients}", mode_of(all));
    let mut made = whole("DestinationRule", &policy.meta, scope, Stage::Client, says);
    let ports = policy.tls.iter().flat_map(|tls| &tls.ports);
    for (port, tls) in ports.filter(|(port, _)| meant(**port)) {
        add(&mut made, Part::Port(*port), mode_of(tls.as_ref()).to_owned(), None);
    }
    for (at, subset) in policy.subsets.iter().enumerate() {
        let says = format!("subset {}: {}", subset.name, of_ports(&subset.tls));
        add(&mut made, Part::Rule(at), says, None);
    }
    made
}

fn mode_of(tls: Option<&ClientTls>) -> &'static str {
    tls.map_or("says no TLS", |tls| words::client_tls(tls.mode))
}

fn of_ports(tls: &TlsByPort) -> String {
    let ports = tls
        .ports
        .iter()
        .map(|(port, tls)| format!(", {} on port {port}", mode_of(tls.as_ref())));
    format!("{}{}", mode_of(tls.all.as_ref()), ports.collect::<String>())
}

fn legacy(policy: &AuthenticationPolicy, id: PolicyId) -> Made {
    let (kind, scope) = match (&policy.meta.namespace, policy.targets.as_slice()) {
        (None, _) => ("MeshPolicy", Scope::Mesh),
        (Some(namespace), []) => ("Policy", Scope::Namespace(namespace.clone())),
        (Some(namespace), [one]) => (
            "Policy",
            Scope::Service {
                namespace: namespace.clone(),
                name: one.name.clone(),
            },
        ),
        (Some(namespace), _) => ("Policy", Scope::Namespace(namespace.clone())),
    };
    let peers = policy.peers.iter().map(|peer| match peer {
        PeerMethod::Mtls { permissive: true, .. } => "mutual TLS where the client offers it".to_owned(),
        PeerMethod::Mtls { .. } => "mutual TLS".to_owned(),
        PeerMethod::Jwt(jwt) => format!("a token of {}", jwt.issuer),
    });
    let origins = policy.origins.iter().map(|origin| {
        let paths = if origin.triggers.is_empty() {
            ""
        } else {
            " on some paths"
        };
        format!("a token of {}{paths}", origin.jwt.issuer)
    });
    let either = |methods: Vec<String>, optional: bool| {
        let optional = if optional { ", optional" } else { "" };
        (!methods.is_empty()).then(|| format!("{}{optional}", methods.join(" or ")))
    };
    let peers = either(peers.collect(), policy.peer_is_optional);
    let origins = either(origins.collect(), policy.origin_is_optional);
    let says: Vec<String> = peers.into_iter().chain(origins).collect();
    let says = if says.is_empty() {
        "nothing is asked for: plaintext".to_owned()
    } else {
        says.join("; and ")
    };
    let ports: Vec<String> = policy
        .targets
        .iter()
        .flat_map(|target| &target.ports)
        .map(|port| match port {
            ServicePort::Number(number) => number.to_string(),
            ServicePort::Name(name) => name.clone(),
        })
        .collect();
    let says = match ports.as_slice() {
        [] => says,
        ports => format!("on port {}: {says}", ports.join(", ")),
    };
    let mut made = whole(kind, &policy.meta, scope, Stage::Mtls, says);
    for (_, node) in &mut made {
        node.policy = id;
    }
    made
}
