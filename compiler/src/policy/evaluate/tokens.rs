//! Envoy's JWT filter: which tokens each issuer's rule finds, what becomes of them, and whose claims count.

use std::collections::BTreeMap;

use super::matching::HeaderValue;
use crate::policy::effective::TokenRule;
use crate::policy::request::{Json, Outcome, Place, Token, TokenState, Unknown};
use crate::policy::{JwtRule, StringMap};

/// The parts of a request that tokens are read from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    /// The names in lower case.
    pub(crate) headers: Vec<(String, HeaderValue)>,
    /// Of the query, in order.
    pub(crate) params: Vec<(String, String)>,
    /// Tokens that are given by what they say.
    pub(crate) tokens: Vec<Token>,
}

/// What the filter makes of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It goes on, with the claims of the token that counts, if there is one, and the rule that took it.
    Pass(Option<(usize, BTreeMap<String, Json>)>),
    /// It is refused because of this rule.
    Refused(Outcome, usize),
}

/// How one rule ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Status {
    Valid(BTreeMap<String, Json>),
    Missed,
    UnknownIssuer,
    /// Its audience is none of the rule's: the one mistake that is answered with 403.
    WrongAudience,
    Bad,
}

impl Status {
    const fn is_concrete(&self) -> bool {
        !matches!(self, Self::Missed | Self::UnknownIssuer)
    }
}

/// Seconds by which the filter forgives `exp` and `nbf`.
const LEEWAY: f64 = 60.0;

/// Runs the filter.
pub(crate) fn verify(rules: &[TokenRule], carried: &Carried, now: Option<i64>) -> Result<Verdict, Unknown> {
    let mut statuses = Vec::with_capacity(rules.len());
    for (index, rule) in rules.iter().enumerate() {
        let status = status(&rule.rule, carried, now)?;
        if let Status::Valid(claims) = status {
            return Ok(Verdict::Pass(Some((index, claims))));
        }
        statuses.push(status);
    }
    // All that is left is that no rule found a token; a rule that found one fails the request.
    let Some(first) = statuses.iter().position(|s| *s != Status::Missed) else {
        return Ok(Verdict::Pass(None));
    };
    // What the request fails with is the last concrete mistake, that of the first failing rule being looked at last.
    let last = statuses.iter().rposition(Status::is_concrete).unwrap_or(first);
    let decides = if statuses.get(first).is_some_and(Status::is_concrete) {
        first
    } else {
        last
    };
    let outcome = match statuses.get(decides) {
        Some(Status::WrongAudience) => Outcome::Forbidden,
        _ => Outcome::Unauthorized,
    };
    Ok(Verdict::Refused(outcome, decides))
}

/// Where a rule looks for tokens.
pub(crate) fn places(rule: &JwtRule) -> Vec<Place> {
    if rule.from_headers.is_empty() && rule.from_params.is_empty() && rule.from_cookies.is_empty() {
        return vec![
            Place::Header {
                name: "authorization".to_owned(),
                prefix: "Bearer ".to_owned(),
            },
            Place::Param("access_token".to_owned()),
        ];
    }
    let headers = rule.from_headers.iter().map(|header| Place::Header {
        name: header.name.to_ascii_lowercase(),
        prefix: header.prefix.clone().unwrap_or_default(),
    });
    let params = rule.from_params.iter().cloned().map(Place::Param);
    let cookies = rule.from_cookies.iter().cloned().map(Place::Cookie);
    headers.chain(params).chain(cookies).collect()
}

fn status(rule: &JwtRule, carried: &Carried, now: Option<i64>) -> Result<Status, Unknown> {
    let mut result = Status::Missed;
    for place in places(rule) {
        if !texts(&place, carried)?.is_empty() {
            // The text of no token: whatever the rule, it cannot be read.
            return Ok(Status::Bad);
        }
        for token in &carried.tokens {
            match found(&token.place, &place) {
                Found::Not => {}
                Found::Garbage => return Ok(Status::Bad),
                Found::Token => match judge(rule, token, now, LEEWAY)? {
                    Status::Valid(claims) => match &result {
                        Status::Valid(first) if *first != claims => {
                            let why =
                                "two different tokens are good for one rule, and which of them counts is not judged";
                            return Err(Unknown::Other(why.to_owned()));
                        }
                        _ => result = Status::Valid(claims),
                    },
                    failed => return Ok(failed),
                },
            }
        }
    }
    Ok(result)
}

