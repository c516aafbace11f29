//! In which order Envoy tries the rules for tokens.
//!
//! istiod lists the policies of the own namespace, then those of the root, then those of the Service's namespace, each
//! by age and name (`getConfigsForWorkload` in `pilot/pkg/model/authentication.go`), and sorts their rules by issuer
//! (`newPolicyApplier` in `pilot/pkg/security/authn/policy_applier.go`). Rules of one issuer that differ keep the order
//! of the list, so ages count; where they are not known, each order is asked.

use super::TokenRule;
use crate::policy::JwtRule;
use crate::policy::request::Unknown;
use crate::source::Span;

/// Go's `slices.SortFunc` inserts one after the other up to so many, which leaves rules of one issuer in their order. Of
/// more it keeps no order.
const KEPT_IN_ORDER: usize = 12;

/// So many orders are asked.
const MOST: usize = 24;

/// A rule, and what places it.
pub(super) struct Listed {
    pub(super) rule: TokenRule,
    /// The place of its namespace in istiod's list.
    pub(super) home: u8,
    pub(super) created: Option<i64>,
}

/// The orders besides the first that Envoy may be told.
#[derive(Debug, Default)]
pub(crate) struct Others {
    pub(crate) orders: Vec<Vec<TokenRule>>,
    /// There are more than these.
    pub(crate) more: bool,
    why: String,
}

impl Others {
    /// Why there is no answer where the order decides.
    pub(crate) fn unknown(&self) -> Unknown {
        Unknown::Other(self.why.clone())
    }
}

/// The order that Envoy is told where policies of unknown age are of one age, and the others.
pub(super) fn orders(mut rules: Vec<Listed>) -> (Vec<TokenRule>, Others) {
    let name = |it: &Listed| it.rule.object.name.clone();
    rules.sort_by_cached_key(|it| {
        let issuer = it.rule.rule.issuer.clone();
        (issuer, it.home, it.created, name(it), it.rule.source.1)
    });
    let shuffled = rules.len() > KEPT_IN_ORDER;
    let mut orders: Vec<Vec<&Listed>> = vec![Vec::new()];
    let mut others = Others::default();
    for rules in rules.chunk_by(|a, b| a.rule.rule.issuer == b.rule.rule.issuer) {
        let of_issuer = of_issuer(rules, shuffled);
        if of_issuer.len() > 1 && others.why.is_empty() {
            others.why = why(rules, shuffled);
        }
        let pairs = orders
            .iter()
            .flat_map(|before| of_issuer.iter().map(move |next| [before.as_slice(), next].concat()));
        orders = pairs.take(MOST + 1).collect();
        if orders.len() > MOST {
            others.more = true;
            orders.truncate(MOST);
        }
    }
    if orders.len() == 1 {
        return (rules.into_iter().map(|it| it.rule).collect(), others);
    }
    let copied = |order: Vec<&Listed>| order.into_iter().map(|it| it.rule.clone()).collect();
    let mut orders = orders.into_iter().map(copied);
    let first = orders.next().unwrap_or_default();
    others.orders = orders.collect();
    (first, others)
}

/// The orders of one issuer's rules.
fn of_issuer(rules: &[Listed], shuffled: bool) -> Vec<Vec<&Listed>> {
    let mut units: Vec<&[Listed]> = if shuffled {
        rules.chunks(1).collect()
    } else {
        rules.chunk_by(|a, b| a.rule.source.0 == b.rule.source.0).collect()
    };
    let says = |unit: &[Listed]| -> Vec<JwtRule> { unit.iter().map(|it| without_place(&it.rule.rule)).collect() };
    if units
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if says(a) == says(b)))
    {
        return vec![rules.iter().collect()];
    }
    let before = |a: &[Listed], b: &[Listed]| {
        let (false, Some(a), Some(b)) = (shuffled, a.first(), b.first()) else {
            return false;
        };
        match (a.created, b.created) {
            _ if a.home != b.home => a.home < b.home,
            (Some(age), Some(other)) => (age, &a.rule.object.name) < (other, &b.rule.object.name),
            _ => false,
        }
    };
    let mut found = Vec::new();
    extend(&mut Vec::new(), &mut units, &before, &mut found);
    found
}

/// Adds each order of the units that are left, none before one that comes before it.
fn extend<'l>(
    chosen: &mut Vec<&'l Listed>,
    left: &mut Vec<&'l [Listed]>,
    before: &impl Fn(&[Listed], &[Listed]) -> bool,
    found: &mut Vec<Vec<&'l Listed>>,
) {
    if left.is_empty() {
        found.push(chosen.clone());
        return;
    }
    for at in 0..left.len() {
        if found.len() > MOST {
            return;
        }
        let may_be_next = |unit: &[Listed]| !left.iter().any(|other| before(other, unit));
        if !left.get(at).is_some_and(|unit| may_be_next(unit)) {
            continue;
        }
        let unit = left.remove(at);
        let length = chosen.len();
        chosen.extend(unit);
        extend(chosen, left, before, found);
        chosen.truncate(length);
        left.insert(at, unit);
    }
}

