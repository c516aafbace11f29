//! What a cluster takes without a word and does not do as it reads.

use super::istio::import::errors;
use crate::diagnostics::Diagnostics;
use crate::jwt::KeySet;
use crate::policy::{Keys, Meta, PolicySet};
use crate::source::Span;

/// The label that gives an object to one control plane.
const REVISION: &str = "istio.io/rev";

/// Reports key sets that proxies refuse, and objects that only some control planes read.
pub fn check(policies: &PolicySet, acc: &mut Diagnostics) {
    for rule in policies.request_authentications.iter().flat_map(|it| &it.rules) {
        key_set(&rule.keys, rule.origin, acc);
    }
    for rule in policies.authentication_policies.iter().flat_map(|it| &it.origins) {
        key_set(&rule.jwt.keys, rule.jwt.origin, acc);
    }
    let metas = policies.peer_authentications.iter().map(|it| &it.meta);
    metas
        .chain(policies.request_authentications.iter().map(|it| &it.meta))
        .chain(policies.authorizations.iter().map(|it| &it.meta))
        .chain(policies.destination_rules.iter().map(|it| &it.meta))
        .for_each(|meta| revision(meta, acc));
}

fn key_set(keys: &Keys, origin: Span, acc: &mut Diagnostics) {
    if let Keys::Inline(text) = keys
        && let Err(why) = KeySet::read(text)
    {
        acc.push(errors::unusable_keys(origin, &why.to_string()));
    }
}

fn revision(meta: &Meta, acc: &mut Diagnostics) {
    if let Some(revision) = meta.labels.get(REVISION) {
        acc.push(errors::one_revision(meta.origin, revision));
    }
}
