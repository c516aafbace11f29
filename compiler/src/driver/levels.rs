//! How much each finding weighs in this project.

use std::collections::BTreeMap;

use crate::diagnostics::{Code, Diagnostic, Severity};

/// What a project makes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Off,
    At(Severity),
}

impl Level {
    /// The levels by the names that `mesh.toml` gives them.
    pub const NAMES: [&str; 4] = ["off", "note", "warn", "error"];

    /// Reads a level's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "note" => Some(Self::At(Severity::Note)),
            "warn" => Some(Self::At(Severity::Warning)),
            "error" => Some(Self::At(Severity::Error)),
            _ => None,
        }
    }
}

/// The levels that `[lints]` sets, by code id. Errors have none: what cannot be built stays an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    set: BTreeMap<&'static str, Level>,
}

impl Levels {
    /// Gives a finding its level.
    pub fn set(&mut self, code: &'static Code, level: Level) {
        self.set.insert(code.id, level);
    }

    /// The finding with its level; `None` if it is switched off.
    #[must_use]
    pub fn apply(&self, mut diagnostic: Diagnostic) -> Option<Diagnostic> {
        match self.set.get(diagnostic.code.id) {
            Some(Level::Off) => None,
            Some(Level::At(severity)) => {
                diagnostic.severity = *severity;
                Some(diagnostic)
            }
            None => Some(diagnostic),
        }
    }
}
