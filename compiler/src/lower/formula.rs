//! Boolean formulas over Istio's lists, and their disjunctive normal form.

use std::collections::BTreeMap;

use crate::policy::ConditionKey;

/// A list of an Istio rule: what its values are compared with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Principals,
    Namespaces,
    ServiceAccounts,
    TrustDomains,
    RequestPrincipals,
    IpBlocks,
    RemoteIpBlocks,
    Hosts,
    Methods,
    Paths,
    Ports,
    When(ConditionKey),
}

impl Slot {
    /// Whether only an HTTP request has it.
    pub(super) const fn is_http(&self) -> bool {
        match self {
            Self::RequestPrincipals | Self::Hosts | Self::Methods | Self::Paths => true,
            Self::When(key) => matches!(
                key,
                ConditionKey::Header(_)
                    | ConditionKey::RequestPrincipal
                    | ConditionKey::Audiences
                    | ConditionKey::Presenter
                    | ConditionKey::Claim(_)
            ),
            Self::Principals
            | Self::Namespaces
            | Self::ServiceAccounts
            | Self::TrustDomains
            | Self::IpBlocks
            | Self::RemoteIpBlocks
            | Self::Ports => false,
        }
    }

    /// Where a second list of the same fact goes; methods, paths and hosts have no such place.
    pub(super) fn second(&self) -> Option<ConditionKey> {
        Some(match self {
            Self::Principals => ConditionKey::SourcePrincipal,
            Self::Namespaces => ConditionKey::SourceNamespace,
            Self::ServiceAccounts => ConditionKey::SourceServiceAccount,
            Self::TrustDomains => ConditionKey::SourceTrustDomain,
            Self::RequestPrincipals => ConditionKey::RequestPrincipal,
            Self::IpBlocks => ConditionKey::SourceIp,
            Self::RemoteIpBlocks => ConditionKey::RemoteIp,
            Self::Ports => ConditionKey::DestinationPort,
            Self::When(key) => key.clone(),
            Self::Hosts | Self::Methods | Self::Paths => return None,
        })
    }
}

/// A formula before its normal form.
#[derive(Clone, Debug)]
pub(super) enum Formula {
    True,
    /// One of the values holds.
    List(Slot, Vec<String>),
    And(Vec<Formula>),
    Or(Vec<Formula>),
    Not(Box<Formula>),
}

/// A conjunction: each positive list has a hit, and no negative value one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alternative {
    pub(super) positive: Vec<(Slot, Vec<String>)>,
    pub(super) negative: BTreeMap<Slot, Vec<String>>,
}

/// The most alternatives that a rule may have; Istio takes as many rules in a policy.
pub(super) const MAX_ALTERNATIVES: usize = 512;

/// The normal form would have more than [`MAX_ALTERNATIVES`].
#[derive(Debug)]
pub(super) struct TooMany;

/// The disjunctive normal form, less what another alternative covers. No alternatives: nothing matches.
pub(super) fn alternatives(formula: &Formula) -> Result<Vec<Alternative>, TooMany> {
    let list = expand(formula, true)?;
    Ok(joined(list))
}

fn expand(formula: &Formula, positive: bool) -> Result<Vec<Alternative>, TooMany> {
    match (formula, positive) {
        (Formula::True, true) => Ok(vec![Alternative::default()]),
        (Formula::True, false) => Ok(Vec::new()),
        (Formula::List(slot, values), true) => Ok(vec![Alternative {
            positive: vec![(slot.clone(), values.clone())],
            negative: BTreeMap::new(),
        }]),
        (Formula::List(slot, values), false) => {
            let negative = BTreeMap::from([(slot.clone(), values.clone())]);
            Ok(vec![Alternative {
                positive: Vec::new(),
                negative,
            }])
        }
        (Formula::Not(inner), _) => expand(inner, !positive),
        (Formula::And(parts), true) | (Formula::Or(parts), false) => {
            let mut product = vec![Alternative::default()];
            for part in parts {
                let part = expand(part, positive)?;
                if product.len().saturating_mul(part.len()) > MAX_ALTERNATIVES * 8 {
                    return Err(TooMany);
                }
                let mut next = Vec::with_capacity(product.len() * part.len());
                for left in &product {
                    next.extend(part.iter().map(|right| left.and(right)));
                }
                product = uncovered(next)?;
            }
            Ok(product)
        }
        (Formula::Or(parts), true) | (Formula::And(parts), false) => {
            let mut sum = Vec::new();
            for part in parts {
                sum.extend(expand(part, positive)?);
                if sum.len() > MAX_ALTERNATIVES * 8 {
                    return Err(TooMany);
                }
            }
            uncovered(sum)
        }
    }
}

