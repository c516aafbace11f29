//! What is known of an installation besides a project's own text.

use std::collections::BTreeMap;

use super::{Account, Pods};
use crate::policy::StringMap;
use crate::policy::effective::includes;
use crate::policy::inventory::{Inventory, Workload};
use crate::policy::stated::{Fact, Stated};

/// Facts that others than the project state. What the project says itself holds before them.
#[derive(Debug, Default)]
pub struct Surroundings {
    inventory: Inventory,
    stated: Stated,
    /// The workloads and gateways of each namespace, as indices.
    by_namespace: BTreeMap<String, Vec<usize>>,
}

impl Surroundings {
    /// `stated` says where each fact of the inventory is said.
    #[must_use]
    pub fn new(inventory: Inventory, stated: Stated) -> Self {
        let mut by_namespace: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, workload) in inventory.workloads.iter().enumerate() {
            by_namespace.entry(workload.namespace.clone()).or_default().push(index);
        }
        Self {
            inventory,
            stated,
            by_namespace,
        }
    }

    pub(super) fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Whether somebody says a fact, rather than that it is Istio's default.
    pub(super) fn says(&self, fact: &Fact) -> bool {
        self.stated.contains_key(fact)
    }

    fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Workload> {
        let indices = self.by_namespace.get(namespace).into_iter().flatten();
        indices.filter_map(|index| self.inventory.workloads.get(*index))
    }

    /// The accounts of the pods that a block stands for: of those that it selects, else of those of its name.
    pub(super) fn accounts(&self, namespace: &str, name: &str, select: &StringMap) -> Vec<Account> {
        let selected = |it: &&Workload| !select.is_empty() && includes(&it.labels, select);
        let mut found: Vec<&Workload> = self.in_namespace(namespace).filter(selected).collect();
        if found.is_empty() {
            found.extend(self.in_namespace(namespace).filter(|it| is_called(it, name)));
        }
        accounts(&found)
    }

    /// The account of a waypoint, where it is known.
    pub(super) fn waypoint_account(&self, namespace: &str, name: &str) -> Option<Account> {
        let known = self.inventory.waypoint_account(namespace, name)?;
        Some(Account {
            namespace: known.namespace.clone(),
            name: known.name.clone(),
        })
    }

    /// The pods of a name, with their account.
    pub(super) fn pods(&self, namespace: &str, name: &str) -> Option<(Pods, Vec<Account>)> {
        let found = self.in_namespace(namespace).find(|it| is_called(it, name))?;
        let pods = Pods::Known {
            namespace: found.namespace.clone(),
            name: found.name.clone(),
        };
        Some((pods, accounts(&[found])))
    }

    /// `namespace/name` of all pods.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let workloads = self.inventory.workloads.iter();
        workloads.map(|it| format!("{}/{}", it.namespace, it.name))
    }
}

fn is_called(workload: &Workload, name: &str) -> bool {
    workload.name == name || workload.also.iter().any(|also| also == name)
}

fn accounts(workloads: &[&Workload]) -> Vec<Account> {
    let mut accounts: Vec<Account> = Vec::new();
    for known in workloads.iter().filter_map(|it| it.account.as_ref()) {
        let account = Account {
            namespace: known.namespace.clone(),
            name: known.name.clone(),
        };
        if !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    accounts
}
