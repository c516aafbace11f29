//! Where tokens are in a request, found in the order and to the letter in which Envoy finds them.

use std::sync::Arc;

use super::headers;
use super::matching::HeaderValue;
use crate::policy::JwtRule;
use crate::policy::request::{Place, Token};
use crate::policy::tokens::{Fault, TokenText, TokenTexts};

/// The parts of a request that tokens are read from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    /// The names in lower case.
    pub(crate) headers: Vec<(String, HeaderValue)>,
    /// Of the query, in order, their escapes resolved.
    pub(crate) params: Vec<(String, String)>,
    /// Tokens that are given by what they say.
    pub(crate) tokens: Vec<Token>,
    /// What is known of tokens that stand in it as text.
    pub(crate) texts: Arc<TokenTexts>,
}

/// What stands at a place where a rule looks.
#[derive(Clone, Debug)]
pub(crate) enum Candidate {
    /// A token that is given by what it says.
    Given(Token),
    Text(Arc<TokenText>),
    /// The text of no token.
    Garbage,
    /// What may be a token, and nobody has read.
    Unread,
}

/// The places where a rule looks, in Envoy's order: by name and prefix, headers first, then parameters, then cookies.
pub(crate) fn places(rule: &JwtRule) -> Vec<Place> {
    if rule.from_headers.is_empty() && rule.from_params.is_empty() && rule.from_cookies.is_empty() {
        return vec![Place::bearer(), Place::Param("access_token".to_owned())];
    }
    let headers = rule.from_headers.iter().map(|header| Place::Header {
        name: header.name.to_ascii_lowercase(),
        prefix: header.prefix.clone().unwrap_or_default(),
    });
    let params = rule.from_params.iter().cloned().map(Place::Param);
    let cookies = rule.from_cookies.iter().cloned().map(Place::Cookie);
    let mut places: Vec<Place> = headers.chain(params).chain(cookies).collect();
    let key = |place: &Place| match place {
        Place::Header { name, prefix } => (0, format!("{name}{prefix}")),
        Place::Param(name) => (1, name.clone()),
        Place::Cookie(name) => (2, name.clone()),
    };
    places.sort_by_cached_key(key);
    places.dedup_by_key(|place| key(place));
    places
}

/// What stands at these places, in their order.
pub(crate) fn candidates<'p>(
    places: &'p [Place],
    carried: &Carried,
) -> impl Iterator<Item = (&'p Place, Candidate)> + use<'p> {
    let found: Vec<(&Place, Candidate)> = places
        .iter()
        .flat_map(|place| texts(place, carried).into_iter().map(move |text| (place, text)))
        .map(|(place, text)| (place, candidate(&text, carried)))
        .collect();
    found.into_iter()
}

/// The texts at a place. A token that is given by what it says stands in a text as a sign of its own.
pub(crate) fn texts(place: &Place, carried: &Carried) -> Vec<String> {
    match place {
        Place::Header { name, prefix } => header_values(name, carried)
            .iter()
            .filter_map(|value| token_in_header(value, prefix))
            .collect(),
        Place::Param(name) => {
            let own = carried.params.iter().find(|(own, _)| own == name);
            let text = own.map(|(_, text)| text.clone());
            text.or_else(|| marks(carried, place).next()).into_iter().collect()
        }
        Place::Cookie(name) => cookie(name, carried)
            .or_else(|| marks(carried, place).next())
            .into_iter()
            .collect(),
    }
}

/// The values of a header: one where Envoy joins them when it reads a request.
fn header_values(name: &str, carried: &Carried) -> Vec<String> {
    let written = carried.headers.iter().filter(|(own, _)| own == name);
    let written = written.filter_map(|(_, value)| match value {
        HeaderValue::Text(text) => Some(plain(text)),
        HeaderValue::Token(_) | HeaderValue::Opaque => None,
    });
    let given = carried
        .tokens
        .iter()
        .enumerate()
        .filter_map(|(at, token)| match &token.place {
            Place::Header { name: own, prefix } if own == name => Some(format!("{prefix}{}", mark(at))),
            _ => None,
        });
    let values: Vec<String> = written.chain(given).collect();
    if values.len() > 1 && headers::are_joined(name) {
        return vec![headers::join(values.iter().map(String::as_str))];
    }
    values
}

/// A prefix is searched anywhere in a value; signs behind it that no token begins with are skipped.
fn token_in_header(value: &str, prefix: &str) -> Option<String> {
    if prefix.is_empty() {
        return Some(value.to_owned());
    }
    let behind = value.get(value.find(prefix)? + prefix.len()..)?;
    let of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || is_mark(c);
    Some(match behind.find(of_token) {
        Some(at) => behind.get(at..)?.to_owned(),
        None => value.to_owned(),
    })
}

/// The first cookie of a name.
fn cookie(name: &str, carried: &Carried) -> Option<String> {
    let values = carried.headers.iter().filter(|(own, _)| own == "cookie");
    let texts = values.filter_map(|(_, value)| match value {
        HeaderValue::Text(text) => Some(text.as_str()),
        HeaderValue::Token(_) | HeaderValue::Opaque => None,
    });
    let pairs = texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(own, _)| own.trim_start_matches(' ') == name)?;
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    Some(plain(unquoted.unwrap_or(value)))
}

