//! `mtls` to PeerAuthentication.

use std::collections::BTreeMap;

use super::objects::{Objects, gather};
use super::{Context, errors};
use crate::diagnostics::Diagnostics;
use crate::hir::{ItemKind, Scope, ScopeKind};
use crate::policy::{MtlsMode, PeerAuthentication, PeerScope};
use crate::source::Span;

const KIND: &str = "PeerAuthentication";

/// The modes that a scope says: for all ports, and for single ones; each with its place. What is said twice is reported.
pub(crate) struct Modes {
    pub(crate) all: Option<(MtlsMode, Span)>,
    pub(crate) ports: BTreeMap<u16, (MtlsMode, Span)>,
}

impl Modes {
    pub(crate) fn of(scope: &Scope, acc: &mut Diagnostics) -> Self {
        let mut modes = Self {
            all: None,
            ports: BTreeMap::new(),
        };
        for item in &scope.items {
            let ItemKind::Mtls { mode, ports } = &item.kind else {
                continue;
            };
            if ports.is_empty()
                && let Some((_, earlier)) = modes.all.replace((*mode, item.span))
            {
                acc.push(errors::mode_twice(None, item.span, earlier));
            }
            for port in ports {
                if let Some((_, earlier)) = modes.ports.insert(port.it, (*mode, port.span)) {
                    acc.push(errors::mode_twice(Some(port.it), port.span, earlier));
                }
            }
        }
        modes
    }
}

/// The PeerAuthentication of a scope, if it says a mode.
pub(super) fn lower<'p>(
    ctx: &Context<'p>,
    scope: &'p Scope,
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Option<PeerAuthentication> {
    let items = scope
        .items
        .iter()
        .filter(|item| matches!(item.kind, ItemKind::Mtls { .. }));
    let groups = gather(scope, items, &scope.plain_name(), acc);
    let mut groups = groups.into_iter();
    let group = groups.next()?;
    let origin = group.items.first()?.span;
    if let Some(other) = groups.next().and_then(|group| group.items.first().copied()) {
        acc.push(errors::two_mode_objects(other.span, origin));
        return None;
    }
    let workload = matches!(scope.kind, ScopeKind::Workload { .. });
    if workload && scope.namespace == ctx.program.mesh.root {
        acc.push(errors::mode_in_root(origin, &scope.namespace));
        return None;
    }
    let modes = Modes::of(scope, acc);
    let meta = objects.of_scope(KIND, scope, &group.name, origin, acc)?;
    let mode = modes.all.map(|(mode, _)| mode);
    let peer_scope = match scope.labels() {
        Some(labels) if workload => PeerScope::Workload {
            labels,
            ports: modes.ports.into_iter().map(|(port, (mode, _))| (port, mode)).collect(),
        },
        _ => PeerScope::Namespace,
    };
    Some(PeerAuthentication {
        meta,
        mode,
        scope: peer_scope,
    })
}