fn without_place(rule: &JwtRule) -> JwtRule {
    JwtRule {
        origin: Span::default(),
        ..rule.clone()
    }
}

fn why(rules: &[Listed], shuffled: bool) -> String {
    if shuffled {
        return format!(
            "the answer depends on the order of rules for tokens of one issuer, and of more than {KEPT_IN_ORDER} rules Istio keeps none"
        );
    }
    let mut names: Vec<String> = rules.iter().map(|it| it.rule.object.to_string()).collect();
    names.dedup();
    format!(
        "the answer depends on which of {} is the oldest, which nothing says (`creationTimestamp`)",
        names.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyId;
    use crate::policy::request::ObjectRef;

    /// A policy's name, its place, its age, and the issuers of its rules with what tells them apart.
    type Row<'t> = (&'t str, u8, Option<i64>, &'t [(&'t str, &'t str)]);

    /// Each order as the policies' names, the first first; `+` at the end: there are more.
    fn all(rows: &[Row<'_>]) -> String {
        let listed = |(at, (name, home, created, rules)): (usize, &Row<'_>)| -> Vec<Listed> {
            let rule = |(index, (issuer, audience)): (usize, &(&str, &str))| Listed {
                rule: TokenRule::new(
                    JwtRule {
                        audiences: vec![(*audience).to_owned()],
                        ..JwtRule::new(Some((*issuer).to_owned()), crate::policy::Keys::Discovery)
                    },
                    ObjectRef {
                        kind: "RequestAuthentication",
                        namespace: "shop".to_owned(),
                        name: (*name).to_owned(),
                    },
                    (PolicyId::Request(at), index),
                ),
                home: *home,
                created: *created,
            };
            rules.iter().enumerate().map(rule).collect()
        };
        let (first, others) = orders(rows.iter().enumerate().flat_map(listed).collect());
        let names = |order: &Vec<TokenRule>| -> String { order.iter().map(|it| it.object.name.as_str()).collect() };
        let all: Vec<String> = [&first].into_iter().chain(&others.orders).map(names).collect();
        format!("{}{}", all.join(" "), if others.more { "+" } else { "" })
    }

    #[test]
    fn rules_of_one_issuer_stand_by_namespace_then_age_then_name() {
        let (i, j): (&[_], &[_]) = (&[("i", "x")], &[("i", "y")]);
        assert_eq!(all(&[]), "");
        assert_eq!(
            all(&[("b", 0, None, &[("i", "x")]), ("a", 0, None, &[("h", "x")])]),
            "ab"
        );
        assert_eq!(all(&[("a", 1, None, i), ("b", 0, None, j)]), "ba");
        assert_eq!(all(&[("a", 0, Some(2), i), ("b", 0, Some(1), j)]), "ba");
        assert_eq!(all(&[("b", 0, Some(1), i), ("a", 0, Some(1), j)]), "ab");
        assert_eq!(
            all(&[("a", 0, Some(2), &[("i", "x"), ("i", "y")]), ("b", 0, Some(1), j)]),
            "baa"
        );
    }

    #[test]
    fn unknown_ages_leave_several_orders() {
        let (i, j): (&[_], &[_]) = (&[("i", "x")], &[("i", "y")]);
        assert_eq!(all(&[("a", 0, None, i), ("b", 0, None, j)]), "ab ba");
        assert_eq!(all(&[("a", 0, None, i), ("b", 0, None, i)]), "ab");
        assert_eq!(
            all(&[("a", 0, Some(1), i), ("b", 0, None, j), ("c", 0, Some(2), i)]),
            "bac abc acb"
        );
        assert_eq!(
            all(&[("a", 0, None, i), ("b", 0, None, j), ("c", 1, None, i)]),
            "abc bac"
        );
        let two: &[_] = &[("i", "x"), ("j", "x")];
        let other: &[_] = &[("i", "y"), ("j", "y")];
        assert_eq!(
            all(&[("a", 0, None, two), ("b", 0, None, other)]),
            "abab abba baab baba"
        );
    }

    #[test]
    fn of_many_rules_no_order_is_kept() {
        let few: Vec<_> = (0..11).map(|_| ("h", "x")).collect();
        let i: &[_] = &[("i", "x"), ("i", "y")];
        assert_eq!(
            all(&[("a", 0, Some(1), &few[1..]), ("b", 0, Some(1), i)]),
            format!("{}bb", "a".repeat(10))
        );
        let different: Vec<String> = (0..13).map(|it| it.to_string()).collect();
        let different: Vec<_> = different.iter().map(|it| ("i", it.as_str())).collect();
        assert!(all(&[("a", 0, Some(1), &different)]).ends_with('+'));
        let same: Vec<_> = (0..13).map(|_| ("i", "x")).collect();
        assert_eq!(all(&[("a", 0, Some(1), &same)]), "a".repeat(13));
    }
}
