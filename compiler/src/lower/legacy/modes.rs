//! The mTLS mode in force at a scope and at a pod port: the narrowest that says one.

use crate::diagnostics::Diagnostics;
use crate::hir::Scope;
use crate::lower::Context;
use crate::lower::peers::Modes;
use crate::policy::MtlsMode;

/// The modes that the mesh, a namespace and a workload say, from wide to narrow.
pub(super) struct Layers {
    modes: Vec<Modes>,
}

impl Layers {
    /// What encloses `scope`, and what it says itself.
    pub(super) fn of(ctx: &Context<'_>, scope: &Scope) -> Self {
        // What is said twice is reported where the scope itself is lowered.
        let mut quiet = Diagnostics::default();
        let modes = enclosing(ctx, scope)
            .map(|outer| Modes::of(outer, &mut quiet))
            .collect();
        Self { modes }
    }

    /// The mode at a pod port, or of the scope as a whole; `None` where nobody says one.
    pub(super) fn mode(&self, port: Option<u16>) -> Option<MtlsMode> {
        // A port that inherits takes the mode of its workload, and that the one of the namespace.
        self.modes.iter().rev().find_map(|modes| {
            let of_port = port.and_then(|port| modes.ports.get(&port));
            let said = [of_port, modes.all.as_ref()].into_iter().flatten();
            said.map(|(mode, _)| *mode).find(|mode| *mode != MtlsMode::Unset)
        })
    }
}

/// The mesh, the namespace and the scope itself, those of them that are described.
pub(super) fn enclosing<'s>(ctx: &Context<'s>, scope: &'s Scope) -> impl Iterator<Item = &'s Scope> + use<'s> {
    ctx.reach.enclosing(scope).chain(std::iter::once(scope))
}
