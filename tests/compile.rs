//! The compiler as the suites ask it.

use std::path::Path;

use meshc::driver::manifests::Source;
use meshc::driver::project::Location;
use meshc::driver::{self, Build, Inputs, Options, Outcome};
use meshc::policy::Target;
use meshc::source::{Disk, Files, Memory};
use meshc_tests::case::Case;

use crate::read_back;

/// Where the files of a case are; nothing but them is there.
const FOLDER: &str = "/case";

/// All findings on a case. A case that names no target is for the newest; `none` leaves the choice to the project.
pub(crate) fn check_case(case: &Case) -> Result<Outcome, String> {
    let project = case.project(FOLDER);
    let location = locate(&project, Path::new(FOLDER))?;
    driver::check(&project, &location.into(), &of_case(case)?).map_err(|error| error.to_string())
}

/// What a case emits; an error too where it means something else than the case.
pub(crate) fn build_case(case: &Case) -> Result<String, String> {
    let project = case.project(FOLDER);
    let location = locate(&project, Path::new(FOLDER))?;
    let outcome = driver::build(&project, &location.into(), &of_case(case)?).map_err(|error| error.to_string())?;
    read_back::check(&outcome)?;
    Ok(outcome.builds.iter().map(stream).collect())
}

/// All findings on a text of manifests, as one policy.
pub(crate) fn check_manifests(name: &str, text: &str, target: Target) -> Outcome {
    let inputs = Inputs {
        project: None,
        manifests: vec![Source::Text {
            shown: name.to_owned(),
            content: Ok(text.as_bytes().to_vec()),
        }],
    };
    let options = Options {
        target: Some(target),
        ..Options::default()
    };
    driver::check(&Memory::new(), &inputs, &options).unwrap()
}

/// All findings on a project on disk.
pub(crate) fn check(folder: &Path) -> Result<Outcome, String> {
    driver::check(&Disk, &locate(&Disk, folder)?.into(), &Options::default()).map_err(|error| error.to_string())
}

/// What a project on disk emits; an error too where it means something else than the project.
pub(crate) fn build(folder: &Path, options: &Options) -> Result<Outcome, String> {
    let outcome = driver::build(&Disk, &locate(&Disk, folder)?.into(), options).map_err(|error| error.to_string())?;
    read_back::check(&outcome)?;
    Ok(outcome)
}

/// The objects as one YAML stream.
pub(crate) fn stream(build: &Build) -> String {
    let texts: Vec<_> = build.artifacts.iter().map(|artifact| artifact.text.as_str()).collect();
    texts.join("---\n")
}

/// The release of this name, such as `istio-1.4`.
pub(crate) fn target(name: &str) -> Result<Target, String> {
    Target::parse(name).ok_or_else(|| format!("there is no target `{name}`"))
}

fn locate(files: &dyn Files, folder: &Path) -> Result<Location, String> {
    // As from inside, so that reports call its files by what they are in it.
    Location::find(files, folder, Some(Path::new("."))).map_err(|error| error.to_string())
}

fn of_case(case: &Case) -> Result<Options, String> {
    let target = match case.target() {
        None => Some(Target::NEWEST),
        Some("none") => None,
        Some(name) => Some(target(name)?),
    };
    Ok(Options {
        target,
        ..Options::default()
    })
}
