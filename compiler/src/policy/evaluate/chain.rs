//! One enforcer's filters, in their order: CUSTOM, tokens, DENY, ALLOW. AUDIT has no say.
//!
//! Where a fact is missing, both ways are followed; an answer stands if they end alike.

use std::collections::BTreeMap;

use super::matching::{self, Facts, Truth};
use super::places::{self, Carried};
use super::tokens::{self, Verdict};
use crate::policy::effective::{self, Effective, Policy, TokenRule};
use crate::policy::inventory::Mesh;
use crate::policy::request::{Answer, Outcome, Reason, Stage, Unknown};
use crate::policy::tokens::Fault;

/// What is asked besides the facts.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) mesh: &'a Mesh,
    pub(crate) answers: &'a BTreeMap<String, bool>,
    /// Enforce dry-run rules too.
    pub(crate) dry_run: bool,
    pub(crate) now: Option<i64>,
    /// How answers call the enforcer.
    pub(crate) place: &'a str,
}

/// The ways that a request may go while facts are missing.
#[derive(Default)]
pub(crate) struct Ways {
    refusals: Vec<Answer>,
    unknown: Vec<Unknown>,
}

/// What an enforcer makes of a request or connection.
pub(crate) struct Judged {
    pub(crate) answer: Answer,
    /// The headers and tokens that it has when it goes on.
    pub(crate) carried: Carried,
    /// The rule that took its token, an index into [`Effective::tokens`].
    pub(crate) token: Option<usize>,
    /// The CUSTOM rule about which an authorizer was asked, and let it pass.
    pub(crate) let_pass: Option<Reason>,
}

/// Judges a request or connection. Where it is not known in which order rules for tokens stand, all must end alike.
pub(crate) fn judge(
    effective: &Effective,
    facts: &mut Facts,
    carried: Carried,
    asked: Asked<'_>,
) -> Result<Judged, Unknown> {
    let others = &effective.other_orders;
    if others.orders.is_empty() || !facts.http {
        return judge_in_order(effective, &effective.tokens, facts, carried, asked);
    }
    let mut found = effective
        .tokens
        .iter()
        .flat_map(|rule| places::candidates(&rule.places, &carried));
    if others.more && found.next().is_some() {
        return Err(others.unknown());
    }
    let seen = facts.clone();
    let first = judge_in_order(effective, &effective.tokens, facts, carried.clone(), asked)?;
    for order in &others.orders {
        let other = judge_in_order(effective, order, &mut seen.clone(), carried.clone(), asked)?;
        if other.answer.outcome != first.answer.outcome {
            return Err(others.unknown());
        }
    }
    Ok(first)
}

fn judge_in_order(
    effective: &Effective,
    rules: &[TokenRule],
    facts: &mut Facts,
    carried: Carried,
    asked: Asked<'_>,
) -> Result<Judged, Unknown> {
    let mut ways = Ways::default();
    let mut carried = carried;
    let mut token = None;
    facts.headers.clone_from(&carried.headers);
    facts.claims = None;
    let let_pass = let_pass(effective, facts, asked);
    let ended = |ways: Ways, last, carried, token, let_pass| {
        ways.end(last).map(|answer| Judged {
            answer,
            carried,
            token,
            let_pass,
        })
    };
    match custom(effective, facts, asked, &mut ways) {
        Some(refusal) => return ended(ways, refusal, carried, token, let_pass),
        None if facts.http && !is_preflight(facts) => {
            let (verdict, rest) = tokens::verify(rules, carried, asked.now, facts.target.token_leeway())?;
            carried = rest;
            match verdict {
                Verdict::Refused(outcome, index, fault) => {
                    let refusal = refused_token(rules, outcome, (index, &fault), asked);
                    return ended(ways, refusal, carried, token, let_pass);
                }
                Verdict::Pass(valid) => {
                    token = valid.as_ref().map(|(index, _)| *index);
                    facts.claims = valid.map(|(_, claims)| claims);
                }
            }
            facts.headers.clone_from(&carried.headers);
        }
        None if facts.http => {
            carried = tokens::pass_by(rules, carried);
            facts.headers.clone_from(&carried.headers);
        }
        None => {}
    }
    access(effective, facts, asked, ways).map(|answer| Judged {
        answer,
        carried,
        token,
        let_pass,
    })
}

