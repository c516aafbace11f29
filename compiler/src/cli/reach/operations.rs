//! The operations of the table: each port of each workload, and the operations that the project names.

use super::Line;
use crate::driver::Build;
use crate::hir::NameKind;
use crate::policy::Invariant;
use crate::policy::inventory::Workload;
use crate::source::SourceMap;

/// An operation of the table.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// As tables call it.
    pub(super) name: String,
    /// In the language's words.
    what: String,
    /// Instead of what the words say.
    places: Option<Vec<(String, String)>>,
    own: bool,
}

impl Operation {
    /// The operation that the user names; without a place, at every workload.
    pub(super) fn asked(what: &str, build: &Build) -> Self {
        let has_place = what.split_whitespace().any(|word| word == "at");
        let places = build.facts.inventory.workloads.iter();
        let places = places.map(|workload| (workload.namespace.clone(), workload.name.clone()));
        Self {
            name: what.to_owned(),
            what: if has_place {
                what.to_owned()
            } else {
                format!("{what} at */*")
            },
            places: (!has_place).then(|| places.collect()),
            own: true,
        }
    }

    fn at(workload: &Workload, name: &str, what: &str) -> Self {
        Self {
            name: name.to_owned(),
            what: format!("{what} at */*"),
            places: Some(vec![(workload.namespace.clone(), workload.name.clone())]),
            own: false,
        }
    }

    /// The operation in the language's words, without its place where the table says it.
    pub(super) fn words(&self) -> &str {
        self.what.strip_suffix(" at */*").unwrap_or(&self.what)
    }

    pub(super) fn line(&self) -> Line {
        Line {
            text: format!("never anyone to {}", self.what),
            own: self.own,
        }
    }

    /// The sentence at the operation's places.
    pub(super) fn placed(&self, sentence: &Invariant) -> Invariant {
        let mut sentence = sentence.clone();
        if let Some(places) = &self.places {
            sentence.places.clone_from(places);
        }
        sentence
    }
}

/// Each port of each workload, and where it speaks HTTP the operations that the project names.
pub(super) fn all(build: &Build, sources: &SourceMap) -> Vec<Operation> {
    let named = names(build, sources, NameKind::Operation);
    let mut all = Vec::new();
    let workloads = build.facts.inventory.workloads.iter();
    for workload in workloads.filter(|workload| workload.stands_for.is_empty()) {
        if workload.ports.is_empty() {
            all.push(Operation::at(workload, "any", "any"));
        }
        for port in workload.ports.keys() {
            all.push(Operation::at(workload, &port.to_string(), &format!("port {port}")));
        }
        let has_http = workload.ports.is_empty() || workload.ports.values().any(|protocol| protocol.is_http());
        for name in named.iter().filter(|_| has_http) {
            let near = name.split_once('/').is_none_or(|(home, _)| home == workload.namespace);
            if near {
                all.push(Operation::at(workload, name, name));
            }
        }
    }
    all
}

/// What the project declares of a kind, or takes from the standard library: as the whole project may write it.
pub(super) fn names(build: &Build, sources: &SourceMap, kind: NameKind) -> Vec<String> {
    let names = &build.program.names;
    let own = |file| sources.get(file).is_some_and(|file| !file.is_std);
    let mut found: Vec<String> = names
        .declarations()
        .iter()
        .filter(|declaration| declaration.kind == kind)
        .filter(|declaration| own(declaration.span.file) || names.places(declaration.span).any(|it| own(it.span.file)))
        .map(|declaration| match &declaration.namespace {
            Some(namespace) => format!("{namespace}/{}", declaration.name),
            None => declaration.name.clone(),
        })
        .collect();
    found.sort();
    found.dedup();
    found
}
