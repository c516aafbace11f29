//! What may be asked about tokens apart from a whole request.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{places, tokens};
use crate::policy::request::{Json, Place, Request, Unknown};
use crate::policy::tokens::{Fault, TokenText};
use crate::policy::{JwtRule, Target};

/// The place that a rule names first.
#[must_use]
pub fn first_place(rule: &JwtRule) -> Option<Place> {
    let header = rule.from_headers.first().map(|header| Place::Header {
        name: header.name.to_ascii_lowercase(),
        prefix: header.prefix.clone().unwrap_or_default(),
    });
    let param = || rule.from_params.first().cloned().map(Place::Param);
    let cookie = || rule.from_cookies.first().cloned().map(Place::Cookie);
    header.or_else(param).or_else(cookie)
}

/// What is wrong with a token that was read, for a rule; `None`: the rule accepts it.
///
/// # Errors
/// What would have to be known.
pub fn token_fault(
    rule: &JwtRule,
    text: &Arc<TokenText>,
    now: Option<i64>,
    target: Target,
) -> Result<Option<Fault>, Unknown> {
    let candidate = places::Candidate::Text(Arc::clone(text));
    tokens::judge(rule, &candidate, now, target.token_leeway()).map(Result::err)
}

/// What is wrong with the claims of a token whatever the rule: their types, and at a time their times.
#[must_use]
pub fn claims_fault(claims: &BTreeMap<String, Json>, now: Option<i64>) -> Option<Fault> {
    tokens::wrong_type(claims)
        .or_else(|| tokens::out_of_time(claims, Some(now?), Target::NEWEST.token_leeway()).ok()?)
}

/// The texts at some places of a request that may be tokens.
#[must_use]
pub fn token_texts(places: &[Place], request: &Request) -> Vec<String> {
    places::token_texts(places, &super::carried(request))
}
