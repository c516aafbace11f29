//! External authorizers, and marks for the log.

use std::collections::BTreeMap;

use super::places::Plane;
use super::{Subject, errors};
use crate::diagnostics::Diagnostics;
use crate::diagnostics::suggest::nearest;
use crate::policy::Action;

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let known = &subject.inventory.mesh.providers;
    let manifests = subject.policies.authorizations.iter().skip(subject.own.authorizations);
    for policy in manifests {
        match &policy.action {
            Action::Custom { provider, .. } if !known.is_empty() && !known.contains_key(provider) => {
                let near = nearest(provider, known.keys().map(String::as_str));
                acc.push(errors::unset_provider(policy.meta.origin, provider, near));
            }
            Action::Audit(_) => acc.push(errors::idle_audit(policy.meta.origin)),
            _ => {}
        }
    }
    several(subject, acc);
}

/// Two providers at one place.
fn several(subject: &Subject<'_>, acc: &mut Diagnostics) {
    let mut told: BTreeMap<(usize, usize), String> = BTreeMap::new();
    let all = &subject.policies.authorizations;
    for place in subject.places.iter().filter(|place| place.plane != Plane::Ztunnel) {
        let mut first: Option<(usize, &str)> = None;
        for at in &place.heeded.access {
            let Some(Action::Custom { provider, .. }) = all.get(*at).map(|policy| &policy.action) else {
                continue;
            };
            match first {
                None => first = Some((*at, provider)),
                Some((one, name)) if name != provider => {
                    told.entry((one, *at)).or_insert_with(|| place.name.clone());
                }
                Some(_) => {}
            }
        }
    }
    for ((one, other), place) in told {
        if let (Some(one), Some(other)) = (all.get(one), all.get(other)) {
            acc.push(errors::several_providers(other.meta.origin, one.meta.origin, &place));
        }
    }
}
