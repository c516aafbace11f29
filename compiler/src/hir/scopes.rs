//! Blocks: which items may stand where, the facts of a block, and its rules.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::callers::account;
use super::names::Env;
use super::resolver::{Draft, Entry, ObjectDraft, Resolver};
use super::{
    AccessAction, At, Body, Dataplane, Item, ItemKind, Legacy, Metadata, Namespace, Object, Protocol, Scope,
    ScopeFacts, ScopeKind, Service, WaypointUse, errors,
};
use crate::policy::MtlsMode;
use crate::source::Span;
use crate::syntax::ast::{self, Fact, ItemKind as Ast, RuleKind, SingleFact};

const MTLS_MODES: &[(&str, MtlsMode)] = &[
    ("strict", MtlsMode::Strict),
    ("permissive", MtlsMode::Permissive),
    ("disable", MtlsMode::Disable),
    ("inherit", MtlsMode::Unset),
];

pub(super) const DATAPLANES: &[(&str, Dataplane)] = &[
    ("sidecar", Dataplane::Sidecar),
    ("ambient", Dataplane::Ambient),
    ("none", Dataplane::None),
];

const PROTOCOLS: &[(&str, Protocol)] = &[
    ("http", Protocol::Http),
    ("tcp", Protocol::Tcp),
    ("tls", Protocol::Tls),
    ("https", Protocol::Https),
    ("https-mutual", Protocol::HttpsMutual),
    ("unproxied", Protocol::Unproxied),
];

