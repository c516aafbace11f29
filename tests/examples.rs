//! Every project in `examples/` is without a finding, and gives what stands in its `expected` folder.

use std::collections::BTreeMap;
use std::path::Path;

use meshc::diagnostics::{Diagnostic, Severity};
use meshc::driver::{Options, Outcome};
use meshc::policy::Target;
use meshc::source::{SourceMap, Unit};
use meshc_tests::{repository, yaml};
use serde_json::Value;

use crate::compile;
use crate::golden::{Golden, difference};

#[test]
fn give_what_is_expected() {
    let mut golden = Golden::default();
    for manifest in repository::files("examples", "mesh.toml").unwrap() {
        let folder = manifest.parent().unwrap();
        if let Err(error) = judge(folder, &mut golden) {
            golden.mistake(folder, &error);
        }
    }
    golden.finish();
}

/// The stages of the task for Istio 1.4 come out as its authors wrote them by hand.
#[test]
fn give_the_objects_they_were_made_after() {
    let mut golden = Golden::default();
    let all = repository::files("examples", ".yaml").unwrap();
    for path in all.into_iter().filter(|path| path.ends_with("seed/objects.yaml")) {
        let folder = path.parent().and_then(Path::parent).unwrap();
        let written = yaml::read(&repository::read(&path).unwrap()).unwrap();
        match compile::build(folder, &Options::default()) {
            Ok(outcome) => {
                let emitted: String = outcome.builds.iter().map(compile::stream).collect();
                let found = by_name(yaml::read(&emitted).unwrap());
                let text =
                    |objects: &BTreeMap<_, _>| serde_json::to_string_pretty(&objects.values().collect::<Vec<_>>());
                let (written, found) = (text(&by_name(written)).unwrap(), text(&found).unwrap());
                if written != found {
                    golden.mistake(&path, &difference(&written, &found));
                }
            }
            Err(error) => golden.mistake(&path, &error),
        }
    }
    golden.finish();
}

/// One file for each environment, or one for the manifest's own target; and one for the newest release where the manifest
/// names an older one.
fn judge(folder: &Path, golden: &mut Golden) -> Result<(), String> {
    let checked = compile::check(folder)?;
    complain(folder, &checked, golden);
    let target = checked.target.to_string();
    for build in &checked.builds {
        let name = build.environment.as_deref().unwrap_or(&target);
        golden.file(&folder.join(format!("expected/{name}.yaml")), &compile::stream(build));
    }
    if checked.target != Target::NEWEST {
        let newest = compile::build(
            folder,
            &Options {
                target: Some(Target::NEWEST),
                ..Options::default()
            },
        )?;
        complain(folder, &newest, golden);
        let stream: String = newest.builds.iter().map(compile::stream).collect();
        golden.file(&folder.join(format!("expected/{}.yaml", newest.target)), &stream);
    }
    Ok(())
}

fn complain(folder: &Path, outcome: &Outcome, golden: &mut Golden) {
    let weighty = outcome
        .diagnostics
        .iter()
        .filter(|finding| finding.severity >= Severity::Warning);
    let list: Vec<_> = weighty.map(|finding| line(finding, &outcome.sources)).collect();
    if !list.is_empty() {
        golden.mistake(folder, &format!("for {}:\n{}", outcome.target, list.join("\n")));
    }
}

fn line(finding: &Diagnostic, sources: &SourceMap) -> String {
    let (start, _) = sources.positions(finding.primary.span, Unit::Character);
    let path = sources.path(finding.primary.span.file);
    format!(
        "{path}:{}:{}: [{}] {}",
        start.line + 1,
        start.column + 1,
        finding.code.name,
        finding.message
    )
}

/// Objects by kind, namespace and name, without what meshc adds to say that they are its own.
fn by_name(objects: Vec<Value>) -> BTreeMap<[String; 3], Value> {
    let named = objects.into_iter().map(|mut object| {
        strip(&mut object, "labels", "app.kubernetes.io/managed-by");
        strip(&mut object, "annotations", "kubernetes.io/description");
        json_names(&mut object);
        object.sort_all_objects();
        let text = |pointer| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        (
            [text("/kind"), text("/metadata/namespace"), text("/metadata/name")],
            object,
        )
    });
    named.collect()
}

fn strip(object: &mut Value, map: &str, key: &str) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(entries) = metadata.get_mut(map).and_then(Value::as_object_mut) {
        entries.remove(key);
        if entries.is_empty() {
            metadata.remove(map);
        }
    }
}

/// Fields by their JSON names: the task writes two of them as the schema's own language does, which is the same to a
/// cluster.
fn json_names(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(json_names),
        Value::Object(fields) => {
            for (proto, json) in [
                ("trigger_rules", "triggerRules"),
                ("excluded_paths", "excludedPaths"),
                ("included_paths", "includedPaths"),
            ] {
                if let Some(field) = fields.remove(proto) {
                    fields.insert(json.to_owned(), field);
                }
            }
            fields.values_mut().for_each(json_names);
        }
        _ => {}
    }
}
