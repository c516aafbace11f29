//! What the tests that span the crates share: the repository's files, the real parts, and readers of what meshc writes.

pub mod case;
pub mod command;
pub mod differential;
pub mod editors;
pub mod emitted;
pub mod envoy;
pub mod faults;
pub mod fenced;
pub mod generate;
pub mod hostile;
pub mod parts;
pub mod process;
pub mod repository;
pub mod yaml;
