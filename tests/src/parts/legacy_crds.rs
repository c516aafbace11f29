//! The custom resource definitions that Istio 1.4 and 1.5 shipped.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use super::beside;
use crate::{repository, yaml};

/// The folder with the definitions.
pub struct LegacyCrds {
    folder: PathBuf,
}

pub(super) fn find() -> Option<LegacyCrds> {
    let folder = beside::folder("reference/crds-legacy")?;
    Some(LegacyCrds { folder })
}

impl LegacyCrds {
    /// The OpenAPI schema of each kind that release 1.`minor` defines, as JSON Schema: `(group, version, kind, schema)`.
    pub fn schemas(&self, minor: u32) -> Result<Vec<(String, String, String, Value)>> {
        let prefix = format!("istio-1.{minor}.");
        let mut schemas = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with(&prefix) || !name.ends_with(".yaml") {
                continue;
            }
            let text = repository::read(&entry.path())?;
            for definition in yaml::read(&text).with_context(|| name.clone())? {
                if let Some(spec) = definition.get("spec") {
                    add(spec, &mut schemas);
                }
            }
        }
        Ok(schemas)
    }
}

fn add(spec: &Value, schemas: &mut Vec<(String, String, String, Value)>) {
    let text = |pointer| spec.pointer(pointer).and_then(Value::as_str);
    let (Some(group), Some(kind)) = (text("/group"), text("/names/kind")) else {
        return;
    };
    let mut schema = spec
        .pointer("/validation/openAPIV3Schema")
        .cloned()
        .unwrap_or(Value::Bool(true));
    without_extensions(&mut schema);
    if let Some(spec) = schema.pointer_mut("/properties/spec") {
        close(spec);
    }
    let listed = spec.get("versions").and_then(Value::as_array).into_iter().flatten();
    let names = listed
        .filter_map(|version| version.get("name")?.as_str())
        .chain(text("/version"));
    for version in names {
        schemas.push((group.to_owned(), version.to_owned(), kind.to_owned(), schema.clone()));
    }
}

/// `x-kubernetes-…` keywords mean nothing to JSON Schema.
fn without_extensions(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.retain(|key, _| !key.starts_with("x-kubernetes-"));
            fields.values_mut().for_each(without_extensions);
        }
        Value::Array(items) => items.iter_mut().for_each(without_extensions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The definitions of that time let unknown fields pass, and Istio then refused or overlooked them: a field that the
/// schema does not list is a mistake here. Alternatives (`oneOf` and the like) repeat listed fields and are left alone.
fn close(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(close);
        fields.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    for below in ["items", "additionalProperties"] {
        if let Some(schema) = fields.get_mut(below) {
            close(schema);
        }
    }
}
