//! The resolved program to the policy model, by sections 6 to 9 of the language.
//!
//! It knows what Istio can say, and nothing of YAML. What a release cannot say is an error at its line; nothing is
//! dropped.

mod access;
mod alternatives;
mod destinations;
mod enforcement;
pub mod errors;
mod facts;
mod formula;
mod invariants;
pub mod inventory;
pub mod legacy;
#[cfg(test)]
mod meaning_kept;
mod objects;
mod peers;
mod reach;
mod rules;
mod settle;
mod tokens;

use crate::diagnostics::Diagnostics;
use crate::hir::{ItemKind, Program, Scope};
use crate::policy::{PolicySet, Target};
pub use invariants::invariants;
use objects::Objects;
use reach::Reach;
pub use settle::settle;

/// What every part of lowering reads.
pub(crate) struct Context<'p> {
    pub(crate) program: &'p Program,
    pub(crate) target: Target,
    pub(crate) reach: Reach<'p>,
}

/// Lowers a program for a release. With an error in `acc` the result may lack what it is about.
pub fn lower(program: &Program, target: Target, acc: &mut Diagnostics) -> PolicySet {
    let ctx = Context {
        program,
        target,
        reach: Reach::new(program),
    };
    let mut objects = Objects::new(program);
    let mut policies = PolicySet::default();
    for scope in &program.scopes {
        enforcement::check_release(&ctx, scope, acc);
        enforcement::check(&ctx, scope, acc);
        if target.is_legacy() {
            policies
                .authentication_policies
                .extend(legacy::policies(&ctx, scope, &mut objects, acc));
        } else {
            refuse_legacy(scope, acc);
            policies
                .peer_authentications
                .extend(peers::lower(&ctx, scope, &mut objects, acc));
            policies
                .request_authentications
                .extend(tokens::lower(&ctx, scope, &mut objects, acc));
        }
        policies
            .authorizations
            .extend(access::lower(&ctx, scope, &mut objects, acc));
    }
    for destination in &program.destinations {
        policies
            .destination_rules
            .extend(destinations::lower(&ctx, destination, &mut objects, acc));
    }
    policies
        .destination_rules
        .extend(legacy::client_rules(&ctx, &mut objects, acc));
    policies
}

/// Reports what only the legacy API can say.
fn refuse_legacy(scope: &Scope, acc: &mut Diagnostics) {
    for item in scope
        .items
        .iter()
        .filter(|item| matches!(item.kind, ItemKind::Legacy(_)))
    {
        let instead = "remove it: today's `mtls` and `accept` say what a workload demands, without this exception";
        acc.push(errors::legacy_only("`legacy`", item.span, instead));
    }
}