/// What access rules say of a request of which it is known who makes it.
pub(crate) fn access(
    effective: &Effective,
    facts: &Facts,
    asked: Asked<'_>,
    mut ways: Ways,
) -> Result<Answer, Unknown> {
    let last = deny(effective, facts, asked, &mut ways).unwrap_or_else(|| allow(effective, facts, asked, &mut ways));
    ways.end(last)
}

/// The rule about which the only authorizer is asked, where it lets the request pass.
fn let_pass(effective: &Effective, facts: &Facts, asked: Asked<'_>) -> Option<Reason> {
    let policies = &effective.custom.policies;
    let name = policies.iter().find_map(|policy| policy.provider.as_ref())?;
    let allowed = effective.providers == 1 && asked.answers.get(name) == Some(&true);
    let provider = asked.mesh.providers.get(name).filter(|it| facts.http || it.grpc);
    provider.filter(|_| allowed)?;
    matches(&effective.custom, facts, asked, |_, _, _| {}).map(|(_, reason)| reason)
}

impl Ways {
    /// The answer, if all ways end alike.
    fn end(mut self, last: Answer) -> Result<Answer, Unknown> {
        if self.refusals.iter().all(|refusal| refusal.outcome == last.outcome) {
            return Ok(last);
        }
        self.unknown.sort();
        match self.unknown.into_iter().next() {
            Some(unknown) => Err(unknown),
            None => Ok(last),
        }
    }

    fn may(&mut self, refusal: Answer, unknown: Unknown) {
        self.refusals.push(refusal);
        self.unknown.push(unknown);
    }
}

