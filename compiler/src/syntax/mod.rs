//! Text to tokens to tree; never fails, and never knows what a name means.

pub mod ast;
