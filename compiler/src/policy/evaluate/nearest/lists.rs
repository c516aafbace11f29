//! Values of facts that can have several at once: headers and claims.

use std::collections::BTreeMap;

use super::witnesses;
use crate::policy::effective::rules::Test;
use crate::policy::request::Json;

/// At most so many values of a header or claim are combined with each other.
const MAX_COMBINED: usize = 6;

/// Lists of values: none, each alone and beside what is there, what is there without some, and small combinations.
pub(super) fn lists(texts: &[String], joint: Option<Vec<String>>, own: &[String]) -> Vec<Vec<String>> {
    let beside = |list: &[String]| {
        let mut all = own.to_vec();
        all.extend(list.iter().filter(|text| !own.contains(text)).cloned());
        all
    };
    let mut all = Vec::new();
    if let Some(joint) = joint {
        all.extend([joint.clone(), beside(&joint)]);
    }
    all.extend(texts.iter().map(|text| vec![text.clone()]));
    all.push(Vec::new());
    if !own.is_empty() {
        all.extend(texts.iter().map(|text| beside(std::slice::from_ref(text))));
        for at in 0..own.len() {
            let mut fewer = own.to_vec();
            fewer.remove(at);
            all.push(fewer);
        }
    }
    if texts.len() <= MAX_COMBINED {
        for (at, first) in texts.iter().enumerate() {
            for (next, second) in texts.iter().enumerate().skip(at + 1) {
                all.push(vec![first.clone(), second.clone()]);
                for third in texts.iter().skip(next + 1) {
                    all.push(vec![first.clone(), second.clone(), third.clone()]);
                }
            }
        }
    }
    witnesses::distinct(all)
}

pub(super) fn at<'j>(value: Option<&'j Json>, path: &[String]) -> Option<&'j Json> {
    path.iter().try_fold(value?, |value, name| match value {
        Json::Object(object) => object.get(name),
        _ => None,
    })
}

/// The value with another one at this path inside.
pub(super) fn with(value: Option<&Json>, path: &[String], inner: Json) -> Json {
    let Some((first, rest)) = path.split_first() else {
        return inner;
    };
    let mut object = match value {
        Some(Json::Object(object)) => object.clone(),
        _ => BTreeMap::new(),
    };
    let below = with(object.get(first), rest, inner);
    object.insert(first.clone(), below);
    Json::Object(object)
}

pub(super) fn strings(value: Option<&Json>) -> Vec<String> {
    let text = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        _ => None,
    };
    match value {
        Some(Json::List(items)) => items.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// One value as a string, more as a list.
pub(super) fn listed(values: &[String]) -> Json {
    match values {
        [one] => Json::String(one.clone()),
        more => Json::List(more.iter().cloned().map(Json::String).collect()),
    }
}

/// Whether so many texts are combined in as many ways as the tests can tell apart. Each test that is wanted can ask for a
/// value of its own, and so can each that refuses what lacks one.
pub(super) fn are_all(texts: usize, wanted: &[&Test], tests: &[&Test]) -> bool {
    let refusing = tests.iter().skip(wanted.len());
    let asking = wanted.len() + refusing.filter(|test| !test.negative.is_empty()).count();
    asking <= 1 || (asking <= 3 && texts <= MAX_COMBINED)
}
