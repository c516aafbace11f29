//! What a command is asked about: a project, manifests, or both as one policy.

use std::path::{Path, PathBuf};

use super::manifests::{self, Source};
use super::project::{self, Location, LocationError, slashed};
use crate::source::{EntryKind, FileError, Files, files::clean};

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// A project of `.mesh` files, and manifests beside those that it names itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    pub project: Option<Location>,
    pub manifests: Vec<Source>,
}

impl From<Location> for Inputs {
    fn from(project: Location) -> Self {
        Self {
            project: Some(project),
            manifests: Vec::new(),
        }
    }
}

impl Inputs {
    /// What the paths of a command line name; without any, the nearest project, or what the working folder holds.
    ///
    /// A folder is a project if there is a `.mesh` file or a `mesh.toml` in it, else a folder of manifests. `-` is the
    /// text that `standard_input` reads, which is manifests.
    ///
    /// # Errors
    /// A path leads to nothing that can be judged, or there are two projects.
    pub fn find(
        files: &dyn Files,
        cwd: &Path,
        paths: &[PathBuf],
        mut standard_input: impl FnMut() -> Result<Vec<u8>, FileError>,
    ) -> Result<Self, LocationError> {
        let mut inputs = Self::default();
        if paths.is_empty() {
            inputs.add(files, Location::find(files, cwd, None)?)?;
        }
        for path in paths {
            let shown = path.to_string_lossy();
            if shown == STANDARD_INPUT {
                inputs.manifests.push(Source::Text {
                    shown: "stdin".to_owned(),
                    content: standard_input(),
                });
            } else if manifests::is_manifest(path) && files.kind(&clean(&cwd.join(path))) == Some(EntryKind::File) {
                inputs.manifests.push(Source::File {
                    path: clean(&cwd.join(path)),
                    shown: slashed(&clean(path)),
                });
            } else {
                inputs.add(files, Location::find(files, cwd, Some(path))?)?;
            }
        }
        Ok(inputs)
    }

    fn add(&mut self, files: &dyn Files, location: Location) -> Result<(), LocationError> {
        if location.kind == EntryKind::Folder
            && !project::is_project(files, &location)
            && manifests::are_in(files, &location.path)
        {
            self.manifests.push(Source::Folder {
                path: location.path,
                prefix: location.prefix,
            });
            return Ok(());
        }
        if let Some(first) = &self.project {
            if *first == location {
                return Ok(());
            }
            return Err(LocationError::TwoProjects(first.shown(), location.shown()));
        }
        self.project = Some(location);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Memory;

    fn found(paths: &[&str]) -> Result<String, LocationError> {
        let files: Memory = [
            ("/w/p/mesh.toml", ""),
            ("/w/q/y.mesh", ""),
            ("/w/k8s/deep/z.yaml", ""),
            ("/w/k8s/z.txt", ""),
            ("/w/empty/z.txt", ""),
        ]
        .into_iter()
        .collect();
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        let inputs = Inputs::find(&files, Path::new("/w"), &paths, || Ok(Vec::new()))?;
        let project = inputs.project.map(|project| project.shown());
        let manifests = inputs.manifests.iter().map(|source| match source {
            Source::File { shown, .. } => format!("file {shown}"),
            Source::Folder { prefix, .. } => format!("folder {prefix}"),
            Source::Text { shown, .. } => shown.clone(),
        });
        Ok(project.into_iter().chain(manifests).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn paths_are_a_project_and_manifests() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(found(&["p"]), ok("p"));
        assert_eq!(
            found(&["k8s", "q", "k8s/deep/z.yaml", "-"]),
            ok("q, folder k8s/, file k8s/deep/z.yaml, stdin")
        );
        assert_eq!(
            found(&["p", "q"]),
            Err(LocationError::TwoProjects("p".to_owned(), "q".to_owned()))
        );
        assert_eq!(found(&["empty"]), ok("empty"));
        assert_eq!(
            found(&["k8s/z.txt"]),
            Err(LocationError::NotMesh("k8s/z.txt".to_owned()))
        );
    }
}
