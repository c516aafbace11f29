//! The command as a person or a pipeline meets it: exit codes, streams, formats, and what it does to a folder.
//!
//! Runs are in process, in a folder of their own on disk.

mod answers;
mod coverage;
mod environments;
mod facts;
mod faults;
mod files;
mod formats;
mod invariants;
mod manifests;
mod nearest;
mod output;
mod questions;
mod tokens;
mod usage;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};

use meshc_tests::command::{self, Ran};
use tempfile::TempDir;

/// A folder to work in.
struct Shell {
    folder: TempDir,
    cwd: PathBuf,
}

/// A small project that builds three objects in two namespaces, and says which release it is for.
const MANIFEST: &str = "target = \"istio-1.31\"\n";
const POLICY: &str = "mesh {\n    mtls strict\n    workload-label app\n}\n\nnamespace shop {\n    default deny\n\n    workload web {\n        \
                      account web\n        ports 8080 http\n        allow anyone to GET /\n    }\n}\n";

impl Shell {
    /// An empty folder.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let cwd = folder.path().to_path_buf();
        Self { folder, cwd }
    }

    /// A folder that is a project.
    fn project() -> Self {
        let shell = Self::new();
        shell.file("mesh.toml", MANIFEST);
        shell.file("policy.mesh", POLICY);
        shell
    }

    /// The same folder, from one below it.
    fn in_folder(mut self, path: &str) -> Self {
        self.cwd = self.folder.path().join(path);
        fs::create_dir_all(&self.cwd).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// The names in a folder, sorted.
    fn names(&self, path: &str) -> Vec<String> {
        names(&self.path(path))
    }

    #[track_caller]
    fn run<const N: usize>(&self, args: [&str; N]) -> Ran {
        self.run_with(args, "")
    }

    /// With a text as standard input.
    #[track_caller]
    fn run_with<const N: usize>(&self, args: [&str; N], input: &str) -> Ran {
        self.run_all(&args, input)
    }

    /// With any number of arguments.
    #[track_caller]
    fn run_all(&self, args: &[&str], input: &str) -> Ran {
        command::run(&self.cwd, args, input)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