impl<'a> Resolver<'a, '_> {
    /// All blocks, in the order of their drafts, the mesh first.
    pub(super) fn scopes(&mut self) {
        let mesh = self.mesh_draft;
        let mut drafts = std::mem::take(&mut self.drafts);
        // Accounts of callers are looked up among the drafts while rules are resolved.
        let entries: Vec<Vec<Entry<'a>>> = drafts.iter().map(|draft| draft.entries.clone()).collect();
        let objects: Vec<Vec<ObjectDraft<'a>>> = drafts
            .iter_mut()
            .map(|draft| std::mem::take(&mut draft.objects))
            .collect();
        self.drafts = drafts;
        let order: Vec<usize> = mesh
            .into_iter()
            .chain((0..entries.len()).filter(|at| Some(*at) != mesh))
            .collect();
        self.scope_index = vec![0; entries.len()];
        for (position, draft) in order.iter().enumerate() {
            if let Some(index) = self.scope_index.get_mut(*draft) {
                *index = position;
            }
        }
        let mut entries: Vec<Option<Vec<Entry<'a>>>> = entries.into_iter().map(Some).collect();
        let mut objects: Vec<Option<Vec<ObjectDraft<'a>>>> = objects.into_iter().map(Some).collect();
        for at in order {
            let entries = entries.get_mut(at).and_then(Option::take).unwrap_or_default();
            let objects = objects.get_mut(at).and_then(Option::take).unwrap_or_default();
            if let Some(scope) = self.scope(at, &entries, objects) {
                self.program.scopes.push(scope);
            }
        }
    }

    pub(super) fn scope(&mut self, at: usize, entries: &[Entry<'a>], objects: Vec<ObjectDraft<'a>>) -> Option<Scope> {
        let Draft {
            kind,
            namespace,
            span,
            doc,
            env,
            ..
        } = self.drafts.get(at)?;
        let in_mesh = namespace.is_none();
        let namespace_name = namespace.as_deref().unwrap_or(&self.program.mesh.root).to_owned();
        let mut scope = Scope {
            kind: kind.clone(),
            namespace: namespace_name,
            in_mesh,
            span: *span,
            doc: doc.clone(),
            facts: ScopeFacts::default(),
            metadata: Metadata::default(),
            objects: Vec::new(),
            items: Vec::new(),
        };
        let env = env.clone();
        for object in objects {
            if let Some(name) = self.kube_name(object.name, "an object", true, &object.env) {
                if let Some(earlier) = scope.objects.iter().find(|other| other.name.it == name.it) {
                    let what = format!("object `{}`", name.it);
                    self.acc
                        .push(errors::said_twice(&what, name.span, Some(earlier.name.span)));
                }
                scope.objects.push(Object {
                    name,
                    doc: object.doc.to_vec(),
                    metadata: Metadata::default(),
                });
            } else {
                let name = At {
                    it: String::new(),
                    span: object.name.span,
                };
                scope.objects.push(Object {
                    name,
                    doc: object.doc.to_vec(),
                    metadata: Metadata::default(),
                });
            }
        }
        let mut said = BTreeMap::new();
        for entry in entries {
            self.entry(&mut scope, entry, &mut said);
        }
        self.finish_facts(&mut scope, &env);
        Some(scope)
    }

    /// Resolves one item into its scope.
    fn entry(&mut self, scope: &mut Scope, entry: &Entry<'a>, said: &mut BTreeMap<String, Span>) {
        let item = entry.item;
        let legal = match &item.kind {
            Ast::Fact(fact) => entry.object.is_none() && fact_may_stand(fact, &scope.kind),
            Ast::Rule(rule) => rule_may_stand(&rule.kind, &scope.kind),
            Ast::Legacy(_) => matches!(scope.kind, ScopeKind::Workload { .. }),
            Ast::Metadata { .. } => true,
            _ => false,
        };
        if let (
            Ast::Rule(ast::Rule {
                kind: RuleKind::Mtls { ports, .. },
                ..
            }),
            false,
        ) = (&item.kind, matches!(scope.kind, ScopeKind::Workload { .. }))
            && legal
            && !ports.is_empty()
        {
            self.acc
                .push(errors::port_mode_outside_workload(item.span, scope.kind.place()));
            return;
        }
        if !legal {
            let place = if entry.object.is_some() {
                "in an `object`"
            } else {
                scope.kind.place()
            };
            self.acc.push(errors::misplaced_item(item, place));
            return;
        }
        if scope.kind == ScopeKind::Namespace
            && scope.namespace == self.program.mesh.root
            && matches!(item.kind, Ast::Rule(_))
        {
            self.acc
                .push(errors::namespace_wide_in_root(item.span, &scope.namespace));
            return;
        }
        match &item.kind {
            Ast::Fact(fact) => {
                if let Some(name) = fact_once(fact)
                    && let Some(earlier) = said.insert(name.clone(), item.span)
                {
                    self.acc
                        .push(errors::said_twice(&format!("`{name}`"), item.span, Some(earlier)));
                    return;
                }
                self.fact(scope, fact, item.span, &entry.env);
            }
            Ast::Metadata { kind, pairs } => {
                let metadata = match entry.object.and_then(|at| scope.objects.get_mut(at)) {
                    Some(object) => &mut object.metadata,
                    None => &mut scope.metadata,
                };
                self.metadata(metadata, *kind, pairs, &entry.env);
            }
            Ast::Rule(rule) => {
                let as_name = match &rule.as_name {
                    Some(name) => self.kube_name(name, "an object", true, &entry.env),
                    None => None,
                };
                if let Some(kind) = self.rule(&rule.kind, item.span, &entry.env) {
                    scope.items.push(Item {
                        kind,
                        object: entry.object,
                        as_name,
                        doc: item.doc.clone(),
                        span: item.span,
                    });
                }
            }
            Ast::Legacy(legacy) => {
                let kind = match legacy {
                    ast::Legacy::PeerOptional => Some(Legacy::PeerOptional),
                    ast::Legacy::AllowTls => Some(Legacy::AllowTls),
                    ast::Legacy::BindPeer => Some(Legacy::BindPeer),
                    ast::Legacy::PeerToken(names) => self.issuers(names, &entry.env).map(Legacy::PeerToken),
                };
                if let Some(kind) = kind {
                    let kind = ItemKind::Legacy(kind);
                    let doc = item.doc.clone();
                    scope.items.push(Item {
                        kind,
                        object: entry.object,
                        as_name: None,
                        doc,
                        span: item.span,
                    });
                }
            }
            _ => {}
        }
    }

    /// Labels or annotations; one that is said twice in a block is an error.
    pub(super) fn metadata(&mut self, into: &mut Metadata, kind: ast::MetadataKind, pairs: &[ast::Pair], env: &Env) {
        for pair in pairs {
            let (Some(key), Some(value)) = (self.text(&pair.key, "a key", env), self.one(&pair.value, env)) else {
                continue;
            };
            if !super::values::is_label_key(&key.it) {
                self.acc.push(errors::invalid_label(&key.it, key.span, "key"));
                continue;
            }
            let (map, what) = match kind {
                ast::MetadataKind::Label => (&mut into.labels, "label"),
                ast::MetadataKind::Annotation => (&mut into.annotations, "annotation"),
            };
            if kind == ast::MetadataKind::Label && !super::values::is_label_value(&value.text) {
                self.acc.push(errors::invalid_label(&value.text, value.span, "value"));
                continue;
            }
            if matches!(
                key.it.as_str(),
                "istio.io/dry-run" | "app.kubernetes.io/managed-by" | "kubernetes.io/description"
            ) {
                self.acc.push(errors::reserved_key(&key.it, key.span));
                continue;
            }
            let at = At {
                it: value.text,
                span: key.span,
            };
            if let Some(earlier) = map.insert(key.it.clone(), at) {
                self.acc.push(errors::said_twice(
                    &format!("{what} `{}`", key.it),
                    key.span,
                    Some(earlier.span),
                ));
            }
        }
    }

    fn fact(&mut self, scope: &mut Scope, fact: &Fact, span: Span, env: &Env) {
        match fact {
            Fact::Select(pairs) => scope.facts.select = self.labels(pairs, env),
            Fact::Ports(ports) => {
                for (value, protocol) in ports {
                    let Some(protocol) = self.word_of(&protocol.text, protocol.span, "a protocol", PROTOCOLS) else {
                        continue;
                    };
                    let gateway = matches!(scope.kind, ScopeKind::Gateway { .. });
                    if matches!(protocol.it, Protocol::Https | Protocol::HttpsMutual) && !gateway {
                        self.acc.push(errors::gateway_protocol(protocol.span));
                        continue;
                    }
                    for value in self.spread(value, env) {
                        let Some(port) = self.port(&value) else { continue };
                        let at = At {
                            it: protocol.it,
                            span: port.span,
                        };
                        if let Some(earlier) = scope.facts.ports.insert(port.it, at) {
                            self.acc.push(errors::said_twice(
                                &format!("port {}", port.it),
                                port.span,
                                Some(earlier.span),
                            ));
                        }
                    }
                }
            }
            Fact::Service { name, ports, headless } => self.service(scope, name, ports, headless.is_some(), span, env),
            Fact::Single { key, value } => match key {
                SingleFact::Account => {
                    if let Some(text) = self.text(value, "an account", env) {
                        let account = account(&text.it, &scope.namespace);
                        let label = self.check_kube_name(&account.namespace, text.span, "a namespace", false);
                        if label && self.check_kube_name(&account.name, text.span, "an account", true) {
                            scope.facts.account = Some(At {
                                it: account,
                                span: text.span,
                            });
                        }
                    }
                }
                SingleFact::Dataplane => scope.facts.dataplane = self.word(value, "a data plane", DATAPLANES, env),
                SingleFact::UseWaypoint => scope.facts.use_waypoint = self.waypoint_use(value, env),
                SingleFact::TrustedProxies => {
                    if let Some(text) = self.text(value, "a number of proxies", env) {
                        match text.it.parse() {
                            Ok(it) => scope.facts.trusted_proxies = Some(At { it, span: text.span }),
                            Err(_) => self.acc.push(errors::invalid_number(&text.it, text.span)),
                        }
                    }
                }
                SingleFact::Root
                | SingleFact::Domain
                | SingleFact::TrustDomain
                | SingleFact::WorkloadLabel
                | SingleFact::Normalization
                | SingleFact::AutoMtls
                | SingleFact::ClientTls => {}
            },
            // Facts of the mesh alone are read before anything else.
            Fact::Provider { .. } | Fact::List { .. } => {}
        }
    }

    fn waypoint_use(&mut self, value: &ast::Value, env: &Env) -> Option<At<WaypointUse>> {
        let text = self.text(value, "a waypoint", env)?;
        let it = match text.it.split_once('/') {
            _ if text.it == "none" => WaypointUse::None,
            Some((namespace, name)) => WaypointUse::Named {
                namespace: Some(namespace.to_owned()),
                name: name.to_owned(),
            },
            None => WaypointUse::Named {
                namespace: None,
                name: text.it.clone(),
            },
        };
        self.program.names.namespace_of(&text.it, text.span);
        if let WaypointUse::Named { namespace, name } = &it {
            if let Some(namespace) = namespace {
                self.check_kube_name(namespace, text.span, "a namespace", false);
            }
            self.check_kube_name(name, text.span, "a waypoint", true);
        }
        Some(At { it, span: text.span })
    }

    fn service(
        &mut self,
        scope: &mut Scope,
        name: &ast::Value,
        maps: &[ast::PortMap],
        headless: bool,
        span: Span,
        env: &Env,
    ) {
        let Some(name) = self.kube_name(name, "a service", false, env) else {
            return;
        };
        if let Some(earlier) = scope.facts.services.iter().find(|s| s.name == name.it) {
            self.acc.push(errors::said_twice(
                &format!("service `{}`", name.it),
                name.span,
                Some(earlier.span),
            ));
            return;
        }
        let mut ports: Vec<(u16, u16)> = Vec::new();
        for map in maps {
            for value in self.spread(&map.text, env) {
                let (service, pod) = value.text.split_once(':').unwrap_or((&value.text, &value.text));
                let part = |text: &str| super::Value::plain(text, value.span);
                let (service, pod) = (part(service), part(pod));
                let (Some(service), Some(pod)) = (self.port(&service), self.port(&pod)) else {
                    continue;
                };
                if ports.iter().any(|(port, _)| *port == service.it) {
                    self.acc.push(errors::said_twice(
                        &format!("service port {}", service.it),
                        value.span,
                        None,
                    ));
                } else {
                    ports.push((service.it, pod.it));
                }
            }
        }
        scope.facts.services.push(Service {
            name: name.it,
            ports,
            headless,
            span,
        });
    }

    /// Defaults that need all facts: a workload's labels, and what holds for the namespace as a whole.
    fn finish_facts(&mut self, scope: &mut Scope, env: &Env) {
        match &scope.kind {
            ScopeKind::Workload { name } if scope.facts.select.is_empty() => {
                match self.program.mesh.workload_label.clone() {
                    Some(label) => {
                        if super::values::is_label_value(name) {
                            scope.facts.select.insert(label, name.clone());
                        } else {
                            self.acc.push(errors::invalid_label(name, scope.span, "value"));
                        }
                    }
                    None => self.acc.push(errors::no_selector(name, scope.span)),
                }
            }
            ScopeKind::Namespace => {
                let namespace = Namespace {
                    metadata: scope.metadata.clone(),
                    dataplane: scope.facts.dataplane.clone(),
                    use_waypoint: scope.facts.use_waypoint.clone(),
                };
                let name = env
                    .here_namespace
                    .clone()
                    .unwrap_or_else(|| Rc::from(scope.namespace.as_str()));
                self.program.namespaces.insert(name.to_string(), namespace);
                scope.metadata = Metadata::default();
            }
            ScopeKind::Mesh => {
                self.program.mesh_metadata = std::mem::take(&mut scope.metadata);
                self.program.mesh.dataplane = scope.facts.dataplane.as_ref().map(|d| d.it);
            }
            _ => {}
        }
    }

    fn rule(&mut self, rule: &'a RuleKind, span: Span, env: &Env) -> Option<ItemKind> {
        match rule {
            RuleKind::Access { dry_run, action, body } => {
                let action = match action {
                    ast::AccessAction::Allow => AccessAction::Allow,
                    ast::AccessAction::Deny => AccessAction::Deny,
                    ast::AccessAction::Audit => AccessAction::Audit,
                };
                if let (Some(dry_run), AccessAction::Audit) = (dry_run, &action) {
                    self.acc.push(errors::dry_run_audit(*dry_run));
                }
                Some(ItemKind::Access {
                    action,
                    dry_run: dry_run.is_some(),
                    body: self.body(body, env)?,
                })
            }
            RuleKind::Ask { provider, body } => {
                let provider_name = self.text(provider, "a provider", env)?;
                let known = self.provider_names();
                if !known.contains(&provider_name.it.as_str()) {
                    let diagnostic = errors::unknown_provider(&provider_name.it, provider.span, &known);
                    self.acc.push(diagnostic);
                    return None;
                }
                self.program.names.provider_used(&provider_name.it, provider_name.span);
                let body_hir = self.body(body, env)?;
                let kinds = body_hir.who.kinds();
                if let Some(kind) = kinds
                    .iter()
                    .find(|k| matches!(k, super::callers::Kind::Peer | super::callers::Kind::User))
                {
                    self.acc.push(errors::ask_about_identity(body.who.span, kind.what()));
                    return None;
                }
                let action = AccessAction::Ask {
                    provider: provider_name.it,
                };
                Some(ItemKind::Access {
                    action,
                    dry_run: false,
                    body: body_hir,
                })
            }
            RuleKind::DefaultDeny { dry_run } => Some(ItemKind::DefaultDeny {
                dry_run: dry_run.is_some(),
            }),
            RuleKind::Mtls { mode, ports } => {
                let mode = self.word(mode, "a mode of `mtls`", MTLS_MODES, env);
                let resolved = self.ports(ports, env);
                let complete = ports.is_empty() || !resolved.is_empty();
                let mode = mode?;
                complete.then_some(ItemKind::Mtls {
                    mode: mode.it,
                    ports: resolved,
                })
            }
            RuleKind::Accept { issuers, on } => {
                let issuers = self.issuers(issuers, env);
                let on = self.optional(on.as_ref(), env)?;
                Some(ItemKind::Accept { issuers: issuers?, on })
            }
            RuleKind::Require { issuers, on, except } => {
                let issuers = self.issuers(issuers, env);
                let on = self.optional(on.as_ref(), env)?;
                let except = self.optional(except.as_ref(), env)?;
                let issuers = issuers?;
                let complete = issuers.iter().all(|id| self.require_iss(id.it, span));
                complete.then_some(ItemKind::Require { issuers, on, except })
            }
        }
    }

    fn optional(&mut self, what: Option<&'a ast::What>, env: &Env) -> Option<Option<super::Expr>> {
        match what {
            Some(what) => self.what(what, env).map(Some),
            None => Some(None),
        }
    }

    fn body(&mut self, body: &'a ast::Body, env: &Env) -> Option<Body> {
        let who = self.who(&body.who, env);
        let what = self.what(&body.what, env);
        let when = match &body.when {
            Some(cond) => Some(self.cond(cond, env)?),
            None => None,
        };
        Some(Body {
            who: who?,
            what: what?,
            when,
            including_tcp: body.including_tcp,
        })
    }
}

