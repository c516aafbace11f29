//! A mapping as the decoder of Istio 1.4 reads it: each field in camel case or as the API's definition spells it, in
//! snake case; nothing (`null`) is as good as absent; fields that it does not know are overlooked. What a field holds is
//! what the definitions of the release demand.

use std::rc::Rc;

use super::errors;
use crate::backends::istio::import::errors as shared;
use crate::backends::istio::import::schema::found;
use crate::backends::yaml::tree::{Entry, Node, Value};
use crate::diagnostics::Diagnostics;
use crate::source::Span;

/// How messages call `null`.
const NOTHING: &str = found(&Value::Null);

/// One message of the API.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) span: Span,
    node: Option<&'a Node>,
}

impl<'a> Message<'a> {
    /// A message without fields.
    pub(super) const fn empty(span: Span) -> Self {
        Self { span, node: None }
    }

    /// Takes a value as a message with these `fields`; `None` if it is no mapping. `name` is the field's, or its list's.
    pub(super) fn open(node: &'a Node, name: &str, fields: &[&str], acc: &mut Diagnostics) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            acc.push(shared::wrong_type(node.span, name, "a mapping", found(&node.value)));
            return None;
        }
        for entry in node.entries() {
            match fields
                .iter()
                .find(|field| **field == entry.key || snake_case(field) == entry.key)
            {
                None => {
                    let known = fields.iter().copied();
                    acc.push(errors::overlooked_field(entry.key_span, &entry.key, name, known));
                }
                Some(field) => {
                    if entry.key != **field
                        && let Some(other) = node.entry(field)
                    {
                        acc.push(errors::said_twice(entry.key_span, &entry.key, other.key_span, field));
                        // The definitions look at both.
                        let (wanted, found) = (found(&other.value.value), found(&entry.value.value));
                        if wanted != found && ![wanted, found].contains(&NOTHING) {
                            acc.push(shared::wrong_type(entry.value.span, &entry.key, wanted, found));
                        }
                    }
                }
            }
        }
        Some(Self {
            span: node.span,
            node: Some(node),
        })
    }

    /// A field that holds something, in either spelling.
    pub(super) fn field(&self, name: &str) -> Option<&'a Entry> {
        let field = self.written(name)?;
        (!matches!(field.value.value, Value::Null)).then_some(field)
    }

    /// A field that is written, even if it holds nothing.
    pub(super) fn written(&self, name: &str) -> Option<&'a Entry> {
        let node = self.node?;
        node.entry(name).or_else(|| node.entry(&snake_case(name)))
    }

    /// A text, with its place.
    pub(super) fn text(&self, name: &str, acc: &mut Diagnostics) -> Option<(&'a str, Span)> {
        text(&self.field(name)?.value, name, acc)
    }

    /// The texts of a list, with their places.
    pub(super) fn texts(&self, name: &str, acc: &mut Diagnostics) -> Vec<(&'a str, Span)> {
        let items = self.list(name, acc).iter();
        items.filter_map(|item| text(item, name, acc)).collect()
    }

    pub(super) fn list(&self, name: &str, acc: &mut Diagnostics) -> &'a [Rc<Node>] {
        let Some(field) = self.field(name) else { return &[] };
        if !matches!(field.value.value, Value::List(_)) {
            let found = found(&field.value.value);
            acc.push(shared::wrong_type(field.value.span, name, "a list", found));
        }
        field.value.items()
    }

    /// Whether a field says `true`.
    pub(super) fn flag(&self, name: &str, acc: &mut Diagnostics) -> bool {
        let Some(field) = self.field(name) else { return false };
        if let Value::Flag(flag) = field.value.value {
            return flag;
        }
        let found = found(&field.value.value);
        acc.push(shared::wrong_type(field.value.span, name, "`true` or `false`", found));
        false
    }

    /// One of `words`.
    pub(super) fn word(&self, name: &str, words: &[&'static str], acc: &mut Diagnostics) -> Option<&'static str> {
        let (text, span) = self.text(name, acc)?;
        let word = words.iter().copied().find(|word| *word == text);
        if word.is_none() {
            acc.push(shared::unknown_word(span, name, text, words));
        }
        word
    }
}

fn text<'a>(node: &'a Node, name: &str, acc: &mut Diagnostics) -> Option<(&'a str, Span)> {
    let text = node.text();
    if text.is_none() {
        acc.push(shared::wrong_type(node.span, name, "a string", found(&node.value)));
    }
    Some((text?, node.span))
}

/// `jwks_uri` for `jwksUri`.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
