//! Lowering to the legacy authentication API of Istio 1.4 (language, section 11): MeshPolicy and Policy, and the client
//! half of mutual TLS where nothing makes it by itself.

mod clients;
pub mod errors;
mod modes;
mod paths;
mod policies;
mod shared;
mod tokens;
mod trigger;
mod unprotected;
mod wide_rules;

pub(super) use clients::lower as client_rules;
pub(super) use policies::lower as policies;
