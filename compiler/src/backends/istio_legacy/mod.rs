//! The authentication API of Istio 1.4 and before, `authentication.istio.io/v1alpha1`: MeshPolicy and Policy.

mod emit;
pub mod import;
pub mod resources;

#[cfg(test)]
mod tests;

pub use emit::{authentication_policy, emit};
