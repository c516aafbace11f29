//! `meshc fmt`: the text of a project in the one style.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::anyhow;

use super::disk::{self, Change};
use super::output::diff;
use super::{ExitCode, Io, report};
use crate::diagnostics::render::{Style, human};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::driver::project::{self, Location, LocationError};
use crate::format::format;
use crate::source::{Disk, Files as _, SourceMap};

/// Bring the `.mesh` files of a project into the one style
///
/// Examples:
///   meshc fmt                 every file of the project here, or the nearest one above
///   meshc fmt shop/web.mesh   one file
///   meshc fmt --check         write nothing, fail if a file is in another style
///
/// Comments stay. A file with syntax errors is left as it is.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Projects and single `.mesh` files [default: the nearest `mesh.toml`]
    paths: Vec<PathBuf>,

    /// Write nothing, and exit with 1 if a file is in another style
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let mut sources = SourceMap::default();
    let mut acc = Diagnostics::default();
    let mut files = Vec::new();
    for location in locations(args, io)? {
        files.extend(project::read(&Disk, &location, &mut sources, &mut acc)?.files);
    }
    // A file may be named twice, or lie in a project that is named too.
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.path.clone()));

    // Of `mesh.toml` nothing is asked here; a file that could not be read as text must not be written either.
    let mut broken: Vec<Diagnostic> = acc.into_sorted();
    broken.retain(|d| files.iter().any(|file| file.id == d.primary.span.file));
    let mut changed = Vec::new();
    for file in &files {
        if broken.iter().any(|d| d.primary.span.file == file.id) {
            continue;
        }
        let text = sources.text(file.id);
        match format(file.id, text) {
            Ok(formatted) if formatted == text => {}
            Ok(formatted) => changed.push((file, formatted)),
            Err(errors) => broken.extend(errors),
        }
    }

    if !broken.is_empty() {
        broken.sort_by_key(|d| d.primary.span);
        io.error(&human(&sources, &broken, Style { color: io.color }));
        io.error("\n");
    }
    for (file, formatted) in changed.iter().filter(|_| args.check) {
        let text = sources.text(file.id);
        io.error(&format!(
            "not formatted: {}\n{}\n",
            sources.path(file.id),
            diff::short(text, formatted)
        ));
    }
    let count = changed.len();
    if !args.check {
        let changes = changed.into_iter().map(|(file, content)| Change::Write {
            // A link stays a link: what it leads to is written.
            path: Disk.identity(&file.path),
            content,
        });
        disk::apply(changes.collect())?;
    }
    let left: BTreeSet<_> = broken.iter().map(|d| d.primary.span.file).collect();
    io.error(&summary(files.len(), count, left.len(), args.check));
    let fails = !broken.is_empty() || (args.check && count > 0);
    Ok(if fails { ExitCode::Found } else { ExitCode::Clean })
}

fn locations(args: &Args, io: &Io<'_>) -> anyhow::Result<Vec<Location>> {
    if args.paths.is_empty() {
        return Ok(vec![Location::find(&Disk, &io.cwd, None)?]);
    }
    let paths = args.paths.iter();
    let found = paths.map(|path| {
        Location::find(&Disk, &io.cwd, Some(path)).map_err(|error| match error {
            LocationError::NotMesh(path) => anyhow!("`{path}` is no `.mesh` file, and no other is formatted"),
            other => other.into(),
        })
    });
    found.collect()
}

fn summary(files: usize, changed: usize, broken: usize, check: bool) -> String {
    let mut out = report::plural(files, "file");
    match (changed, check) {
        (0, _) if broken > 0 => {}
        (0, _) => out.push_str(", all in style"),
        (count, true) => out.push_str(&format!(", {count} not in style")),
        (count, false) => out.push_str(&format!(", {count} changed")),
    }
    if broken > 0 {
        out.push_str(&format!(", {broken} left as they are"));
    }
    out.push('\n');
    out
}
