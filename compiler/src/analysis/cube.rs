//! A box of the request space: for each dimension at most one literal, and all of them hold.
//!
//! A fact with one value has `In`: its value is in a set. A fact with many values has `Many`: for each of its needs
//! some value in the set, and no value in what it forbids. Canonical, so that emptiness, intersection and containment
//! are one look at each literal: full sets are left out, needs hold nothing forbidden and do not follow from others.

use std::sync::Arc;

use super::sets::Set;

/// A dimension of a space, by its number.
pub(crate) type Dim = usize;

/// What a box asks of one dimension.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Literal {
    In(Arc<Set>),
    Many {
        /// In order; none is within another.
        needs: Vec<Arc<Set>>,
        /// Empty where nothing is forbidden.
        forbid: Arc<Set>,
    },
}

impl Literal {
    pub(crate) fn need(set: Arc<Set>) -> Self {
        Self::Many {
            needs: vec![set],
            forbid: Arc::default(),
        }
    }

    pub(crate) fn forbid(set: Arc<Set>) -> Self {
        Self::Many {
            needs: Vec::new(),
            forbid: set,
        }
    }

    /// Both; `None` if they cannot hold together.
    fn and(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::In(a), Self::In(b)) => {
                let both = if a.is_within(b) {
                    Arc::clone(a)
                } else if b.is_within(a) {
                    Arc::clone(b)
                } else {
                    Arc::new(a.and(b))
                };
                (!both.is_empty()).then_some(Self::In(both))
            }
            (
                Self::Many { needs, forbid },
                Self::Many {
                    needs: others,
                    forbid: also,
                },
            ) => {
                let forbid = Arc::new(forbid.or(also));
                let needs = needs.iter().chain(others).map(|need| {
                    if need.meets(&forbid) {
                        Arc::new(need.minus(&forbid))
                    } else {
                        Arc::clone(need)
                    }
                });
                let needs = least(needs.collect());
                let possible = needs.iter().all(|need| !need.is_empty());
                possible.then_some(Self::Many { needs, forbid })
            }
            // A dimension has literals of one kind.
            _ => None,
        }
    }

    /// Whether both can hold together.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::In(a), Self::In(b)) => a.meets(b),
            (
                Self::Many { needs, forbid },
                Self::Many {
                    needs: others,
                    forbid: also,
                },
            ) => {
                // Needs hold nothing that their own box forbids.
                needs.iter().all(|need| !need.is_within(also)) && others.iter().all(|need| !need.is_within(forbid))
            }
            _ => false,
        }
    }

    /// Whether the other holds wherever this one does.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::In(a), Self::In(b)) => a.is_within(b),
            (
                Self::Many { needs, forbid },
                Self::Many {
                    needs: others,
                    forbid: also,
                },
            ) => {
                also.is_within(forbid)
                    && others
                        .iter()
                        .all(|other| needs.iter().any(|need| need.is_within(other)))
            }
            _ => false,
        }
    }
}

/// The needs that do not follow from others, in order.
fn least(mut needs: Vec<Arc<Set>>) -> Vec<Arc<Set>> {
    needs.sort();
    needs.dedup();
    if needs.len() > 1 {
        let all = needs.clone();
        needs.retain(|need| !all.iter().any(|other| other != need && other.is_within(need)));
    }
    needs
}

/// A box of a space; never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cube {
    literals: Vec<(Dim, Literal)>,
}

impl Cube {
    /// The box of one literal; `Err` names the dimension if nothing fits it. A literal that says nothing is left out.
    pub(crate) fn of(dim: Dim, literal: Literal, size: u32) -> Result<Self, Dim> {
        let says = match &literal {
            Literal::In(set) if set.is_empty() => return Err(dim),
            Literal::In(set) => !set.is_all(size),
            Literal::Many { needs, .. } if needs.iter().any(|need| need.is_empty()) => return Err(dim),
            Literal::Many { needs, forbid } => !needs.is_empty() || !forbid.is_empty(),
        };
        let literals = if says { vec![(dim, literal)] } else { Vec::new() };
        Ok(Self { literals })
    }

    /// By their dimensions, in order.
    pub(crate) fn literals(&self) -> &[(Dim, Literal)] {
        &self.literals
    }

    pub(crate) fn get(&self, dim: Dim) -> Option<&Literal> {
        let at = self.literals.binary_search_by_key(&dim, |(own, _)| *own).ok()?;
        self.literals.get(at).map(|(_, literal)| literal)
    }

    /// The intersection; `Err` names a dimension that makes it empty.
    pub(crate) fn and(&self, other: &Self) -> Result<Self, Dim> {
        let mut literals = Vec::with_capacity(self.literals.len() + other.literals.len());
        let (mut a, mut b) = (self.literals.iter().peekable(), other.literals.iter().peekable());
        loop {
            let next = match (a.peek(), b.peek()) {
                (Some((dim, one)), Some((also, two))) if dim == also => {
                    let both = one.and(two).ok_or(*dim)?;
                    a.next();
                    b.next();
                    (*dim, both)
                }
                (Some((dim, _)), Some((also, _))) if dim > also => match b.next() {
                    Some(literal) => literal.clone(),
                    None => break,
                },
                (Some(_), _) => match a.next() {
                    Some(literal) => literal.clone(),
                    None => break,
                },
                (None, Some(_)) => match b.next() {
                    Some(literal) => literal.clone(),
                    None => break,
                },
                (None, None) => break,
            };
            literals.push(next);
        }
        Ok(Self { literals })
    }

    /// Whether a request can be in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let mut others = other.literals.iter().peekable();
        self.literals.iter().all(|(dim, literal)| {
            while others.next_if(|(also, _)| also < dim).is_some() {}
            others
                .peek()
                .is_none_or(|(also, other)| also != dim || literal.meets(other))
        })
    }

    /// Whether each request of this box is in the other.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let mut own = self.literals.iter().peekable();
        other.literals.iter().all(|(dim, literal)| {
            while own.next_if(|(also, _)| also < dim).is_some() {}
            own.peek()
                .is_some_and(|(also, own)| also == dim && own.is_within(literal))
        })
    }

    /// The box with another literal at a dimension, or with none.
    pub(crate) fn with(&self, dim: Dim, literal: Option<Literal>) -> Self {
        let mut literals = self.literals.clone();
        match (literals.binary_search_by_key(&dim, |(own, _)| *own), literal) {
            (Ok(at), Some(literal)) => {
                if let Some(slot) = literals.get_mut(at) {
                    slot.1 = literal;
                }
            }
            (Ok(at), None) => {
                literals.remove(at);
            }
            (Err(at), Some(literal)) => literals.insert(at, (dim, literal)),
            (Err(_), None) => {}
        }
        Self { literals }
    }
}
