//! Kubernetes reads back what was meant: no string becomes a number, a boolean or a date on its way into the cluster.

use std::fmt::Write as _;

use meshc_tests::parts::{self, Kubectl};
use meshc_tests::{emitted, repository, yaml};
use serde_json::Value;

#[test]
fn what_the_repository_shows_as_output() {
    let Some(kubectl) = parts::kubectl().unwrap() else {
        return;
    };
    let all = emitted::everything().unwrap();
    let report: String = all
        .iter()
        .map(|file| misreadings(kubectl, &repository::shown(&file.path), &file.text))
        .collect();
    assert!(report.is_empty(), "Kubernetes reads something else:\n{report}");
}

/// Where Kubernetes reads a stream as something else than it says.
pub(crate) fn misreadings(kubectl: &Kubectl, name: &str, text: &str) -> String {
    let meant = yaml::read(text).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    if meant.is_empty() {
        return String::new();
    }
    let read = kubectl.read(text).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    let mut report = String::new();
    if meant.len() != read.len() {
        writeln!(report, "{name}: {} objects are read as {}", meant.len(), read.len()).unwrap();
    }
    for (meant, read) in meant.iter().zip(&read) {
        differences(name, meant, read, &mut report);
    }
    report
}

/// Says where two readings of one document part.
fn differences(place: &str, meant: &Value, read: &Value, report: &mut String) {
    match (meant, read) {
        (Value::Object(meant), Value::Object(read)) => {
            for (key, value) in meant {
                differences(
                    &format!("{place}.{key}"),
                    value,
                    read.get(key).unwrap_or(&Value::Null),
                    report,
                );
            }
            for key in read.keys().filter(|key| !meant.contains_key(*key)) {
                writeln!(report, "{place}: the key {key:?} was not meant").unwrap();
            }
        }
        (Value::Array(meant), Value::Array(read)) if meant.len() == read.len() => {
            for (index, (meant, read)) in meant.iter().zip(read).enumerate() {
                differences(&format!("{place}[{index}]"), meant, read, report);
            }
        }
        _ if meant != read => writeln!(report, "{place}: {meant} is read as {read}").unwrap(),
        _ => {}
    }
}

/// The comparison is of use only if the two readers differ where quotes are missing.
#[test]
fn missing_quotes_are_noticed() {
    let Some(kubectl) = parts::kubectl().unwrap() else {
        return;
    };
    for plain in ["yes", "off", "012", "1_000", "0x1F", "0b1"] {
        let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  key: {plain}\n");
        let mut report = String::new();
        let (meant, read) = (yaml::read(&text).unwrap(), kubectl.read(&text).unwrap());
        differences("", &meant[0], &read[0], &mut report);
        // A number is the same number to both, but no string to either, which Istio's own schema then refuses.
        assert!(
            !report.is_empty() || meant[0]["data"]["key"].is_number(),
            "{plain}: {meant:?}"
        );
    }
}
