//! The metadata of an object: what the API server demands of any, and the annotations that Istio refuses.

use super::schema::{self, FLAG, Field, SOME_TEXT, Shape, TEXT, TEXTS, found, list};
use super::{DRY_RUN, Kind, errors, names};
use crate::backends::yaml::tree::{Entry, Node, Value};
use crate::diagnostics::Diagnostics;

const FIELDS: [&str; 15] = [
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Annotations that make Istio refuse any object.
const RESERVED: [&str; 3] = [
    "internal.istio.io/webhook-always-reject",
    "internal.istio.io/parents",
    "internal.istio.io/parent-namespace",
];

static WHOLE: Shape = Shape::Whole {
    least: i64::MIN as i128,
    most: i64::MAX as i128,
};

static OWNER: Shape = Shape::Object(&[
    Field::new("apiVersion", &SOME_TEXT).required(),
    Field::new("blockOwnerDeletion", &FLAG).nullable(),
    Field::new("controller", &FLAG).nullable(),
    Field::new("kind", &SOME_TEXT).required(),
    Field::new("name", &SOME_TEXT).required(),
    Field::new("uid", &SOME_TEXT).required(),
]);

static OWNERS: Shape = list(&OWNER);

/// What a cluster writes and people copy.
static TYPED: [(&str, &Shape); 7] = [
    ("deletionGracePeriodSeconds", &WHOLE),
    ("finalizers", &TEXTS),
    ("generation", &WHOLE),
    ("ownerReferences", &OWNERS),
    ("resourceVersion", &TEXT),
    ("selfLink", &TEXT),
    ("uid", &TEXT),
];

const MOST_ANNOTATIONS: usize = 256 << 10;

/// What the API server demands.
pub(in crate::backends) fn check(object: &Node, kind: &str, acc: &mut Diagnostics) {
    let Some(metadata) = object.get("metadata") else {
        acc.push(errors::no_name(object.span, kind));
        return;
    };
    if !matches!(metadata.value, Value::Map(_)) {
        acc.push(errors::wrong_type(
            metadata.span,
            "metadata",
            "a mapping",
            found(&metadata.value),
        ));
        return;
    }
    for entry in metadata.entries() {
        if !FIELDS.contains(&entry.key.as_str()) {
            acc.push(errors::unknown_field(
                entry.key_span,
                &entry.key,
                "metadata",
                FIELDS.into_iter(),
            ));
        }
    }
    for key in ["name", "generateName", "namespace"] {
        if let Some(node) = metadata.get(key)
            && !matches!(node.value, Value::Text(_) | Value::Null)
        {
            acc.push(errors::wrong_type(node.span, key, "a string", found(&node.value)));
        }
    }
    for entry in metadata.entries() {
        let field = TYPED.iter().find(|(name, _)| *name == entry.key);
        if let Some((name, shape)) = field
            && !matches!(entry.value.value, Value::Null)
        {
            schema::walk(shape, &entry.value, name, acc);
        }
    }
    for field in ["creationTimestamp", "deletionTimestamp"] {
        if let Some(node) = metadata.get(field)
            && !matches!(node.value, Value::Null)
            && !node.text().is_some_and(is_time)
        {
            acc.push(errors::bad_time(node.span, field));
        }
    }
    name(metadata, kind, acc);
    if let Some(namespace) = metadata.get("namespace")
        && let Some(text) = namespace.text()
        && !text.is_empty()
        && !names::is_lower_label(text)
    {
        acc.push(errors::bad_namespace(namespace.span, text));
    }
    for (entry, value) in texts(metadata, "labels", acc) {
        if !names::is_qualified(&entry.key) {
            acc.push(errors::bad_metadata_key(entry.key_span, &entry.key, "labels"));
        }
        if !names::is_label_value(value) {
            acc.push(errors::bad_label_value(entry.value.span, value));
        }
    }
    let mut size = 0;
    for (entry, value) in texts(metadata, "annotations", acc) {
        size += entry.key.len() + value.len();
        if !names::is_qualified(&entry.key.to_lowercase()) {
            acc.push(errors::bad_metadata_key(entry.key_span, &entry.key, "annotations"));
        }
    }
    if size > MOST_ANNOTATIONS
        && let Some(entry) = metadata.entry("annotations")
    {
        acc.push(errors::long_annotations(entry.key_span));
    }
}

fn name(metadata: &Node, kind: &str, acc: &mut Diagnostics) {
    let named = metadata
        .get("name")
        .filter(|node| node.text().is_some_and(|text| !text.is_empty()));
    let start = metadata.text_of("generateName").filter(|start| !start.is_empty());
    match (named, start) {
        (Some(node), _) => {
            if let Some(text) = node.text()
                && !names::is_subdomain(text)
            {
                acc.push(errors::bad_name(node.span, text));
            }
        }
        (None, Some(start)) => {
            // The server puts letters behind it.
            if !names::is_subdomain(&format!("{start}x"))
                && let Some(node) = metadata.get("generateName")
            {
                acc.push(errors::bad_name(node.span, start));
            }
        }
        (None, None) => acc.push(errors::no_name(metadata.span, kind)),
    }
}

/// The entries of a map of texts; what is none is reported.
fn texts<'a>(metadata: &'a Node, map: &str, acc: &mut Diagnostics) -> Vec<(&'a Entry, &'a str)> {
    let Some(node) = metadata.get(map) else {
        return Vec::new();
    };
    if !matches!(node.value, Value::Map(_) | Value::Null) {
        acc.push(errors::wrong_type(node.span, map, "a mapping", found(&node.value)));
    }
    let mut texts = Vec::new();
    for entry in node.entries() {
        match &entry.value.value {
            Value::Text(text) => texts.push((entry, text.as_str())),
            // Read as an empty text.
            Value::Null => texts.push((entry, "")),
            _ => acc.push(errors::wrong_type(
                entry.value.span,
                &entry.key,
                "a string",
                found(&entry.value.value),
            )),
        }
    }
    texts
}

