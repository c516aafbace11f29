//! Every object that meshc is seen to emit is one that a cluster with Istio stores, without a word of warning.

use std::fmt::Write as _;

use meshc_tests::emitted::{self, Release};
use meshc_tests::parts::{self, Oracle};
use meshc_tests::{repository, yaml};

/// The one warning that a correct program can earn: a rule that denies by HTTP facts denies everything on a TCP port too,
/// and the language leaves that so where no port can be named.
const DENIES_TCP: &str = "configured AuthorizationPolicy will deny all traffic to TCP ports under its scope";

#[test]
fn what_the_repository_shows_as_output() {
    let Some(oracle) = parts::oracle().unwrap() else { return };
    let all = emitted::everything().unwrap();
    let current = all.iter().filter(|file| file.release == Release::Current);
    let streams: Vec<_> = current
        .map(|file| (repository::shown(&file.path), file.text.as_str()))
        .collect();
    let report = refusals(oracle, &streams);
    assert!(report.is_empty(), "Istio does not accept:\n{report}");
}

/// Asks about all streams at once, each with the name that its objects have in the report.
pub(crate) fn refusals(oracle: &Oracle, streams: &[(String, &str)]) -> String {
    let mut everything = String::new();
    let mut objects = Vec::new();
    for (name, text) in streams {
        let documents = yaml::read(text).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        objects.extend(documents.into_iter().map(|document| (name, document)));
        everything.push_str(text);
        everything.push_str("\n---\n");
    }
    let verdicts = oracle.judge(&everything).unwrap();
    assert_eq!(verdicts.len(), objects.len(), "Istio sees other documents than we do");
    let mut report = String::new();
    for (verdict, (name, object)) in verdicts.iter().zip(&objects) {
        assert_eq!(
            object["kind"].as_str(),
            Some(verdict.kind.as_str()),
            "the verdicts are out of step at {name}"
        );
        let unexpected = verdict
            .warnings
            .iter()
            .filter(|warning| !warning.starts_with(DENIES_TCP));
        for complaint in verdict.errors.iter().chain(unexpected) {
            writeln!(report, "{name}: {} {}: {complaint}", verdict.kind, verdict.name).unwrap();
        }
    }
    report
}

/// The oracle is of use only if it refuses: each of these must be found by the layer that is named.
#[test]
fn the_oracle_refuses_what_each_layer_refuses() {
    let Some(oracle) = parts::oracle().unwrap() else { return };
    let object = |metadata: &str, spec: &str| {
        format!("apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {metadata}\nspec: {spec}\n---\n")
    };
    let cases = [
        (object("{name: fine, namespace: a}", "{mtls: {mode: STRICT}}"), None),
        (
            object("{name: Not_A_Name, namespace: a}", "{mtls: {mode: STRICT}}"),
            Some("metadata: "),
        ),
        (
            object("{name: mode, namespace: a}", "{mtls: {mode: MAYBE}}"),
            Some("schema: "),
        ),
        (
            object("{name: field, namespace: a}", "{mtls: {mood: STRICT}}"),
            Some("schema: "),
        ),
        (
            object("{name: rule, namespace: a}", "{portLevelMtls: {80: {mode: STRICT}}}"),
            Some("schema: "),
        ),
        (
            object("{name: rule, namespace: a}", "{portLevelMtls: {80: {mode: STRICT}}}"),
            Some("webhook: "),
        ),
        (object("{name: twice, name: twice}", "{}"), Some("yaml: ")),
    ];
    let stream: String = cases.iter().map(|(text, _)| text.as_str()).collect();
    let verdicts = oracle.judge(&stream).unwrap();
    assert_eq!(verdicts.len(), cases.len());
    for (verdict, (text, layer)) in verdicts.iter().zip(&cases) {
        match layer {
            None => assert!(verdict.errors.is_empty(), "{text}\n{verdict:?}"),
            Some(layer) => assert!(
                verdict.errors.iter().any(|error| error.starts_with(layer)),
                "{text}\n{verdict:?}"
            ),
        }
    }
}
