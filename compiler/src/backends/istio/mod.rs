//! Istio's own API: PeerAuthentication, RequestAuthentication, AuthorizationPolicy and DestinationRule.

mod emit;
pub mod resources;

pub use emit::{authorization, destination_rule, emit, peer_authentication, request_authentication};
