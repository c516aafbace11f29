//! What we say of manifests is what Istio says: the same objects are refused, and the same rules are warned of. And what
//! we say stands where it should: beside each file of `cases/yaml` are its findings.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use meshc::backends::manifests::{self, Manifests};
use meshc::backends::{istio_legacy, repeated, unheeded};
use meshc::diagnostics::{Diagnostic, Diagnostics, Severity};
use meshc::policy::Target;
use meshc::source::{FileId, SourceMap, line_index::Unit};
use meshc_tests::emitted::{self, Release};
use meshc_tests::parts::{self, Verdict};
use meshc_tests::repository;
use serde_json::{Map, Value, json};

use crate::compile;
use crate::golden::Golden;

/// The code of our warning, and the start of Istio's.
const CLOSES_TCP: (&str, &str) = (
    "W0525",
    "configured AuthorizationPolicy will deny all traffic to TCP ports under its scope",
);

/// Objects, and texts that Istio does not even get to see.
const CASES: [&str; 4] = [
    "tests/cases/yaml",
    "tests/cases/yaml_text",
    "tests/cases/legacy_yaml",
    "tests/cases/seeds_legacy",
];

/// Objects that are one policy; those of the others have no more to do with each other than two examples of a book.
const TOGETHER: &str = "tests/cases/yaml_together";

const KINDS: [&str; 4] = [
    "PeerAuthentication",
    "RequestAuthentication",
    "AuthorizationPolicy",
    "DestinationRule",
];

#[test]
fn findings_are_those_beside_the_files() {
    let mut golden = Golden::default();
    for folder in CASES {
        for path in repository::files(folder, ".yaml").unwrap() {
            let text = repository::read(&path).unwrap();
            golden.file(&path.with_extension("txt"), &shown(&text, findings));
        }
    }
    for path in repository::files(TOGETHER, ".yaml").unwrap() {
        let text = repository::read(&path).unwrap();
        golden.file(&path.with_extension("txt"), &shown(&text, findings_together));
    }
    golden.finish();
}

/// What a legacy object means stands beside it as the one form that we would write.
#[test]
fn legacy_policies_are_those_beside_the_files() {
    let mut golden = Golden::default();
    for folder in ["tests/cases/legacy_yaml", "tests/cases/seeds_legacy"] {
        for path in repository::files(folder, ".yaml").unwrap() {
            let policies = read(&repository::read(&path).unwrap()).0.policies;
            let texts: Vec<_> = istio_legacy::emit(&policies)
                .into_iter()
                .map(|object| object.text)
                .collect();
            golden.file(&path.with_extension("policy.txt"), &texts.join("---\n"));
        }
    }
    golden.finish();
}

/// The codes of all findings of the cases here.
pub(crate) fn findings_of_cases() -> BTreeSet<&'static str> {
    let paths = CASES
        .iter()
        .flat_map(|folder| repository::files(folder, ".yaml").unwrap());
    let found = paths.flat_map(|path| findings(&repository::read(&path).unwrap()));
    found.map(|d| d.code.id).collect()
}

#[test]
fn cases_are_refused_by_istio_or_by_nobody() {
    let texts = repository::files("tests/cases/yaml", ".yaml").unwrap();
    let mut documents = Vec::new();
    for path in texts {
        documents.extend(split(&repository::shown(&path), &repository::read(&path).unwrap()));
    }
    documents.extend(limits());
    agree(&documents);
}

#[test]
fn changed_cases_are_refused_by_istio_or_by_nobody() {
    let mut documents = Vec::new();
    for path in repository::files("tests/cases/yaml", ".yaml").unwrap() {
        for (name, text) in split(&repository::shown(&path), &repository::read(&path).unwrap()) {
            let found = findings(&text);
            // Of a key that is there twice no object can be made.
            if found.iter().any(|d| d.code.id == "E0501") {
                continue;
            }
            let object: Value = serde_saphyr::from_str(&text).unwrap();
            let mut changes = Vec::new();
            let spec = object.get("spec").cloned().unwrap_or(json!({}));
            if found.is_empty() {
                changed(&spec, &mut |spec| changes.push(spec));
            } else {
                // One mistake must not hide behind another one.
                alone(&spec, &mut |spec| changes.push(spec));
            }
            for spec in changes {
                let mut object = object.clone();
                object["spec"] = spec;
                documents.push((name.clone(), object.to_string() + "\n"));
            }
        }
    }
    documents.sort();
    documents.dedup();
    agree(&documents);
}

