//! Workloads: the pods of manifests, and the blocks of a program that stand for them.

use std::collections::BTreeMap;

use super::super::metadata::Said;
use super::groups::{Group, Groups, includes};
use super::{Completion, quoted};
use crate::policy::StringMap;
use crate::policy::inventory::{Account, DataPlane, Workload, WorkloadKind};
use crate::policy::stated::Fact;

/// The label by which pods of a Gateway API gateway are known.
pub(in super::super) const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

impl Completion<'_> {
    pub(super) fn workloads(&mut self, groups: &mut Groups<'_>) {
        for index in 0..self.declared {
            self.declared_workload(index, groups);
        }
        for at in 0..groups.list.len() {
            let Some(group) = groups.list.get_mut(at) else { continue };
            // Pods that Istio makes for a Gateway of the Gateway API are that gateway.
            if group.members.is_empty() && !group.labels.contains_key(GATEWAY_NAME) {
                self.add(group);
            }
        }
        self.data_planes(groups);
    }

    /// Finds the pods of a block.
    fn declared_workload(&mut self, index: usize, groups: &mut Groups<'_>) {
        let Some(workload) = self.inventory.workloads.get(index) else {
            return;
        };
        let (namespace, name) = (workload.namespace.clone(), workload.name.clone());
        let labels = workload.labels.clone();
        let is_gateway_api = matches!(workload.kind, WorkloadKind::Gateway { gateway_api: true, .. });
        let found: Vec<usize> = if labels.is_empty() {
            Vec::new()
        } else {
            groups.selected(&namespace, &labels).map(|(at, _)| at).collect()
        };
        match found.as_slice() {
            [] => {
                let namesake = |group: &&mut Group<'_>| group.namespace() == namespace && group.name == name;
                if let Some(group) = groups.list.iter_mut().find(namesake)
                    && !is_gateway_api
                {
                    if labels.is_empty() {
                        self.join(index, group);
                    } else {
                        self.other_labels(index, &labels, group);
                    }
                    group.members.push(index);
                }
            }
            [only] => {
                if let Some(group) = groups.list.get_mut(*only) {
                    group.members.push(index);
                    self.join(index, group);
                }
            }
            several => {
                let mut stands_for = Vec::new();
                for at in several {
                    let Some(group) = groups.list.get_mut(*at) else {
                        continue;
                    };
                    let member = match group.members.first() {
                        Some(member) => *member,
                        None => self.add(group),
                    };
                    self.spread(index, member, group);
                    stands_for.push(member);
                }
                if let Some(workload) = self.inventory.workloads.get_mut(index) {
                    workload.stands_for = stands_for;
                }
            }
        }
    }

    /// A block has the name of pods, and not their labels.
    fn other_labels(&mut self, index: usize, labels: &StringMap, group: &Group<'_>) {
        let what = format!("`select` of {}", self.name(index));
        let said = Said::new(group.labels.clone(), group.pods.labels_span);
        self.settles(Fact::Labels(index), &what, (labels, &said), shown);
    }

    /// A block and pods are one workload.
    fn join(&mut self, index: usize, group: &Group<'_>) {
        self.account(index, group);
        let Some(workload) = self.inventory.workloads.get_mut(index) else {
            return;
        };
        if workload.labels != group.labels {
            workload.labels.clone_from(&group.labels);
            self.stated.insert(Fact::Labels(index), group.pods.labels_span);
        }
        if workload.name != group.name {
            workload.also.push(group.name.clone());
        }
    }

    /// What a block says holds for each kind of pods that it selects.
    fn spread(&mut self, block: usize, member: usize, group: &Group<'_>) {
        self.account(block, group);
        let Some(said) = self.inventory.workloads.get(block).cloned() else {
            return;
        };
        for (port, protocol) in said.ports {
            let span = self.own.get(&Fact::Port(block, port)).copied();
            if let (Some(span), Some(workload)) = (span, self.inventory.workloads.get_mut(member)) {
                workload.ports.insert(port, protocol);
                self.stated.insert(Fact::Port(member, port), span);
                self.own.insert(Fact::Port(member, port), span);
            }
        }
        for service in &mut self.inventory.services {
            if service.workloads.contains(&block) && !service.workloads.contains(&member) {
                service.workloads.push(member);
            }
        }
        if let Some(span) = self.own.get(&Fact::WorkloadDataPlane(block)).copied()
            && let Some(workload) = self.inventory.workloads.get_mut(member)
        {
            workload.data_plane = said.data_plane;
            self.stated.insert(Fact::WorkloadDataPlane(member), span);
            self.own.insert(Fact::WorkloadDataPlane(member), span);
        }
    }

    fn account(&mut self, index: usize, group: &Group<'_>) {
        let Some(workload) = self.inventory.workloads.get(index) else {
            return;
        };
        let said = account(group);
        let now = workload.account.clone().unwrap_or_else(|| said.it.clone());
        let what = format!("the account of {}", self.name(index));
        let show = |it: &Account| quoted(&format!("{}/{}", it.namespace, it.name));
        if self.settles(Fact::Account(index), &what, (&now, &said), show)
            && let Some(workload) = self.inventory.workloads.get_mut(index)
        {
            workload.account = Some(said.it);
        }
    }

    /// Pods that no block describes.
    fn add(&mut self, group: &mut Group<'_>) -> usize {
        let index = self.inventory.workloads.len();
        let account = account(group);
        let kind = if group.pods.is_router {
            WorkloadKind::Gateway {
                gateway_api: false,
                trusted_proxies: 0,
            }
        } else {
            WorkloadKind::Application
        };
        let data_plane = match kind {
            WorkloadKind::Application => self.inventory.data_plane(group.namespace()),
            WorkloadKind::Gateway { .. } => DataPlane::Sidecar,
        };
        self.stated.insert(Fact::Labels(index), group.pods.labels_span);
        self.stated.insert(Fact::Account(index), account.span);
        self.inventory.workloads.push(Workload {
            namespace: group.namespace().to_owned(),
            name: group.name.clone(),
            also: Vec::new(),
            stands_for: Vec::new(),
            kind,
            labels: group.labels.clone(),
            account: Some(account.it),
            ports: BTreeMap::new(),
            data_plane,
            origin: group.pods.meta.span,
        });
        group.members.push(index);
        index
    }

    /// The blocks whose labels are those that a selector wants, besides the members of known pods.
    pub(super) fn declared_with(&self, namespace: Option<&str>, wanted: &StringMap) -> Vec<usize> {
        let workloads = self.inventory.workloads.iter().take(self.declared).enumerate();
        let fits = workloads.filter(|(_, workload)| {
            namespace.is_none_or(|namespace| workload.namespace == namespace) && includes(&workload.labels, wanted)
        });
        fits.map(|(index, _)| index).collect()
    }
}

fn account(group: &Group<'_>) -> Said<Account> {
    let said = &group.pods.account;
    let account = Account {
        namespace: group.namespace().to_owned(),
        name: said.it.clone(),
    };
    Said::new(account, said.span)
}

fn shown(labels: &StringMap) -> String {
    if labels.is_empty() {
        return "empty".to_owned();
    }
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    quoted(&labels.join(" "))
}
