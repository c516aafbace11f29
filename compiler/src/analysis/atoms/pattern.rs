//! Patterns of text as regular languages over bytes: whole texts, beginnings, and walks for all else.

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Bytes([u64; 4]);

impl Bytes {
    pub(crate) fn of(holds: impl Fn(u8) -> bool) -> Self {
        let mut words = [0_u64; 4];
        for byte in (0..=u8::MAX).filter(|byte| holds(*byte)) {
            if let Some(word) = words.get_mut(usize::from(byte / 64)) {
                *word |= 1 << (byte % 64);
            }
        }
        Self(words)
    }

    pub(crate) fn any() -> Self {
        Self([u64::MAX; 4])
    }

    pub(crate) fn one(byte: u8) -> Self {
        Self::of(|own| own == byte)
    }

    pub(crate) fn contains(self, byte: u8) -> bool {
        let word = self.0.get(usize::from(byte / 64)).copied().unwrap_or_default();
        word >> (byte % 64) & 1 == 1
    }
}

/// A step of a walk over a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// One of these bytes.
    One(Bytes),
    /// Any number of them.
    Many(Bytes),
}

/// A text is taken if the steps lead from its beginning to its end.
pub(crate) type Walk = Vec<Step>;

/// A pattern of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Pattern {
    Exact(Vec<u8>),
    Prefix(Vec<u8>),
    Walk(Walk),
}

/// The steps over a text as it stands.
pub(crate) fn literal(text: &str) -> impl Iterator<Item = Step> + '_ {
    text.bytes().map(|byte| Step::One(Bytes::one(byte)))
}

/// Anything, and then this text.
pub(crate) fn suffix(text: &str) -> Pattern {
    Pattern::Walk(std::iter::once(Step::Many(Bytes::any())).chain(literal(text)).collect())
}

/// One byte of a kind, or more.
pub(crate) const fn some(bytes: Bytes) -> [Step; 2] {
    [Step::One(bytes), Step::Many(bytes)]
}
