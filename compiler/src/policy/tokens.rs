//! Tokens that stand in a request as text, read and their signatures checked before the question is asked.
//!
//! Who reads them is `jwt`; the evaluator finds them where the rules look, and judges what they say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::request::Json;
use super::{JwtRule, Keys};

/// What is known of the texts of a request that may be tokens.
#[derive(Clone, Debug, Default)]
pub struct TokenTexts {
    pub read: BTreeMap<String, Arc<TokenText>>,
    /// The key sets of the policy that Envoy refuses, each with a sentence.
    pub refused: Arc<Vec<(KeySource, String)>>,
}

/// What is known of one text.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenText {
    /// Envoy cannot read it.
    Malformed(Fault),
    /// It can be read.
    Read {
        claims: BTreeMap<String, Json>,
        /// By whom it may be signed, and whether it is. Who is not named was not asked.
        signatures: Vec<(KeySource, Signature)>,
    },
}

impl TokenText {
    /// What is known of its signature by the keys of a rule.
    pub(crate) fn signature(&self, rule: &JwtRule) -> Option<&Signature> {
        let Self::Read { signatures, .. } = self else {
            return None;
        };
        let found = signatures.iter().find(|(source, _)| source.is_of(rule));
        found.map(|(_, signature)| signature)
    }
}

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySource {
    keys: Keys,
    /// Whose, which tells keys apart that are found by discovery.
    issuer: Option<String>,
}

impl KeySource {
    /// The source of a rule's keys.
    #[must_use]
    pub fn of(rule: &JwtRule) -> Self {
        Self {
            keys: rule.keys.clone(),
            issuer: rule.issuer.clone().filter(|_| rule.keys == Keys::Discovery),
        }
    }

    /// Whether a rule takes its keys from here.
    #[must_use]
    pub fn is_of(&self, rule: &JwtRule) -> bool {
        self.keys == rule.keys && (self.keys != Keys::Discovery || self.issuer == rule.issuer)
    }
}

/// What comes of a signature and a set of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    Good,
    /// Made by none of the keys, and what exactly.
    Bad(String),
    /// Not to be told, and why.
    Unknown(String),
}

/// Why a token is no good for a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The text is no token that Envoy can read.
    Malformed(String),
    /// A claim that every token may have is of the wrong type.
    Claim { name: &'static str, wants: &'static str },
    /// Its `iss` is another; `None`: it has none.
    Issuer { iss: Option<String>, wanted: String },
    /// Its time is over: `exp`, if it says one.
    Expired(Option<i64>),
    /// Its time has not come: `nbf`.
    NotYet(i64),
    /// It is for nobody that the rule names.
    Audience { wanted: Vec<String> },
    /// Its signature is not good.
    Signature(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "it cannot be read: {why}"),
            Self::Claim { name, wants } => write!(f, "its `{name}` is not {wants}"),
            Self::Issuer { iss: Some(iss), wanted } => write!(f, "its `iss` is `{iss}`, not `{wanted}`"),
            Self::Issuer { iss: None, wanted } => write!(f, "it has no `iss`, and `{wanted}` is asked for"),
            Self::Expired(Some(exp)) => write!(f, "it has expired (`exp` {exp})"),
            Self::Expired(None) => f.write_str("it has expired"),
            Self::NotYet(nbf) => write!(f, "it is not valid yet (`nbf` {nbf})"),
            Self::Audience { wanted } => write!(f, "its `aud` has none of `{}`", wanted.join("`, `")),
            Self::Signature(why) => f.write_str(why),
        }
    }
}
