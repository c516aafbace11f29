//! Manifests: the workloads that a word in one means, and what is in force there.

use std::path::Path;

use super::analysis::Analysis;
use super::document::Document;
use super::hover::Hover;
use super::{FileRange, TextRange, in_force};
use crate::policy::inventory::Inventory;

/// A word that selects many workloads is told of so many.
const MOST: usize = 4;

/// What is in force at the workloads that the word at a place means.
pub(super) fn hover(analysis: &Analysis, document: &Document, path: &Path, offset: u32) -> Option<Hover> {
    let range = word(document.text(), offset)?;
    let found = workloads(analysis, document, path, &range);
    let lines: Vec<String> = found
        .iter()
        .take(MOST)
        .filter_map(|index| in_force::of_workload(analysis, *index))
        .collect();
    (!lines.is_empty()).then(|| Hover {
        range,
        markdown: lines.join("\n\n"),
    })
}

/// Where those workloads are described.
pub(super) fn definition(analysis: &Analysis, document: &Document, path: &Path, offset: u32) -> Vec<FileRange> {
    let Some(range) = word(document.text(), offset) else {
        return Vec::new();
    };
    let found = workloads(analysis, document, path, &range);
    let inventory = analysis.build().map(|build| &build.facts.inventory);
    let places = found.iter().filter_map(|index| inventory?.workloads.get(*index));
    places.filter_map(|workload| analysis.place(workload.origin)).collect()
}

/// The workloads of a principal, of an account or of a host; the one that is described where the word stands.
fn workloads(analysis: &Analysis, document: &Document, path: &Path, range: &TextRange) -> Vec<usize> {
    let Some(inventory) = analysis.build().map(|build| &build.facts.inventory) else {
        return Vec::new();
    };
    let text = document.text();
    let text = text.get(range.start as usize..range.end as usize).unwrap_or_default();
    let file = analysis.file(path);
    let here = inventory.workloads.iter().position(|workload| {
        let origin = workload.origin;
        Some(origin.file) == file && origin.start <= range.start && range.end <= origin.end
    });
    match here {
        Some(index) => vec![index],
        None => with_account(inventory, text)
            .or_else(|| with_host(inventory, text))
            .unwrap_or_default(),
    }
}

/// `DOMAIN/ns/NAMESPACE/sa/ACCOUNT`, or `NAMESPACE/ACCOUNT`.
fn with_account(inventory: &Inventory, text: &str) -> Option<Vec<usize>> {
    let of_principal = text.split_once("/ns/").and_then(|(_, rest)| rest.split_once("/sa/"));
    let (namespace, name) = of_principal.or_else(|| text.split_once('/'))?;
    let workloads = (0..).zip(&inventory.workloads);
    let found = workloads.filter(|(_, workload)| {
        let account = workload.account.as_ref();
        account.is_some_and(|account| account.namespace == namespace && account.name == name)
    });
    Some(found.map(|(index, _)| index).collect())
}

/// `SERVICE.NAMESPACE`, with or without what follows it in the cluster's DNS.
fn with_host(inventory: &Inventory, text: &str) -> Option<Vec<usize>> {
    let host = text.split(':').next().unwrap_or_default();
    let service = inventory.services.iter().find(|service| {
        let whole = service.host(&inventory.mesh.domain);
        let rest = whole.strip_prefix(host);
        host.contains('.') && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })?;
    Some(service.workloads.clone())
}

/// What stands between blanks, quotes, brackets and commas.
fn word(text: &str, offset: u32) -> Option<TextRange> {
    let apart = |c: char| c.is_whitespace() || "\"'[]{},".contains(c);
    let (before, behind) = text.split_at_checked(offset as usize)?;
    let head = before.rsplit(apart).next().unwrap_or_default();
    let tail = behind.split(apart).next().unwrap_or_default();
    let length = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX);
    let range = offset.checked_sub(length(head))?..offset.checked_add(length(tail))?;
    (!range.is_empty()).then_some(range)
}
