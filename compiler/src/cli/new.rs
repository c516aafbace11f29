//! `meshc new`: a project to start from.

use std::path::PathBuf;

use anyhow::bail;

use super::disk::{self, Change};
use super::{ExitCode, Io};
use crate::policy::Target;
use crate::source::{Disk, EntryKind, Files as _};

/// Make a project that builds
///
/// Examples:
///   meshc new shop
///   cd shop && meshc check && meshc build
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The folder to make
    name: PathBuf,
}

pub(super) fn run(args: &Args, io: &mut Io<'_>) -> anyhow::Result<ExitCode> {
    let folder = io.cwd.join(&args.name);
    let shown = args.name.display();
    match Disk.kind(&folder) {
        Some(EntryKind::File) => bail!("`{shown}` is a file"),
        Some(EntryKind::Folder) if !Disk.list(&folder).is_ok_and(|entries| entries.is_empty()) => {
            bail!("the folder `{shown}` is not empty")
        }
        Some(EntryKind::Folder) | None => {}
    }
    disk::create_folder(&folder)?;
    let files = [("mesh.toml", manifest()), ("policy.mesh", POLICY.to_owned())];
    let changes = files.into_iter().map(|(name, content)| Change::Write {
        path: folder.join(name),
        content,
    });
    disk::apply(changes.collect())?;
    io.error(&format!(
        "made {shown}/mesh.toml and {shown}/policy.mesh; next: `meshc check {shown}`, `meshc build {shown}`\n"
    ));
    Ok(ExitCode::Clean)
}

fn manifest() -> String {
    MANIFEST.replace("RELEASE", &Target::NEWEST.to_string())
}

const MANIFEST: &str = include_str!("new/mesh.toml");
const POLICY: &str = include_str!("new/policy.mesh");