impl Alternative {
    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for list in &other.positive {
            if !both.positive.contains(list) {
                both.positive.push(list.clone());
            }
        }
        for (slot, values) in &other.negative {
            let list = both.negative.entry(slot.clone()).or_default();
            for value in values {
                if !list.contains(value) {
                    list.push(value.clone());
                }
            }
        }
        both
    }

    /// Whether everything that `other` admits is admitted by this, seen from the lists alone.
    fn covers(&self, other: &Self) -> bool {
        let narrower = |(slot, values): &(Slot, Vec<String>)| {
            other
                .positive
                .iter()
                .any(|(s, narrow)| s == slot && narrow.iter().all(|v| values.contains(v)))
        };
        let excluded = |(slot, values): (&Slot, &Vec<String>)| {
            other
                .negative
                .get(slot)
                .is_some_and(|wide| values.iter().all(|v| wide.contains(v)))
        };
        self.positive.iter().all(narrower) && self.negative.iter().all(excluded)
    }

    /// Whether nothing can match it: it excludes every value of a list that it asks for.
    fn is_contradictory(&self) -> bool {
        self.positive.iter().any(|(slot, values)| {
            let excluded = self.negative.get(slot);
            excluded.is_some_and(|excluded| values.iter().all(|value| excluded.contains(value)))
        })
    }

    /// Whether it asks for an HTTP fact.
    pub(super) fn asks_for_http(&self) -> bool {
        self.positive.iter().any(|(slot, _)| slot.is_http())
    }

    /// Whether it speaks of an HTTP fact at all.
    pub(super) fn speaks_of_http(&self) -> bool {
        self.asks_for_http() || self.negative.keys().any(Slot::is_http)
    }

    /// The values of each positive list of a slot.
    pub(super) fn lists<'s>(&'s self, slot: &'s Slot) -> impl Iterator<Item = &'s Vec<String>> {
        self.positive
            .iter()
            .filter(move |(s, _)| s == slot)
            .map(|(_, values)| values)
    }

    /// This with the one list of `slot` where it differs from `other` joined, if that is all that differs.
    fn join(&self, other: &Self) -> Option<Self> {
        if self.negative != other.negative || self.positive.len() != other.positive.len() {
            return None;
        }
        let mut differing = None;
        for (at, list) in self.positive.iter().enumerate() {
            if !other.positive.contains(list) && differing.replace(at).is_some() {
                return None;
            }
        }
        let at = differing?;
        let (slot, values) = self.positive.get(at)?;
        let mut rest = other.positive.iter().filter(|list| !self.positive.contains(list));
        let (Some((other_slot, more)), None) = (rest.next(), rest.next()) else {
            return None;
        };
        if other_slot != slot {
            return None;
        }
        let mut all = values.clone();
        all.extend(more.iter().filter(|v| !values.contains(v)).cloned());
        let mut joined = self.clone();
        if let Some(list) = joined.positive.get_mut(at) {
            list.1 = all;
        }
        Some(joined)
    }
}

