//! Tree to resolved model: every name bound, every value of its type. It knows nothing of policies' YAML.

pub mod model;

pub use model::*;
