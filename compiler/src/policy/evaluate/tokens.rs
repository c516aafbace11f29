//! Envoy's JWT filter: which tokens each issuer's rule finds, what becomes of them, and whose claims count.
//!
//! Istio asks for any rule that finds good tokens, else that each rule finds good tokens or none. Rules are tried one
//! after the other, and one that accepts a token takes it out of the request at once: the next rule no longer finds it,
//! nor do the same rules when they are asked a second time. So a request with a bad token can still pass.

use std::collections::BTreeMap;

use super::places::{self, Candidate, Carried};
use crate::policy::JwtRule;
use crate::policy::effective::TokenRule;
use crate::policy::evaluate::matching::HeaderValue;
use crate::policy::request::{Json, Outcome, Place, Token, TokenState, Unknown};
use crate::policy::tokens::{Fault, KeySource, Signature, TokenText};

type Claims = BTreeMap<String, Json>;

/// What the filter makes of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It goes on, with the claims of the token that counts, if there is one, and the rule that took it.
    Pass(Option<(usize, Claims)>),
    /// It is refused because of this rule.
    Refused(Outcome, usize, Fault),
}

/// How one rule ends.
#[derive(Clone, Debug, PartialEq)]
enum Status {
    Good,
    Missed,
    Failed(Fault),
}

impl Status {
    const fn passes(&self) -> bool {
        matches!(self, Self::Good | Self::Missed)
    }

    /// A mistake that says more than that the token is another's.
    const fn is_concrete(&self) -> bool {
        matches!(self, Self::Failed(fault) if !matches!(fault, Fault::Issuer { .. }))
    }
}

/// Runs the filter; what goes on leaves with the headers and tokens that it has then.
pub(crate) fn verify(
    rules: &[TokenRule],
    carried: Carried,
    now: Option<i64>,
    leeway: i64,
) -> Result<(Verdict, Carried), Unknown> {
    let mut filter = Filter {
        rules,
        carried,
        now,
        leeway,
        claims: None,
    };
    for rule in rules {
        let refused = filter.carried.texts.refused.iter();
        if let Some((_, why)) = refused.into_iter().find(|(source, _)| source.is_of(&rule.rule)) {
            return Err(Unknown::Other(why.clone()));
        }
        strip_made_headers(&rule.rule, &mut filter.carried);
    }
    let verdict = filter.verdict()?;
    Ok((verdict, filter.carried))
}

/// What is left of a request that no rule is asked about: no client sets a header that a rule makes.
pub(crate) fn pass_by(rules: &[TokenRule], mut carried: Carried) -> Carried {
    for rule in rules {
        strip_made_headers(&rule.rule, &mut carried);
    }
    carried
}

/// The filter at work on one request.
struct Filter<'a> {
    rules: &'a [TokenRule],
    carried: Carried,
    now: Option<i64>,
    leeway: i64,
    /// Of the token that was found good last.
    claims: Option<(usize, Claims)>,
}

impl Filter<'_> {
    fn verdict(&mut self) -> Result<Verdict, Unknown> {
        let mut failed: Vec<(usize, Status)> = Vec::new();
        for index in 0..self.rules.len() {
            match self.ask(index)? {
                Status::Good => return Ok(Verdict::Pass(self.claims.take())),
                status => failed.push((index, status)),
            }
        }
        // With one rule, finding no token is as good as a good one; several are asked once more.
        let again = if let [(_, status)] = failed.as_slice() {
            (!status.passes()).then_some(Vec::new())
        } else {
            self.ask_again()?.map(|status| vec![status])
        };
        let Some(again) = again else {
            return Ok(Verdict::Pass(self.claims.take()));
        };
        failed.extend(again);
        // The last concrete mistake decides, else the first that is one at all.
        let concrete = failed.iter().rfind(|(_, status)| status.is_concrete());
        let decides = concrete.or_else(|| failed.iter().find(|(_, status)| !status.passes()));
        Ok(match decides {
            Some((index, Status::Failed(fault))) => {
                let outcome = match fault {
                    Fault::Audience { .. } => Outcome::Forbidden,
                    _ => Outcome::Unauthorized,
                };
                Verdict::Refused(outcome, *index, fault.clone())
            }
            _ => Verdict::Pass(self.claims.take()),
        })
    }

    /// The first rule that does not pass when all are asked again.
    fn ask_again(&mut self) -> Result<Option<(usize, Status)>, Unknown> {
        for index in 0..self.rules.len() {
            let status = self.ask(index)?;
            if !status.passes() {
                return Ok(Some((index, status)));
            }
        }
        Ok(None)
    }

    /// Asks one rule: all tokens at its places must be good. The last is looked at first, so the first one's claims stay.
    fn ask(&mut self, index: usize) -> Result<Status, Unknown> {
        let Some(TokenRule { rule, places, .. }) = self.rules.get(index) else {
            return Ok(Status::Missed);
        };
        strip_made_headers(rule, &mut self.carried);
        let found: Vec<(&Place, Candidate)> = places::candidates(places, &self.carried).collect();
        let mut status = Status::Missed;
        for (place, candidate) in found.iter().rev() {
            match judge(rule, candidate, self.now, self.leeway)? {
                Ok(claims) => {
                    make_headers(rule, claims, &mut self.carried);
                    if !rule.forward_original_token {
                        places::take_out(place, &mut self.carried);
                    }
                    self.claims = Some((index, split_words(rule, claims.clone())));
                    status = Status::Good;
                }
                Err(fault) => return Ok(Status::Failed(fault)),
            }
        }
        Ok(status)
    }
}

