//! What a run may see of the process around it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::args::Color;

/// The streams, the working folder and the terminal.
///
/// A reader that has gone away (`meshc explain | head -1`) is no mistake of ours: what cannot be written is dropped, and
/// the run ends as it would have. An answer that cannot be written for another reason, such as a full disk, is an error.
pub struct Io<'a> {
    pub input: &'a mut dyn Read,
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
    pub cwd: PathBuf,
    /// Whether the first stream is a terminal.
    pub out_is_terminal: bool,
    /// Whether the second stream is a terminal.
    pub err_is_terminal: bool,
    /// Whether the environment asks for no colours.
    pub no_color: bool,
    pub environment: Environment,
    /// Whether reports have colours, once the arguments are known.
    pub color: bool,
    /// Whether answers have colours, once the arguments are known.
    pub out_color: bool,
    /// Why an answer could not be written, if somebody still wanted it.
    pub unwritten: Option<io::Error>,
}

/// What the process is told by those around it.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The program itself, for what has to be a process of its own.
    pub program: Option<PathBuf>,
    /// `PATH`.
    pub path: Option<OsString>,
}

impl Io<'_> {
    pub(super) fn choose_colors(&mut self, color: Color) {
        let wanted = |terminal: bool| match color {
            Color::Auto => terminal && !self.no_color,
            Color::Always => true,
            Color::Never => false,
        };
        (self.color, self.out_color) = (wanted(self.err_is_terminal), wanted(self.out_is_terminal));
    }

    /// Writes the answer of the run.
    pub(super) fn print(&mut self, text: &str) {
        if let Err(error) = write_all(self.out, text)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.unwritten.get_or_insert(error);
        }
    }

    /// Writes what is said beside the answer.
    pub(super) fn error(&mut self, text: &str) {
        let _gone = write_all(self.err, text);
    }

    /// Says in a line why the run failed.
    pub(super) fn error_line(&mut self, text: &str) {
        self.error(&format!("error: {text}\n"));
    }
}

fn write_all(stream: &mut dyn Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
