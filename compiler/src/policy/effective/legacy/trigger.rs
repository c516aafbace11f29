//! Which paths a token is asked for at.

use regex::bytes::Regex;

use crate::policy::legacy::{StringMatch, TriggerRule};
use crate::policy::request::Unknown;

/// The trigger rules of one issuer.
#[derive(Debug)]
pub(crate) struct Trigger(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    excluded: Vec<Pattern>,
    included: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Regex(Regex),
    /// A regular expression of which another engine than Envoy's could make something else.
    Unclear(String),
}

impl Trigger {
    pub(crate) fn of(rules: &[TriggerRule]) -> Self {
        let patterns = |list: &[StringMatch]| list.iter().map(Pattern::of).collect();
        let rules = rules.iter().map(|rule| Rule {
            excluded: patterns(&rule.excluded),
            included: patterns(&rule.included),
        });
        Self(rules.collect())
    }

    /// Whether the token is asked for: always without rules, else where one of them matches.
    ///
    /// # Errors
    /// It depends on a regular expression that is not judged.
    pub(crate) fn fires(&self, path: &str) -> Result<bool, Unknown> {
        if self.0.is_empty() {
            return Ok(true);
        }
        any(self.0.iter().map(|rule| rule.matches(path)))
    }
}

impl Rule {
    fn matches(&self, path: &str) -> Result<bool, Unknown> {
        let one_of = |list: &[Pattern]| any(list.iter().map(|pattern| pattern.matches(path)));
        // A certain no of either half decides.
        let excluded = one_of(&self.excluded);
        if excluded == Ok(true) {
            return Ok(false);
        }
        let included = if self.included.is_empty() {
            Ok(true)
        } else {
            one_of(&self.included)
        };
        if included == Ok(false) {
            return Ok(false);
        }
        excluded.and(included)
    }
}

/// Whether any holds: a certain yes decides.
fn any(all: impl Iterator<Item = Result<bool, Unknown>>) -> Result<bool, Unknown> {
    let mut unknown = None;
    for one in all {
        match one {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(why) => unknown = Some(why),
        }
    }
    unknown.map_or(Ok(false), Err)
}

impl Pattern {
    fn of(text: &StringMatch) -> Self {
        match text {
            StringMatch::Exact(text) => Self::Exact(text.clone()),
            StringMatch::Prefix(text) => Self::Prefix(text.clone()),
            StringMatch::Suffix(text) => Self::Suffix(text.clone()),
            StringMatch::Regex(text) => {
                // The whole path, byte by byte, as `std::regex_match` does.
                let whole = || Regex::new(&format!("(?-u)^(?:{text})$")).ok();
                let compiled = is_common(text).then(whole).flatten();
                compiled.map_or_else(|| Self::Unclear(text.clone()), Self::Regex)
            }
        }
    }

    fn matches(&self, path: &str) -> Result<bool, Unknown> {
        match self {
            Self::Exact(text) => Ok(path == text),
            Self::Prefix(text) => Ok(path.starts_with(text.as_str())),
            Self::Suffix(text) => Ok(path.ends_with(text.as_str())),
            Self::Regex(regex) => Ok(regex.is_match(path.as_bytes())),
            Self::Unclear(text) => Err(Unknown::Other(format!(
                "the answer depends on the regular expression `{text}`, of which parts are not judged"
            ))),
        }
    }
}

/// Whether a regular expression has only what ECMAScript's and Rust's have in common: no groups with `?`, back references,
/// word borders or named classes, no quantifier of a quantifier, and no class inside a class.
fn is_common(text: &str) -> bool {
    let mut in_class = false;
    let mut quantified = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let was_quantified = std::mem::take(&mut quantified);
        match char {
            '\\' => match chars.next() {
                Some('d' | 'D' | 'w' | 'W' | 's' | 'S') => {}
                Some(escaped) if escaped.is_ascii_punctuation() => {}
                _ => return false,
            },
            '[' if in_class => return false,
            '[' => {
                in_class = true;
                // A class that is empty, or begins with its end, is read in different ways.
                if chars.peek() == Some(&'^') {
                    chars.next();
                }
                if chars.peek() == Some(&']') {
                    return false;
                }
            }
            ']' => in_class = false,
            '&' | '~' | '-' if in_class && chars.peek() == Some(&char) => return false,
            '(' if !in_class && chars.peek() == Some(&'?') => return false,
            '*' | '+' | '?' | '{' if !in_class => {
                if was_quantified {
                    return false;
                }
                if char == '{' && !skip_count(&mut chars) {
                    return false;
                }
                quantified = true;
            }
            '}' if !in_class => return false,
            char if !char.is_ascii() => return false,
            _ => {}
        }
    }
    !in_class
}

/// Reads `3}`, `3,}` or `3,5}`.
fn skip_count(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let inside: String = chars.by_ref().take_while(|char| *char != '}').collect();
    let (from, to) = inside.split_once(',').unwrap_or((&inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !from.is_empty() && is_number(from) && is_number(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_both_engines_read_alike_is_judged() {
        for text in [
            "/v[0-9]+/.*",
            ".+abc.+",
            "/(a|b)/?",
            "/a{2,3}",
            r"/\d+\.html",
            "/[^/]+",
            "/[a-z-]x",
        ] {
            assert!(is_common(text), "{text}");
        }
        for text in [
            "(?i)/a",
            r"\bx",
            r"(a)\1",
            "[[:alpha:]]",
            "a**",
            "a+?b",
            "a{",
            "a{x}",
            "}",
            "[",
            "[]a]",
            "[a&&b]",
            "/\u{e9}",
            r"\p{L}",
            "a\\",
        ] {
            assert!(!is_common(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_judged_matters_only_where_it_decides() {
        let rule = |excluded: &[&str], included: &[&str]| TriggerRule {
            excluded: excluded
                .iter()
                .map(|text| StringMatch::Regex((*text).to_owned()))
                .collect(),
            included: included
                .iter()
                .map(|text| StringMatch::Regex((*text).to_owned()))
                .collect(),
        };
        let unclear = Trigger::of(&[rule(&[r"\b"], &["/a"])]);
        assert_eq!(unclear.fires("/b"), Ok(false));
        assert!(unclear.fires("/a").is_err());
        let sure = Trigger::of(&[rule(&[r"\b"], &["/a"]), rule(&[], &["/a"])]);
        assert_eq!(sure.fires("/a"), Ok(true));
    }
}
