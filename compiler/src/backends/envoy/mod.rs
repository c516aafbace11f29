//! The filters of Envoy that Istio makes of a policy: who may do what, and whose tokens are taken.
//!
//! They are printed from the effective policy, which the evaluator asks too, in the shape that Istio gives them
//! (`pilot/pkg/security/authz/builder`, `pilot/pkg/security/authn`), as Envoy's JSON.

mod access;
mod matchers;
mod tokens;

use serde_json::Value;

use crate::policy::effective::Effective;

/// The HTTP filters of an enforcer, in the order in which Envoy asks them: external authorizers, tokens, AUDIT, DENY, ALLOW.
///
/// Of an external authorizer it is the rules by which it is asked; the filter that calls it depends on the mesh's
/// configuration. `None` where it is no Envoy of today's releases, or where keys are not in the policy, since Istio fetches
/// those and Envoy is told of what came.
#[must_use]
pub fn http_filters(effective: &Effective) -> Option<Vec<Value>> {
    let mut filters = access::custom(effective, true)?;
    filters.extend(tokens::filter(&effective.tokens)?);
    filters.extend(access::enforced(effective, true)?);
    Some(filters)
}

/// The network filters of an enforcer on ports that do not speak HTTP; `None` where it is no Envoy of today's releases.
#[must_use]
pub fn network_filters(effective: &Effective) -> Option<Vec<Value>> {
    let mut filters = access::custom(effective, false)?;
    filters.extend(access::enforced(effective, false)?);
    Some(filters)
}
