//! The facts of manifests, put to those that a program states.
//!
//! What a program says holds, and a manifest that says otherwise is reported. What only manifests say is added. Of two
//! manifests that say the same fact, the first counts.

mod gateways;
mod groups;
mod mesh;
pub(super) mod planes;
mod services;
mod spoken;
mod workloads;

use std::collections::BTreeMap;

use super::cluster::{Cluster, Namespace};
use super::errors;
use super::metadata::Said;
use crate::diagnostics::Diagnostics;
use crate::policy::Target;
use crate::policy::inventory::Inventory;
use crate::policy::stated::{Fact, Stated};
use groups::Groups;
use spoken::Named;
pub(super) use workloads::GATEWAY_NAME;

/// Everything that one run of it needs.
pub(super) struct Completion<'a> {
    cluster: &'a Cluster,
    inventory: &'a mut Inventory,
    stated: &'a mut Stated,
    /// What the program says itself.
    own: Stated,
    /// How many workloads the program has.
    declared: usize,
    /// The Namespaces that are shown, by name.
    namespaces: BTreeMap<&'a str, &'a Namespace>,
    /// Whether any object says who is in the mesh.
    labels_are_shown: bool,
    /// The ports of Services that lead to each port of a workload.
    named: BTreeMap<(usize, u16), Vec<Named>>,
    target: Target,
    acc: &'a mut Diagnostics,
}

impl Cluster {
    /// Adds what these objects say to the facts of a program.
    pub fn complete(&self, inventory: &mut Inventory, stated: &mut Stated, target: Target, acc: &mut Diagnostics) {
        let own = stated.clone();
        let declared = inventory.workloads.len();
        let mut completion = Completion {
            cluster: self,
            inventory,
            stated,
            own,
            declared,
            namespaces: self.namespaces.iter().rev().map(|it| (&*it.name, it)).collect(),
            labels_are_shown: planes::are_shown(self),
            named: BTreeMap::new(),
            target,
            acc,
        };
        completion.mesh();
        completion.namespaces();
        let mut groups = Groups::new(self);
        completion.workloads(&mut groups);
        completion.api_gateways(&groups);
        completion.services(&groups);
        completion.gateways(&groups);
    }
}

impl Completion<'_> {
    /// Whether a fact is to be taken from a manifest. Where the program says it, both must agree.
    ///
    /// `what` names the fact, `now` is its value so far.
    fn settles<T: PartialEq>(
        &mut self,
        fact: Fact,
        what: &str,
        (now, said): (&T, &Said<T>),
        show: impl Fn(&T) -> String,
    ) -> bool {
        if let Some(own) = self.own.get(&fact) {
            if said.it != *now {
                let other = (said.span, &*show(&said.it));
                self.acc.push(errors::contradicted_fact(*own, what, &show(now), other));
            }
            return false;
        }
        let new = !self.stated.contains_key(&fact);
        if new {
            self.stated.insert(fact, said.span);
        }
        new
    }

    /// How messages call a workload.
    fn name(&self, index: usize) -> String {
        let workload = self.inventory.workloads.get(index);
        workload.map_or(String::new(), |it| format!("`{}/{}`", it.namespace, it.name))
    }
}

/// `` `a` ``
fn quoted(text: &str) -> String {
    format!("`{text}`")
}
