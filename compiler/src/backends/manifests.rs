//! Manifests that people have: a text of many objects, each handed to the reader of its API.
//!
//! An object that its reader refuses is reported and has no part in the policy; a kind that says nothing of policy is
//! passed over.

use std::ops::Range;

use super::istio::import::{errors, schema};
use super::kubernetes::{self, Cluster};
use super::yaml::tree::{self, Node, Value};
use super::{istio, istio_legacy};
use crate::diagnostics::Diagnostics;
use crate::policy::{PolicySet, Target};
use crate::source::FileId;

/// What manifests say.
#[derive(Debug, Default)]
pub struct Manifests {
    /// How many of their objects are Istio's policies.
    pub objects: usize,
    pub policies: PolicySet,
    /// What they say of the installation.
    pub cluster: Cluster,
}

impl Manifests {
    /// Adds what stands in later texts.
    pub fn append(&mut self, other: Self) {
        self.objects += other.objects;
        self.policies.append(other.policies);
        self.cluster.append(&other.cluster);
    }
}

/// Whole documents of a text.
#[derive(Clone, Debug)]
pub struct Part(Range<usize>);

/// Cuts a text into parts that can be read at the same time. Together they are the text.
#[must_use]
pub fn parts(text: &str) -> Vec<Part> {
    const LEAST: usize = 128 << 10;
    tree::parts(text, LEAST).into_iter().map(Part).collect()
}

/// Reads every object of a text as the release takes it.
pub fn read(file: FileId, text: &str, target: Target, acc: &mut Diagnostics) -> Manifests {
    let mut manifests = Manifests::default();
    for part in parts(text) {
        manifests.append(read_part(file, text, part, target, acc));
    }
    manifests
}

/// Reads every object of a part.
pub fn read_part(file: FileId, text: &str, part: Part, target: Target, acc: &mut Diagnostics) -> Manifests {
    let mut manifests = Manifests::default();
    for document in tree::documents(file, text, part.0) {
        match document {
            Ok(root) => object(&root, (file, text), target, &mut manifests, acc),
            Err(problem) => acc.push(istio::import::broken(problem)),
        }
    }
    manifests
}

/// One document, or one item of a list of objects.
fn object(node: &Node, file: (FileId, &str), target: Target, manifests: &mut Manifests, acc: &mut Diagnostics) {
    let is_list = node.text_of("kind").is_some_and(|kind| kind.ends_with("List")) && node.get("spec").is_none();
    if is_list {
        match node.get("items") {
            Some(items) if !matches!(items.value, Value::List(_) | Value::Null) => {
                acc.push(errors::wrong_type(
                    items.span,
                    "items",
                    "a list",
                    schema::found(&items.value),
                ));
            }
            items => {
                for item in items.map_or(&[][..], Node::items) {
                    object(item, file, target, manifests, acc);
                }
            }
        }
        return;
    }
    kubernetes::object(node, file, &mut manifests.cluster, acc);
    let version = node.text_of("apiVersion").unwrap_or("");
    let read = match version.split_once('/') {
        Some((group, _)) if istio_legacy::import::is_of(group) => istio_legacy::import::object,
        _ => istio::import::object,
    };
    manifests.objects += read(node, target, &mut manifests.policies, acc);
}