/// What a rule that looks at a place makes of a token at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Not,
    Token,
    /// Its header is read, but what is read is no token.
    Garbage,
}

/// A prefix is searched anywhere in a header's value, and blanks behind it are skipped.
pub(super) fn found(own: &Place, place: &Place) -> Found {
    let (Place::Header { name, prefix: own }, Place::Header { name: wanted, prefix }) = (own, place) else {
        return if own == place { Found::Token } else { Found::Not };
    };
    if name != wanted {
        Found::Not
    } else if own == prefix
        || (!prefix.is_empty() && (own.ends_with(prefix.as_str()) || own.trim_end().ends_with(prefix.as_str())))
    {
        Found::Token
    } else if own.contains(prefix.as_str()) {
        Found::Garbage
    } else {
        Found::Not
    }
}

/// Texts at a place that are no tokens.
pub(super) fn texts(place: &Place, carried: &Carried) -> Result<Vec<String>, Unknown> {
    let mut found: Vec<String> = Vec::new();
    match place {
        Place::Header { name, prefix } => {
            for (_, value) in carried.headers.iter().filter(|(own, _)| own == name) {
                let HeaderValue::Text(text) = value else { continue };
                if let Some(at) = text.find(prefix.as_str()) {
                    found.push(text.get(at + prefix.len()..).unwrap_or_default().to_owned());
                }
            }
        }
        Place::Param(name) => {
            found.extend(
                carried
                    .params
                    .iter()
                    .filter(|(own, _)| own == name)
                    .map(|(_, text)| text.clone()),
            );
        }
        Place::Cookie(name) => {
            for (_, value) in carried.headers.iter().filter(|(own, _)| own == "cookie") {
                let HeaderValue::Text(text) = value else { continue };
                let pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
                found.extend(pairs.filter(|(own, _)| own == name).map(|(_, text)| text.to_owned()));
            }
        }
    }
    // An empty cookie may count as none.
    let empty = found.iter().any(String::is_empty) && matches!(place, Place::Cookie(_));
    if empty || found.iter().any(|text| may_be_token(text)) {
        let why = "a token as text is not judged yet; give it by its claims: `with token ISSUER { … }`";
        return Err(Unknown::Other(why.to_owned()));
    }
    Ok(found)
}

/// Whether a text may have the three parts of a token.
fn may_be_token(text: &str) -> bool {
    text.matches('.').count() >= 2
}

/// Judges one token; times are taken with so many seconds of leeway.
pub(super) fn judge(rule: &JwtRule, token: &Token, now: Option<i64>, leeway: f64) -> Result<Status, Unknown> {
    let claims = &token.claims;
    if !is_well_formed(claims) {
        return Ok(Status::Bad);
    }
    let iss = match claims.get("iss") {
        Some(Json::String(iss)) => iss.as_str(),
        _ => "",
    };
    if rule.issuer.as_ref().is_some_and(|issuer| issuer != iss) {
        return Ok(Status::UnknownIssuer);
    }
    if token.state == TokenState::Expired || !in_time(claims, now, leeway)? {
        return Ok(Status::Bad);
    }
    if !rule.audiences.is_empty() && !rule.audiences.iter().any(|audience| is_for(claims, audience)) {
        return Ok(Status::WrongAudience);
    }
    let same_keys =
        rule.keys == token.keys && (rule.keys != crate::policy::Keys::Discovery || rule.issuer == token.issuer);
    if token.state == TokenState::Forged || !same_keys {
        return Ok(Status::Bad);
    }
    Ok(Status::Valid(split_words(rule, claims.clone())))
}

/// Whether the claims that every token may have are of their types.
fn is_well_formed(claims: &BTreeMap<String, Json>) -> bool {
    let text = |name: &str| matches!(claims.get(name), None | Some(Json::String(_)));
    let time = |name: &str| match claims.get(name) {
        None => true,
        Some(Json::Number(it)) => *it >= 0.0,
        Some(_) => false,
    };
    let aud = match claims.get("aud") {
        None | Some(Json::String(_)) => true,
        Some(Json::List(items)) => items.iter().all(|item| matches!(item, Json::String(_))),
        Some(_) => false,
    };
    ["iss", "sub", "jti"].into_iter().all(text) && ["exp", "nbf", "iat"].into_iter().all(time) && aud
}

