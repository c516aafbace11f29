//! Objects for Istio 1.4 and 1.5 fit the definitions that those releases shipped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use meshc_tests::emitted::{self, Release};
use meshc_tests::{parts, repository, yaml};
use serde_json::Value;

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
