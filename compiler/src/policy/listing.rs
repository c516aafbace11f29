//! Every fact of an inventory as a line, with the place that says it: what answers rest on.

use super::StringMap;
use super::inventory::{Account, DataPlane, Inventory, Service, Workload, WorkloadKind};
use super::stated::{Fact, Stated};

use crate::source::Span;

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it is about, such as `mesh` or `workload shop/web`.
    pub subject: String,
    /// Which fact of it, as the Mesh language calls it.
    pub fact: String,
    /// `None`: not known, and an answer that depends on it is not given.
    pub value: Option<String>,
    /// `None`: nobody says it; then a value is the default of Istio.
    pub place: Option<Span>,
}

/// All facts: of the mesh, of namespaces, of workloads and gateways, of Services, of waypoints.
#[must_use]
pub fn list(inventory: &Inventory, stated: &Stated) -> Vec<Listed> {
    let mut lister = Lister {
        inventory,
        stated,
        list: Vec::new(),
    };
    lister.mesh();
    lister.namespaces();
    for (index, workload) in inventory.workloads.iter().enumerate() {
        lister.workload(index, workload);
    }
    for (index, service) in inventory.services.iter().enumerate() {
        lister.service(index, service);
    }
    lister.waypoints();
    lister.list
}

struct Lister<'a> {
    inventory: &'a Inventory,
    stated: &'a Stated,
    list: Vec<Listed>,
}

