//! JSON Web Tokens as text: read, verified, and made for tests, as Envoy's library reads and verifies them.
//!
//! [`TokenReader`] looks at a request before the question is asked, and leaves in it what is known of each text that may
//! be a token. What a rule makes of a token that was read is the evaluator's business.
//!
//! Envoy reads JSON and keys with code of its own, and neither is strict; `envoy/cases.json` holds what it was seen to do.

mod base64;
mod crypto;
mod json;
mod key_set;
mod reader;
pub mod test_key;
mod text;

#[cfg(test)]
mod tests;

pub use json::read as read_json;
pub use key_set::{KeySet, NoKeySet};
pub use reader::{KeyFiles, TokenReader};
pub use text::{Header, Jwt, peek};
