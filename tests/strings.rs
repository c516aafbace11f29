//! No string that we print is read as anything but itself, whatever it looks like.

use std::fmt::Write as _;

use meshc_tests::{hostile, parts};
use serde_json::{Map, Value, json};

/// The longest key of a manifest is that of a label or an annotation, with 317 characters; YAML has keys on one line up to
/// 1,024 characters.
const LONGEST_KEY: usize = 1000;

#[test]
fn kubernetes_reads_every_string_as_a_value_an_item_and_a_key() {
    let Some(kubectl) = parts::kubectl().unwrap() else {
        return;
    };
    let strings = hostile::strings();
    let fields: Map<_, _> = (0..)
        .zip(&strings)
        .map(|(n, text)| (format!("n{n}"), json!(text)))
        .collect();
    let keys: Vec<_> = strings.iter().filter(|text| text.len() <= LONGEST_KEY).collect();
    let keys: Map<_, _> = keys.iter().map(|text| (text.to_string(), json!("value"))).collect();
    let meant = json!({
        "apiVersion": "meshc.test/v1",
        "kind": "Strings",
        "metadata": { "name": "strings" },
        "fields": fields,
        "list": strings,
        "keys": keys,
    });
    let text = meshc::backends::yaml::to_text(&meant).unwrap();
    let read = kubectl.read(&text).unwrap();
    assert_eq!(read.len(), 1, "one object is read as {}", read.len());
    let mut report = String::new();
    for (n, string) in strings.iter().enumerate() {
        let places = [&read[0]["fields"][format!("n{n}")], &read[0]["list"][n]];
        for (place, value) in ["value", "item"].iter().zip(places) {
            if value != &Value::from(string.as_str()) {
                writeln!(report, "as a {place}, {string:?} is read as {value}").unwrap();
            }
        }
        if string.len() <= LONGEST_KEY && read[0]["keys"].get(string).is_none() {
            writeln!(report, "as a key, {string:?} is lost").unwrap();
        }
    }
    assert!(report.is_empty(), "Kubernetes reads something else:\n{report}");
    assert_eq!(read[0], meant);
}