impl Lister<'_> {
    fn add(&mut self, subject: &str, fact: &str, value: Option<String>, place: &[Fact]) {
        let place = place.iter().find_map(|fact| self.stated.get(fact)).copied();
        self.list.push(Listed {
            subject: subject.to_owned(),
            fact: fact.to_owned(),
            value,
            place,
        });
    }

    fn mesh(&mut self) {
        let mesh = &self.inventory.mesh;
        let domains = |list: &[String]| match list {
            [] => "none".to_owned(),
            list => list.join(", "),
        };
        let on_off = if mesh.auto_mtls { "on" } else { "off" };
        let facts = [
            ("root", mesh.root.clone(), Fact::Root),
            ("domain", mesh.domain.clone(), Fact::Domain),
            ("trust-domain", mesh.trust_domain.clone(), Fact::TrustDomain),
            ("aliases", domains(&mesh.aliases), Fact::Aliases),
            ("trusts", domains(&mesh.trusts), Fact::Trusts),
            (
                "normalization",
                mesh.normalization.word().to_owned(),
                Fact::Normalization,
            ),
            ("auto-mtls", on_off.to_owned(), Fact::AutoMtls),
            ("dataplane", mesh.data_plane.word().to_owned(), Fact::DataPlane),
        ];
        for (name, value, fact) in facts {
            self.add("mesh", name, Some(value), &[fact]);
        }
        for (name, provider) in &mesh.providers {
            let protocol = if provider.grpc { "grpc" } else { "http" };
            let fact = Fact::Provider(name.clone());
            self.add("mesh", &format!("provider {name}"), Some(protocol.to_owned()), &[fact]);
        }
    }

    fn namespaces(&mut self) {
        for (name, plane) in &self.inventory.namespaces {
            let subject = format!("namespace {name}");
            let fact = Fact::NamespaceDataPlane(name.clone());
            self.add(&subject, "dataplane", Some(plane.word().to_owned()), &[fact]);
        }
    }

    fn workload(&mut self, index: usize, workload: &Workload) {
        let gateway = workload.kind != WorkloadKind::Application;
        let kind = if gateway { "gateway" } else { "workload" };
        let subject = format!("{kind} {}/{}", workload.namespace, workload.name);
        if !workload.also.is_empty() {
            let names = workload.also.join(", ");
            self.add(&subject, "also", Some(names), &[Fact::Labels(index)]);
        }
        let several = workload.stands_for.iter();
        let several = several.filter_map(|at| self.inventory.workloads.get(*at));
        let several: Vec<String> = several.map(|it| format!("{}/{}", it.namespace, it.name)).collect();
        if !several.is_empty() {
            self.add(&subject, "stands for", Some(several.join(", ")), &[Fact::Labels(index)]);
        }
        let labels = labels(&workload.labels);
        self.add(&subject, "select", Some(labels), &[Fact::Labels(index)]);
        let account = workload.account.as_ref().map(name);
        self.add(&subject, "account", account, &[Fact::Account(index)]);
        if !gateway {
            let of_namespace = Fact::NamespaceDataPlane(workload.namespace.clone());
            let plane = Some(workload.data_plane.word().to_owned());
            let places = [Fact::WorkloadDataPlane(index), of_namespace, Fact::DataPlane];
            self.add(&subject, "dataplane", plane, &places);
        }
        if let WorkloadKind::Gateway { trusted_proxies, .. } = workload.kind {
            let fact = Fact::TrustedProxies(index);
            self.add(&subject, "trusted-proxies", Some(trusted_proxies.to_string()), &[fact]);
        }
        for (port, protocol) in &workload.ports {
            let fact = Fact::Port(index, *port);
            self.add(
                &subject,
                &format!("port {port}"),
                Some(protocol.word().to_owned()),
                &[fact],
            );
        }
        let unclear = self.inventory.unclear_ports.range((index, 0)..=(index, u16::MAX));
        for ((_, port), _) in unclear {
            self.add(&subject, &format!("port {port}"), None, &[]);
        }
        let detected = self
            .stated
            .range(Fact::Detected(index, 0)..=Fact::Detected(index, u16::MAX));
        let ports = detected.filter_map(|(fact, _)| match fact {
            Fact::Detected(_, port) if !workload.ports.contains_key(port) => Some(*port),
            _ => None,
        });
        for port in ports.collect::<Vec<_>>() {
            let value = Some("detected by Istio from the bytes".to_owned());
            self.add(&subject, &format!("port {port}"), value, &[Fact::Detected(index, port)]);
        }
    }

    fn service(&mut self, index: usize, service: &Service) {
        let subject = format!("service {}/{}", service.namespace, service.name);
        let port = |(number, target): &(u16, u16)| match number == target {
            true => number.to_string(),
            false => format!("{number}:{target}"),
        };
        let mut ports: Vec<String> = service.ports.iter().map(port).collect();
        if service.headless {
            ports.push("headless".to_owned());
        }
        let ports = if ports.is_empty() {
            "none".to_owned()
        } else {
            ports.join(", ")
        };
        self.add(&subject, "ports", Some(ports), &[Fact::Service(index)]);
        let workloads = service.workloads.iter();
        let workloads = workloads.filter_map(|at| self.inventory.workloads.get(*at));
        let workloads: Vec<String> = workloads.map(|it| format!("{}/{}", it.namespace, it.name)).collect();
        let workloads = (!workloads.is_empty()).then(|| workloads.join(", "));
        self.add(&subject, "in front of", workloads, &[Fact::Service(index)]);
        let ambient = |at: &usize| {
            let workload = self.inventory.workloads.get(*at);
            workload.is_some_and(|it| it.data_plane == DataPlane::Ambient)
        };
        if service.waypoint.is_some() || service.workloads.iter().any(ambient) {
            let value = service.waypoint.as_ref();
            let value = value.map_or("none".to_owned(), |(namespace, name)| format!("{namespace}/{name}"));
            let of_namespace = Fact::NamespaceWaypoint(service.namespace.clone());
            let places = [Fact::ServiceWaypoint(index), of_namespace];
            self.add(&subject, "use-waypoint", Some(value), &places);
        }
    }

    fn waypoints(&mut self) {
        for (index, waypoint) in self.inventory.waypoints.iter().enumerate() {
            let subject = format!("waypoint {}/{}", waypoint.namespace, waypoint.name);
            let account = waypoint.account.as_ref().map(name);
            self.add(&subject, "account", account, &[Fact::Waypoint(index)]);
        }
    }
}

fn name(account: &Account) -> String {
    format!("{}/{}", account.namespace, account.name)
}

fn labels(labels: &StringMap) -> String {
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    labels.join(" ")
}
