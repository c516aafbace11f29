//! AuthorizationPolicy: its action, and rules of sources, operations and conditions.

use super::{conditions, lists, read_lists, selection, text};
use crate::backends::istio::import::DRY_RUN;
use crate::backends::yaml::tree::Node;
use crate::policy::{Action, Authorization, IpBlock, Meta, OneOrMore, Operation, Rule, Selection, Source};

/// `None` where an action lacks what it needs, which is an error elsewhere.
pub(super) fn read(meta: Meta, object: &Node, spec: Option<&Node>) -> Option<Authorization> {
    let rules: Vec<Rule> = spec.map_or_else(Vec::new, |spec| {
        spec.items_of("rules").iter().map(|item| rule(item)).collect()
    });
    let action = match spec.and_then(|spec| spec.text_of("action")) {
        Some("DENY") => Action::Deny(OneOrMore::new(rules)?),
        Some("AUDIT") => Action::Audit(rules),
        Some("CUSTOM") => Action::Custom {
            provider: spec
                .and_then(|spec| spec.get("provider"))
                .and_then(|provider| text(provider, "name"))?,
            rules: OneOrMore::new(rules)?,
        },
        _ => Action::Allow(rules),
    };
    Some(Authorization {
        meta,
        selection: spec.map_or(Selection::All, selection::read),
        action,
        dry_run: dry_run(object),
    })
}

fn dry_run(object: &Node) -> bool {
    let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
    let said = annotations.and_then(|annotations| annotations.text_of(DRY_RUN));
    said.is_some_and(|said| matches!(said, "1" | "t" | "T" | "TRUE" | "true" | "True"))
}

fn rule(node: &Node) -> Rule {
    let sources = node.items_of("from").iter().filter_map(|from| from.get("source"));
    let operations = node.items_of("to").iter().filter_map(|to| to.get("operation"));
    let conditions = node.items_of("when").iter();
    Rule {
        sources: sources.map(source).collect(),
        operations: operations.map(operation).collect(),
        conditions: conditions.filter_map(|condition| conditions::read(condition)).collect(),
        origin: node.span,
    }
}

fn source(node: &Node) -> Source {
    Source {
        principals: lists(node, "principals", "notPrincipals"),
        namespaces: lists(node, "namespaces", "notNamespaces"),
        service_accounts: lists(node, "serviceAccounts", "notServiceAccounts"),
        trust_domains: lists(node, "trustDomains", "notTrustDomains"),
        request_principals: lists(node, "requestPrincipals", "notRequestPrincipals"),
        ip_blocks: read_lists(node, "ipBlocks", "notIpBlocks", IpBlock::parse),
        remote_ip_blocks: read_lists(node, "remoteIpBlocks", "notRemoteIpBlocks", IpBlock::parse),
    }
}

fn operation(node: &Node) -> Operation {
    Operation {
        hosts: lists(node, "hosts", "notHosts"),
        methods: lists(node, "methods", "notMethods"),
        paths: lists(node, "paths", "notPaths"),
        ports: read_lists(node, "ports", "notPorts", |text| text.parse().ok()),
    }
}