/// What a rule makes of one token: its claims, or what is wrong. Times are taken with so many seconds of leeway.
pub(crate) fn judge<'c>(
    rule: &JwtRule,
    candidate: &'c Candidate,
    now: Option<i64>,
    leeway: i64,
) -> Result<Result<&'c Claims, Fault>, Unknown> {
    let claims = match candidate {
        Candidate::Given(token) => &token.claims,
        Candidate::Text(text) => match text.as_ref() {
            TokenText::Malformed(fault) => return Ok(Err(fault.clone())),
            TokenText::Read { claims, .. } => claims,
        },
        Candidate::Garbage => return Ok(Err(places::not_three_parts())),
        Candidate::Unread => {
            let why = "a text that may be a token was not read, so whether it is accepted is not judged";
            return Err(Unknown::Other(why.to_owned()));
        }
    };
    if let Some(fault) = wrong_type(claims).or_else(|| wrong_issuer(rule, claims)) {
        return Ok(Err(fault));
    }
    let out_of_time = match candidate {
        Candidate::Given(token) if token.state == TokenState::Expired => Some(Fault::Expired(None)),
        _ => out_of_time(claims, now, leeway)?,
    };
    if let Some(fault) = out_of_time.or_else(|| wrong_audience(rule, claims)) {
        return Ok(Err(fault));
    }
    Ok(signature(rule, candidate)?.map(|()| claims))
}

fn signature(rule: &JwtRule, candidate: &Candidate) -> Result<Result<(), Fault>, Unknown> {
    let not_his = || Fault::Signature("its signature is not by the keys of this issuer".to_owned());
    match candidate {
        Candidate::Given(token) => Ok(if token.state == TokenState::Forged || !is_signed_for(token, rule) {
            Err(not_his())
        } else {
            Ok(())
        }),
        Candidate::Text(text) => match text.signature(rule) {
            Some(Signature::Good) => Ok(Ok(())),
            Some(Signature::Bad(why)) => Ok(Err(Fault::Signature(why.clone()))),
            Some(Signature::Unknown(why)) => Err(Unknown::Other(why.clone())),
            None => {
                let issuer = rule.issuer.as_deref().unwrap_or("any issuer");
                let why = format!("whether the keys of `{issuer}` made the signature of a token is not known");
                Err(Unknown::Other(why))
            }
        },
        Candidate::Garbage | Candidate::Unread => Ok(Err(not_his())),
    }
}

/// Whether the keys that a token is given to be signed with are the rule's.
fn is_signed_for(token: &Token, rule: &JwtRule) -> bool {
    let own = JwtRule {
        keys: token.keys.clone(),
        issuer: token.issuer.clone(),
        ..rule.clone()
    };
    KeySource::of(rule).is_of(&own)
}

/// The first of the claims that every token may have that is of another type.
pub(crate) fn wrong_type(claims: &Claims) -> Option<Fault> {
    // A number of seconds must fit into 64 bits.
    const TOO_MUCH: f64 = 18_446_744_073_709_551_616.0;
    let text = |name: &str| matches!(claims.get(name), None | Some(Json::String(_)));
    let time = |name: &str| match claims.get(name) {
        None => true,
        Some(Json::Number(it)) => *it >= 0.0 && *it < TOO_MUCH,
        Some(_) => false,
    };
    let aud = match claims.get("aud") {
        None | Some(Json::String(_)) => true,
        Some(Json::List(items)) => items.iter().all(|item| matches!(item, Json::String(_))),
        Some(_) => false,
    };
    let fault = |name, wants| Some(Fault::Claim { name, wants });
    match ["iss", "sub", "jti"].into_iter().find(|name| !text(name)) {
        Some(name) => return fault(name, "a string"),
        None if !aud => return fault("aud", "a string or a list of strings"),
        None => {}
    }
    let time = ["iat", "nbf", "exp"].into_iter().find(|name| !time(name))?;
    fault(time, "a positive number of seconds since 1970")
}

