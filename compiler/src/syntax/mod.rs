//! Text to tokens to tree; never fails, and never knows what a name means.

pub mod ast;
pub mod errors;
pub mod keywords;
pub mod lexer;
pub mod parser;
mod strings;
pub mod suppress;

pub use parser::{Parsed, parse};

#[cfg(test)]
mod tests;
