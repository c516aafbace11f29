//! What the judge has composed, for those who show it instead of asking for answers.

use super::Judge;
use crate::policy::effective::{Effective, Enforcer, Homes};
use crate::policy::inventory::Inventory;
use crate::policy::{PolicySet, Target};

impl<'p> Judge<'p> {
    /// The policies that are asked about.
    #[must_use]
    pub const fn policies(&self) -> &'p PolicySet {
        self.policies
    }

    /// Its policies by where they are and what they select.
    pub(crate) const fn homes(&self) -> &Homes<'p> {
        &self.homes
    }

    /// The facts that answers rest on.
    #[must_use]
    pub const fn inventory(&self) -> &'p Inventory {
        self.inventory
    }

    /// The release that is meant.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }

    /// What is in force at the pods of a workload, by its index; `None`: nobody enforces there, or there is none.
    #[must_use]
    pub fn effective(&self, workload: usize) -> Option<&Effective> {
        self.pod_policy(workload)
    }

    /// What is in force at an enforcer that no workload declares.
    #[must_use]
    pub fn effective_of(&self, enforcer: Enforcer<'_>) -> Effective {
        Effective::compose(&self.homes, self.inventory, self.target, enforcer)
    }

    /// What is in force at the waypoint of a service, by its index; `None`: it has none.
    #[must_use]
    pub fn effective_at_waypoint(&self, service: usize) -> Option<&Effective> {
        let of = self.inventory.services.get(service)?;
        let (namespace, name) = of.waypoint.as_ref()?;
        self.waypoint_policy(service, of, namespace, name)
    }
}
