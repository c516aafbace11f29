//! Values of the types that facts have. One of another type is reported: a cluster would refuse its object.

use std::collections::BTreeMap;

use super::errors;
use super::metadata::Said;
use crate::backends::yaml::tree::{Node, Value};
use crate::diagnostics::Diagnostics;
use crate::policy::StringMap;
use crate::source::FileId;

/// Reads objects of one text.
pub(super) struct Reader<'a> {
    pub(super) file: FileId,
    pub(super) text: &'a str,
    pub(super) acc: &'a mut Diagnostics,
}

impl Reader<'_> {
    pub(super) fn wrong(&mut self, node: &Node, field: &str, wanted: &str) {
        self.acc.push(errors::unread_fact(node.span, field, wanted));
    }

    /// The text of a key.
    pub(super) fn text(&mut self, node: &Node, key: &str) -> Option<Said<String>> {
        let value = node.get(key)?;
        match &value.value {
            Value::Text(text) => Some(Said::new(text.clone(), value.span)),
            Value::Null => None,
            _ => {
                self.wrong(value, key, "a string");
                None
            }
        }
    }

    /// The texts of a key's mapping, each with its place.
    pub(super) fn texts(&mut self, node: Option<&Node>, key: &str) -> BTreeMap<String, Said<String>> {
        let mut texts = BTreeMap::new();
        let Some(map) = node.and_then(|node| node.get(key)) else {
            return texts;
        };
        match &map.value {
            Value::Map(entries) => {
                for entry in entries {
                    match &entry.value.value {
                        Value::Text(text) => {
                            texts.insert(entry.key.clone(), Said::new(text.clone(), entry.value.span));
                        }
                        Value::Null => {
                            texts.insert(entry.key.clone(), Said::new(String::new(), entry.key_span));
                        }
                        _ => self.wrong(&entry.value, &entry.key, "a string"),
                    }
                }
            }
            Value::Null => {}
            _ => self.wrong(map, key, "a mapping"),
        }
        texts
    }

    /// The labels of a selector.
    pub(super) fn selector(&mut self, node: Option<&Node>, key: &str) -> StringMap {
        let texts = self.texts(node, key).into_iter();
        texts.map(|(name, said)| (name, said.it)).collect()
    }

    /// The list of a key; of anything else nothing.
    pub(super) fn list<'n>(&mut self, node: &'n Node, key: &str) -> Vec<&'n Node> {
        match node.get(key) {
            None => Vec::new(),
            Some(list) => match &list.value {
                Value::List(items) => items.iter().map(AsRef::as_ref).collect(),
                Value::Null => Vec::new(),
                _ => {
                    self.wrong(list, key, "a list");
                    Vec::new()
                }
            },
        }
    }

    /// The port number of a key.
    pub(super) fn port(&mut self, node: &Node, key: &str) -> Option<u16> {
        let value = node.get(key)?;
        let port = port_of(value);
        if port.is_none() {
            self.wrong(value, key, "a number from 1 to 65535");
        }
        port
    }

    /// The boolean of a key.
    pub(super) fn flag(&mut self, node: &Node, key: &str) -> Option<Said<bool>> {
        let value = node.get(key)?;
        match value.value {
            Value::Flag(flag) => Some(Said::new(flag, value.span)),
            Value::Null => None,
            _ => {
                self.wrong(value, key, "`true` or `false`");
                None
            }
        }
    }
}

/// A port number.
pub(super) fn port_of(node: &Node) -> Option<u16> {
    match node.value {
        Value::Whole(number) => u16::try_from(number).ok().filter(|port| *port > 0),
        _ => None,
    }
}
