//! The objects that a piece of text makes, as text.

use super::analysis::Analysis;
use crate::backends::{self, Artifact};
use crate::diagnostics::Severity;
use crate::policy::{Meta, PolicySet};
use crate::source::Span;

/// The objects that rest on a piece of the project's text, whole: an object that several rules make is there with all of
/// them. Nothing where the project has an error, as nothing is emitted then.
pub(super) fn emitted(analysis: &Analysis, piece: Span) -> Vec<Artifact> {
    let Some(outcome) = &analysis.outcome else {
        return Vec::new();
    };
    if outcome.count(Severity::Error) > 0 {
        return Vec::new();
    }
    let Some(build) = analysis.build() else {
        return Vec::new();
    };
    let all = &build.policies;
    let made = PolicySet {
        peer_authentications: kept(&all.peer_authentications, |p| from(&p.meta, piece)),
        request_authentications: kept(&all.request_authentications, |p| {
            from(&p.meta, piece) || p.rules.iter().any(|rule| holds(piece, rule.origin))
        }),
        authorizations: kept(&all.authorizations, |p| {
            from(&p.meta, piece) || p.action.rules().iter().any(|rule| holds(piece, rule.origin))
        }),
        destination_rules: kept(&all.destination_rules, |p| from(&p.meta, piece)),
        authentication_policies: kept(&all.authentication_policies, |p| from(&p.meta, piece)),
    };
    backends::emit(&made, outcome.target, &build.program.mesh.root)
}

fn kept<T: Clone>(list: &[T], is_made: impl Fn(&T) -> bool) -> Vec<T> {
    list.iter().filter(|policy| is_made(policy)).cloned().collect()
}

fn from(meta: &Meta, piece: Span) -> bool {
    holds(piece, meta.origin)
}

fn holds(piece: Span, origin: Span) -> bool {
    piece.file == origin.file && piece.start <= origin.start && origin.end <= piece.end
}
