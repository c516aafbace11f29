//! Edits that repair a finding.

use crate::source::Span;

/// How safely a fix can be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applicability {
    /// It says what the author meant; tools may apply it unasked.
    Automatic,
    /// It may change what the policy means; a person decides.
    Suggestion,
}

/// Replace the text at `span`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// A repair as one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// An imperative phrase, such as "write `shop/web`".
    pub title: String,
    pub edits: Vec<Edit>,
    pub applicability: Applicability,
}

impl Fix {
    /// Replace one place by `text`.
    #[must_use]
    pub fn replace(
        title: impl Into<String>,
        span: Span,
        text: impl Into<String>,
        applicability: Applicability,
    ) -> Self {
        Self {
            title: title.into(),
            edits: vec![Edit {
                span,
                text: text.into(),
            }],
            applicability,
        }
    }
}
