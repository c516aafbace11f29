//! The space of the requests at one enforcer, and rules as regions of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::atoms::{Dimension, Fact, fact};
use super::cube::{Cube, Dim, Literal};
use super::sets::Set;
use crate::policy::Target;
use crate::policy::effective::rules::{Clause, CompiledRule, Matcher, Test};

/// A rule of more boxes is not taken apart.
pub(crate) const MAX_CUBES: usize = 4096;

/// The facts that rules ask about, each cut into atoms by their patterns. What they do not ask about has no dimension.
#[derive(Debug)]
pub(crate) struct Space {
    dimensions: Vec<Dimension>,
    by_fact: BTreeMap<Fact, Dim>,
    target: Target,
}

/// The requests that a rule matches: any of the boxes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    pub(crate) cubes: Vec<Cube>,
    /// The dimensions that made other boxes empty.
    pub(crate) contradictions: BTreeSet<Dim>,
}

/// A rule has more than [`MAX_CUBES`] boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Space {
    /// The space in which these rules and single matchers can be regions.
    pub(crate) fn new<'r>(rules: impl Iterator<Item = &'r CompiledRule>, also: &'r [Matcher], target: Target) -> Self {
        let mut by_fact: BTreeMap<Fact, Vec<&Matcher>> = BTreeMap::new();
        let tests = rules.flat_map(|rule| rule.clauses.iter().flatten().flatten());
        let matchers = tests.flat_map(|test| test.positive.iter().chain(&test.negative));
        let mut principals = Vec::new();
        for matcher in matchers.chain(also) {
            match fact(matcher, target) {
                Some(fact) => by_fact.entry(fact).or_default().push(matcher),
                None => principals.extend(halves(matcher)),
            }
        }
        for (iss, sub) in &principals {
            by_fact.entry(Fact::Issuer).or_default().push(iss);
            by_fact.entry(Fact::Subject).or_default().push(sub);
        }
        // What a token says depends on whether there is one.
        if by_fact.keys().any(Fact::is_of_token) {
            by_fact.entry(Fact::Issuer).or_default();
        }
        let dimensions: Vec<Dimension> = by_fact
            .into_iter()
            .map(|(fact, matchers)| Dimension::new(fact, &matchers, target))
            .collect();
        let by_fact = dimensions.iter().map(|it| it.fact.clone()).zip(0..).collect();
        Self {
            dimensions,
            by_fact,
            target,
        }
    }

    pub(crate) fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    pub(crate) fn dimension(&self, dim: Dim) -> Option<&Dimension> {
        self.dimensions.get(dim)
    }

    /// The dimension of a fact, if anything is asked of it.
    pub(crate) fn find(&self, fact: &Fact) -> Option<(Dim, &Dimension)> {
        let dim = *self.by_fact.get(fact)?;
        Some((dim, self.dimensions.get(dim)?))
    }

    /// The box of requests whose fact is of these matchers, or of none of them.
    ///
    /// `None` if the fact has no dimension or no request is like that.
    pub(crate) fn cube(&self, fact: &Fact, matchers: &[Matcher], positive: bool) -> Option<Cube> {
        let (dim, dimension) = self.find(fact)?;
        let set = Arc::new(dimension.set(matchers.iter()));
        let literal = if positive {
            holds(dimension, set)
        } else {
            fails(dimension, set)
        };
        Cube::of(dim, literal, dimension.size).ok()
    }

    /// The box of requests without a fact, or of those that have it. `None` as before, or because that is not known.
    pub(crate) fn presence(&self, fact: &Fact, present: bool) -> Option<Cube> {
        let (dim, dimension) = self.find(fact)?;
        let set = match (dimension.absent, present) {
            (Some(absent), false) => Set::from_atoms([absent].into_iter()),
            (Some(absent), true) => dimension.all().minus(&Set::from_atoms([absent].into_iter())),
            (None, present) if dimension.many && !dimension.is_loose() => {
                let all = Arc::new(dimension.all());
                let literal = if present {
                    Literal::need(all)
                } else {
                    Literal::forbid(all)
                };
                return Cube::of(dim, literal, dimension.size).ok();
            }
            (None, _) => return None,
        };
        Cube::of(dim, Literal::In(Arc::new(set)), dimension.size).ok()
    }

    /// The requests that a rule matches. The rule is one of those that the space was made of.
    ///
    /// # Errors
    /// It has too many boxes.
    pub(crate) fn region(&self, rule: &CompiledRule) -> Result<Region, TooLarge> {
        let mut region = Region {
            cubes: vec![Cube::default()],
            contradictions: BTreeSet::new(),
        };
        for clause in &rule.clauses {
            let entries = self.clause(clause, &mut region.contradictions)?;
            region.cubes = product(&region.cubes, &entries, &mut region.contradictions)?;
        }
        Ok(region)
    }

    fn clause(&self, clause: &Clause, contradictions: &mut BTreeSet<Dim>) -> Result<Vec<Cube>, TooLarge> {
        let mut entries = Vec::new();
        for tests in clause {
            let mut cubes = vec![Cube::default()];
            for test in tests {
                let literals = self.test(test, contradictions)?;
                cubes = product(&cubes, &literals, contradictions)?;
            }
            entries.extend(cubes);
        }
        Ok(self.joined(entries))
    }

    /// A test as boxes; but for request principals it is one at most.
    fn test(&self, test: &Test, contradictions: &mut BTreeSet<Dim>) -> Result<Vec<Cube>, TooLarge> {
        let matchers = || test.positive.iter().chain(&test.negative);
        if matchers().any(|matcher| matches!(matcher, Matcher::RequestPrincipal(..))) {
            return self.request_principals(test, contradictions);
        }
        let mut cubes = vec![Cube::default()];
        // All but what is not judged is of one fact.
        let facts: BTreeSet<Fact> = matchers().filter_map(|matcher| fact(matcher, self.target)).collect();
        if !test.positive.is_empty() {
            cubes.clear();
        }
        let mut negatives = Vec::new();
        for own in &facts {
            let Some((dim, dimension)) = self.find(own) else {
                continue;
            };
            let of = |list: &[Matcher]| -> Arc<Set> {
                let own = list.iter().filter(|it| fact(it, self.target).as_ref() == Some(own));
                Arc::new(dimension.set(own))
            };
            if test
                .positive
                .iter()
                .any(|it| fact(it, self.target).as_ref() == Some(own))
            {
                match Cube::of(dim, holds(dimension, of(&test.positive)), dimension.size) {
                    Ok(cube) => cubes.push(cube),
                    Err(dim) => {
                        contradictions.insert(dim);
                    }
                }
            }
            negatives.push(Cube::of(dim, fails(dimension, of(&test.negative)), dimension.size));
        }
        for negative in negatives {
            match negative {
                Ok(negative) => cubes = product(&cubes, &[negative], contradictions)?,
                Err(dim) => {
                    contradictions.insert(dim);
                    return Ok(Vec::new());
                }
            }
        }
        Ok(cubes)
    }

    /// Any of the pairs of issuer and subject, and none of the others.
    fn request_principals(&self, test: &Test, contradictions: &mut BTreeSet<Dim>) -> Result<Vec<Cube>, TooLarge> {
        let (Some((iss, issuer)), Some((sub, subject))) = (self.find(&Fact::Issuer), self.find(&Fact::Subject)) else {
            return Ok(Vec::new());
        };
        // Subjects by the issuers that they are wanted of.
        let pairs = |list: &[Matcher]| -> Vec<(Arc<Set>, Arc<Set>)> {
            let mut subjects: BTreeMap<Set, Set> = BTreeMap::new();
            for (of_iss, of_sub) in list.iter().filter_map(halves) {
                let entry = subjects.entry(issuer.set([&of_iss].into_iter())).or_default();
                *entry = entry.or(&subject.set([&of_sub].into_iter()));
            }
            subjects
                .into_iter()
                .map(|(iss, sub)| (Arc::new(iss), Arc::new(sub)))
                .collect()
        };
        let mut cubes = vec![Cube::default()];
        if !test.positive.is_empty() {
            cubes.clear();
            for (of_iss, of_sub) in pairs(&test.positive) {
                let of_iss = Cube::of(iss, holds(issuer, of_iss), issuer.size);
                let of_sub = Cube::of(sub, holds(subject, of_sub), subject.size);
                match of_iss.and_then(|iss| iss.and(&of_sub?)) {
                    Ok(cube) => cubes.push(cube),
                    Err(dim) => {
                        contradictions.insert(dim);
                    }
                }
            }
        }
        for (of_iss, of_sub) in pairs(&test.negative) {
            let other_iss = Cube::of(iss, fails(issuer, of_iss), issuer.size);
            let other_sub = Cube::of(sub, fails(subject, of_sub), subject.size);
            let others: Vec<Cube> = other_iss.into_iter().chain(other_sub).collect();
            cubes = product(&cubes, &others, contradictions)?;
        }
        Ok(cubes)
    }

    /// The boxes, those of one literal joined where they ask of one fact: `from a` or `from b` is `from a or b`.
    fn joined(&self, cubes: Vec<Cube>) -> Vec<Cube> {
        let mut sets: HashMap<(Dim, bool), Vec<Arc<Set>>> = HashMap::new();
        let mut order: Vec<(Dim, bool)> = Vec::new();
        let mut rest: Vec<Cube> = Vec::new();
        let single = |cube: &Cube| match cube.literals() {
            [(dim, Literal::In(set))] => Some((*dim, false, Arc::clone(set))),
            [(dim, Literal::Many { needs, forbid })] if forbid.is_empty() => match needs.as_slice() {
                [need] => Some((*dim, true, Arc::clone(need))),
                _ => None,
            },
            _ => None,
        };
        for cube in cubes {
            match single(&cube) {
                Some((dim, many, set)) => {
                    let list = sets.entry((dim, many)).or_default();
                    if list.is_empty() {
                        order.push((dim, many));
                    }
                    list.push(set);
                }
                None => rest.push(cube),
            }
        }
        for key in order {
            let list = sets.remove(&key).unwrap_or_default();
            let set = match list.as_slice() {
                [only] => Arc::clone(only),
                many => Arc::new(Set::from_ranges(
                    many.iter().flat_map(|set| set.ranges().to_vec()).collect(),
                )),
            };
            let literal = if key.1 { Literal::need(set) } else { Literal::In(set) };
            let size = self.dimension(key.0).map_or(0, |dimension| dimension.size);
            rest.extend(Cube::of(key.0, literal, size));
        }
        rest
    }
}