#[test]
fn istio_s_own_cases_are_judged_as_it_judges_them() {
    let Some(folder) = parts::corpus() else { return };
    let mut documents = Vec::new();
    for path in repository::files(&folder.to_string_lossy(), ".yaml").unwrap() {
        let text = repository::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        documents.extend(split(&name, &text));
        // The key of the expected message is no part of the object.
        documents.extend(split(
            &name,
            &text.replace("\n_err:", "\n# ").replacen("_err:", "# ", 1),
        ));
    }
    assert!(documents.len() > 50);
    agree(&documents);
}

#[test]
fn what_we_emit_has_no_findings() {
    for file in emitted::everything().unwrap() {
        if file.release != Release::Current {
            continue;
        }
        let found: Vec<_> = findings(&file.text)
            .into_iter()
            .filter(|d| d.code.id != CLOSES_TCP.0)
            .map(|d| d.message)
            .collect();
        assert!(found.is_empty(), "{}: {found:?}", repository::shown(&file.path));
    }
}

/// Asks Istio and ourselves about each document.
fn agree(documents: &[(String, String)]) {
    let Some(oracle) = parts::oracle().unwrap() else { return };
    let stream: Vec<&str> = documents.iter().map(|(_, text)| text.as_str()).collect();
    let verdicts = oracle.judge(&stream.join("\n---\n")).unwrap();
    assert_eq!(verdicts.len(), documents.len(), "Istio sees other documents than we do");
    let (mut report, mut count, mut wrong) = (String::new(), 0, 0);
    for (verdict, (name, text)) in verdicts.iter().zip(documents) {
        // Of a document that is no YAML Istio does not say the kind.
        let unread = verdict.kind.is_empty() && text.contains("kind:");
        if !unread && !KINDS.contains(&verdict.kind.as_str()) {
            continue;
        }
        count += 1;
        let ours = findings(text);
        if let Some(difference) = difference(&ours, verdict) {
            wrong += 1;
            if wrong <= 40 {
                writeln!(report, "{name}: {difference}\n{text}").unwrap();
            }
        }
    }
    assert!(
        report.is_empty(),
        "{wrong} of {count} objects are judged otherwise than by Istio:\n{report}"
    );
    assert!(count > 0);
}

fn difference(ours: &[Diagnostic], theirs: &Verdict) -> Option<String> {
    let errors: Vec<_> = ours.iter().filter(|d| d.severity == Severity::Error).collect();
    if errors.is_empty() != theirs.errors.is_empty() {
        let messages: Vec<_> = errors.iter().map(|d| &d.message).collect();
        return Some(format!("we say {messages:?}, Istio {:?}", theirs.errors));
    }
    let warns = ours.iter().any(|d| d.code.id == CLOSES_TCP.0);
    let istio_warns = theirs.warnings.iter().any(|warning| warning.starts_with(CLOSES_TCP.1));
    (errors.is_empty() && warns != istio_warns).then(|| format!("we warn: {warns}, Istio: {:?}", theirs.warnings))
}

pub(crate) fn findings(text: &str) -> Vec<Diagnostic> {
    read(text).1
}

/// For the release that the first line asks for, as in a program.
fn read(text: &str) -> (Manifests, Vec<Diagnostic>) {
    let named = text.lines().next().and_then(|line| line.strip_prefix("# target: "));
    let target = named.map_or(Target::NEWEST, |name| Target::parse(name.trim()).unwrap());
    let mut acc = Diagnostics::default();
    let manifests = manifests::read(FileId(0), text, target, &mut acc);
    (manifests, acc.into_sorted())
}

/// What is said of objects that are one policy.
fn findings_together(text: &str) -> Vec<Diagnostic> {
    let (manifests, mut found) = read(text);
    let mut acc = Diagnostics::default();
    repeated::check(&manifests.policies, &mut acc);
    unheeded::check(&manifests.policies, &mut acc);
    found.extend(acc.into_sorted());
    found
}