/// The signs of given tokens at a parameter or cookie.
fn marks(carried: &Carried, place: &Place) -> impl Iterator<Item = String> {
    let at_place = move |(at, token): (usize, &Token)| (token.place == *place).then(|| mark(at).to_string());
    carried.tokens.iter().enumerate().filter_map(at_place)
}

/// The first of the signs that stand for given tokens. Unicode gives them no meaning.
const FIRST_MARK: u32 = 0xF_0000;
const LAST_MARK: u32 = 0xF_FFFD;

fn mark(at: usize) -> char {
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    let sign = FIRST_MARK.saturating_add(at).min(LAST_MARK);
    char::from_u32(sign).unwrap_or(char::REPLACEMENT_CHARACTER)
}

const fn is_mark(c: char) -> bool {
    matches!(c as u32, FIRST_MARK..=LAST_MARK)
}

/// A text of the request, in which no sign can stand for a token.
fn plain(text: &str) -> String {
    text.replace(is_mark, "\u{fffd}")
}

fn candidate(text: &str, carried: &Carried) -> Candidate {
    let mut chars = text.chars();
    if let (Some(first), None) = (chars.next(), chars.next())
        && let Some(at) = (first as u32).checked_sub(FIRST_MARK)
        && let Some(token) = usize::try_from(at).ok().and_then(|at| carried.tokens.get(at))
    {
        return Candidate::Given(token.clone());
    }
    match carried.texts.read.get(text) {
        Some(read) => Candidate::Text(Arc::clone(read)),
        None if may_be_token(text) => Candidate::Unread,
        None => Candidate::Garbage,
    }
}

/// A part of a query with its escapes resolved, once; a `+` stays.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let hex = tail.first_chunk().filter(|_| *byte == b'%');
        let code = hex.and_then(|hex: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code.filter(|_| hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))) {
            Some(code) => {
                out.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a text has the three parts of a token.
pub(crate) fn may_be_token(text: &str) -> bool {
    text.matches('.').count() == 2 && text.split('.').all(|part| !part.is_empty())
}

/// What is wrong with a text without three parts.
pub(crate) fn not_three_parts() -> Fault {
    Fault::Malformed("it is not of the form HEADER.PAYLOAD.SIGNATURE".to_owned())
}

/// Takes away what stands at a place, as Envoy does with a token that it took: the whole header, each parameter of the
/// name, and never a cookie.
pub(crate) fn take_out(place: &Place, carried: &mut Carried) {
    match place {
        Place::Header { name, .. } => {
            carried.headers.retain(|(own, _)| own != name);
            let elsewhere = |token: &Token| !matches!(&token.place, Place::Header { name: own, .. } if own == name);
            carried.tokens.retain(elsewhere);
        }
        Place::Param(name) => {
            carried.params.retain(|(own, _)| own != name);
            carried.tokens.retain(|token| token.place != *place);
        }
        Place::Cookie(_) => {}
    }
}

/// The texts at some places of a request that may be tokens.
pub(crate) fn token_texts(places: &[Place], carried: &Carried) -> Vec<String> {
    let texts = places.iter().flat_map(|place| texts(place, carried));
    texts.filter(|text| may_be_token(text)).collect()
}