/// What Istio's webhook demands of the annotations.
pub(super) fn annotations(object: &Node, kind: Kind, acc: &mut Diagnostics) {
    let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
    for entry in annotations.map_or(&[][..], Node::entries) {
        if RESERVED.contains(&entry.key.as_str()) {
            acc.push(errors::reserved_annotation(entry.key_span, &entry.key));
        }
        if entry.key == DRY_RUN
            && let Some(value) = match &entry.value.value {
                Value::Text(text) => Some(text.as_str()),
                Value::Null => Some(""),
                _ => None,
            }
        {
            dry_run(object, entry, value, kind, acc);
        }
    }
}

fn dry_run(object: &Node, entry: &Entry, value: &str, kind: Kind, acc: &mut Diagnostics) {
    const BOOLEANS: [&str; 12] = [
        "1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False",
    ];
    if kind != Kind::AuthorizationPolicy {
        acc.push(errors::dry_run_elsewhere(entry.key_span));
        return;
    }
    let action = object.get("spec").and_then(|spec| spec.text_of("action"));
    if let Some(action @ ("AUDIT" | "CUSTOM")) = action {
        acc.push(errors::dry_run_action(entry.key_span, action));
    } else if !BOOLEANS.contains(&value) {
        acc.push(errors::dry_run_value(entry.value.span, value));
    }
}

/// A time such as `2025-01-31T12:00:00Z`, as far as its form.
fn is_time(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let form = |text: &str, form: &str| {
        let fits = |(c, want): (char, char)| if want == '0' { c.is_ascii_digit() } else { c == want };
        text.len() == form.len() && text.chars().zip(form.chars()).all(fits)
    };
    let Some((moment, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (fraction, zone) = rest.split_at(end);
            if !digits(fraction) {
                return false;
            }
            zone
        }
        None => rest,
    };
    form(moment, "0000-00-00T00:00:00") && (zone == "Z" || form(zone, "+00:00") || form(zone, "-00:00"))
}
