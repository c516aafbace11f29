//! PeerAuthentications that do less than they seem to.

use super::{Subject, errors};
use crate::diagnostics::Diagnostics;
use crate::policy::effective::mtls::Said;
use crate::policy::{MtlsMode, PeerAuthentication, PeerScope};

pub(super) fn check(subject: &Subject<'_>, acc: &mut Diagnostics) {
    for (at, policy) in subject.policies.peer_authentications.iter().enumerate() {
        let root = subject.inventory.mesh.root.as_str();
        if matches!(policy.scope, PeerScope::Workload { .. }) && policy.meta.namespace.as_deref() == Some(root) {
            acc.push(errors::ignored_selector(&policy.meta, root));
            continue;
        }
        // The text of a program says the mode in a word of its own, where it is decided.
        if at >= subject.own.peers {
            opens(subject, at, policy, acc);
        }
    }
}

/// A mode that takes plaintext.
fn opens(subject: &Subject<'_>, at: usize, policy: &PeerAuthentication, acc: &mut Diagnostics) {
    let ports = match &policy.scope {
        PeerScope::Workload { ports, .. } => ports.iter().map(|(port, mode)| (*port, *mode)).collect(),
        PeerScope::Namespace | PeerScope::EmptySelector => Vec::new(),
    };
    let open = |mode: &MtlsMode| matches!(mode, MtlsMode::Permissive | MtlsMode::Disable);
    let places = subject.places(subject.peers_at.get(at));
    let stricter = places.iter().find_map(|place| {
        let mut readings = place.heeded.mtls.said(None).into_iter();
        let heard = readings.find(|heard| heard.iter().any(|said| said.source == at))?;
        wider(&heard, at).filter(|said| said.mode == MtlsMode::Strict).cloned()
    });
    let stricter = stricter.as_ref();
    match policy.mode {
        Some(mode) if open(&mode) => {
            acc.push(errors::accepts_plaintext(&policy.meta, mode, &[], stricter));
            return;
        }
        Some(MtlsMode::Unset) | None if !places.is_empty() && ports.is_empty() => {
            let inherits = |place: &&super::Place<'_>| place.mode(None).is_some_and(|mode| mode.by.is_some());
            if !places.iter().any(inherits) {
                acc.push(errors::inherits_nothing(&policy.meta));
            }
        }
        _ => {}
    }
    let opened: Vec<u16> = ports
        .iter()
        .filter(|(_, mode)| open(mode))
        .map(|(port, _)| *port)
        .collect();
    if let Some((_, mode)) = ports.iter().find(|(_, mode)| open(mode)) {
        acc.push(errors::accepts_plaintext(&policy.meta, *mode, &opened, stricter));
    }
}

/// What would hold without a policy.
fn wider<'s>(heard: &[&'s Said], at: usize) -> Option<&'s Said> {
    let before = heard.iter().take_while(|said| said.source != at);
    before.filter(|said| said.mode != MtlsMode::Unset).last().copied()
}
