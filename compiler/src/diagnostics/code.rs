//! The identity of a kind of finding.

use serde::Serialize;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// A kind of finding: declared once, as a static beside the constructor that words it.
#[derive(Debug)]
pub struct Code {
    /// The stable id, such as `E0203`: grouped by stage, never reused.
    pub id: &'static str,
    /// The name in kebab case, as levels and suppressions spell it.
    pub name: &'static str,
    /// The severity where no level says otherwise.
    pub severity: Severity,
    /// One sentence: what it finds.
    pub summary: &'static str,
    /// The page of `meshc explain`, Markdown.
    pub page: &'static str,
}

/// Declares the codes of a stage, each with its page, a file beside the declaration.
macro_rules! codes {
    ($($name:ident $severity:ident $id:literal $kebab:literal $page:literal $summary:literal;)*) => {
        $(
            pub(crate) static $name: $crate::diagnostics::Code = $crate::diagnostics::Code {
                id: $id,
                name: $kebab,
                severity: $crate::diagnostics::Severity::$severity,
                summary: $summary,
                page: include_str!($page),
            };
        )*

        /// The codes of this stage, in order.
        pub static CODES: &[&$crate::diagnostics::Code] = &[$(&$name,)*];
    };
}
pub(crate) use codes;
