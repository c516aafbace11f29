//! What manifests mean: beside each file of `cases/yaml_read` is its policy as we would write it, with the places that its
//! parts come from.

use std::fmt::Write as _;

use meshc::backends::{self, manifests};
use meshc::diagnostics::{Diagnostics, Severity};
use meshc::policy::{Meta, PolicySet, Target};
use meshc::source::{FileId, SourceMap, Span, line_index::Unit};
use meshc_tests::repository;

use crate::golden::Golden;

#[test]
fn policy_is_what_stands_beside_the_files() {
    let mut golden = Golden::default();
    for path in repository::files("tests/cases/yaml_read", ".yaml").unwrap() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".policy.yaml") {
            continue;
        }
        let text = repository::read(&path).unwrap();
        match policy(&text) {
            Ok(policy) => golden.file(&path.with_extension("policy.yaml"), &policy),
            Err(error) => golden.mistake(&path, &error),
        }
    }
    golden.finish();
}

fn policy(text: &str) -> Result<String, String> {
    let mut sources = SourceMap::default();
    sources.add("", text);
    let mut acc = Diagnostics::default();
    let policies = manifests::read(FileId(0), text, Target::NEWEST, &mut acc).policies;
    let errors: Vec<_> = acc
        .into_sorted()
        .into_iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.message)
        .collect();
    if !errors.is_empty() {
        return Err(format!("there are errors: {errors:?}"));
    }
    let places = places(&policies, &sources);
    let mut out = String::new();
    for artifact in backends::emit(&policies, Target::NEWEST, "istio-system") {
        let key = (artifact.kind, artifact.namespace.unwrap_or_default(), artifact.name);
        let (_, place) = places
            .iter()
            .find(|(other, _)| *other == key)
            .ok_or("an object is new")?;
        write!(out, "# {place}\n{}---\n", artifact.text).unwrap();
    }
    Ok(out)
}

type Key = (&'static str, String, String);

/// Where each object, and each of its rules, comes from; and what no manifest of ours says.
fn places(policies: &PolicySet, sources: &SourceMap) -> Vec<(Key, String)> {
    let place = |span: &Span| {
        let (at, _) = sources.positions(*span, Unit::Character);
        format!("{}:{}", at.line + 1, at.column + 1)
    };
    let object = |kind, meta: &Meta, rules: Vec<Span>| {
        let key = (kind, meta.namespace.clone().unwrap_or_default(), meta.name.clone());
        let mut text = place(&meta.origin);
        if !rules.is_empty() {
            let rules: Vec<_> = rules.iter().map(place).collect();
            let _ = write!(text, ", rules {}", rules.join(" "));
        }
        if let Some(created) = meta.created {
            let _ = write!(text, ", created {created}");
        }
        (key, text)
    };
    let mut all = Vec::new();
    for policy in &policies.peer_authentications {
        all.push(object("PeerAuthentication", &policy.meta, Vec::new()));
    }
    for policy in &policies.request_authentications {
        let rules = policy.rules.iter().map(|rule| rule.origin).collect();
        all.push(object("RequestAuthentication", &policy.meta, rules));
    }
    for policy in &policies.authorizations {
        let rules = policy.action.rules().iter().map(|rule| rule.origin).collect();
        all.push(object("AuthorizationPolicy", &policy.meta, rules));
    }
    for rule in &policies.destination_rules {
        all.push(object("DestinationRule", &rule.meta, Vec::new()));
    }
    all
}