/// A token that says no time is good at any.
#[expect(clippy::cast_precision_loss, reason = "times of tokens are far below 2^52")]
fn in_time(claims: &BTreeMap<String, Json>, now: Option<i64>, leeway: f64) -> Result<bool, Unknown> {
    let time = |name: &str| match claims.get(name) {
        Some(Json::Number(it)) => Some(*it),
        _ => None,
    };
    let (exp, nbf) = (time("exp"), time("nbf"));
    if exp.is_none() && nbf.is_none() {
        return Ok(true);
    }
    let Some(now) = now.map(|now| now as f64) else {
        let why = "the token says a time (`exp` or `nbf`), so the answer depends on the clock: leave the claim out, or say the time";
        return Err(Unknown::Other(why.to_owned()));
    };
    Ok(exp.is_none_or(|exp| now <= exp + leeway) && nbf.is_none_or(|nbf| now + leeway >= nbf))
}

/// Audiences are compared without scheme and without a slash at their end.
fn is_for(claims: &BTreeMap<String, Json>, audience: &str) -> bool {
    fn plain(text: &str) -> &str {
        let text = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"))
            .unwrap_or(text);
        text.strip_suffix('/').unwrap_or(text)
    }
    let fits = |value: &Json| matches!(value, Json::String(text) if plain(text) == plain(audience));
    match claims.get("aud") {
        Some(Json::List(items)) => items.iter().any(fits),
        Some(value) => fits(value),
        None => false,
    }
}

/// `scope`, `permission` and what the rule names become lists of their words.
fn split_words(rule: &JwtRule, mut claims: BTreeMap<String, Json>) -> BTreeMap<String, Json> {
    for (name, value) in &mut claims {
        let split = name == "scope" || name == "permission" || rule.space_delimited_claims.contains(name);
        if split && let Json::String(text) = value {
            let words = text.split(' ').filter(|word| !word.is_empty());
            *value = Json::List(words.map(|word| Json::String(word.to_owned())).collect());
        }
    }
    claims
}

/// The request after the filter: the token taken out where it is not passed on, and claims put into headers.
pub(crate) fn after(rules: &[TokenRule], mut carried: Carried, verdict: &Verdict) -> Carried {
    for rule in rules.iter().map(|rule| &rule.rule) {
        let made = made_headers(rule);
        carried.headers.retain(|(name, _)| !made.contains_key(name));
    }
    let Verdict::Pass(Some((index, claims))) = verdict else {
        return carried;
    };
    let Some(rule) = rules.get(*index).map(|rule| &rule.rule) else {
        return carried;
    };
    if !rule.forward_original_token {
        let places = places(rule);
        let removed = |own: &Place| {
            places.iter().any(|place| found(own, place) == Found::Token) && !matches!(own, Place::Cookie(_))
        };
        let gone: Vec<Token> = carried
            .tokens
            .iter()
            .filter(|token| removed(&token.place))
            .cloned()
            .collect();
        carried.tokens.retain(|token| !removed(&token.place));
        for token in gone {
            if let Place::Header { name, .. } = &token.place {
                carried.headers.retain(|(own, _)| own != name);
            }
        }
    }
    for (header, claim) in &rule.output_claim_to_headers {
        let mut value = Some(&Json::Object(claims.clone())).cloned();
        for part in claim.split('.') {
            value = match value {
                Some(Json::Object(mut object)) => object.remove(part),
                _ => None,
            };
        }
        let value = match value {
            Some(Json::String(text)) => HeaderValue::Text(text),
            Some(Json::Bool(it)) => HeaderValue::Text(it.to_string()),
            Some(Json::Number(_)) => HeaderValue::Opaque,
            _ => continue,
        };
        carried.headers.push((header.to_ascii_lowercase(), value));
    }
    if let Some(header) = &rule.output_payload_to_header {
        carried.headers.push((header.to_ascii_lowercase(), HeaderValue::Opaque));
    }
    carried
}

fn made_headers(rule: &JwtRule) -> StringMap {
    let claims = rule
        .output_claim_to_headers
        .iter()
        .map(|(header, claim)| (header.to_ascii_lowercase(), claim.clone()));
    let payload = rule
        .output_payload_to_header
        .iter()
        .map(|header| (header.to_ascii_lowercase(), String::new()));
    claims.chain(payload).collect()
}
