//! The authentication filter of Istio 1.4, which stands where today's JWT filter does: who is at the other end, whose token
//! counts, and whose identity access rules see.
//!
//! Which of several policies is in force may not be known, nor whether a port is read as HTTP; all ways are followed, and
//! an answer stands if they end alike.

use std::collections::BTreeMap;

use super::chain::{self, Asked, Ways};
use super::matching::{Facts, Peer as Seen};
use super::places::{self, Carried};
use super::tokens;
use crate::policy::effective::Effective;
use crate::policy::effective::legacy::{Authentication, Held, Issuer, Legacy, Peer};
use crate::policy::request::{Answer, Json, Outcome, Reason, Stage, Unknown};
use crate::source::Span;

/// Who is judged, besides the facts.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) effective: &'a Effective,
    pub(super) legacy: &'a Legacy,
    pub(super) gateway: bool,
    /// Whether the protocol of the port is declared: Istio 1.4 does not find it out by itself.
    pub(super) protocol_is_known: bool,
}

/// Judges a request or connection.
pub(super) fn judge(at: At<'_>, facts: &Facts, carried: &Carried, asked: Asked<'_>) -> Result<Answer, Unknown> {
    let held = at.legacy.held(facts.port);
    let unclear = || at.legacy.unclear(facts.port);
    agreed(
        held.into_iter().map(|held| under(at, held, facts, carried, asked)),
        unclear,
    )
}

/// The answer that all ways give.
fn agreed(
    mut answers: impl Iterator<Item = Result<Answer, Unknown>>,
    unclear: impl Fn() -> Unknown,
) -> Result<Answer, Unknown> {
    let first = answers.next().unwrap_or_else(|| Err(unclear()))?;
    for other in answers {
        if other?.outcome != first.outcome {
            return Err(unclear());
        }
    }
    Ok(first)
}

/// The answer if this is in force.
fn under(at: At<'_>, held: Held, facts: &Facts, carried: &Carried, asked: Asked<'_>) -> Result<Answer, Unknown> {
    if held == Held::Passthrough {
        return passed_on(at, facts, asked);
    }
    let policy = match held {
        Held::Policy(index) => at.legacy.policy(index),
        Held::Passthrough | Held::Nothing => None,
    };
    let as_http = || as_http(at, policy, facts, carried, asked);
    let as_bytes = || chain::access(at.effective, &as_connection(facts), asked, Ways::default());
    if !facts.http {
        return as_bytes();
    }
    if at.protocol_is_known {
        return as_http();
    }
    agreed([as_http(), as_bytes()].into_iter(), || {
        let why = "the protocol of the port is not declared (`ports`), and what Istio 1.4 does depends on it";
        Unknown::Other(why.to_owned())
    })
}

/// At a port that no Service leads to: no policy acts.
fn passed_on(at: At<'_>, facts: &Facts, asked: Asked<'_>) -> Result<Answer, Unknown> {
    let answer = chain::access(at.effective, &as_connection(facts), asked, Ways::default())?;
    if answer.outcome != Outcome::Ok {
        let why = "no Service leads to this port, and whether access rules act there in Istio 1.4 is not judged";
        return Err(Unknown::Other(why.to_owned()));
    }
    Ok(answer)
}

fn as_connection(facts: &Facts) -> Facts {
    Facts {
        http: false,
        ..facts.clone()
    }
}

fn as_http(
    at: At<'_>,
    policy: Option<&Authentication>,
    facts: &Facts,
    carried: &Carried,
    asked: Asked<'_>,
) -> Result<Answer, Unknown> {
    let mut seen = facts.clone();
    seen.headers.clone_from(&carried.headers);
    // Access rules for HTTP see the identities that the filter makes known, and none without it.
    let shown = std::mem::replace(&mut seen.peer, Seen::Nobody);
    if let Some(policy) = policy
        && let Some(refusal) = authenticate(policy, at.gateway, shown, &mut seen, carried, asked)?
    {
        return Ok(refusal);
    }
    chain::access(at.effective, &seen, asked, Ways::default())
}

