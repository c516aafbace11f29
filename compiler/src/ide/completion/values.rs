//! Values: the fixed words of settings, and what the project says elsewhere, such as ports, labels and accounts.

use std::collections::BTreeSet;

use super::{Completion, CompletionKind, Place};
use crate::hir::{NameKind, Program, ScopeKind};
use crate::syntax::parser::Concept;

/// The words that a setting takes.
const WORDS: &[(&str, &[&str])] = &[
    ("mtls", &["strict", "permissive", "disable", "inherit"]),
    ("dataplane", &["sidecar", "ambient", "none"]),
    (
        "normalization",
        &["none", "base", "merge-slashes", "decode-and-merge-slashes"],
    ),
    ("auto-mtls", &["on", "off"]),
    ("client-tls", &["derived", "explicit"]),
    ("tls", &["disable", "simple", "mutual", "istio-mutual"]),
    ("presence", &["optional", "required"]),
];

const METHODS: &[&str] = &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

impl Place<'_> {
    pub(super) fn values(&self, found: &mut Vec<Completion>) {
        let offer = |text: &str| self.offer(text, CompletionKind::Value);
        if self.has(Concept::Operation) {
            found.extend(METHODS.iter().map(|method| offer(method)));
        }
        let governor = self.governor();
        if self.has(Concept::ClaimTest) {
            found.extend(self.claims().iter().map(|claim| offer(claim)));
        }
        if !self.has(Concept::Value) && !self.has(Concept::Pair) {
            return;
        }
        let words = WORDS.iter().filter(|(setting, _)| *setting == governor);
        found.extend(words.flat_map(|(_, words)| *words).map(|word| offer(word)));
        let Some(program) = self.analysis.build().map(|build| &build.program) else {
            return;
        };
        let kinds: &[NameKind] = match governor {
            "ns" | "namespace" | "root" | "export-to" => &[NameKind::Namespace],
            "at" | "from" => &[NameKind::Workload, NameKind::Gateway, NameKind::Waypoint],
            "ask" | "answer" => &[NameKind::Provider],
            "use-waypoint" => &[NameKind::Waypoint],
            _ => &[],
        };
        found.extend(self.written(kinds));
        let texts = match governor {
            "sa" => accounts(program, true),
            "account" => accounts(program, false),
            "port" | "ports" => ports(program),
            "select" | "clients" => labels(program),
            "host" | "destination" => hosts(program),
            "use" => meshc_stdlib::FILES.iter().map(|(name, _)| (*name).to_owned()).collect(),
            "use-waypoint" => BTreeSet::from(["none".to_owned()]),
            _ => BTreeSet::new(),
        };
        found.extend(texts.iter().map(|text| offer(text)));
    }

    /// Declared names in the form that a value has: with their namespace, if they stand in one.
    fn written(&self, kinds: &[NameKind]) -> Vec<Completion> {
        let declared = self.analysis.names.declarations().iter();
        let declared = declared.filter(|declaration| kinds.contains(&declaration.kind));
        declared
            .map(|declaration| {
                let kind = match declaration.kind {
                    NameKind::Namespace => CompletionKind::Namespace,
                    NameKind::Provider => CompletionKind::Provider,
                    _ => CompletionKind::Workload,
                };
                let name = &declaration.name;
                match &declaration.namespace {
                    Some(namespace) => self.offer(format!("{namespace}/{name}"), kind),
                    None => self.offer(name.as_str(), kind),
                }
            })
            .collect()
    }

    /// The claims that issuers declare.
    fn claims(&self) -> BTreeSet<String> {
        let issuers = self.analysis.build().map(|build| &build.program.issuers);
        let claims = issuers.into_iter().flatten().flat_map(|issuer| issuer.claims.keys());
        claims
            .filter_map(|path| {
                let (first, rest) = path.split_first()?;
                let rest: String = rest.iter().map(|part| format!("[{part}]")).collect();
                Some(format!("{first}{rest}"))
            })
            .collect()
    }
}

fn accounts(program: &Program, whole: bool) -> BTreeSet<String> {
    let scopes = program.scopes.iter().filter_map(|scope| scope.facts.account.as_ref());
    scopes
        .map(|account| {
            let account = &account.it;
            if whole {
                format!("{}/{}", account.namespace, account.name)
            } else {
                account.name.clone()
            }
        })
        .collect()
}

fn ports(program: &Program) -> BTreeSet<String> {
    let ports = program.scopes.iter().flat_map(|scope| scope.facts.ports.keys());
    ports.map(u16::to_string).collect()
}

fn labels(program: &Program) -> BTreeSet<String> {
    let labels = program.scopes.iter().flat_map(|scope| &scope.facts.select);
    labels.map(|(key, value)| format!("{key}={value}")).collect()
}

fn hosts(program: &Program) -> BTreeSet<String> {
    let domain = &program.mesh.domain;
    let scopes = program
        .scopes
        .iter()
        .filter(|scope| matches!(scope.kind, ScopeKind::Workload { .. }));
    scopes
        .flat_map(|scope| {
            let services = scope.facts.services.iter();
            services.map(move |service| format!("{}.{}.svc.{domain}", service.name, scope.namespace))
        })
        .collect()
}