/// The facts that a block may hold (language, section 6).
const fn fact_may_stand(fact: &Fact, scope: &ScopeKind) -> bool {
    match scope {
        ScopeKind::Mesh => matches!(
            fact,
            Fact::Provider { .. }
                | Fact::List { .. }
                | Fact::Single {
                    key: SingleFact::Dataplane
                        | SingleFact::Root
                        | SingleFact::Domain
                        | SingleFact::TrustDomain
                        | SingleFact::WorkloadLabel
                        | SingleFact::Normalization
                        | SingleFact::AutoMtls
                        | SingleFact::ClientTls,
                    ..
                }
        ),
        ScopeKind::Namespace => {
            matches!(
                fact,
                Fact::Single {
                    key: SingleFact::Dataplane | SingleFact::UseWaypoint,
                    ..
                }
            )
        }
        ScopeKind::Workload { .. } => matches!(
            fact,
            Fact::Select(_)
                | Fact::Ports(_)
                | Fact::Service { .. }
                | Fact::Single {
                    key: SingleFact::Account | SingleFact::Dataplane,
                    ..
                }
        ),
        ScopeKind::Gateway { .. } => matches!(
            fact,
            Fact::Select(_)
                | Fact::Ports(_)
                | Fact::Single {
                    key: SingleFact::Account | SingleFact::TrustedProxies,
                    ..
                }
        ),
        ScopeKind::Waypoint { .. } => matches!(
            fact,
            Fact::Single {
                key: SingleFact::Account,
                ..
            }
        ),
        ScopeKind::AllWaypoints => false,
        ScopeKind::Targets(_) => matches!(
            fact,
            Fact::Single {
                key: SingleFact::UseWaypoint,
                ..
            }
        ),
    }
}

