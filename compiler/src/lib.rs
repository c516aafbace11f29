//! meshc: a policy-as-code compiler for service meshes.
//!
//! ```text
//! text -> tokens -> ast -> hir -> policy -> istio resources -> yaml
//! ```
//!
//! Every arrow is a pure function of its input that also yields [`diagnostics`]; `driver` joins them.

pub mod analysis;
pub mod backends;
pub mod catalogue;
pub mod cli;
pub mod diagnostics;
pub mod driver;
pub mod format;
pub mod hir;
pub mod ide;
pub mod jwt;
pub mod lower;
pub mod policy;
pub mod proxy;
pub(crate) mod rfc3339;
pub mod source;
pub mod syntax;
