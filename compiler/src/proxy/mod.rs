//! A real Envoy that plays the proxies of a policy on this machine: its configuration, its identities, what it logs.
//!
//! The filters are those of [`crate::backends::envoy`]; what stands around them is as istiod configures it, except where
//! one machine cannot be a mesh. Each such place says why. Starting and ending the process is the business of `cli`.

pub mod admin;
pub mod authority;
pub mod authorizer;
pub mod bootstrap;
pub mod listener;
pub mod log;
