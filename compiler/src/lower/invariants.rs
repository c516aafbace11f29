//! `never` and `always` to the requests that they speak of, as rules that are in force nowhere.

use super::access::sentence;
use super::facts::Facts;
use super::reach::{Enforcers, Reach};
use super::{Context, errors, formula, rules};
use crate::diagnostics::Diagnostics;
use crate::hir::{InvariantKind, Program};
use crate::policy::{Invariant, Target};

/// The invariants of a program. With an error in `acc` the result may lack what it is about.
pub fn invariants(program: &Program, target: Target, acc: &mut Diagnostics) -> Vec<Invariant> {
    if program.invariants.is_empty() {
        return Vec::new();
    }
    let ctx = Context {
        program,
        target,
        reach: Reach::new(program),
    };
    let mut made = Vec::new();
    for invariant in &program.invariants {
        let span = invariant.span;
        let expr = sentence(&invariant.who, &invariant.what, invariant.when.as_ref(), span);
        // What is proved is read as Envoy reads it: it sees every fact.
        let enforcers = Enforcers {
            envoy: true,
            ztunnel: false,
        };
        let formula = Facts {
            ctx: &ctx,
            enforcers,
            acc,
        }
        .formula(&expr);
        let Ok(alternatives) = formula::alternatives(&formula) else {
            acc.push(errors::too_many_alternatives(span));
            continue;
        };
        if alternatives.is_empty() {
            acc.push(errors::matches_nothing(span));
            continue;
        }
        made.push(Invariant {
            always: invariant.kind == InvariantKind::Always,
            rules: rules::rules(&alternatives, false, span, acc),
            places: invariant.at.iter().map(|at| at.it.clone()).collect(),
            origin: span,
        });
    }
    made
}
