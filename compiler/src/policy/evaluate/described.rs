//! What is in force at pods that no workload declares, composed once for all that is asked of them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Judge;
use crate::policy::StringMap;
use crate::policy::effective::{Effective, Enforcer};

/// For so many namespaces and sets of labels it is kept; who asks about more pods pays for each question.
const MOST: usize = 20_000;

/// By namespace and labels; `None` inside: nobody enforces.
#[derive(Debug, Default)]
pub(super) struct Described(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    count: usize,
    pods: HashMap<String, HashMap<StringMap, Option<Arc<Effective>>>>,
}

impl Judge<'_> {
    /// What is in force at pods of a namespace with these labels; `None`: nobody enforces there.
    #[must_use]
    pub fn effective_at_pods(&self, namespace: &str, labels: &StringMap) -> Option<Arc<Effective>> {
        let Described(known) = &self.described;
        let found = {
            let known = known.read().unwrap_or_else(PoisonError::into_inner);
            known.pods.get(namespace).and_then(|of| of.get(labels)).cloned()
        };
        if let Some(found) = found {
            return found;
        }
        let enforcer = Enforcer::of_pod(self.inventory.data_plane(namespace), namespace, labels);
        let made = enforcer.map(|enforcer| Arc::new(self.effective_of(enforcer)));
        let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
        if known.count < MOST {
            known.count += 1;
            let of = known.pods.entry(namespace.to_owned()).or_default();
            of.insert(labels.clone(), made.clone());
        }
        made
    }
}
