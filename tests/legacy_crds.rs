//! Objects for Istio 1.4 and 1.5 fit the definitions that those releases shipped, and we refuse what these refuse.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jsonschema::error::ValidationErrorKind;
use meshc::diagnostics::Severity;
use meshc_tests::emitted::{self, Release};
use meshc_tests::{parts, repository, yaml};
use serde_json::Value;

use crate::manifests;

/// `apiVersion` and `kind`, with what the release says of them.
pub(crate) type Validators = BTreeMap<(String, String), jsonschema::Validator>;

#[test]
fn what_the_repository_shows_as_output() {
    let Some(crds) = parts::legacy_crds() else { return };
    let mut releases = BTreeMap::new();
    let mut report = String::new();
    for file in emitted::everything().unwrap() {
        let Release::Legacy(minor) = file.release else { continue };
        let validators = releases.entry(minor).or_insert_with(|| validators(&crds, minor));
        report.push_str(&refusals(validators, &repository::shown(&file.path), &file.text));
    }
    assert!(
        report.is_empty(),
        "the definitions of the release do not admit:\n{report}"
    );
}

/// What the release does not admit of a stream.
pub(crate) fn refusals(validators: &Validators, name: &str, text: &str) -> String {
    let mut report = String::new();
    for object in yaml::read(text).unwrap_or_else(|error| panic!("{name}: {error:#}")) {
        for complaint in complaints(validators, &object) {
            writeln!(
                report,
                "{name}: {} {}: {complaint}",
                object["kind"], object["metadata"]["name"]
            )
            .unwrap();
        }
    }
    report
}

/// The definitions are of use only if they refuse.
#[test]
fn the_definitions_refuse_what_the_release_refuses() {
    let Some(crds) = parts::legacy_crds() else { return };
    for minor in [4, 5] {
        let validators = validators(&crds, minor);
        let judge = |text: &str| complaints(&validators, &yaml::read(text).unwrap()[0]);
        let policy = |peers: &str| {
            format!(
                "apiVersion: authentication.istio.io/v1alpha1\nkind: Policy\nmetadata: {{name: a}}\nspec: {peers}\n"
            )
        };
        assert_eq!(judge(&policy("{peers: [{mtls: {}}]}")), [""; 0], "1.{minor}");
        assert_ne!(judge(&policy("{peers: [{mtls: {mode: MAYBE}}]}")), [""; 0], "1.{minor}");
        assert_ne!(
            judge(&policy("{peers: [{mtls: {mood: STRICT}}]}")),
            [""; 0],
            "1.{minor}"
        );
        assert_ne!(
            judge("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"),
            [""; 0],
            "1.{minor}"
        );
    }
}

pub(crate) fn validators(crds: &parts::LegacyCrds, minor: u32) -> Validators {
    let schemas = crds.schemas(minor).unwrap();
    let compiled = schemas.into_iter().map(|(group, version, kind, schema)| {
        let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("1.{minor} {kind}: {error}"));
        ((format!("{group}/{version}"), kind), validator)
    });
    compiled.collect()
}

fn complaints(validators: &Validators, object: &Value) -> Vec<String> {
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let Some(validator) = validators.get(&(text("apiVersion"), text("kind"))) else {
        return vec![format!("the release has no {} {}", text("apiVersion"), text("kind"))];
    };
    validator
        .iter_errors(object)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Spellings that Istio 1.4 reads and its definitions, which let unknown fields pass, do not list.
const UNLISTED: [&str; 5] = [
    "allow_tls",
    "jwt_params",
    "origin_is_optional",
    "peer_is_optional",
    "principal_binding",
];

/// What the definitions refuse of an object we refuse, and our complaints about the structure are theirs. The webhook
/// refuses more, and an empty value (`null`) is as good as none.
#[test]
fn changed_legacy_objects_are_refused_by_the_definitions_and_by_us() {
    const STRUCTURE: [&str; 3] = ["E0505", "E0507", "E0509"];
    let Some(crds) = parts::legacy_crds() else { return };
    let validators = validators(&crds, 4);
    let (mut report, mut count) = (String::new(), 0);
    for path in repository::files("tests/cases/legacy_yaml", ".yaml").unwrap() {
        let text = repository::read(&path).unwrap();
        let Some(release) = text.lines().next().filter(|line| *line == "# target: istio-1.4") else {
            continue;
        };
        for object in yaml::read(&text).unwrap() {
            let key = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
            let Some(validator) = validators.get(&(key("apiVersion"), key("kind"))) else {
                continue;
            };
            if !key("apiVersion").starts_with("authentication.") || !object["spec"].is_object() {
                continue;
            }
            let mut specs = vec![object["spec"].clone()];
            manifests::changed(&object["spec"], &mut |spec| specs.push(spec));
            for spec in specs.into_iter().filter(|spec| !holds_null(spec)) {
                let mut object = object.clone();
                object["spec"] = spec;
                let ours = manifests::findings(&format!("{release}\n{object}\n"));
                let (mut refused, mut overlooked, mut unlisted) = (false, false, false);
                for error in validator.iter_errors(&object) {
                    match error.kind() {
                        ValidationErrorKind::AdditionalProperties { unexpected } => {
                            let is_unlisted = |field: &String| UNLISTED.contains(&field.as_str());
                            overlooked |= !unexpected.iter().all(is_unlisted);
                            // Of their values the definitions say nothing, and the decoder refuses what we refuse.
                            unlisted |= unexpected.iter().any(is_unlisted);
                        }
                        _ => refused = true,
                    }
                }
                let errs = ours.iter().any(|d| d.severity == Severity::Error);
                let structure = ours.iter().any(|d| STRUCTURE.contains(&d.code.id));
                let missed =
                    (refused && !errs) || (overlooked && ours.is_empty()) || (structure && !refused && !unlisted);
                count += 1;
                if missed && report.len() < 10_000 {
                    let ours: Vec<_> = ours.iter().map(|d| (d.code.id, &d.message)).collect();
                    let theirs: Vec<_> = validator.iter_errors(&object).map(|error| error.to_string()).collect();
                    writeln!(report, "{object}\nwe say {ours:?}, the definition {theirs:?}").unwrap();
                }
            }
        }
    }
    assert!(report.is_empty(), "judged otherwise than by the definitions:\n{report}");
    assert!(count > 1000, "only {count} objects");
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(fields) => fields.values().any(holds_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
