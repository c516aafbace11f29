//! Tree and tokens to text in the one style; comments kept.
//!
//! The tree says where items, blocks and operators are (`marks`); the tokens are printed in their order, so that
//! nothing between them is lost ([`print`]).

mod marks;
mod print;

#[cfg(test)]
pub(crate) mod tests;

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::source::FileId;
use crate::syntax;

/// Lines are not longer than this where they can be broken.
pub const WIDTH: usize = 120;

/// The text in the style of the language. A text with syntax errors is not touched: its findings are returned.
pub fn format(file: FileId, text: &str) -> Result<String, Vec<Diagnostic>> {
    let mut found = Diagnostics::default();
    let parsed = syntax::parse(file, text, &mut found);
    if found.has_errors() {
        return Err(found.into_sorted());
    }
    let marks = marks::marks(text, &parsed);
    Ok(print::print(text, &parsed.tokens, &marks))
}
