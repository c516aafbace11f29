//! The command, run in this process.

use std::ffi::OsString;
use std::path::Path;

use meshc::cli::{ExitCode, Io};

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub code: ExitCode,
    pub out: String,
    pub err: String,
}

/// Runs `meshc` with these arguments in a folder, with a text as standard input and no terminal.
pub fn run(cwd: &Path, args: impl IntoIterator<Item = impl Into<OsString>>, input: &str) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io {
        input: &mut input.as_bytes(),
        out: &mut out,
        err: &mut err,
        cwd: cwd.to_path_buf(),
        out_is_terminal: false,
        err_is_terminal: false,
        no_color: false,
        environment: Default::default(),
        color: false,
        out_color: false,
        unwritten: None,
    };
    let args = std::iter::once("meshc".into()).chain(args.into_iter().map(Into::into));
    let code = meshc::cli::run(args, &mut io);
    Ran {
        code,
        out: String::from_utf8_lossy(&out).into_owned(),
        err: String::from_utf8_lossy(&err).into_owned(),
    }
}

impl Ran {
    /// Without errors.
    #[track_caller]
    pub fn clean(self) -> Self {
        assert_eq!(self.code, ExitCode::Clean, "{self:#?}");
        self
    }

    /// With errors.
    #[track_caller]
    pub fn found(self) -> Self {
        assert_eq!(self.code, ExitCode::Found, "{self:#?}");
        self
    }

    /// The question could not be asked.
    #[track_caller]
    pub fn could_not_run(self) -> Self {
        assert_eq!(self.code, ExitCode::CouldNotRun, "{self:#?}");
        self
    }

    /// What was said beside the answer holds this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "`{text}` is not in\n{}", self.err);
        self
    }

    #[track_caller]
    pub fn does_not_say(self, text: &str) -> Self {
        assert!(!self.err.contains(text), "`{text}` is in\n{}", self.err);
        self
    }

    /// The answer holds this text.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.out.contains(text), "`{text}` is not in\n{}", self.out);
        self
    }
}
