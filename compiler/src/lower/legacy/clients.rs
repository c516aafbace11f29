//! The client half of mutual TLS: DestinationRules that make clients speak what servers demand, where no automatic mTLS
//! does it (language, section 11).

use std::collections::{BTreeMap, BTreeSet};

use super::modes::Layers;
use crate::diagnostics::Diagnostics;
use crate::hir::{Dataplane, Scope, ScopeKind, Service};
use crate::lower::Context;
use crate::lower::destinations::KIND;
use crate::lower::objects::Objects;
use crate::policy::{ClientTls, DestinationRule, MtlsMode, TlsByPort, TlsMode};
use crate::source::Span;

/// The derived rules: of the mesh, of namespaces, and of services that depart from them.
pub(in crate::lower) fn lower<'p>(
    ctx: &Context<'p>,
    objects: &mut Objects<'p>,
    acc: &mut Diagnostics,
) -> Vec<DestinationRule> {
    let mesh = &ctx.program.mesh;
    let automatic = mesh.auto_mtls.unwrap_or(ctx.target.auto_mtls_by_default());
    if automatic || mesh.client_tls_explicit {
        return Vec::new();
    }
    let mut derived = Derived {
        ctx,
        objects,
        acc,
        rules: Vec::new(),
        made: BTreeMap::new(),
        said: (ctx.program.destinations.iter())
            .map(|d| (d.namespace.as_str(), d.host.it.as_str()))
            .collect(),
        wide: BTreeMap::new(),
    };
    for scope in &ctx.program.scopes {
        match &scope.kind {
            ScopeKind::Mesh => derived.mesh(scope),
            ScopeKind::Namespace => derived.namespace(scope),
            _ => {}
        }
    }
    for scope in ctx
        .program
        .scopes
        .iter()
        .filter(|scope| matches!(scope.kind, ScopeKind::Workload { .. }))
    {
        for service in &scope.facts.services {
            derived.service(scope, service);
        }
    }
    derived.rules
}

struct Derived<'c, 'p, 'o> {
    ctx: &'c Context<'p>,
    objects: &'o mut Objects<'p>,
    acc: &'o mut Diagnostics,
    rules: Vec<DestinationRule>,
    /// The TLS of these rules, by namespace and host.
    made: BTreeMap<(String, String), Vec<TlsByPort>>,
    /// Namespace and host of the destinations that the project has itself.
    said: BTreeSet<(&'p str, &'p str)>,
    /// What clients speak by the rule of a namespace; "" is the mesh.
    wide: BTreeMap<String, TlsMode>,
}

impl Derived<'_, '_, '_> {
    /// What clients speak towards a namespace by the rules so far: without one, plaintext.
    fn of_namespace(&self, namespace: &str) -> TlsMode {
        let own = self.wide.get(namespace).or_else(|| self.wide.get(""));
        own.copied().unwrap_or(TlsMode::Disable)
    }

    /// What a server's mode demands of its clients; `None` where it takes both.
    fn demanded(&self, mode: Option<MtlsMode>) -> Option<TlsMode> {
        match mode {
            Some(MtlsMode::Strict) => Some(TlsMode::IstioMutual),
            Some(MtlsMode::Disable) => Some(TlsMode::Disable),
            // Without any policy a server of the legacy API speaks plaintext only; today's takes both.
            None if self.ctx.target.is_legacy() => Some(TlsMode::Disable),
            Some(MtlsMode::Permissive | MtlsMode::Unset) | None => None,
        }
    }

    fn mesh(&mut self, scope: &Scope) {
        let mode = Layers::of(self.ctx, scope).mode(None);
        if self.demanded(mode) != Some(TlsMode::IstioMutual) {
            return;
        }
        let root = self.ctx.program.mesh.root.clone();
        let domain = &self.ctx.program.mesh.domain;
        let all = if domain.ends_with(".local") {
            "*.local".to_owned()
        } else {
            format!("*.{domain}")
        };
        let api_server = format!("kubernetes.default.svc.{domain}");
        self.wide.insert(String::new(), TlsMode::IstioMutual);
        self.rule((&root, true), "default", &all, plain(TlsMode::IstioMutual), scope.span);
        self.rule(
            (&root, true),
            "api-server",
            &api_server,
            plain(TlsMode::Disable),
            scope.span,
        );
    }

    fn namespace(&mut self, scope: &Scope) {
        let says = scope
            .items
            .iter()
            .any(|item| matches!(item.kind, crate::hir::ItemKind::Mtls { .. }));
        let wider = self.of_namespace(&scope.namespace);
        let mode = Layers::of(self.ctx, scope).mode(None);
        let wanted = self.demanded(mode).unwrap_or(wider);
        if !says || wanted == wider {
            return;
        }
        let host = format!("*.{}.svc.{}", scope.namespace, self.ctx.program.mesh.domain);
        self.wide.insert(scope.namespace.clone(), wanted);
        self.rule((&scope.namespace, false), "default", &host, plain(wanted), scope.span);
    }

    /// A service whose ports do not all take what the wider rule makes clients speak.
    fn service(&mut self, scope: &Scope, service: &Service) {
        let wider = self.of_namespace(&scope.namespace);
        let layers = Layers::of(self.ctx, scope);
        let outside = self.ctx.reach.dataplane(scope) == Dataplane::None;
        let wanted = |port: Option<u16>| {
            if outside {
                TlsMode::Disable
            } else {
                self.demanded(layers.mode(port)).unwrap_or(wider)
            }
        };
        let rest = wanted(None);
        let ports: BTreeMap<u16, TlsMode> = service
            .ports
            .iter()
            .map(|(port, pod)| (*port, wanted(Some(*pod))))
            .collect();
        if rest == wider && ports.values().all(|mode| *mode == wider) {
            return;
        }
        let differing = ports.into_iter().filter(|(_, mode)| *mode != rest);
        let tls = TlsByPort {
            all: Some(ClientTls::plain(rest)),
            ports: differing.map(|(port, mode)| (port, ClientTls::plain(mode))).collect(),
        };
        let host = format!(
            "{}.{}.svc.{}",
            service.name, scope.namespace, self.ctx.program.mesh.domain
        );
        self.rule(
            (&scope.namespace, scope.in_mesh),
            &service.name,
            &host,
            tls,
            service.span,
        );
    }

    /// Adds a rule, unless a `destination` of the project is for the same host and namespace.
    fn rule(&mut self, place: (&str, bool), name: &str, host: &str, tls: TlsByPort, span: Span) {
        let made = self.made.entry((place.0.to_owned(), host.to_owned())).or_default();
        if self.said.contains(&(place.0, host)) || made.contains(&tls) {
            return;
        }
        made.push(tls.clone());
        let name = (name.to_owned(), span);
        if let Some(meta) = self.objects.of_namespace(KIND, place, None, name, &[], self.acc) {
            self.rules.push(DestinationRule {
                meta,
                host: host.to_owned(),
                tls,
                subsets: Vec::new(),
                export_to: Vec::new(),
                clients: None,
            });
        }
    }
}

fn plain(mode: TlsMode) -> TlsByPort {
    TlsByPort {
        all: Some(ClientTls::plain(mode)),
        ports: BTreeMap::new(),
    }
}
