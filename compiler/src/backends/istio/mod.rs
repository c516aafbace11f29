//! Istio's own API: PeerAuthentication, RequestAuthentication, AuthorizationPolicy and DestinationRule.

mod emit;
pub mod import;
pub mod resources;

#[cfg(test)]
pub(crate) mod tests;

pub use emit::{authorization, destination_rule, emit, peer_authentication, request_authentication};
