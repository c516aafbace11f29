//! Objects that are there more than once: to a cluster they are one object, and which text of it holds is not known.

use std::collections::HashMap;

use super::istio::import::errors;
use crate::diagnostics::Diagnostics;
use crate::policy::{Meta, PolicySet};
use crate::source::Span;

/// Reports each object of a policy whose kind, namespace and name an earlier one has.
pub fn check(policies: &PolicySet, acc: &mut Diagnostics) {
    let mut seen = Seen {
        first: HashMap::new(),
        acc,
    };
    let list = &policies.peer_authentications;
    list.iter().for_each(|p| seen.add("PeerAuthentication", &p.meta));
    let list = &policies.request_authentications;
    list.iter().for_each(|p| seen.add("RequestAuthentication", &p.meta));
    let list = &policies.authorizations;
    list.iter().for_each(|p| seen.add("AuthorizationPolicy", &p.meta));
    let list = &policies.destination_rules;
    list.iter().for_each(|p| seen.add("DestinationRule", &p.meta));
    for policy in &policies.authentication_policies {
        let kind = if policy.meta.namespace.is_some() {
            "Policy"
        } else {
            "MeshPolicy"
        };
        seen.add(kind, &policy.meta);
    }
}

struct Seen<'a> {
    first: HashMap<(&'static str, Option<&'a str>, &'a str), Span>,
    acc: &'a mut Diagnostics,
}

impl<'a> Seen<'a> {
    fn add(&mut self, kind: &'static str, meta: &'a Meta) {
        // The cluster makes up a name of its own for each.
        if meta.name.ends_with('*') {
            return;
        }
        let key = (kind, meta.namespace.as_deref(), meta.name.as_str());
        match self.first.get(&key) {
            Some(first) => self.acc.push(errors::repeated_object(meta.origin, *first, kind, meta)),
            None => {
                self.first.insert(key, meta.origin);
            }
        }
    }
}
