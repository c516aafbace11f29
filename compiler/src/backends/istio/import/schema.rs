//! The structure of objects: which fields there are, and what each may hold; and the walk that compares a tree with it.

use super::durations::{self, Duration};
use super::errors;
use crate::backends::yaml::tree::{Entry, Node, Value};
use crate::diagnostics::Diagnostics;

/// What a value may be.
pub(super) enum Shape {
    Text {
        least: usize,
        most: usize,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    Whole {
        least: i128,
        most: i128,
    },
    Number {
        least: f64,
        most: f64,
    },
    Flag,
    Duration(Duration),
    List {
        of: &'static Shape,
        most: usize,
    },
    /// Any keys.
    Map {
        of: &'static Shape,
        most: usize,
    },
    Object(&'static [Field]),
}

/// A field of an object.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: &'static Shape,
    required: bool,
    nullable: bool,
}

impl Field {
    pub(super) const fn new(name: &'static str, shape: &'static Shape) -> Self {
        Self {
            name,
            shape,
            required: false,
            nullable: false,
        }
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }
}

pub(super) static TEXT: Shape = Shape::Text {
    least: 0,
    most: usize::MAX,
};
pub(super) static SOME_TEXT: Shape = Shape::Text {
    least: 1,
    most: usize::MAX,
};
pub(super) static TEXTS: Shape = list(&TEXT);
pub(super) static SOME_TEXTS: Shape = list(&SOME_TEXT);
pub(super) static FLAG: Shape = Shape::Flag;

/// A list of any length.
pub(super) const fn list(of: &'static Shape) -> Shape {
    Shape::List { of, most: usize::MAX }
}

/// Compares the value of a field with its shape. `name` is the field's, or its list's.
pub(super) fn walk(shape: &Shape, node: &Node, name: &str, acc: &mut Diagnostics) {
    match (shape, &node.value) {
        (Shape::Text { least, most }, Value::Text(text)) => {
            let length = text.chars().count();
            if length < *least {
                acc.push(errors::empty_text(node.span, name));
            } else if length > *most {
                acc.push(errors::long_text(node.span, name, length, *most));
            }
        }
        (Shape::Choice(words), Value::Text(text)) => {
            if !words.contains(&text.as_str()) {
                acc.push(errors::unknown_word(node.span, name, text, words));
            }
        }
        (Shape::Whole { least, most }, value) if whole(value).is_some() => {
            if whole(value).is_some_and(|number| !(*least..=*most).contains(&number)) {
                acc.push(errors::number_out_of_range(
                    node.span,
                    name,
                    &least.to_string(),
                    &most.to_string(),
                ));
            }
        }
        (Shape::Number { least, most }, value) if real(value).is_some() => {
            if real(value).is_some_and(|number| !(*least..=*most).contains(&number)) {
                acc.push(errors::number_out_of_range(
                    node.span,
                    name,
                    &least.to_string(),
                    &most.to_string(),
                ));
            }
        }
        (Shape::Flag, Value::Flag(_)) => {}
        (Shape::Duration(kind), Value::Text(text)) => {
            if let Some(wrong) = durations::wrong(text, *kind) {
                acc.push(errors::wrong_duration(node.span, name, text, wrong));
            }
        }
        (Shape::List { of, most }, Value::List(items)) => {
            if items.len() > *most {
                acc.push(errors::too_many(node.span, name, items.len(), *most));
            }
            for item in items {
                walk(of, item, name, acc);
            }
        }
        (Shape::Map { of, most }, Value::Map(entries)) => {
            if entries.len() > *most {
                acc.push(errors::too_many(node.span, name, entries.len(), *most));
            }
            for entry in entries {
                walk(of, &entry.value, &entry.key, acc);
            }
        }
        (Shape::Object(fields), Value::Map(entries)) => object(fields, node, entries, name, acc),
        (shape, value) => acc.push(errors::wrong_type(node.span, name, wanted(shape), found(value))),
    }
}

fn object(fields: &[Field], node: &Node, entries: &[Entry], name: &str, acc: &mut Diagnostics) {
    for entry in entries {
        match fields.iter().find(|field| field.name == entry.key) {
            None => {
                let known = fields.iter().map(|field| field.name);
                acc.push(errors::unknown_field(entry.key_span, &entry.key, name, known));
            }
            Some(field) if field.nullable && matches!(entry.value.value, Value::Null) => {}
            Some(field) => walk(field.shape, &entry.value, &entry.key, acc),
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        let meant = |entry: &Entry| {
            let known = fields.iter().map(|field| field.name);
            !fields.iter().any(|field| field.name == entry.key)
                && errors::nearest(&entry.key, known) == Some(field.name)
        };
        if node.entry(field.name).is_none() && !entries.iter().any(meant) {
            acc.push(errors::missing_field(node.span, field.name, name));
        }
    }
}

/// Whether a mapping has a field that is none of these: it is reported, and may be what somebody misses.
pub(super) fn is_misspelt(node: &Node, known: &[&str]) -> bool {
    node.entries().iter().any(|entry| !known.contains(&entry.key.as_str()))
}

/// The number, if it is an integer in whatever notation.
fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Whole(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is in the range")]
        Value::Real(number) if number.fract() == 0.0 && number.abs() < 1e18 => Some(*number as i128),
        _ => None,
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "it is compared with small bounds only")]
        Value::Whole(number) => Some(*number as f64),
        Value::Real(number) if number.is_finite() => Some(*number),
        _ => None,
    }
}

const fn wanted(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text { .. } | Shape::Choice(_) => "a string",
        Shape::Whole { .. } => "an integer",
        Shape::Number { .. } => "a number",
        Shape::Flag => "`true` or `false`",
        Shape::Duration(_) => "a duration such as `5s`",
        Shape::List { .. } => "a list",
        Shape::Map { .. } | Shape::Object(_) => "a mapping",
    }
}

/// How messages call what stands there.
pub(in crate::backends) const fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Flag(_) => "a boolean",
        Value::Whole(_) | Value::Real(_) => "a number",
        Value::Text(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}