/// The rules that a block may hold: `mtls` is for pods.
const fn rule_may_stand(rule: &RuleKind, scope: &ScopeKind) -> bool {
    match rule {
        RuleKind::Mtls { .. } => matches!(
            scope,
            ScopeKind::Mesh | ScopeKind::Namespace | ScopeKind::Workload { .. }
        ),
        RuleKind::Access { .. }
        | RuleKind::Ask { .. }
        | RuleKind::DefaultDeny { .. }
        | RuleKind::Accept { .. }
        | RuleKind::Require { .. } => true,
    }
}

/// The name of a fact that stands once in its block.
pub(super) fn fact_once(fact: &Fact) -> Option<String> {
    let name = match fact {
        Fact::Select(_) => "select",
        Fact::Ports(_) => "ports",
        Fact::List {
            key: ast::ListFact::Aliases,
            ..
        } => "aliases",
        Fact::List {
            key: ast::ListFact::Trusts,
            ..
        } => "trusts",
        Fact::Single { key, .. } => match key {
            SingleFact::Account => "account",
            SingleFact::Dataplane => "dataplane",
            SingleFact::UseWaypoint => "use-waypoint",
            SingleFact::TrustedProxies => "trusted-proxies",
            SingleFact::Root => "root",
            SingleFact::Domain => "domain",
            SingleFact::TrustDomain => "trust-domain",
            SingleFact::WorkloadLabel => "workload-label",
            SingleFact::Normalization => "normalization",
            SingleFact::AutoMtls => "auto-mtls",
            SingleFact::ClientTls => "client-tls",
        },
        Fact::Service { .. } | Fact::Provider { .. } => return None,
    };
    Some(name.to_owned())
}
