//! Words of the grammar: what an item can begin with where it stands, and what can go on behind what stands there.

use super::{Block, Completion, CompletionKind, Place};
use crate::syntax::keywords;
use crate::syntax::parser::Concept;

/// Rules, which stand in every block.
const RULES: &[&str] = &[
    "accept", "allow", "apply", "ask", "audit", "default", "deny", "dry-run", "metadata", "require",
];

/// What else can begin an item, by the block. `hir/scopes.rs` and `hir/collect.rs` refuse the others.
const fn items(block: Block) -> &'static [&'static str] {
    match block {
        Block::Top => keywords::DECLARATIONS,
        Block::Mesh => &[
            "aliases",
            "auto-mtls",
            "client-tls",
            "dataplane",
            "destination",
            "domain",
            "mtls",
            "normalization",
            "object",
            "provider",
            "root",
            "trust-domain",
            "trusts",
            "waypoint",
            "workload",
            "workload-label",
        ],
        Block::Namespace => &[
            "dataplane",
            "destination",
            "gateway",
            "identity",
            "issuer",
            "mtls",
            "object",
            "operation",
            "service",
            "service-entry",
            "template",
            "use-waypoint",
            "waypoint",
            "workload",
        ],
        Block::Workload => &[
            "account",
            "dataplane",
            "legacy",
            "mtls",
            "object",
            "ports",
            "select",
            "service",
        ],
        Block::Gateway => &["account", "object", "ports", "select", "trusted-proxies"],
        Block::Waypoint => &["account", "object"],
        Block::Targets => &["object", "use-waypoint"],
        Block::Template => keywords::ITEMS,
        Block::Object => &["mtls"],
    }
}

/// Forms that are more than a word, by the word that they begin with.
const FORMS: &[(&str, &str, &str)] = &[
    ("namespace", "namespace … { … }", "namespace ${1:name} {\n    $0\n}"),
    (
        "workload",
        "workload … { … }",
        "workload ${1:name} {\n    select app=${1:name}\n    account ${1:name}\n    ports ${2:8080} http\n    $0\n}",
    ),
    (
        "gateway",
        "gateway … { … }",
        "gateway ${1:name} {\n    select istio=${2:ingressgateway}\n    $0\n}",
    ),
    ("template", "template …() { … }", "template ${1:name}($2) {\n    $0\n}"),
    ("mesh", "mesh { … }", "mesh {\n    $0\n}"),
    (
        "issuer",
        "issuer … { … }",
        "issuer ${1:name} {\n    iss ${2:https://issuer.example}\n    $0\n}",
    ),
    ("identity", "identity … = …", "identity ${1:name} = ${0:ns web}"),
    ("operation", "operation … = …", "operation ${1:name} = ${0:GET /}"),
    ("allow", "allow … to …", "allow ${1:anyone} to ${0:any}"),
    ("deny", "deny … to …", "deny ${1:anyone} to ${0:any}"),
    (
        "never",
        "never … to … at …",
        "never ${1:anyone} to ${2:any} at ${0:ns/workload}",
    ),
    (
        "test",
        "test \"…\" at … { … }",
        "test \"${1:name}\" at ${2:ns/workload} {\n    ${3:outsider} to GET / port ${4:8080} expect ${0:403}\n}",
    ),
];

impl Place<'_> {
    pub(super) fn keywords(&self, found: &mut Vec<Completion>) {
        if self.has(Concept::Item) {
            let block = self.block();
            let rules = if block == Block::Top { &[][..] } else { RULES };
            let mut words: Vec<&str> = rules.iter().chain(items(block)).copied().collect();
            words.sort_unstable();
            words.dedup();
            for word in words {
                found.push(self.offer(word, CompletionKind::Keyword));
                let forms = FORMS.iter().filter(|(first, ..)| *first == word);
                found.extend(forms.map(|(_, label, insert)| Completion {
                    insert: (*insert).to_owned(),
                    is_snippet: true,
                    ..self.offer(*label, CompletionKind::Snippet)
                }));
            }
        }
        let lists = [
            (Concept::IssuerItem, keywords::ISSUER_ITEMS),
            (Concept::DestinationItem, keywords::DESTINATION_ITEMS),
            (Concept::SubsetItem, keywords::SUBSET_ITEMS),
            (Concept::TlsItem, keywords::TLS_ITEMS),
            (Concept::Caller, keywords::CALLERS),
            (Concept::Operation, keywords::TERMS),
            (Concept::ClaimType, keywords::CLAIM_TYPES),
            (Concept::Outcome, self.outcomes()),
            (Concept::Protocol, self.protocols()),
            (Concept::Comparison, &["absent", "has", "lacks", "present"]),
            (Concept::Condition, &["header", "filter"]),
        ];
        for (concept, words) in lists {
            if self.has(concept) {
                found.extend(words.iter().map(|word| self.offer(*word, CompletionKind::Keyword)));
            }
        }
        // A line of a test begins with a caller, or with `to`.
        if self.has(Concept::RequestLine) {
            let callers = ["outsider", "sa", "principal"];
            found.extend(callers.map(|word| self.offer(word, CompletionKind::Keyword)));
        }
        let going_on = self
            .expected
            .keywords()
            .map(|kw| self.offer(kw.text(), CompletionKind::Keyword));
        found.extend(going_on);
    }

    fn outcomes(&self) -> &'static [&'static str] {
        let is_client = self.around.last().is_some_and(|item| match &item.kind {
            crate::syntax::ast::ItemKind::Test(test) => {
                matches!(test.body, crate::syntax::ast::TestBody::From { .. })
            }
            _ => false,
        });
        if is_client {
            keywords::CLIENT_OUTCOMES
        } else {
            keywords::OUTCOMES
        }
    }

    fn protocols(&self) -> &'static [&'static str] {
        if self.governor() == "provider" || self.back(2) == "provider" {
            keywords::PROVIDER_PROTOCOLS
        } else {
            keywords::PROTOCOLS
        }
    }
}
