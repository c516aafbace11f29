//! Tokens as text in questions: where a token is put, what is known of it, and what time it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Build;
use crate::diagnostics::suggest::nearest;
use crate::hir::Program;
use crate::jwt::{Jwt, KeyFiles, TokenReader};
use crate::lower::inventory;
use crate::policy::JwtRule;
use crate::policy::effective::{self, TokenRule};
use crate::policy::evaluate::{self, Judge};
use crate::policy::request::{Answer, Json, Place, Request, Token, TokenState, Unknown};
use crate::policy::tokens::TokenText;
use crate::rfc3339;

/// What time it is.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Seconds since 1970, where somebody says them.
    pub now: Option<i64>,
    /// The machine's own, which is asked where an answer rests on the time and nobody says it.
    pub machine: fn() -> i64,
}

/// Reads the tokens of requests to one policy.
pub struct Tokens<'b> {
    program: &'b Program,
    /// All rules for tokens of the policy.
    rules: Vec<TokenRule>,
    /// Where the rules look first, by their issuers.
    places: BTreeMap<String, Place>,
    reader: TokenReader,
    clock: Clock,
}

/// An answer, and the time by the machine's clock where it rests on that.
pub type Timed = (Answer, Option<i64>);

impl<'b> Tokens<'b> {
    /// A reader with the key sets in files.
    #[must_use]
    pub fn new(build: &'b Build, files: &KeyFiles, clock: Clock) -> Self {
        let rules = effective::token_rules(&build.policies);
        let mut places = BTreeMap::new();
        for rule in rules.iter().map(|rule| &rule.rule) {
            if let (Some(issuer), Some(place)) = (&rule.issuer, evaluate::first_place(rule)) {
                places.entry(issuer.clone()).or_insert(place);
            }
        }
        Self {
            program: &build.program,
            rules,
            places,
            reader: TokenReader::new(&build.policies, files),
            clock,
        }
    }

    /// What is known of a token.
    pub fn read(&self, text: &str) -> Arc<TokenText> {
        self.reader.text(text.to_owned())
    }

    /// Puts a token where its issuer is read first; of an unknown issuer, behind `Authorization: Bearer`.
    pub fn put(&self, text: &str, request: &mut Request) {
        let iss = Jwt::read(text).ok().and_then(|jwt| jwt.iss().map(str::to_owned));
        let declared = || inventory::place_of(self.program, iss.as_deref()?);
        let in_force = || self.places.get(iss.as_deref()?).cloned();
        let place = declared().or_else(in_force).unwrap_or_else(Place::bearer);
        request.put(&place, text);
    }

    /// All rules for tokens of the policy.
    pub fn rules(&self) -> &[TokenRule] {
        &self.rules
    }

    /// A token by what it says, of an issuer that only manifests name; `iss` and `aud` are the rule's unless the claims
    /// say them.
    pub fn given(&self, iss: &str, mut claims: BTreeMap<String, Json>, state: TokenState) -> Result<Token, String> {
        let rules = self.rules.iter().map(|rule| &rule.rule);
        let rules: Vec<&JwtRule> = rules.filter(|rule| rule.issuer.as_deref() == Some(iss)).collect();
        let rule = rules.first().ok_or_else(|| self.no_issuer(iss))?;
        if rules.iter().any(|other| other.keys != rule.keys) {
            return Err(format!(
                "rules with other keys share the issuer `{iss}`; give the token as text"
            ));
        }
        let mut say = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                let value = Json::String(value.to_owned());
                claims.entry(name.to_owned()).or_insert(value);
            }
        };
        say("iss", Some(iss));
        say("aud", rule.audiences.first().map(String::as_str));
        Ok(Token {
            keys: rule.keys.clone(),
            issuer: rule.issuer.clone(),
            claims,
            state,
            place: evaluate::first_place(rule).unwrap_or_else(Place::bearer),
        })
    }

    fn no_issuer(&self, name: &str) -> String {
        let declared = self.program.issuers.iter().map(|issuer| issuer.name.as_str());
        let in_force = self.rules.iter().filter_map(|rule| rule.rule.issuer.as_deref());
        match nearest(name, declared.chain(in_force)) {
            Some(near) => format!("there is no issuer `{name}`; did you mean `{near}`?"),
            None => format!("there is no issuer `{name}`"),
        }
    }

    /// The answer to a request with the tokens in it. Where a token as text says a time and nobody says what time it
    /// is, the machine's clock does. What is known besides stands in the request then.
    pub fn answer(&self, judge: &Judge<'_>, request: &mut Request) -> Result<Timed, Unknown> {
        request.now = request.now.or(self.clock.now);
        self.reader.read(request);
        match judge.answer(request) {
            Err(Unknown::Time) if !request.texts.read.is_empty() => {
                let now = (self.clock.machine)();
                request.now = Some(now);
                let mut answer = judge.answer(request)?;
                answer
                    .why
                    .push_str(&format!(" (at {} by the clock of this machine)", rfc3339::format(now)));
                Ok((answer, Some(now)))
            }
            other => other.map(|answer| (answer, None)),
        }
    }
}