/// The filter: `Some` where it refuses, else the identities are in the facts.
fn authenticate(
    policy: &Authentication,
    gateway: bool,
    shown: Seen,
    facts: &mut Facts,
    carried: &Carried,
    asked: Asked<'_>,
) -> Result<Option<Answer>, Unknown> {
    // Gateways drop mutual TLS among the peers.
    let peers = || {
        let all = policy.peers.iter();
        all.filter(|peer| !gateway || matches!(peer, Peer::Token(_)))
    };
    if peers().next().is_none() && policy.origins.is_empty() {
        return Ok(None);
    }
    let refused = |who: &str, stage: Stage, origin: Option<Span>| {
        Ok(Some(Answer {
            outcome: Outcome::Unauthorized,
            stage: Some(stage),
            why: format!("{}: {who} authentication failed", asked.place),
            because: vec![Reason {
                origin: origin.unwrap_or(policy.reason.origin),
                ..policy.reason.clone()
            }],
        }))
    };

    let mut passed = peers().next().is_none();
    for peer in peers() {
        let identity = match peer {
            Peer::Mtls { permissive } => match &shown {
                // A certificate of another trust domain is none of the mesh.
                Seen::Is(identity) => is_of(identity, &asked.mesh.trust_domain).then(|| Some(identity.clone())),
                Seen::Nobody | Seen::Waypoint(_) => permissive.then_some(None),
            },
            Peer::Token(issuer) => verified(issuer, carried, asked.now)?.map(|claims| principal(&claims)),
        };
        if let Some(identity) = identity {
            facts.peer = identity.map_or(Seen::Nobody, Seen::Is);
            passed = true;
            break;
        }
    }
    if !passed && !policy.peer_is_optional {
        return refused("peer", Stage::Mtls, None);
    }

    match origin(policy, facts, carried, asked)? {
        Origin::Preflight => {}
        Origin::Passed(claims) => {
            facts.request_principal = match (&claims, policy.binds_origin, &facts.peer) {
                (Some(claims), true, _) => principal(claims),
                (_, false, Seen::Is(peer)) => Some(peer.clone()),
                _ => None,
            };
            facts.claims = claims.map(published);
        }
        Origin::Failed(_) if policy.origin_is_optional => {}
        Origin::Failed(span) => return refused("origin", Stage::Jwt, span),
    }
    Ok(None)
}

/// How the second half of the filter ends.
enum Origin {
    /// A browser asks before it sends a token.
    Preflight,
    /// With the claims of the token that counts; none where no token is asked for.
    Passed(Option<BTreeMap<String, Json>>),
    /// With the issuer that was asked for first.
    Failed(Option<Span>),
}

fn origin(policy: &Authentication, facts: &Facts, carried: &Carried, asked: Asked<'_>) -> Result<Origin, Unknown> {
    if policy.origins.is_empty() {
        return Ok(if policy.binds_origin {
            Origin::Failed(None)
        } else {
            Origin::Passed(None)
        });
    }
    if chain::is_preflight(facts) {
        return Ok(Origin::Preflight);
    }
    let path = if facts.target.triggers_see_the_query() {
        format!("{}{}", facts.path, facts.query)
    } else {
        facts.path.clone()
    };
    let mut first = None;
    for (issuer, trigger) in &policy.origins {
        if !trigger.fires(&path)? {
            continue;
        }
        if let Some(claims) = verified(issuer, carried, asked.now)? {
            return Ok(Origin::Passed(Some(claims)));
        }
        first.get_or_insert(issuer.rule.origin);
    }
    Ok(match first {
        None => Origin::Passed(None),
        failed => Origin::Failed(failed),
    })
}

/// The filter of that time forgives no second of `exp` and `nbf`.
const LEEWAY: i64 = 0;

/// The claims of a valid token of an issuer: any that is found will do.
fn verified(issuer: &Issuer, carried: &Carried, now: Option<i64>) -> Result<Option<BTreeMap<String, Json>>, Unknown> {
    let mut valid: Option<BTreeMap<String, Json>> = None;
    if !issuer.has_keys {
        return Ok(None);
    }
    let places = places::places(&issuer.rule);
    for (_, candidate) in places::candidates(&places, carried) {
        if let Ok(claims) = tokens::judge(&issuer.rule, &candidate, now, LEEWAY)? {
            if valid.as_ref().is_some_and(|other| other != claims) {
                let why = "two different tokens are good for one issuer, and which of them counts is not judged";
                return Err(Unknown::Other(why.to_owned()));
            }
            valid = Some(claims.clone());
        }
    }
    Ok(valid)
}

/// `iss/sub`; without a subject nobody.
fn principal(claims: &BTreeMap<String, Json>) -> Option<String> {
    match (claims.get("iss"), claims.get("sub")) {
        (Some(Json::String(iss)), Some(Json::String(sub))) => Some(format!("{iss}/{sub}")),
        _ => None,
    }
}

/// The claims that rules see: texts and lists of texts.
fn published(mut claims: BTreeMap<String, Json>) -> BTreeMap<String, Json> {
    let is_text = |value: &Json| matches!(value, Json::String(_));
    claims.retain(|_, value| match value {
        Json::List(items) => items.iter().all(is_text),
        value => is_text(value),
    });
    claims
}

fn is_of(identity: &str, trust_domain: &str) -> bool {
    identity
        .split_once('/')
        .is_some_and(|(domain, _)| domain == trust_domain)
}
