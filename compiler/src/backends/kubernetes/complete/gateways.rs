//! Gateways and waypoints.

use std::collections::BTreeMap;

use super::super::cluster::{ApiGateway, Listener};
use super::super::metadata::Said;
use super::groups::{Group, Groups, includes};
use super::services::target;
use super::workloads::GATEWAY_NAME;
use super::{Completion, quoted};
use crate::policy::StringMap;
use crate::policy::inventory::{Account, DataPlane, Protocol, Waypoint, Workload, WorkloadKind};
use crate::policy::stated::Fact;

/// What a class of gateways is for.
enum Class {
    Gateway,
    Waypoint,
    /// Of another maker, or in another cluster.
    Other,
}

impl Completion<'_> {
    /// Gateways of the Gateway API.
    pub(super) fn api_gateways(&mut self, groups: &Groups<'_>) {
        let cluster = self.cluster;
        for gateway in cluster.api_gateways.iter().filter(|gateway| !gateway.by_hand) {
            match self.class(&gateway.class) {
                Class::Gateway => self.api_gateway(gateway, groups),
                Class::Waypoint => self.waypoint_gateway(gateway),
                Class::Other => {}
            }
        }
        for group in &groups.list {
            self.made_by_istio(group);
        }
    }

    /// Pods that Istio made for a gateway which no manifest shows.
    fn made_by_istio(&mut self, group: &Group<'_>) {
        let (Some(name), true) = (group.labels.get(GATEWAY_NAME), group.members.is_empty()) else {
            return;
        };
        let called = |namespace: &str, other: &str| namespace == group.namespace() && other == name;
        let mut gateways = self.cluster.api_gateways.iter();
        let shown = gateways.any(|it| called(&it.meta.namespace, &it.meta.name))
            || self
                .inventory
                .workloads
                .iter()
                .any(|it| called(&it.namespace, &it.name))
            || self
                .inventory
                .waypoints
                .iter()
                .any(|it| called(&it.namespace, &it.name));
        if shown {
            return;
        }
        let managed = group.labels.get("gateway.istio.io/managed").map(String::as_str);
        let account = Account {
            namespace: group.namespace().to_owned(),
            name: group.pods.account.it.clone(),
        };
        if managed == Some("istio.io-mesh-controller") {
            let index = self.inventory.waypoints.len();
            self.stated.insert(Fact::Waypoint(index), group.pods.meta.span);
            self.inventory.waypoints.push(Waypoint {
                namespace: group.namespace().to_owned(),
                name: name.clone(),
                account: Some(account),
            });
            return;
        }
        let index = self.inventory.workloads.len();
        self.stated.insert(Fact::Labels(index), group.pods.labels_span);
        self.stated.insert(Fact::Account(index), group.pods.account.span);
        self.inventory.workloads.push(Workload {
            namespace: group.namespace().to_owned(),
            name: name.clone(),
            also: vec![group.name.clone()],
            stands_for: Vec::new(),
            kind: WorkloadKind::Gateway {
                gateway_api: true,
                trusted_proxies: 0,
            },
            labels: StringMap::from([(GATEWAY_NAME.to_owned(), name.clone())]),
            account: Some(account),
            ports: BTreeMap::new(),
            data_plane: DataPlane::Sidecar,
            origin: group.pods.meta.span,
        });
    }

    fn class(&self, name: &str) -> Class {
        let classes = &self.cluster.classes;
        let controller = classes.iter().find(|(class, _)| class == name);
        let controller = controller.map(|(_, controller)| controller.as_str());
        match controller.unwrap_or(name) {
            "istio" | "istio.io/gateway-controller" => Class::Gateway,
            "istio-waypoint" | "istio.io/mesh-controller" => Class::Waypoint,
            _ => Class::Other,
        }
    }

    fn api_gateway(&mut self, gateway: &ApiGateway, groups: &Groups<'_>) {
        let (namespace, name) = (&gateway.meta.namespace, &gateway.meta.name);
        let account = said_account(gateway, &format!("{name}-{}", gateway.class));
        let labels = StringMap::from([(GATEWAY_NAME.to_owned(), name.clone())]);
        let known = self.inventory.workloads.iter().position(|it| {
            let ours = matches!(it.kind, WorkloadKind::Gateway { gateway_api: true, .. });
            ours && it.namespace == *namespace && it.name == *name
        });
        let index = known.unwrap_or_else(|| {
            let index = self.inventory.workloads.len();
            self.stated.insert(Fact::Labels(index), gateway.meta.span);
            self.inventory.workloads.push(Workload {
                namespace: namespace.clone(),
                name: name.clone(),
                also: Vec::new(),
                stands_for: Vec::new(),
                kind: WorkloadKind::Gateway {
                    gateway_api: true,
                    trusted_proxies: 0,
                },
                labels: labels.clone(),
                account: None,
                ports: BTreeMap::new(),
                data_plane: DataPlane::Sidecar,
                origin: gateway.meta.span,
            });
            index
        });
        // The Deployment that Istio makes of it.
        let pods = groups.selected(namespace, &labels).map(|(_, group)| group);
        let deployments: Vec<String> = pods.map(|group| group.name.clone()).collect();
        if let Some(workload) = self.inventory.workloads.get_mut(index) {
            let others = deployments.into_iter().filter(|other| *other != workload.name);
            workload.also.extend(others.collect::<Vec<_>>());
        }
        self.gateway_account(index, &account);
        for listener in &gateway.ports {
            self.listener(index, listener.number, listener);
        }
        self.trusted_proxies(index, gateway_proxies(groups, namespace, &labels));
    }

    fn gateway_account(&mut self, index: usize, said: &Said<Account>) {
        let Some(workload) = self.inventory.workloads.get(index) else {
            return;
        };
        let now = workload.account.clone().unwrap_or_else(|| said.it.clone());
        let what = format!("the account of {}", self.name(index));
        if self.settles(Fact::Account(index), &what, (&now, said), shown)
            && let Some(workload) = self.inventory.workloads.get_mut(index)
        {
            workload.account = Some(said.it.clone());
        }
    }

    fn waypoint_gateway(&mut self, gateway: &ApiGateway) {
        let (namespace, name) = (&gateway.meta.namespace, &gateway.meta.name);
        let said = said_account(gateway, name);
        let known = self
            .inventory
            .waypoints
            .iter()
            .position(|it| it.namespace == *namespace && it.name == *name);
        let Some(index) = known else {
            let index = self.inventory.waypoints.len();
            self.stated.insert(Fact::Waypoint(index), gateway.meta.span);
            self.inventory.waypoints.push(Waypoint {
                namespace: namespace.clone(),
                name: name.clone(),
                account: Some(said.it),
            });
            return;
        };
        let Some(waypoint) = self.inventory.waypoints.get_mut(index) else {
            return;
        };
        match waypoint.account.clone() {
            None => waypoint.account = Some(said.it),
            Some(now) => {
                let what = format!("the account of waypoint `{namespace}/{name}`");
                self.settles(Fact::Waypoint(index), &what, (&now, &said), shown);
            }
        }
    }

    /// Gateways of Istio's own API: the pods that one selects listen on its ports.
    pub(super) fn gateways(&mut self, groups: &Groups<'_>) {
        let cluster = self.cluster;
        for gateway in &cluster.gateways {
            for group in &groups.list {
                let meant = if gateway.selector.is_empty() {
                    group.pods.is_router
                } else {
                    includes(&group.labels, &gateway.selector)
                };
                if !meant {
                    continue;
                }
                for index in &group.members {
                    self.becomes_gateway(*index, group);
                    for listener in &gateway.ports {
                        let number = self.listening_port(group, listener.number);
                        self.listener(*index, number, listener);
                    }
                }
            }
        }
        for group in &groups.list {
            for index in &group.members {
                self.trusted_proxies(*index, group.pods.trusted_proxies.as_ref());
            }
        }
        for index in 0..self.inventory.workloads.len() {
            self.trusted_proxies(index, None);
        }
    }

    fn becomes_gateway(&mut self, index: usize, group: &Group<'_>) {
        let declared = index < self.declared;
        let Some(workload) = self.inventory.workloads.get_mut(index) else {
            return;
        };
        // A block says by its keyword what it is.
        if workload.kind == WorkloadKind::Application && !declared {
            workload.kind = WorkloadKind::Gateway {
                gateway_api: false,
                trusted_proxies: 0,
            };
            workload.data_plane = DataPlane::Sidecar;
            workload.ports.clear();
            self.stated.remove(&Fact::WorkloadDataPlane(index));
            for port in &group.pods.ports {
                self.stated.remove(&Fact::Detected(index, port.number));
            }
        }
    }

    /// The port of the pods that a Gateway's port is, which is the first Service's that has it (`resolvePorts` in
    /// `pilot/pkg/model/gateway.go`).
    fn listening_port(&self, group: &Group<'_>, number: u16) -> u16 {
        let services = self.cluster.services.iter().filter(|service| {
            service.meta.namespace == group.namespace()
                && !service.selector.is_empty()
                && includes(&group.labels, &service.selector)
        });
        let mut ports = services.flat_map(|service| &service.ports);
        let port = ports.find(|port| port.number == number);
        port.and_then(|port| target(group, &port.target)).unwrap_or(number)
    }

    fn listener(&mut self, index: usize, number: u16, listener: &Listener) {
        let Some(workload) = self.inventory.workloads.get(index) else {
            return;
        };
        let Some(protocol) = listener.protocol.filter(|_| workload.kind != WorkloadKind::Application) else {
            return;
        };
        let now = workload.ports.get(&number).copied().unwrap_or(protocol);
        let said = Said::new(protocol, listener.span);
        let what = format!("port {number} of {}", self.name(index));
        let show = |it: &Protocol| quoted(it.word());
        if self.settles(Fact::Port(index, number), &what, (&now, &said), show)
            && let Some(workload) = self.inventory.workloads.get_mut(index)
        {
            workload.ports.insert(number, protocol);
        }
    }

    /// The proxies that a gateway trusts, by its own word or the mesh's.
    fn trusted_proxies(&mut self, index: usize, own: Option<&Said<u32>>) {
        let cluster = self.cluster;
        let of_mesh = cluster.mesh.iter().find_map(|config| config.trusted_proxies.as_ref());
        let (Some(said), Some(workload)) = (own.or(of_mesh), self.inventory.workloads.get(index)) else {
            return;
        };
        let WorkloadKind::Gateway {
            trusted_proxies: now, ..
        } = workload.kind
        else {
            return;
        };
        let what = format!("`trusted-proxies` of {}", self.name(index));
        if self.settles(Fact::TrustedProxies(index), &what, (&now, said), |it| {
            quoted(&it.to_string())
        }) && let Some(workload) = self.inventory.workloads.get_mut(index)
            && let WorkloadKind::Gateway { trusted_proxies, .. } = &mut workload.kind
        {
            *trusted_proxies = said.it;
        }
    }
}

fn gateway_proxies<'g>(groups: &'g Groups<'_>, namespace: &str, labels: &'g StringMap) -> Option<&'g Said<u32>> {
    let mut pods = groups.selected(namespace, labels);
    pods.find_map(|(_, group)| group.pods.trusted_proxies.as_ref())
}

/// The account of the pods that Istio makes for a gateway.
fn said_account(gateway: &ApiGateway, default: &str) -> Said<Account> {
    let said = gateway.meta.annotations.get("gateway.istio.io/service-account");
    Said::new(
        Account {
            namespace: gateway.meta.namespace.clone(),
            name: said.map_or_else(|| default.to_owned(), |said| said.it.clone()),
        },
        said.map_or(gateway.meta.span, |said| said.span),
    )
}

fn shown(account: &Account) -> String {
    quoted(&format!("{}/{}", account.namespace, account.name))
}
