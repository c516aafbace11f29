//! Text to tokens to tree; never fails, and never knows what a name means.

pub mod ast;
pub mod errors;
pub mod keywords;
pub mod lexer;
pub mod parser;
mod strings;
pub mod suppress;

pub use lexer::is_bare_word;
pub use parser::{Parsed, is_method, parse};

#[cfg(test)]
pub(crate) mod tests;
