//! The nearest miss of a refused request: the fewest facts to change so that it is admitted, and by which rule.
//!
//! The search is directed by the rules. What an ALLOW rule lacks says which facts must differ (`goals`), a refusal which
//! others (`subject`), and the patterns in question which values tell requests apart (`values`). The smallest set of
//! facts is tried first (`search`), and each proposal is put to the evaluator.

mod facts;
mod goals;
mod identities;
mod lists;
mod paths;
mod search;
mod subject;
#[cfg(test)]
mod tests;
mod values;
mod way;
mod witnesses;

use super::Judge;
use crate::policy::request::{Answer, Outcome, Reason, Request};
pub use facts::{Fact, changes, values as header_values};
pub(crate) use goals::Goals;
pub(super) use values::Values;

/// A request that is admitted, and differs little from one that is refused.
#[derive(Clone, Debug)]
pub struct NearestMiss {
    /// The refused request, with the port said.
    pub from: Request,
    /// The admitted one.
    pub to: Request,
    /// The facts in which they differ.
    pub changes: Vec<Fact>,
    /// The rule that admits it; `None` where nothing stands in the way.
    pub by: Option<Reason>,
    /// Whether the search proved that no change of fewer facts is admitted; else it met its bound on the way.
    pub is_exact: bool,
}

/// The nearest miss of a request with this answer. `None`: it is admitted, or no change was found that makes it so.
///
/// Changes are those of facts that the rules in force mention, or that the request states: the caller, the port that
/// the pod declares or a rule names, a token and its claims, what HTTP says, addresses, and what authorizers answer.
#[must_use]
pub fn nearest(judge: &Judge<'_>, request: &Request, answer: &Answer) -> Option<NearestMiss> {
    if answer.outcome == Outcome::Ok {
        return None;
    }
    let mut from = request.clone();
    {
        let pod = judge.pod(&request.to).ok()?;
        let (port, http) = super::port_and_protocol(&pod, request).ok()?;
        from.port = port;
        if port.is_none_or(|port| !pod.ports.contains_key(&port)) {
            // A further fact of HTTP does not make HTTP of a connection.
            from.http = Some(http);
        }
    }
    let (to, is_exact) = search::search(judge, &from)?;
    let by = judge.answer(&to).ok()?.because.into_iter().next();
    Some(NearestMiss {
        changes: changes(&from, &to),
        from,
        to,
        by,
        is_exact,
    })
}
