//! Reads the tokens of requests before the evaluator is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Jwt, KeySet};
use crate::policy::effective;
use crate::policy::evaluate;
use crate::policy::request::{Place, Request};
use crate::policy::tokens::{KeySource, Signature, TokenText, TokenTexts};
use crate::policy::{JwtRule, Keys, PolicySet};

/// Key sets by whom they are given for: the `iss` of an issuer, or the address of its keys.
pub type KeyFiles = BTreeMap<String, Arc<KeySet>>;

/// The algorithms that every proxy knows since Istio 1.4.
const OF_OLD: &[&str] = &["RS256", "RS384", "RS512", "ES256"];

/// So many texts are remembered.
const REMEMBERED: usize = 10_000;

/// Reads what the rules of a policy may find in a request. A text is read and checked once.
#[derive(Debug)]
pub struct TokenReader {
    /// Every place where a rule looks.
    places: Vec<Place>,
    sources: Vec<Source>,
    /// The proxies are those of Istio 1.4.
    is_legacy: bool,
    refused: Arc<Vec<(KeySource, String)>>,
    known: Mutex<BTreeMap<String, Arc<TokenText>>>,
}

/// Keys that rules ask for.
#[derive(Debug)]
struct Source {
    source: KeySource,
    /// The issuers of the rules; `None`: any.
    issuers: Vec<Option<String>>,
    keys: Known,
}

/// What is known of keys.
#[derive(Debug)]
enum Known {
    Keys(Arc<KeySet>),
    /// They are elsewhere, and a sentence that asks for them.
    Elsewhere(String),
    /// Envoy refuses them, and a sentence that says so.
    Refused(String),
}

impl TokenReader {
    /// For the rules of a policy. Keys that are not in the policy are looked up in `files`.
    #[must_use]
    pub fn new(policies: &PolicySet, files: &KeyFiles) -> Self {
        let rules = effective::token_rules(policies);
        let mut reader = Self::of_rules(rules.iter().map(|rule| &rule.rule), files);
        reader.is_legacy = !policies.authentication_policies.is_empty();
        reader
    }

    /// For some rules.
    #[must_use]
    pub fn of_rules<'r>(rules: impl IntoIterator<Item = &'r JwtRule>, files: &KeyFiles) -> Self {
        let mut places = Vec::new();
        let mut sources: Vec<Source> = Vec::new();
        for rule in rules {
            places.extend(evaluate::places::places(rule));
            match sources.iter_mut().find(|known| known.source.is_of(rule)) {
                Some(known) => known.issuers.push(rule.issuer.clone()),
                None => sources.push(Source {
                    source: KeySource::of(rule),
                    issuers: vec![rule.issuer.clone()],
                    keys: keys(rule, files),
                }),
            }
        }
        places.sort();
        places.dedup();
        for source in &mut sources {
            source.issuers.sort();
            source.issuers.dedup();
        }
        let mut refused = Vec::new();
        for source in &sources {
            if let Known::Refused(why) = &source.keys {
                refused.push((source.source.clone(), why.clone()));
            }
        }
        Self {
            places,
            sources,
            is_legacy: false,
            refused: Arc::new(refused),
            known: Mutex::default(),
        }
    }

    /// Leaves in a request what is known of the tokens in it.
    pub fn read(&self, request: &mut Request) {
        if self.places.is_empty() {
            return;
        }
        let texts = evaluate::token_texts(&self.places, request);
        if texts.is_empty() && self.refused.is_empty() {
            return;
        }
        let read = texts.into_iter().map(|text| (text.clone(), self.text(text)));
        request.texts = Arc::new(TokenTexts {
            read: read.collect(),
            refused: Arc::clone(&self.refused),
        });
    }

    /// What is known of one text.
    #[must_use]
    pub fn text(&self, text: String) -> Arc<TokenText> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = known.get(&text) {
            return Arc::clone(read);
        }
        let read = Arc::new(self.check(&text));
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(text, Arc::clone(&read));
        read
    }

    fn check(&self, text: &str) -> TokenText {
        let jwt = match Jwt::read(text) {
            Ok(jwt) => jwt,
            Err(fault) => return TokenText::Malformed(fault),
        };
        let iss = jwt.iss();
        let meant = |source: &&Source| {
            let issuers = &source.issuers;
            issuers
                .iter()
                .any(|issuer| issuer.is_none() || issuer.as_deref() == iss)
        };
        let signatures = self.sources.iter().filter(meant).map(|source| {
            let signature = match &source.keys {
                _ if self.is_legacy && !OF_OLD.contains(&jwt.header.alg.as_str()) => Signature::Unknown(format!(
                    "whether the proxies of Istio 1.4 know the algorithm {} of a token is not judged",
                    jwt.header.alg
                )),
                Known::Keys(keys) => keys.check(&jwt, text),
                Known::Elsewhere(why) | Known::Refused(why) => Signature::Unknown(why.clone()),
            };
            (source.source.clone(), signature)
        });
        TokenText::Read {
            signatures: signatures.collect(),
            claims: jwt.claims,
        }
    }
}

/// The keys of a rule.
fn keys(rule: &JwtRule, files: &KeyFiles) -> Known {
    let issuer = rule.issuer.as_deref();
    let address = match &rule.keys {
        Keys::Inline(text) => {
            let whose = issuer.unwrap_or("a rule without issuer");
            return match KeySet::read(text) {
                Ok(keys) => Known::Keys(Arc::new(keys)),
                Err(why) => Known::Refused(format!(
                    "Envoy refuses the key set of `{whose}` ({why}), and with it the whole configuration of the proxy, so what it answers is not known"
                )),
            };
        }
        Keys::Uri(address) => Some(address.as_str()),
        Keys::Discovery => None,
    };
    let given = address.and_then(|address| files.get(address));
    if let Some(keys) = given.or_else(|| issuer.and_then(|issuer| files.get(issuer))) {
        return Known::Keys(Arc::clone(keys));
    }
    let whose = issuer.or(address).unwrap_or("ISSUER");
    Known::Elsewhere(format!(
        "whether `{whose}` made a token depends on its keys, which are elsewhere: give them with `--jwks {whose}=FILE`"
    ))
}
