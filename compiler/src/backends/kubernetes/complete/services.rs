//! Services: which pods are behind them, and what is spoken on the ports of those.

use std::collections::BTreeMap;

use super::super::cluster::{Service as Object, TargetPort};
use super::super::metadata::Said;
use super::Completion;
use super::groups::{Group, Groups};
use super::planes::{WAYPOINT, WAYPOINT_NAMESPACE};
use super::quoted;
use super::spoken::Named;
use crate::policy::inventory::{DataPlane, Protocol, Service, WorkloadKind};
use crate::policy::stated::Fact;

/// Ports of a Service that lead to pods: Service port and pod port.
type Ports = Vec<(u16, u16)>;

impl Completion<'_> {
    pub(super) fn services(&mut self, groups: &Groups<'_>) {
        let cluster = self.cluster;
        let objects: Vec<&Object> = cluster.services.iter().collect();
        for group in &groups.list {
            self.unproxied(group, &objects);
        }
        let known = self.inventory.services.iter().enumerate();
        let mut known: BTreeMap<(String, String), usize> = known
            .map(|(at, it)| ((it.namespace.clone(), it.name.clone()), at))
            .collect();
        for object in objects {
            let id = (object.meta.namespace.clone(), object.meta.name.clone());
            let at = known.get(&id).copied().filter(|_| !object.is_entry);
            let (ports, workloads) = self.pods(object, at, groups);
            if !object.is_entry {
                match at {
                    Some(at) => self.known_service(at, object, &ports, workloads),
                    None => {
                        known.insert(id, self.inventory.services.len());
                        self.new_service(object, ports, workloads);
                    }
                }
            }
        }
        self.named_ports();
        self.container_ports(groups);
    }

    fn name_port(&mut self, index: usize, port: u16, named: Named) {
        self.named.entry((index, port)).or_default().push(named);
    }

    /// Gives the pods behind a Service its protocols; what it leads to. `known` is the Service where it is stated already.
    fn pods(&mut self, object: &Object, known: Option<usize>, groups: &Groups<'_>) -> (Ports, Vec<usize>) {
        let mut ports = Ports::new();
        let mut workloads = Vec::new();
        if object.selector.is_empty() {
            return (numbers(object), workloads);
        }
        for (_, group) in groups.selected(&object.meta.namespace, &object.selector) {
            for port in &object.ports {
                let Some(target) = target(group, &port.target) else {
                    continue;
                };
                if !ports.contains(&(port.number, target)) {
                    ports.push((port.number, target));
                }
                for index in &group.members {
                    self.name_port(*index, target, Named::new(object, port));
                }
            }
            workloads.extend(&group.members);
        }
        // Blocks whose pods no manifest shows: the names of their ports are not known, but what the program says of them.
        let mut numbers = numbers(object);
        let stated = known.and_then(|at| self.inventory.services.get(at));
        let stated = stated.map_or(&[][..], |service| service.ports.as_slice());
        numbers.extend(stated.iter().filter(|(number, _)| is_named(object, *number)));
        for index in self.declared_with(Some(&object.meta.namespace), &object.selector) {
            if workloads.contains(&index) {
                continue;
            }
            for (number, target) in numbers.iter().copied() {
                if !ports.contains(&(number, target)) {
                    ports.push((number, target));
                }
                let protocol = object.ports.iter().find(|port| port.number == number);
                if let Some(port) = protocol {
                    self.name_port(index, target, Named::new(object, port));
                }
            }
            workloads.push(index);
        }
        if workloads.is_empty() {
            ports = numbers;
        }
        (ports, workloads)
    }

    /// What is spoken on a port of pods.
    pub(super) fn port(&mut self, index: usize, port: u16, said: Said<Option<Protocol>>) {
        let Some(workload) = self.inventory.workloads.get(index) else {
            return;
        };
        // What a gateway's port speaks is what it listens for.
        if workload.kind != WorkloadKind::Application {
            return;
        }
        let fact = Fact::Port(index, port);
        let now = workload.ports.get(&port).copied();
        match said.it {
            // Istio looks at the bytes, which is right for a port that speaks what the program says.
            None => {
                if now.is_none() {
                    self.stated.entry(Fact::Detected(index, port)).or_insert(said.span);
                }
            }
            Some(protocol) => {
                if self.stated.contains_key(&Fact::Detected(index, port)) {
                    return;
                }
                let what = format!("port {port} of {}", self.name(index));
                let (now, said) = (now.unwrap_or(protocol), Said::new(protocol, said.span));
                let show = |it: &Protocol| quoted(it.word());
                if self.settles(fact, &what, (&now, &said), show)
                    && let Some(workload) = self.inventory.workloads.get_mut(index)
                {
                    workload.ports.insert(port, protocol);
                }
            }
        }
    }

    /// A Service that only manifests show.
    fn new_service(&mut self, object: &Object, ports: Ports, workloads: Vec<usize>) {
        let waypoint = self.waypoint(object);
        let at = self.inventory.services.len();
        self.stated.insert(Fact::Service(at), object.meta.span);
        if let Some(said) = &waypoint {
            self.stated.insert(Fact::ServiceWaypoint(at), said.span);
        }
        self.inventory.services.push(Service {
            namespace: object.meta.namespace.clone(),
            name: object.meta.name.clone(),
            ports,
            port_names: names(object),
            headless: object.headless,
            workloads,
            waypoint: waypoint.and_then(|said| said.it),
        });
    }

    /// A Service that the program states, or that stands in two manifests.
    fn known_service(&mut self, at: usize, object: &Object, ports: &[(u16, u16)], workloads: Vec<usize>) {
        let (namespace, name) = (&object.meta.namespace, &object.meta.name);
        self.service_ports(at, object, ports);
        if let Some(said) = self.waypoint(object) {
            let now = self.inventory.services.get(at).and_then(|it| it.waypoint.clone());
            let what = format!("the waypoint of service `{namespace}/{name}`");
            let show = |it: &Option<(String, String)>| match it {
                Some((namespace, name)) => format!("`{namespace}/{name}`"),
                None => "`none`".to_owned(),
            };
            let fact = Fact::ServiceWaypoint(at);
            let own = self.own.contains_key(&Fact::NamespaceWaypoint(namespace.clone()));
            if own && now.is_some() && said.it != now {
                // The namespace's own words are what it was called by.
                if let Some(span) = self.own.get(&Fact::NamespaceWaypoint(namespace.clone())).copied() {
                    self.own.entry(fact.clone()).or_insert(span);
                }
            }
            if self.settles(fact, &what, (&now, &said), show)
                && let Some(service) = self.inventory.services.get_mut(at)
            {
                service.waypoint = said.it;
            }
        }
        if let Some(service) = self.inventory.services.get_mut(at) {
            service.port_names.extend(names(object));
            for index in workloads {
                if !service.workloads.contains(&index) {
                    service.workloads.push(index);
                }
            }
        }
    }

    /// The ports of a Service that a program states, too.
    fn service_ports(&mut self, at: usize, object: &Object, ports: &[(u16, u16)]) {
        let Some(service) = self.inventory.services.get(at) else {
            return;
        };
        let fact = Fact::Service(at);
        let what = format!("service `{}/{}`", service.namespace, service.name);
        let (now, headless) = (service.ports.clone(), service.headless);
        // A name that no pod shows may stand for any number.
        let open = |number: u16| is_named(object, number) && !ports.iter().any(|(it, _)| *it == number);
        let agrees = |pair: &(u16, u16)| ports.contains(pair) || open(pair.0);
        if !now.iter().all(agrees) {
            let said = Said::new(ports.to_vec(), object.meta.span);
            self.settles(fact, &what, (&now, &said), |it| pairs(it));
            return;
        }
        let said = Said::new(object.headless, object.meta.span);
        let show = |it: &bool| if *it { "`headless`" } else { "not `headless`" }.to_owned();
        self.settles(fact, &what, (&headless, &said), show);
        if let Some(service) = self.inventory.services.get_mut(at) {
            for pair in ports {
                if !service.ports.contains(pair) {
                    service.ports.push(*pair);
                }
            }
        }
    }

    /// The waypoint that a Service's labels, or those of its namespace, name. `None`: nobody says anything of it.
    fn waypoint(&self, object: &Object) -> Option<Said<Option<(String, String)>>> {
        let namespace = self.namespaces.get(&*object.meta.namespace);
        let labels = [Some(&object.meta.labels), namespace.map(|it| &it.labels)];
        let labels = labels
            .into_iter()
            .flatten()
            .find(|labels| labels.contains_key(WAYPOINT))?;
        let name = labels.get(WAYPOINT)?;
        if name.it == "none" {
            return Some(Said::new(None, name.span));
        }
        let home = labels.get(WAYPOINT_NAMESPACE).map(|said| said.it.clone());
        let home = home.unwrap_or_else(|| object.meta.namespace.clone());
        // A waypoint for workloads only leaves Services alone.
        let gateways = self.cluster.api_gateways.iter();
        let gateway = gateways
            .clone()
            .find(|it| it.meta.namespace == home && it.meta.name == name.it);
        let traffic = gateway.and_then(|it| it.meta.labels.get("istio.io/waypoint-for"));
        let serves = traffic.is_none_or(|said| ["service", "all"].contains(&said.it.as_str()));
        Some(Said::new(serves.then(|| (home, name.it.clone())), name.span))
    }

    /// Ports that annotations of the pods keep from their sidecar.
    fn unproxied(&mut self, group: &Group<'_>, services: &[&Object]) {
        let annotations = &group.pods.annotations;
        let excluded = annotations.get("traffic.sidecar.istio.io/excludeInboundPorts");
        let included = annotations.get("traffic.sidecar.istio.io/includeInboundPorts");
        let mut left_out: BTreeMap<u16, Said<Protocol>> = BTreeMap::new();
        if let Some(said) = excluded {
            for port in listed(&said.it) {
                left_out.insert(port, Said::new(Protocol::Unproxied, said.span));
            }
        }
        if let Some(said) = included.filter(|said| said.it.trim() != "*") {
            let kept = listed(&said.it);
            let mine = services.iter().filter(|service| {
                service.meta.namespace == group.namespace()
                    && !service.selector.is_empty()
                    && super::groups::includes(&group.labels, &service.selector)
            });
            let ports = mine.flat_map(|service| service.ports.iter().filter_map(|port| target(group, &port.target)));
            for port in ports.chain(group.pods.ports.iter().map(|port| port.number)) {
                if !kept.contains(&port) {
                    left_out.insert(port, Said::new(Protocol::Unproxied, said.span));
                }
            }
        }
        for index in &group.members {
            let sidecar = self
                .inventory
                .workloads
                .get(*index)
                .is_some_and(|it| it.data_plane == DataPlane::Sidecar);
            for (port, said) in left_out.iter().filter(|_| sidecar) {
                self.port(*index, *port, Said::new(Some(said.it), said.span));
            }
        }
    }

    /// Ports that no Service names are there all the same.
    fn container_ports(&mut self, groups: &Groups<'_>) {
        for group in &groups.list {
            for index in &group.members {
                for port in &group.pods.ports {
                    self.port(*index, port.number, Said::new(None, port.span));
                }
            }
        }
    }
}