fn shown(text: &str, findings: impl Fn(&str) -> Vec<Diagnostic>) -> String {
    let mut sources = SourceMap::default();
    sources.add("", text);
    let mut out = String::new();
    for d in findings(text) {
        let (at, _) = sources.positions(d.primary.span, Unit::Character);
        writeln!(out, "{}:{} {} {}", at.line + 1, at.column + 1, d.code.id, d.message).unwrap();
    }
    out
}

/// The documents of a stream that hold more than comments, as Kubernetes' clients cut it.
fn split(name: &str, text: &str) -> Vec<(String, String)> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    let full = |text: &String| {
        text.lines()
            .any(|line| !line.trim().is_empty() && !line.starts_with('#'))
    };
    documents.retain(full);
    documents.into_iter().map(|text| (name.to_owned(), text)).collect()
}

/// Objects at and beyond the sizes that Istio takes.
fn limits() -> Vec<(String, String)> {
    let rule = json!({"to": [{"operation": {"ports": ["80"]}}]});
    let source = json!({"source": {"namespaces": ["a"]}});
    let target = json!({"kind": "Service", "name": "a"});
    let mut specs = Vec::new();
    for more in [0, 1] {
        specs.push(("AuthorizationPolicy", json!({"rules": vec![rule.clone(); 512 + more]})));
        specs.push((
            "AuthorizationPolicy",
            json!({"rules": [{"from": vec![source.clone(); 512 + more]}]}),
        ));
        specs.push((
            "AuthorizationPolicy",
            json!({"targetRefs": vec![target.clone(); 16 + more], "rules": []}),
        ));
        let claims = vec!["a"; 64 + more];
        specs.push((
            "RequestAuthentication",
            json!({"jwtRules": [{"issuer": "a", "spaceDelimitedClaims": claims}]}),
        ));
        let uri = format!("https://{}", "a".repeat(2040 + more));
        specs.push(("RequestAuthentication", json!({"jwtRules": [{"jwksUri": uri}]})));
        let labels: Map<_, _> = (0..4096 + more).map(|i| (format!("l{i}"), json!("x"))).collect();
        specs.push(("PeerAuthentication", json!({"selector": {"matchLabels": labels}})));
    }
    let object = |(kind, spec): (&str, Value)| {
        let metadata = json!({"name": "a", "namespace": "b"});
        let object = json!({"apiVersion": "security.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec});
        (format!("limits of {kind}"), object.to_string() + "\n")
    };
    specs.into_iter().map(object).collect()
}

/// Every value that differs from this one in one place.
pub(crate) fn changed(value: &Value, found: &mut dyn FnMut(Value)) {
    for other in [
        json!(null),
        json!(""),
        json!("*"),
        json!("a/b"),
        json!(7),
        json!(-1),
        json!(true),
        json!([]),
        json!({}),
    ] {
        if other != *value {
            found(other);
        }
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut rest = items.clone();
                rest.remove(index);
                found(Value::Array(rest));
                changed(item, &mut |item| {
                    let mut items = items.clone();
                    items[index] = item;
                    found(Value::Array(items));
                });
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let mut rest = fields.clone();
                rest.remove(name);
                found(Value::Object(rest.clone()));
                rest.insert(format!("{name}s"), field.clone());
                found(Value::Object(rest));
                changed(field, &mut |field| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), field);
                    found(Value::Object(fields));
                });
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every value that has one item of one list instead of several.
fn alone(value: &Value, found: &mut dyn FnMut(Value)) {
    match value {
        Value::Array(items) => {
            for item in items {
                found(json!([item]));
                alone(item, &mut |item| found(json!([item])));
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                alone(field, &mut |field| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), field);
                    found(Value::Object(fields));
                });
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The page of a code as a manifest of its own.
pub(crate) fn earns(yaml: &str, code: &str) -> bool {
    let checked = compile::check_manifests("page.yaml", yaml, Target::NEWEST);
    let together = findings_together(yaml);
    together.iter().chain(&checked.diagnostics).any(|d| d.code.id == code)
}
