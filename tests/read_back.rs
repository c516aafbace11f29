//! What is emitted means what was lowered: the policy read back from the text is the policy that made it, places aside.

use std::fmt::Debug;

use meshc::backends::manifests;
use meshc::diagnostics::Diagnostics;
use meshc::driver::{Build, Outcome};
use meshc::policy::legacy::PeerMethod;
use meshc::policy::{Meta, PolicySet, Target};
use meshc::source::{FileId, Span};

use crate::compile;

/// Checks every build of an outcome that emitted something. Its policies must be those of the project's own text.
pub(crate) fn check(outcome: &Outcome) -> Result<(), String> {
    let mut emitted = outcome.builds.iter().filter(|build| !build.artifacts.is_empty());
    emitted.try_for_each(|build| check_build(build, outcome.target))
}

fn check_build(build: &Build, target: Target) -> Result<(), String> {
    let stream = compile::stream(build);
    let mut acc = Diagnostics::default();
    let read = manifests::read(FileId(0), &stream, target, &mut acc).policies;
    if acc.has_errors() {
        return Err(format!("our own output has errors: {:#?}\n{stream}", acc.into_sorted()));
    }
    let (written, read) = (comparable(&build.policies), comparable(&read));
    same(
        "PeerAuthentications",
        &written.peer_authentications,
        &read.peer_authentications,
    )?;
    same(
        "RequestAuthentications",
        &written.request_authentications,
        &read.request_authentications,
    )?;
    same("AuthorizationPolicies", &written.authorizations, &read.authorizations)?;
    same("DestinationRules", &written.destination_rules, &read.destination_rules)?;
    same(
        "policies of the legacy API",
        &written.authentication_policies,
        &read.authentication_policies,
    )
}

fn same<T: PartialEq + Debug>(what: &str, written: &[T], read: &[T]) -> Result<(), String> {
    if written.len() != read.len() {
        return Err(format!("{} {what} were written, {} read", written.len(), read.len()));
    }
    let differing = written.iter().zip(read).find(|(written, read)| written != read);
    differing.map_or(Ok(()), |(written, read)| {
        Err(format!(
            "{what} mean something else:\nwritten: {written:#?}\nread: {read:#?}"
        ))
    })
}

/// Without places, and in an order of its own: objects are emitted namespace by namespace.
fn comparable(policies: &PolicySet) -> PolicySet {
    let nowhere = Span::default();
    let mut policies = policies.clone();
    let key = |meta: &Meta| (meta.namespace.clone(), meta.name.clone());
    for policy in &mut policies.peer_authentications {
        policy.meta.origin = nowhere;
    }
    for policy in &mut policies.request_authentications {
        policy.meta.origin = nowhere;
        policy.rules.iter_mut().for_each(|rule| rule.origin = nowhere);
    }
    for policy in &mut policies.authorizations {
        policy.meta.origin = nowhere;
        policy
            .action
            .rules_mut()
            .iter_mut()
            .for_each(|rule| rule.origin = nowhere);
    }
    for rule in &mut policies.destination_rules {
        rule.meta.origin = nowhere;
    }
    for policy in &mut policies.authentication_policies {
        policy.meta.origin = nowhere;
        for method in &mut policy.peers {
            if let PeerMethod::Jwt(jwt) = method {
                jwt.origin = nowhere;
            }
        }
        policy.origins.iter_mut().for_each(|origin| origin.jwt.origin = nowhere);
    }
    policies.peer_authentications.sort_by_key(|policy| key(&policy.meta));
    policies.request_authentications.sort_by_key(|policy| key(&policy.meta));
    policies.authorizations.sort_by_key(|policy| key(&policy.meta));
    policies.destination_rules.sort_by_key(|rule| key(&rule.meta));
    policies.authentication_policies.sort_by_key(|policy| key(&policy.meta));
    policies
}
