//! The declarations of all projects, by a part of their name.

use super::analysis::Analysis;
use super::{FileRange, SymbolKind};
use crate::hir::NameKind;

/// A declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub kind: SymbolKind,
    /// The namespace that it stands in.
    pub container: Option<String>,
    pub place: FileRange,
}

/// More than anybody looks through.
const MOST: usize = 500;

/// The declarations whose name, with its namespace, has the letters of the query in their order.
pub(super) fn find(analysis: &Analysis, query: &str, found: &mut Vec<Found>) {
    let Some(outcome) = &analysis.outcome else { return };
    for declaration in analysis.names.declarations() {
        if found.len() >= MOST {
            return;
        }
        let is_std = outcome
            .sources
            .get(declaration.span.file)
            .is_some_and(|file| file.is_std);
        let Some(kind) = kind(declaration.kind).filter(|_| !is_std) else {
            continue;
        };
        let namespace = declaration.namespace.as_deref().unwrap_or_default();
        let full = format!("{namespace}/{}", declaration.name);
        if let (true, Some(place)) = (fits(&full, query), analysis.place(declaration.span)) {
            found.push(Found {
                name: declaration.name.clone(),
                kind,
                container: declaration.namespace.clone(),
                place,
            });
        }
    }
}

fn fits(name: &str, query: &str) -> bool {
    let mut letters = name.chars();
    query
        .chars()
        .all(|wanted| letters.any(|c| c.eq_ignore_ascii_case(&wanted)))
}

const fn kind(kind: NameKind) -> Option<SymbolKind> {
    Some(match kind {
        NameKind::Namespace => SymbolKind::Namespace,
        NameKind::Workload => SymbolKind::Workload,
        NameKind::Gateway | NameKind::Waypoint => SymbolKind::Gateway,
        NameKind::Identity => SymbolKind::Identity,
        NameKind::Issuer => SymbolKind::Issuer,
        NameKind::Operation => SymbolKind::Operation,
        NameKind::Template => SymbolKind::Template,
        NameKind::Param => SymbolKind::Param,
        NameKind::Provider => SymbolKind::Object,
        NameKind::Argument => return None,
    })
}
