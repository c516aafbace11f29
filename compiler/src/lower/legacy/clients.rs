//! The client half of mutual TLS: DestinationRules that make clients speak what servers demand, where no automatic mTLS
//! does it (language, section 11).

use std::collections::{BTreeMap, BTreeSet};

use super::modes::Layers;
use super::wide_rules::WideRules;
use crate::diagnostics::Diagnostics;
use crate::hir::{Dataplane, Protocol, Scope, ScopeKind, Service};
use crate::lower::Context;
use crate::lower::destinations::KIND;
use crate::lower::objects::Objects;
use crate::policy::{ClientTls, DestinationRule, MtlsMode, TlsByPort, TlsMode};
use crate::source::Span;

/// The port at which the Kubernetes API is served in its cluster.
const API_SERVER_PORT: u16 = 443;

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
        wide: WideRules::of(ctx),
    };
    for scope in &ctx.program.scopes {
        match &scope.kind {
            ScopeKind::Mesh => derived.mesh(scope),
            ScopeKind::Namespace => derived.namespace(scope),
            _ => {}
        }
    }
    derived.api_server();
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
    /// The rules that hold where no narrower one is made: those of the project, then those derived here.
    wide: WideRules,
}

impl Derived<'_, '_, '_> {
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
        self.wide_rule((&root, true), &all, TlsMode::IstioMutual, scope.span);
    }

    /// The Kubernetes API has no proxy, and a rule for the whole mesh would reach it.
    fn api_server(&mut self) {
        let (program, wide) = (self.ctx.program, &self.wide);
        let host = format!("kubernetes.default.svc.{}", program.mesh.domain);
        let spoken = wide.towards("default", &program.mesh.root, &host, Some(API_SERVER_PORT));
        if spoken.mode == TlsMode::IstioMutual {
            let mesh = program.scopes.iter().find(|scope| scope.kind == ScopeKind::Mesh);
            let destination = || program.destinations.first().map(|destination| destination.span);
            let span = mesh.map(|scope| scope.span).or_else(destination).unwrap_or_default();
            let root = program.mesh.root.clone();
            self.rule((&root, true), "api-server", &host, plain(TlsMode::Disable), span);
        }
    }

    fn namespace(&mut self, scope: &Scope) {
        let says = scope
            .items
            .iter()
            .any(|item| matches!(item.kind, crate::hir::ItemKind::Mtls { .. }));
        let mode = Layers::of(self.ctx, scope).mode(None);
        let (true, Some(wanted)) = (says, self.demanded(mode)) else {
            return;
        };
        let mesh = &self.ctx.program.mesh;
        let host = format!("*.{}.svc.{}", scope.namespace, mesh.domain);
        if self.wide.towards(&scope.namespace, &mesh.root, &host, None).mode != wanted {
            self.wide_rule((&scope.namespace, false), &host, wanted, scope.span);
        }
    }

    /// A service whose ports do not all take what the wider rule makes clients speak. Its own rule is all that counts
    /// for its host, so it repeats of the wider one what stays.
    fn service(&mut self, scope: &Scope, service: &Service) {
        let mesh = &self.ctx.program.mesh;
        let host = format!("{}.{}.svc.{}", service.name, scope.namespace, mesh.domain);
        let layers = Layers::of(self.ctx, scope);
        let outside = self.ctx.reach.dataplane(scope) == Dataplane::None;
        let wider = |port: Option<u16>| self.wide.towards(&scope.namespace, &mesh.root, &host, port);
        let wanted = |port: Option<u16>, pod: Option<u16>| {
            let declared = pod.and_then(|pod| scope.facts.ports.get(&pod)).map(|at| at.it);
            let demanded = if outside || declared == Some(Protocol::Unproxied) {
                Some(TlsMode::Disable)
            } else {
                self.demanded(layers.mode(pod))
            };
            let wider = wider(port);
            match demanded {
                Some(mode) if mode != wider.mode => ClientTls::plain(mode),
                Some(_) | None => wider,
            }
        };
        let rest = wanted(None, None);
        let ports: BTreeMap<u16, ClientTls> = service
            .ports
            .iter()
            .map(|(port, pod)| (*port, wanted(Some(*port), Some(*pod))))
            .collect();
        if rest == wider(None) && ports.iter().all(|(port, tls)| *tls == wider(Some(*port))) {
            return;
        }
        let differing = ports.into_iter().filter(|(_, tls)| *tls != rest);
        let differing = differing.map(|(port, tls)| (port, Some(tls))).collect();
        let tls = TlsByPort {
            all: Some(rest),
            ports: differing,
        };
        self.rule(
            (&scope.namespace, scope.in_mesh),
            &service.name,
            &host,
            tls,
            service.span,
        );
    }

    /// Adds the rule of the mesh or of a namespace.
    fn wide_rule(&mut self, place: (&str, bool), host: &str, mode: TlsMode, span: Span) {
        if self.said.contains(&(place.0, host)) {
            return;
        }
        self.wide.add(place.0, host.to_owned(), plain(mode));
        self.rule(place, "default", host, plain(mode), span);
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
                tls: Some(tls),
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
