//! What every object has: its name, namespace, labels and annotations.

use std::collections::BTreeMap;

use super::cluster::Namespace;
use super::reader::Reader;
use crate::backends::yaml::tree::Node;
use crate::rfc3339;
use crate::source::Span;

/// A thing and where it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said<T> {
    pub(super) it: T,
    pub(super) span: Span,
}

impl<T> Said<T> {
    pub(super) const fn new(it: T, span: Span) -> Self {
        Self { it, span }
    }
}

/// The metadata of an object.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) name: String,
    /// `default` where none is said, as kubectl has it.
    pub(super) namespace: String,
    /// The name's place.
    pub(super) span: Span,
    pub(super) labels: BTreeMap<String, Said<String>>,
    pub(super) annotations: BTreeMap<String, Said<String>>,
    /// Kind and name of the object that made this one.
    pub(super) owner: Option<(String, String)>,
    /// When it was made, in seconds since 1970.
    pub(super) created: Option<i64>,
}

impl Meta {
    /// `None`: an object without a name, which no cluster has. What of it says no fact is not read.
    pub(super) fn read(node: &Node, kind: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let metadata = node.get("metadata");
        let named = |key: &str| metadata.and_then(|metadata| metadata.get(key));
        let operator = kind == "IstioOperator";
        let (name, span) = match named("name").or_else(|| named("generateName")) {
            Some(name) => match name.text() {
                Some(text) => (text.to_owned(), name.span),
                None => {
                    reader.wrong(name, "name", "a string");
                    return None;
                }
            },
            None if operator => (String::new(), node.span),
            None => return None,
        };
        let texts = |reader: &mut Reader<'_>, key| {
            // What other kinds carry matters to nobody here.
            if kind == "ConfigMap" || operator {
                return BTreeMap::new();
            }
            reader.texts(metadata, key)
        };
        let owners = metadata.map_or(&[][..], |metadata| metadata.items_of("ownerReferences"));
        let owner = owners.iter().find_map(|owner| {
            let (kind, name) = (owner.text_of("kind")?, owner.text_of("name")?);
            Some((kind.to_owned(), name.to_owned()))
        });
        let namespace = metadata.and_then(|metadata| reader.text(metadata, "namespace"));
        let namespace = namespace.map(|said| said.it).filter(|namespace| !namespace.is_empty());
        let created = metadata.and_then(|metadata| metadata.text_of("creationTimestamp"));
        Some(Self {
            name,
            namespace: namespace.unwrap_or_else(|| "default".to_owned()),
            span,
            labels: texts(reader, "labels"),
            annotations: texts(reader, "annotations"),
            owner,
            created: created.and_then(rfc3339::seconds),
        })
    }

    pub(super) fn namespace_object(self) -> Namespace {
        Namespace {
            name: self.name,
            span: self.span,
            labels: self.labels,
        }
    }
}