fn wrong_issuer(rule: &JwtRule, claims: &Claims) -> Option<Fault> {
    let iss = match claims.get("iss") {
        Some(Json::String(iss)) => Some(iss),
        _ => None,
    };
    let wanted = rule.issuer.as_ref()?;
    (iss.map_or("", String::as_str) != wanted).then(|| Fault::Issuer {
        iss: iss.cloned(),
        wanted: wanted.clone(),
    })
}

/// A token that says no time is good at any, and so is one whose `exp` is 0. Parts of a second do not count.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is beyond the clock's range is cut to its end"
)]
pub(crate) fn out_of_time(claims: &Claims, now: Option<i64>, leeway: i64) -> Result<Option<Fault>, Unknown> {
    let time = |name: &str| match claims.get(name) {
        Some(Json::Number(it)) => Some(*it as i64).filter(|it| *it != 0),
        _ => None,
    };
    let (exp, nbf) = (time("exp"), time("nbf"));
    if exp.is_none() && nbf.is_none() {
        return Ok(None);
    }
    let now = now.ok_or(Unknown::Time)?;
    Ok(match (nbf, exp) {
        (Some(nbf), _) if now.saturating_add(leeway) < nbf => Some(Fault::NotYet(nbf)),
        (_, Some(exp)) if now > exp.saturating_add(leeway) => Some(Fault::Expired(Some(exp))),
        _ => None,
    })
}

/// Audiences are compared without scheme and without a slash at their end.
fn wrong_audience(rule: &JwtRule, claims: &Claims) -> Option<Fault> {
    fn plain(text: &str) -> &str {
        let text = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"))
            .unwrap_or(text);
        text.strip_suffix('/').unwrap_or(text)
    }
    let wanted = |value: &Json| match value {
        Json::String(text) => rule.audiences.iter().any(|audience| plain(text) == plain(audience)),
        _ => false,
    };
    let fits = match claims.get("aud") {
        Some(Json::List(items)) => items.iter().any(wanted),
        Some(value) => wanted(value),
        None => false,
    };
    (!rule.audiences.is_empty() && !fits).then(|| Fault::Audience {
        wanted: rule.audiences.clone(),
    })
}

/// `scope`, `permission` and what the rule names become lists of their words; what has no word stays.
fn split_words(rule: &JwtRule, mut claims: Claims) -> Claims {
    for (name, value) in &mut claims {
        let split = name == "scope" || name == "permission" || rule.space_delimited_claims.contains(name);
        if split && let Json::String(text) = value {
            let words = text.split(' ').filter(|word| !word.is_empty());
            let words: Vec<Json> = words.map(|word| Json::String(word.to_owned())).collect();
            if !words.is_empty() {
                *value = Json::List(words);
            }
        }
    }
    claims
}

/// The headers that a rule makes of claims are taken from the request first, so that no client sets them.
fn strip_made_headers(rule: &JwtRule, carried: &mut Carried) {
    let claims = rule.output_claim_to_headers.iter().map(|(header, _)| header);
    for header in claims.chain(&rule.output_payload_to_header) {
        let is_made = |own: &String| own.eq_ignore_ascii_case(header);
        carried.headers.retain(|(own, _)| !is_made(own));
        let stays = |token: &Token| !matches!(&token.place, Place::Header { name, .. } if is_made(name));
        carried.tokens.retain(stays);
    }
}

/// Puts claims of a good token into the headers that the rule asks for.
fn make_headers(rule: &JwtRule, claims: &Claims, carried: &mut Carried) {
    for (header, claim) in &rule.output_claim_to_headers {
        let mut parts = claim.split('.');
        let first = parts.next().and_then(|part| claims.get(part));
        let value = parts.fold(first, |value, part| match value {
            Some(Json::Object(object)) => object.get(part),
            _ => None,
        });
        let value = match value {
            Some(Json::String(text)) if !text.is_empty() => HeaderValue::Text(text.clone()),
            Some(Json::Bool(it)) => HeaderValue::Text(it.to_string()),
            Some(Json::Number(_) | Json::List(_) | Json::Object(_)) => HeaderValue::Opaque,
            Some(Json::String(_) | Json::Null) | None => continue,
        };
        carried.headers.push((header.to_ascii_lowercase(), value));
    }
    if let Some(header) = &rule.output_payload_to_header {
        carried.headers.push((header.to_ascii_lowercase(), HeaderValue::Opaque));
    }
}
