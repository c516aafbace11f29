//! The texts that a fact can have at all.

use std::sync::{Arc, LazyLock, OnceLock};

use super::automaton::Automaton;
use super::fact::{Fact, HOST};
use super::pattern::{Bytes, Step, Walk, some};
use crate::policy::Target;

/// The texts that a fact can have at all; by default any.
#[derive(Debug, Default)]
pub(super) struct Universe {
    /// The form that each of them has; `None`: any.
    pub(super) form: Option<Walk>,
    /// What none of them is.
    pub(super) never: Option<Walk>,
    /// Where no pattern brings a walk of its own, which is nearly always.
    bare: OnceLock<Option<Arc<Automaton>>>,
}

impl Universe {
    pub(super) const fn new(form: Walk, never: Option<Walk>) -> Self {
        Self {
            form: Some(form),
            never,
            bare: OnceLock::new(),
        }
    }

    /// The automaton of these walks, and then of the form and of what is never; `None` if it would be too large.
    pub(super) fn automaton(&self, walks: &[&Walk]) -> Option<Arc<Automaton>> {
        let own = self.form.iter().chain(&self.never);
        if walks.is_empty() {
            let bare = || Automaton::new(&own.collect::<Vec<_>>()).map(Arc::new);
            return self.bare.get_or_init(bare).clone();
        }
        let all: Vec<&Walk> = walks.iter().copied().chain(own).collect();
        Automaton::new(&all).map(Arc::new)
    }
}

fn visible(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

fn path(rest: impl Fn(u8) -> bool) -> Universe {
    Universe::new(vec![Step::One(Bytes::one(b'/')), Step::Many(Bytes::of(rest))], None)
}

fn one_of(holds: impl Fn(u8) -> bool) -> Universe {
    Universe::new(some(Bytes::of(holds)).to_vec(), None)
}

static METHOD: LazyLock<Universe> = LazyLock::new(|| one_of(visible));
static LOWER: LazyLock<Universe> = LazyLock::new(|| one_of(|byte| byte > b' ' && !byte.is_ascii_uppercase()));
static PATH: LazyLock<Universe> = LazyLock::new(|| path(|byte| visible(byte) && !matches!(byte, b'?' | b'#')));
static PATH_WITH_QUERY: LazyLock<Universe> = LazyLock::new(|| path(visible));
static HOST_AS_SENT: LazyLock<Universe> = LazyLock::new(|| one_of(|byte| byte > b' '));
static HEADER: LazyLock<Universe> = LazyLock::new(|| {
    let bytes = Bytes::of(|byte| byte >= b' ' || byte == b'\t');
    Universe::new(vec![Step::Many(bytes)], None)
});
static ANY: LazyLock<Universe> = LazyLock::new(Universe::default);

/// The texts that a fact can have.
///
/// # Why
/// Envoy refuses requests whose path does not begin with a slash; rules see no query; SNI and hosts are compared in
/// lower case.
pub(super) fn universe(fact: &Fact, target: Target) -> &'static Universe {
    match fact {
        Fact::Method => &METHOD,
        Fact::Host | Fact::Sni => &LOWER,
        Fact::Path if target.rules_may_see_the_query() => &PATH_WITH_QUERY,
        Fact::Path => &PATH,
        Fact::Header(name) if name == HOST => &HOST_AS_SENT,
        Fact::Header(_) => &HEADER,
        _ => &ANY,
    }
}