/// The list without alternatives that another one covers, and without those that nothing matches; of equal ones the
/// first stays.
fn uncovered(mut list: Vec<Alternative>) -> Result<Vec<Alternative>, TooMany> {
    list.retain(|alternative| !alternative.is_contradictory());
    if list.len() == 1 {
        return Ok(list);
    }
    let mut kept: Vec<Alternative> = Vec::with_capacity(list.len());
    for candidate in list {
        if kept.iter().any(|k| k.covers(&candidate)) {
            continue;
        }
        kept.retain(|k| !candidate.covers(k));
        kept.push(candidate);
        if kept.len() > MAX_ALTERNATIVES {
            return Err(TooMany);
        }
    }
    Ok(kept)
}

/// Alternatives that differ in one list, joined: `web or jobs` is `web, jobs`.
fn joined(mut list: Vec<Alternative>) -> Vec<Alternative> {
    let mut at = 0;
    while at < list.len() {
        let mut other = at + 1;
        while let (Some(left), Some(right)) = (list.get(at), list.get(other)) {
            match left.join(right) {
                Some(both) => {
                    if let Some(place) = list.get_mut(at) {
                        *place = both;
                    }
                    list.remove(other);
                    other = at + 1;
                }
                None => other += 1,
            }
        }
        at += 1;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(slot: Slot, values: &[&str]) -> Formula {
        Formula::List(slot, values.iter().map(|v| (*v).to_owned()).collect())
    }

    fn not(formula: Formula) -> Formula {
        Formula::Not(Box::new(formula))
    }

    fn dump(formula: &Formula) -> Vec<String> {
        let one = |a: Alternative| {
            let positive = a.positive.iter().map(|(s, v)| format!("{s:?}={}", v.join(",")));
            let negative = a.negative.iter().map(|(s, v)| format!("{s:?}!={}", v.join(",")));
            positive.chain(negative).collect::<Vec<_>>().join(" ")
        };
        alternatives(formula).unwrap().into_iter().map(one).collect()
    }

    #[test]
    fn callers_of_one_fact_are_joined() {
        let web = list(Slot::Principals, &["web"]);
        let jobs = list(Slot::Principals, &["jobs"]);
        let both = Formula::And(vec![Formula::Or(vec![web, jobs]), list(Slot::Methods, &["GET"])]);
        assert_eq!(dump(&both), ["Principals=web,jobs Methods=GET"]);
    }

    #[test]
    fn an_exception_negates_the_whole_operation() {
        let health = Formula::And(vec![list(Slot::Methods, &["GET"]), list(Slot::Paths, &["/healthz"])]);
        let rest = Formula::And(vec![Formula::True, not(health)]);
        assert_eq!(dump(&rest), ["Methods!=GET", "Paths!=/healthz"]);
    }

    #[test]
    fn what_another_covers_is_left_out() {
        let wide = list(Slot::Methods, &["GET", "PUT"]);
        let narrow = Formula::And(vec![list(Slot::Methods, &["GET"]), list(Slot::Paths, &["/a"])]);
        assert_eq!(dump(&Formula::Or(vec![narrow, wide])), ["Methods=GET,PUT"]);
        assert_eq!(
            dump(&Formula::Or(vec![Formula::True, list(Slot::Ports, &["80"])])),
            [""]
        );
        assert!(dump(&not(Formula::True)).is_empty());
        let get = list(Slot::Methods, &["GET"]);
        assert!(dump(&Formula::And(vec![get.clone(), not(get)])).is_empty());
    }

    #[test]
    fn two_positive_lists_of_one_fact_stay_two() {
        let both = Formula::And(vec![list(Slot::Ports, &["80"]), list(Slot::Ports, &["81"])]);
        assert_eq!(dump(&both), ["Ports=80 Ports=81"]);
    }

    #[test]
    fn a_form_that_explodes_is_refused() {
        let pair = |n: usize| {
            let value = n.to_string();
            Formula::Or(vec![list(Slot::Methods, &[&value]), list(Slot::Paths, &[&value])])
        };
        assert!(alternatives(&Formula::And((0..12).map(pair).collect())).is_err());
    }
}
