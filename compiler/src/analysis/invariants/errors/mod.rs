//! What becomes of invariants that are not proved.

use super::super::sentences::Exchange;
use super::super::test_line::{TestLine, test_line};
use super::super::{request_data, witness};
use super::curl;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::code::codes;
use crate::policy::evaluate::Judge;
use crate::policy::{Invariant, NamedIssuer};

codes! {
    VIOLATED_INVARIANT Error "E0690" "violated-invariant" "violated_invariant.md"
        "A request breaks what must never or always hold.";
    UNDECIDED_INVARIANT Error "E0691" "undecided-invariant" "undecided_invariant.md"
        "Whether an invariant holds is not known.";
    IDLE_INVARIANT Warning "W0692" "idle-invariant" "idle_invariant.md"
        "No request can meet an invariant.";
}

/// More places are counted and not named.
const MAX_NAMED: usize = 8;

const fn word(invariant: &Invariant) -> &'static str {
    if invariant.always { "always" } else { "never" }
}

pub(super) fn violated(
    judge: &Judge<'_>,
    (invariant, issuers): (&Invariant, &[NamedIssuer]),
    place: &str,
    others: &[&str],
    example: &Exchange,
) -> Diagnostic {
    let (request, answer) = (&example.request, &example.answer);
    let message = format!(
        "this `{}` does not hold at {place}: {} is answered {}, by {}",
        word(invariant),
        witness::words(request),
        answer.outcome.word(),
        answer.why
    );
    let mut finding = Diagnostic::new(&VIOLATED_INVARIANT, invariant.origin, message);
    let mut shown = Vec::new();
    for reason in &answer.because {
        if reason.origin != invariant.origin && !shown.contains(&reason.origin) {
            shown.push(reason.origin);
            finding = finding.secondary(reason.origin, "decided here");
        }
    }
    if !others.is_empty() {
        let named = others.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
        let left = others.len().saturating_sub(MAX_NAMED);
        let more = if left > 0 {
            format!(" and {left} more")
        } else {
            String::new()
        };
        finding = finding.help(format!("nor does it hold at {named}{more}"));
    }
    for (provider, allowed) in &request.answers {
        let word = request_data::word_of_answer(*allowed);
        finding = finding.help(format!("so it is if the authorizer `{provider}` answers {word}"));
    }
    if let Some(line) = curl::line(judge.inventory(), request) {
        finding = finding.help(format!("as that caller: {line}"));
    }
    if let Some(TestLine { place, line }) = test_line(judge.inventory(), issuers, request) {
        let (name, expected) = match (invariant.always, request.http) {
            (true, _) => ("what always passes is kept", "200"),
            (false, Some(true)) => ("what never passes is kept", "403"),
            (false, _) => ("what never passes is kept", "reset"),
        };
        finding = finding.help(format!(
            "as a test: test \"{name}\" at {place} {{ {line} expect {expected} }}"
        ));
    }
    finding.witness(Some(request_data::data(judge.inventory(), request)))
}

pub(super) fn undecided(invariant: &Invariant, place: &str, why: &str) -> Diagnostic {
    let message = format!(
        "whether this `{}` holds at {place} is not known: {why}",
        word(invariant)
    );
    Diagnostic::new(&UNDECIDED_INVARIANT, invariant.origin, message)
        .help("name the places or requests that are proved one by one, or leave this one out")
}

pub(super) fn idle(invariant: &Invariant) -> Diagnostic {
    let message = format!(
        "no request can meet this `{}`: where it is said to hold, none such arrives whatever the rules are",
        word(invariant)
    );
    Diagnostic::new(&IDLE_INVARIANT, invariant.origin, message)
        .help("name ports that are declared and callers that the mesh accepts, or remove it")
}
