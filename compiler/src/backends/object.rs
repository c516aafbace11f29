//! What every object of Kubernetes has, whatever its kind.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{Artifact, yaml};
use crate::policy::{Meta, StringMap};

/// An object as it stands in a manifest.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource<'a, S> {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub metadata: Metadata<'a>,
    pub spec: S,
}

#[derive(Clone, Debug, Serialize)]
pub struct Metadata<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: &'a StringMap,
    #[serde(skip_serializing_if = "is_empty_map")]
    pub annotations: Cow<'a, StringMap>,
}

impl<'a, S: Serialize> Resource<'a, S> {
    /// An object of `kind` with what `meta` says about it.
    pub fn new(api_version: &'static str, kind: &'static str, meta: &'a Meta, spec: S) -> Self {
        Self {
            api_version,
            kind,
            metadata: Metadata {
                name: &meta.name,
                namespace: meta.namespace.as_deref(),
                labels: &meta.labels,
                annotations: Cow::Borrowed(&meta.annotations),
            },
            spec,
        }
    }

    /// As text.
    #[expect(
        clippy::expect_used,
        reason = "specs are structs of strings, numbers, lists and maps, which cannot fail"
    )]
    pub fn artifact(&self) -> Artifact {
        Artifact {
            kind: self.kind,
            namespace: self.metadata.namespace.map(str::to_owned),
            name: self.metadata.name.to_owned(),
            text: yaml::to_text(self).expect("a manifest can be written"),
        }
    }
}

fn is_empty_map(map: &StringMap) -> bool {
    map.is_empty()
}
