//! How the path patterns of the legacy API relate: which lie within others, which share no path.
//!
//! Answers lean to the closed side: what cannot be known, as with regular expressions, counts as shared.

use crate::policy::legacy::{StringMatch, TriggerRule};

/// Whether every path of `inner` is surely one of `outer`.
pub(super) fn within(inner: &StringMatch, outer: &StringMatch) -> bool {
    use StringMatch::{Exact, Prefix, Regex, Suffix};
    match (inner, outer) {
        (Exact(a), Exact(b)) | (Regex(a), Regex(b)) => a == b,
        (Exact(a) | Prefix(a), Prefix(b)) => a.starts_with(b.as_str()),
        (Exact(a) | Suffix(a), Suffix(b)) => a.ends_with(b.as_str()),
        (Prefix(_) | Suffix(_) | Regex(_), Exact(_))
        | (Suffix(_) | Regex(_), Prefix(_))
        | (Prefix(_) | Regex(_), Suffix(_))
        | (Exact(_) | Prefix(_) | Suffix(_), Regex(_)) => false,
    }
}

/// Whether surely no path is of both.
pub(super) fn disjoint(a: &StringMatch, b: &StringMatch) -> bool {
    use StringMatch::{Exact, Prefix, Regex, Suffix};
    match (a, b) {
        (Regex(_), _) | (_, Regex(_)) | (Prefix(_), Suffix(_)) | (Suffix(_), Prefix(_)) => false,
        (Exact(_) | Prefix(_) | Suffix(_), Exact(_) | Prefix(_) | Suffix(_)) => !within(a, b) && !within(b, a),
    }
}

/// The paths of both lists, an empty list being all paths; `Err` with the two patterns that have no common form.
pub(super) fn meet(
    a: &[StringMatch],
    b: &[StringMatch],
) -> Result<Option<Vec<StringMatch>>, (StringMatch, StringMatch)> {
    if a.is_empty() || b.is_empty() {
        return Ok(Some([a, b].concat()));
    }
    let mut both = Vec::new();
    for x in a {
        for y in b {
            let common = if within(x, y) {
                x
            } else if within(y, x) {
                y
            } else if disjoint(x, y) {
                continue;
            } else {
                return Err((x.clone(), y.clone()));
            };
            if !both.contains(common) {
                both.push(common.clone());
            }
        }
    }
    Ok(if both.is_empty() { None } else { Some(both) })
}

/// Whether some path may meet both rules.
pub(super) fn overlap(a: &TriggerRule, b: &TriggerRule) -> bool {
    let excluded = |path: &StringMatch| a.excluded.iter().chain(&b.excluded).any(|out| within(path, out));
    match (a.included.as_slice(), b.included.as_slice()) {
        ([], []) => true,
        ([], list) | (list, []) => list.iter().any(|path| !excluded(path)),
        (left, right) => left
            .iter()
            .flat_map(|x| right.iter().map(move |y| (x, y)))
            .any(|(x, y)| !disjoint(x, y) && !excluded(x) && !excluded(y)),
    }
}

#[cfg(test)]
mod tests {
    use super::StringMatch::{Exact, Prefix, Regex, Suffix};
    use super::*;

    fn rule<const I: usize, const E: usize>(included: [&StringMatch; I], excluded: [&StringMatch; E]) -> TriggerRule {
        TriggerRule {
            included: included.map(StringMatch::clone).to_vec(),
            excluded: excluded.map(StringMatch::clone).to_vec(),
        }
    }

    #[test]
    fn complementary_rules_do_not_overlap() {
        let ip = Exact("/ip".to_owned());
        assert!(!overlap(&rule([], [&ip]), &rule([&ip], [])));
        assert!(overlap(&rule([], []), &rule([&ip], [])));
        assert!(overlap(&rule([], [&ip]), &rule([], [&ip])));
    }

    #[test]
    fn a_wider_exclusion_parts_prefixes() {
        let (a, ab) = (Prefix("/a".to_owned()), Prefix("/a/b".to_owned()));
        assert!(overlap(&rule([&a], []), &rule([&ab], [])));
        assert!(!overlap(&rule([&a], [&ab]), &rule([&ab], [])));
    }

    #[test]
    fn what_cannot_be_known_counts_as_shared() {
        let (regex, suffix) = (Regex("/v[0-9]".to_owned()), Suffix(".html".to_owned()));
        assert!(overlap(&rule([&regex], []), &rule([&Exact("/x".to_owned())], [])));
        assert!(overlap(&rule([&suffix], []), &rule([&Prefix("/x".to_owned())], [])));
        assert!(meet(&[suffix], &[Prefix("/x".to_owned())]).is_err());
        assert!(!overlap(&rule([&regex], []), &rule([], [&regex])));
    }

    #[test]
    fn the_meet_of_two_lists_is_the_narrower_of_each_pair() {
        let a = [Prefix("/a".to_owned()), Exact("/z".to_owned())];
        let b = [Exact("/a/1".to_owned()), Exact("/y".to_owned())];
        assert_eq!(meet(&a, &b), Ok(Some(vec![Exact("/a/1".to_owned())])));
        assert_eq!(meet(&a[1..], &b), Ok(None));
    }
}
