//! Tree-sitter, as editors use it: it generates the grammar's parser, tests it and reads texts with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::install;

/// Its package at npm fetches a binary from elsewhere, so it is built.
const VERSION: &str = "0.27.1";

/// The program, ready to be started.
pub struct TreeSitter {
    program: PathBuf,
}

impl TreeSitter {
    /// Runs a command in the folder of a grammar and returns what it printed.
    pub fn run(&self, grammar: &Path, args: &[&str]) -> Result<String> {
        install::run(self.command(grammar).args(args))
    }

    /// Which of these files hold something that the grammar does not know, each with the place.
    pub fn unknown(&self, grammar: &Path, files: &[PathBuf]) -> Result<Vec<(PathBuf, String)>> {
        let list = tempfile::NamedTempFile::new()?;
        let names: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        std::fs::write(list.path(), names.join("\n"))?;
        let mut parse = self.command(grammar);
        parse.args(["parse", "--quiet", "--paths"]).arg(list.path());
        // It fails if one file does not parse, which is the question.
        let output = parse.output().context("cannot run tree-sitter")?;
        let printed = String::from_utf8_lossy(&output.stdout);
        Ok(printed
            .lines()
            .filter(|line| line.contains("(ERROR") || line.contains("(MISSING"))
            .filter_map(|line| {
                let (path, rest) = line.split_once('\t')?;
                let place = rest.rsplit('\t').next().unwrap_or(rest);
                Some((PathBuf::from(path.trim()), place.to_owned()))
            })
            .collect())
    }

    fn command(&self, grammar: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(grammar);
        // Nobody's settings and no cache of another grammar of this name.
        command
            .env("XDG_CONFIG_HOME", grammar)
            .env("XDG_CACHE_HOME", grammar.join("cache"));
        command
    }
}

pub(super) fn find() -> Result<Option<TreeSitter>> {
    let name = format!("tree-sitter-cli-{VERSION}");
    let made = install::folder().join(&name);
    if !made.is_dir() && !install::wanted() {
        return Ok(None);
    }
    let made = install::once(&name, |folder| {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["install", "--quiet", "--locked", "--debug", "--root"])
            .arg(folder);
        cargo.arg("--target-dir").arg(folder.join("build"));
        // What is set for our own build is not meant for another's.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
        cargo.arg(format!("tree-sitter-cli@{VERSION}"));
        install::run(&mut cargo)?;
        std::fs::remove_dir_all(folder.join("build")).context("cannot remove what the build left")
    })?;
    Ok(Some(TreeSitter {
        program: made.join("bin").join("tree-sitter"),
    }))
}
