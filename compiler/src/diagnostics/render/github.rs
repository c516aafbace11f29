//! Findings as GitHub workflow commands, which its checks show at the lines of a pull request.

use std::fmt::Write as _;

use super::{Place, environments_note};
use crate::diagnostics::{Diagnostic, Severity};
use crate::source::SourceMap;

/// One line a finding.
#[must_use]
pub fn github(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for d in diagnostics {
        let command = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let place = Place::of(sources, d.primary.span);
        let mut message = d.message.clone();
        for line in environments_note(d).iter().chain(&d.help) {
            message.push('\n');
            message.push_str(line);
        }
        let _infallible = writeln!(
            out,
            "::{command} file={},line={},col={},endLine={},endColumn={},title={}::{}",
            property(place.file),
            place.start.0,
            place.start.1,
            place.end.0,
            place.end.1,
            property(&format!("{} {}", d.code.id, d.code.name)),
            data(&message),
        );
    }
    out
}

/// The escapes of a command's text.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escapes of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