/// A request to which a browser adds no token.
pub(super) fn is_preflight(facts: &Facts) -> bool {
    let has = |name: &str| {
        let values = facts.headers.iter().filter(|(own, _)| own == name);
        values
            .into_iter()
            .any(|(_, value)| *value != matching::HeaderValue::Text(String::new()))
    };
    facts.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

fn refusal(stage: Stage, facts: &Facts, why: String, because: Vec<Reason>) -> Answer {
    Answer {
        outcome: if facts.http { Outcome::Forbidden } else { Outcome::Reset },
        stage: Some(stage),
        why,
        because,
    }
}

fn refused_token(rules: &[TokenRule], outcome: Outcome, (index, fault): (usize, &Fault), asked: Asked<'_>) -> Answer {
    let rule = rules.get(index);
    let why = match outcome {
        Outcome::Forbidden => "the token is for another audience",
        _ => "no issuer that is accepted here takes the token",
    };
    Answer {
        outcome,
        stage: Some(Stage::Jwt),
        why: format!("{}: {why}: {fault}", asked.place),
        because: rule.map(TokenRule::reason).into_iter().collect(),
    }
}

/// The first matching rule of enforced policies, and what is not known of others.
fn matches<'e>(
    stage: &'e effective::Stage,
    facts: &Facts,
    asked: Asked<'_>,
    mut maybe: impl FnMut(&'e Policy, Reason, Unknown),
) -> Option<(&'e Policy, Reason)> {
    let enforced = |policy: &Policy| asked.dry_run || !policy.dry_run;
    for (policy, rule) in stage.candidates(facts).filter(|(policy, _)| enforced(policy)) {
        match matching::rule(rule, facts) {
            Truth::Yes => return Some((policy, policy.reason(Some(rule)))),
            Truth::No => {}
            Truth::Unknown(unknown) => maybe(policy, policy.reason(Some(rule)), unknown),
        }
    }
    None
}

/// The authorizer's refusal, if it is certain.
fn custom(effective: &Effective, facts: &Facts, asked: Asked<'_>, ways: &mut Ways) -> Option<Answer> {
    if effective.providers > 1 {
        let why = || {
            format!(
                "{}: two authorizers are asked, which Istio refuses by denying",
                asked.place
            )
        };
        let mut maybes = Vec::new();
        let hit = matches(&effective.custom, facts, asked, |_, reason, unknown| {
            maybes.push((reason, unknown))
        });
        if let Some((_, reason)) = hit {
            return Some(refusal(Stage::Custom, facts, why(), vec![reason]));
        }
        for (reason, unknown) in maybes {
            ways.may(refusal(Stage::Custom, facts, why(), vec![reason]), unknown);
        }
        return None;
    }
    let name = effective
        .custom
        .policies
        .iter()
        .find_map(|policy| policy.provider.clone())?;
    let provider = asked.mesh.providers.get(&name);
    if !facts.http && provider.is_some_and(|provider| !provider.grpc) {
        return None;
    }
    let (denies, certain) = match (provider, asked.answers.get(&name)) {
        (None, _) => (true, true),
        (Some(_), Some(allowed)) => (!allowed, true),
        (Some(_), None) => (true, false),
    };
    if !denies {
        return None;
    }
    let why = if provider.is_some() {
        format!("{}: the authorizer `{name}` refuses", asked.place)
    } else {
        format!(
            "{}: the authorizer `{name}` is not known to the mesh, which then denies",
            asked.place
        )
    };
    let mut maybes = Vec::new();
    let hit = matches(&effective.custom, facts, asked, |_, reason, unknown| {
        maybes.push((reason, unknown))
    });
    match hit {
        Some((_, reason)) if certain => return Some(refusal(Stage::Custom, facts, why, vec![reason])),
        Some((_, reason)) => {
            ways.may(
                refusal(Stage::Custom, facts, why, vec![reason]),
                Unknown::AnswerOf(name),
            );
        }
        None => {
            for (reason, unknown) in maybes {
                ways.may(refusal(Stage::Custom, facts, why.clone(), vec![reason]), unknown);
            }
        }
    }
    None
}

fn deny(effective: &Effective, facts: &Facts, asked: Asked<'_>, ways: &mut Ways) -> Option<Answer> {
    let why = || format!("{}: a DENY rule matches", asked.place);
    let mut maybes = Vec::new();
    let hit = matches(&effective.deny, facts, asked, |_, reason, unknown| {
        maybes.push((reason, unknown))
    });
    if let Some((_, reason)) = hit {
        return Some(refusal(Stage::Deny, facts, why(), vec![reason]));
    }
    for (reason, unknown) in maybes {
        ways.may(refusal(Stage::Deny, facts, why(), vec![reason]), unknown);
    }
    None
}

fn allow(effective: &Effective, facts: &Facts, asked: Asked<'_>, ways: &mut Ways) -> Answer {
    let policies = &effective.allow.policies;
    let enforced = || policies.iter().filter(|policy| asked.dry_run || !policy.dry_run);
    let pass = |because: Vec<Reason>| Answer {
        outcome: Outcome::Ok,
        stage: (!because.is_empty()).then_some(Stage::Allow),
        why: if because.is_empty() {
            format!("{}: nothing stands in the way", asked.place)
        } else {
            format!("{}: an ALLOW rule matches", asked.place)
        },
        because,
    };
    if enforced().next().is_none() {
        return pass(Vec::new());
    }
    let refused = || {
        let why = format!("{}: no ALLOW rule matches", asked.place);
        refusal(
            Stage::Allow,
            facts,
            why,
            enforced().map(|policy| policy.reason(None)).collect(),
        )
    };
    let mut maybes = Vec::new();
    let hit = matches(&effective.allow, facts, asked, |_, reason, unknown| {
        maybes.push((reason, unknown))
    });
    if let Some((_, reason)) = hit {
        return pass(vec![reason]);
    }
    let Some((reason, unknown)) = maybes.into_iter().next() else {
        return refused();
    };
    ways.may(refused(), unknown);
    pass(vec![reason])
}
