//! The differential test: what meshc says that a mesh answers, against what a real proxy answers.

pub mod case;
pub mod ci;
pub mod generate;
pub mod judge;
pub mod minimise;
pub mod observed;
pub mod program;
pub mod run;
