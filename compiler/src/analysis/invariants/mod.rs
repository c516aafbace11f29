//! `never` and `always`, proved over every request to every place that they name.

mod curl;
pub mod errors;

use super::sentences::{Ground, Verdict, spots};
use crate::diagnostics::Diagnostics;
use crate::policy::evaluate::Judge;
use crate::policy::{Invariant, NamedIssuer};

/// Proves each invariant at its places. A counterexample names tokens by the issuers that the text declares.
pub fn check(judge: &Judge<'_>, invariants: &[Invariant], issuers: &[NamedIssuer], acc: &mut Diagnostics) {
    for invariant in invariants {
        report(judge, (invariant, issuers), &verdicts(judge, invariant), acc);
    }
}

/// At each place by its name.
fn verdicts(judge: &Judge<'_>, invariant: &Invariant) -> Vec<(String, Verdict)> {
    let spots = spots(judge.inventory(), invariant);
    spots
        .into_iter()
        .map(|(name, spot)| {
            let verdict = match spot.place(judge) {
                Ok(place) => Ground::new(&place, &[invariant]).verdict(0, invariant.always),
                Err(why) => Verdict::Undecided(why),
            };
            (name, verdict)
        })
        .collect()
}

/// One finding for an invariant: what breaks it before what is not known.
fn report(
    judge: &Judge<'_>,
    (invariant, issuers): (&Invariant, &[NamedIssuer]),
    verdicts: &[(String, Verdict)],
    acc: &mut Diagnostics,
) {
    let broken: Vec<&str> = verdicts
        .iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Violated(_)))
        .map(|(name, _)| name.as_str())
        .collect();
    for (name, verdict) in verdicts {
        if let Verdict::Violated(example) = verdict {
            let others = broken
                .iter()
                .filter(|other| *other != name)
                .copied()
                .collect::<Vec<_>>();
            acc.push(errors::violated(judge, (invariant, issuers), name, &others, example));
            return;
        }
    }
    for (name, verdict) in verdicts {
        if let Verdict::Undecided(why) = verdict {
            acc.push(errors::undecided(invariant, name, why));
            return;
        }
    }
    if verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Idle)) {
        acc.push(errors::idle(invariant));
    }
}