fn listed(text: &str) -> Vec<u16> {
    let ports = text.split(',').map(str::trim);
    ports.filter_map(|port| port.parse().ok()).collect()
}

/// The number that a Service's port leads to at these pods.
pub(super) fn target(group: &Group<'_>, target: &TargetPort) -> Option<u16> {
    match target {
        TargetPort::Number(number) => Some(*number),
        TargetPort::Name(name) => {
            let mut ports = group.pods.ports.iter();
            ports
                .find(|port| port.name.as_deref() == Some(name))
                .map(|port| port.number)
        }
    }
}

/// Whether a port of a Service leads to a port by its name.
fn is_named(object: &Object, number: u16) -> bool {
    let mut ports = object.ports.iter().filter(|port| port.number == number);
    ports.any(|port| matches!(port.target, TargetPort::Name(_)))
}

/// The ports of a Service as far as numbers say them.
fn numbers(object: &Object) -> Ports {
    let ports = object.ports.iter();
    let pairs = ports.filter_map(|port| match port.target {
        TargetPort::Number(target) => Some((port.number, target)),
        TargetPort::Name(_) => None,
    });
    pairs.collect()
}

/// The names of its ports.
fn names(object: &Object) -> BTreeMap<u16, String> {
    let ports = object.ports.iter();
    ports.map(|port| (port.number, port.name.clone())).collect()
}

fn pairs(ports: &[(u16, u16)]) -> String {
    if ports.is_empty() {
        return "without ports".to_owned();
    }
    let one = |(number, target): &(u16, u16)| match number == target {
        true => number.to_string(),
        false => format!("{number}:{target}"),
    };
    quoted(&ports.iter().map(one).collect::<Vec<_>>().join(", "))
}