/// The two tests that one of a request principal is.
fn halves(matcher: &Matcher) -> Option<(Matcher, Matcher)> {
    let Matcher::RequestPrincipal(iss, sub) = matcher else {
        return None;
    };
    let claim = |name: &str, pattern| Matcher::Claim(vec![name.to_owned()], pattern);
    Some((claim("iss", iss.clone()), claim("sub", sub.clone())))
}

/// A value of the set.
fn holds(dimension: &Dimension, set: Arc<Set>) -> Literal {
    if dimension.many {
        Literal::need(set)
    } else {
        Literal::In(set)
    }
}

/// No value of the set.
fn fails(dimension: &Dimension, set: Arc<Set>) -> Literal {
    if dimension.many {
        Literal::forbid(set)
    } else {
        Literal::In(Arc::new(dimension.all().minus(&set)))
    }
}

/// Each box of the one with each of the other.
fn product(some: &[Cube], others: &[Cube], contradictions: &mut BTreeSet<Dim>) -> Result<Vec<Cube>, TooLarge> {
    if some.len().saturating_mul(others.len()) > MAX_CUBES {
        return Err(TooLarge);
    }
    let mut cubes = Vec::new();
    for cube in some {
        for other in others {
            match cube.and(other) {
                Ok(both) => cubes.push(both),
                Err(dim) => {
                    contradictions.insert(dim);
                }
            }
        }
    }
    Ok(cubes)
}
