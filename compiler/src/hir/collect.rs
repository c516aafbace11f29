//! Declarations into tables, blocks into drafts, templates expanded in place.

use std::rc::Rc;

use super::NameKind;
use super::names::{Caller, Decl, Env, Found, Operation, Space, Template};
use super::resolver::{Draft, Entry, MAX_EXPANSIONS, ObjectDraft, Resolver};
use super::{ScopeKind, Target, TargetKind, Unit, errors};
use crate::diagnostics::suggest;
use crate::source::Span;
use crate::syntax::ast::{self, ItemKind};

/// Where items land: a draft, and the object in it.
#[derive(Clone, Copy)]
pub(super) struct Landing {
    pub(super) draft: usize,
    pub(super) object: Option<usize>,
}

impl<'a> Resolver<'a, '_> {
    /// Everything that has a name at the top level or as a template: what expansion needs to know first.
    pub(super) fn declare(&mut self, unit: &Unit<'a>, module: usize) {
        let env = Env::top(module);
        self.declare_items(&unit.file.items, &Space::Top(module), &env);
        for item in &unit.file.items {
            if let ItemKind::Namespace { name, items } = &item.kind
                && let Some(env) = self.namespace_env(name, &env)
            {
                for item in items {
                    self.declare_template(item, &Space::Namespace(env.namespace.clone().unwrap_or_default()), &env);
                }
            }
        }
    }

    fn namespace_env(&mut self, name: &'a ast::Value, env: &Env) -> Option<Env> {
        let name = self.kube_name(name, "a namespace", false, env)?;
        let name: Rc<str> = name.it.into();
        Some(Env {
            namespace: Some(Rc::clone(&name)),
            here_namespace: Some(name),
            ..env.clone()
        })
    }

    /// The identities, operations, issuers and templates among `items`.
    fn declare_items(&mut self, items: &'a [ast::Item], space: &Space, env: &Env) {
        for item in items {
            self.declare_item(item, space, env);
            self.declare_template(item, space, env);
        }
    }

    fn declare_template(&mut self, item: &'a ast::Item, space: &Space, env: &Env) {
        if let ItemKind::Template { name, params, items } = &item.kind {
            self.name_declared(NameKind::Template, name, env);
            self.params_declared(params, env);
            let decl = Decl {
                it: Template { params, items },
                env: env.clone(),
                span: name.span,
            };
            if let Err(earlier) = self.templates.insert((space.clone(), name.text.clone()), decl) {
                self.acc
                    .push(errors::declared_twice(name, self.templates.class, earlier));
            }
        }
    }

    fn declare_item(&mut self, item: &'a ast::Item, space: &Space, env: &Env) {
        match &item.kind {
            ItemKind::Identity { name, who } => {
                self.name_declared(NameKind::Identity, name, env);
                self.declare_caller(name, Caller::Identity(who), space, env);
            }
            ItemKind::Issuer(issuer) => {
                self.name_declared(NameKind::Issuer, &issuer.name, env);
                self.params_declared(&issuer.params, env);
                self.declare_caller(&issuer.name, Caller::Issuer(issuer), space, env);
            }
            ItemKind::Operation { name, what, when } => {
                self.name_declared(NameKind::Operation, name, env);
                let it = Operation {
                    what,
                    when: when.as_ref(),
                };
                let decl = Decl {
                    it,
                    env: env.clone(),
                    span: name.span,
                };
                if let Err(earlier) = self.operations.insert((space.clone(), name.text.clone()), decl) {
                    self.acc
                        .push(errors::declared_twice(name, self.operations.class, earlier));
                }
            }
            _ => {}
        }
    }

    fn name_declared(&mut self, kind: NameKind, name: &ast::Name, env: &Env) {
        let namespace = env.namespace.as_deref();
        self.program.names.declare(kind, &name.text, name.span, namespace);
    }

    fn params_declared(&mut self, params: &[ast::Param], env: &Env) {
        for param in params {
            self.name_declared(NameKind::Argument, &param.name, env);
        }
    }

    fn declare_caller(&mut self, name: &ast::Name, it: Caller<'a>, space: &Space, env: &Env) {
        let decl = Decl {
            it,
            env: env.clone(),
            span: name.span,
        };
        if let Err(earlier) = self.callers.insert((space.clone(), name.text.clone()), decl) {
            self.acc.push(errors::declared_twice(name, self.callers.class, earlier));
        }
    }

    /// What `use` brings from the standard library to the top level of its module.
    pub(super) fn import(&mut self, unit: &Unit<'a>, module: usize, std: &[&str]) {
        for item in &unit.file.items {
            let ItemKind::Use { path, names } = &item.kind else {
                continue;
            };
            let Some(path_text) = self.text(path, "a file of the standard library", &Env::top(module)) else {
                continue;
            };
            let Some(from) = std.iter().position(|name| *name == path_text.it) else {
                self.acc.push(errors::unknown_std_file(&path_text.it, path.span, std));
                let brought = names.iter().map(|used| used.alias.as_ref().unwrap_or(&used.name));
                self.not_brought.extend(brought.map(|name| name.text.clone()));
                continue;
            };
            for used in names {
                self.import_name(used, from + 1, module, &path_text.it);
            }
        }
    }

    fn import_name(&mut self, used: &ast::UseName, from: usize, module: usize, path: &str) {
        let source = (Space::Top(from), used.name.text.clone());
        let name = used.alias.as_ref().unwrap_or(&used.name);
        let target = (Space::Top(module), name.text.clone());
        let caller = self.callers.get(&source).cloned();
        let operation = self.operations.get(&source).cloned();
        let template = self.templates.get(&source).cloned();
        if caller.is_none() && operation.is_none() && template.is_none() {
            let mut known: Vec<String> = Vec::new();
            let top = Space::Top(from);
            known.extend(
                self.callers
                    .iter()
                    .filter(|(k, _)| k.0 == top)
                    .map(|(k, _)| k.1.clone()),
            );
            known.extend(
                self.operations
                    .iter()
                    .filter(|(k, _)| k.0 == top)
                    .map(|(k, _)| k.1.clone()),
            );
            known.extend(
                self.templates
                    .iter()
                    .filter(|(k, _)| k.0 == top)
                    .map(|(k, _)| k.1.clone()),
            );
            self.acc.push(errors::unknown_std_item(&used.name, path, &known));
            // It may be used as it is written here or as it should be.
            let meant = suggest::nearest(&used.name.text, known.iter().map(String::as_str));
            self.not_brought.extend(meant.map(str::to_owned));
            self.not_brought.insert(name.text.clone());
            return;
        }
        for span in caller.iter().map(|d| d.span).chain(operation.iter().map(|d| d.span)) {
            self.program.names.used(&used.name.text, used.name.span, span);
            self.program.names.used(&name.text, name.span, span);
        }
        if let Some(decl) = &template {
            self.program.names.used(&used.name.text, used.name.span, decl.span);
            self.program.names.used(&name.text, name.span, decl.span);
        }
        let mut clash = None;
        if let Some(decl) = caller {
            let span = decl.span;
            clash = self
                .callers
                .insert(target.clone(), decl)
                .err()
                .filter(|earlier| *earlier != span)
                .or(clash);
        }
        if let Some(decl) = operation {
            let span = decl.span;
            clash = self
                .operations
                .insert(target.clone(), decl)
                .err()
                .filter(|earlier| *earlier != span)
                .or(clash);
        }
        if let Some(decl) = template {
            let span = decl.span;
            clash = self
                .templates
                .insert(target, decl)
                .err()
                .filter(|earlier| *earlier != span)
                .or(clash);
        }
        if let Some(earlier) = clash {
            self.acc.push(errors::declared_twice(name, "name", earlier));
        }
    }

    /// The blocks of a file of the project, as drafts; the rest is left for later stages.
    pub(super) fn collect(&mut self, unit: &Unit<'a>) {
        let env = Env::top(0);
        for item in &unit.file.items {
            match &item.kind {
                ItemKind::Mesh { items } => {
                    let draft = self.mesh_draft(item);
                    self.land(items, &env, Landing { draft, object: None });
                }
                ItemKind::Namespace { name, items } => {
                    if let Some(env) = self.namespace_env(name, &env) {
                        let namespace = env.namespace.as_deref().unwrap_or_default();
                        let names = &mut self.program.names;
                        names.declare(NameKind::Namespace, namespace, name.span, None);
                        let draft = self.namespace_draft(item, name.span, &env);
                        self.land(items, &env, Landing { draft, object: None });
                    }
                }
                ItemKind::Use { .. }
                | ItemKind::Param { .. }
                | ItemKind::Issuer(_)
                | ItemKind::Identity { .. }
                | ItemKind::Operation { .. }
                | ItemKind::Template { .. }
                | ItemKind::Invariant(_)
                | ItemKind::Test(_)
                | ItemKind::Bad => {}
                _ => self
                    .acc
                    .push(errors::misplaced_item(item, "at the top level of a file")),
            }
        }
    }

    fn mesh_draft(&mut self, item: &'a ast::Item) -> usize {
        let draft = self
            .mesh_draft
            .unwrap_or_else(|| self.new_draft(ScopeKind::Mesh, None, item.keyword, Env::top(0)));
        self.mesh_draft = Some(draft);
        self.add_doc(draft, item);
        draft
    }

    fn namespace_draft(&mut self, item: &'a ast::Item, name: Span, env: &Env) -> usize {
        let namespace = env.here_namespace.clone().unwrap_or_default();
        let draft = match self.namespace_drafts.get(&namespace) {
            Some(draft) => *draft,
            None => {
                let span = item.keyword.to(name);
                self.new_draft(ScopeKind::Namespace, Some(Rc::clone(&namespace)), span, env.clone())
            }
        };
        self.namespace_drafts.insert(namespace, draft);
        self.add_doc(draft, item);
        draft
    }

    pub(super) fn new_draft(&mut self, kind: ScopeKind, namespace: Option<Rc<str>>, span: Span, env: Env) -> usize {
        self.drafts.push(Draft {
            kind,
            namespace,
            span,
            doc: Vec::new(),
            objects: Vec::new(),
            entries: Vec::new(),
            env,
        });
        self.drafts.len() - 1
    }

    fn add_doc(&mut self, draft: usize, item: &ast::Item) {
        if let Some(draft) = self.drafts.get_mut(draft) {
            draft.doc.extend(item.doc.iter().cloned());
        }
    }

    /// Puts items where they land; what declares a name is declared, what opens a block opens a draft of its own.
    pub(super) fn land(&mut self, items: &'a [ast::Item], env: &Env, at: Landing) {
        let space = match (&env.frame, &env.namespace) {
            (Some(frame), _) => Space::Frame(frame.id),
            (None, Some(namespace)) => Space::Namespace(Rc::clone(namespace)),
            (None, None) => Space::Top(env.module),
        };
        for item in items {
            match &item.kind {
                ItemKind::Apply { template, args } => self.expand(item, template, args, env, at),
                ItemKind::Identity { .. } | ItemKind::Operation { .. } | ItemKind::Issuer(_)
                    if self.may_declare(at) =>
                {
                    self.declare_item(item, &space, env);
                }
                ItemKind::Template { .. } if self.may_declare(at) => {
                    // Those of namespaces are known already; only an expansion brings new ones.
                    if env.frame.is_some() {
                        self.declare_template(item, &space, env);
                    }
                }
                ItemKind::Scope { targets, items } if at.object.is_none() => self.open(item, targets, items, env, at),
                ItemKind::Object { name, items } if at.object.is_none() => {
                    let Some(draft) = self.drafts.get_mut(at.draft) else {
                        continue;
                    };
                    draft.objects.push(ObjectDraft {
                        name,
                        env: env.clone(),
                        doc: &item.doc,
                    });
                    let object = Some(draft.objects.len() - 1);
                    self.land(items, env, Landing { object, ..at });
                }
                ItemKind::Destination(_) if self.may_hold_destinations(at) => {
                    let namespace = self.drafts.get(at.draft).and_then(|d| d.namespace.clone());
                    self.destinations.push((
                        Entry {
                            item,
                            env: env.clone(),
                            object: None,
                        },
                        namespace,
                    ));
                }
                ItemKind::Bad => {}
                _ => {
                    if let Some(draft) = self.drafts.get_mut(at.draft) {
                        draft.entries.push(Entry {
                            item,
                            env: env.clone(),
                            object: at.object,
                        });
                    }
                }
            }
        }
    }

    fn may_declare(&self, at: Landing) -> bool {
        at.object.is_none() && matches!(self.drafts.get(at.draft).map(|d| &d.kind), Some(ScopeKind::Namespace))
    }

    fn may_hold_destinations(&self, at: Landing) -> bool {
        let kind = self.drafts.get(at.draft).map(|d| &d.kind);
        at.object.is_none() && matches!(kind, Some(ScopeKind::Namespace | ScopeKind::Mesh))
    }

    fn expand(&mut self, item: &'a ast::Item, name: &'a ast::Name, args: &'a [ast::NamedArg], env: &Env, at: Landing) {
        let (key, decl) = match self.templates.find(&name.text, env) {
            Found::One(key, decl) => {
                let decl = decl.clone();
                self.program.names.used(&name.text, name.span, decl.span);
                (key, decl)
            }
            Found::Ambiguous(one, other) => {
                self.acc
                    .push(errors::ambiguous_name(name, self.templates.class, one, other));
                return;
            }
            Found::None(_) if self.not_brought.contains(&name.text) => return,
            Found::None(near) => {
                self.acc
                    .push(errors::unknown_name(name, self.templates.class, near.as_deref(), None));
                return;
            }
        };
        if self.expanding.contains(&key) {
            self.acc
                .push(errors::cycle("template", &name.text, name.span, decl.span));
            return;
        }
        if self.frames >= MAX_EXPANSIONS {
            if self.frames == MAX_EXPANSIONS {
                self.frames += 1;
                self.acc.push(errors::too_many_expansions(item.span));
            }
            return;
        }
        let Some(frame) = self.bind(name, decl.it.params, &decl.env, args, env) else {
            return;
        };
        let inner = Env {
            frame: Some(frame),
            here_namespace: env.here_namespace.clone(),
            here_workload: env.here_workload.clone(),
            ..decl.env.clone()
        };
        self.applied.insert(decl.span);
        self.expanding.push(key);
        self.land(decl.it.items, &inner, at);
        self.expanding.pop();
    }

    /// Opens the draft of a workload or target.
    fn open(
        &mut self,
        item: &'a ast::Item,
        targets: &'a [ast::Target],
        items: &'a [ast::Item],
        env: &Env,
        at: Landing,
    ) {
        let Some(parent) = self.drafts.get(at.draft) else {
            return;
        };
        let in_mesh = matches!(parent.kind, ScopeKind::Mesh);
        if !in_mesh && !matches!(parent.kind, ScopeKind::Namespace) {
            self.acc.push(errors::misplaced_item(item, parent.kind.place()));
            return;
        }
        let namespace = parent.namespace.clone();
        let span = targets.iter().fold(item.keyword, |span, target| span.to(target.span));
        let Some(kind) = self.scope_kind(item, targets, in_mesh, env) else {
            return;
        };
        let name = kind.name().map(str::to_owned);
        let here_workload = match &kind {
            ScopeKind::Workload { name } => Some(Rc::from(name.as_str())),
            _ => env.here_workload.clone(),
        };
        let inner = Env {
            here_workload,
            ..env.clone()
        };
        let draft = self.new_draft(kind, namespace.clone(), span, inner.clone());
        self.add_doc(draft, item);
        if let (Some(name), Some(target)) = (name, targets.first()) {
            let name = ast::Name {
                text: name,
                span: target.name.span,
            };
            let what = match target.kind {
                ast::TargetKind::Gateway => NameKind::Gateway,
                ast::TargetKind::Waypoint => NameKind::Waypoint,
                ast::TargetKind::Workload | ast::TargetKind::Service | ast::TargetKind::ServiceEntry => {
                    NameKind::Workload
                }
            };
            if !self.only_names {
                let names = &mut self.program.names;
                names.declare(what, &name.text, name.span, namespace.as_deref());
            }
            let space = namespace.map_or(Space::Top(0), Space::Namespace);
            self.declare_caller(&name, Caller::Scope(draft), &space, env);
        }
        self.land(items, &inner, Landing { draft, object: None });
    }

    fn scope_kind(
        &mut self,
        item: &ast::Item,
        targets: &'a [ast::Target],
        in_mesh: bool,
        env: &Env,
    ) -> Option<ScopeKind> {
        let first = targets.first()?;
        let is_star = |t: &ast::Target| matches!(t.name.pieces.as_slice(), [ast::Piece::Text(text)] if text == "*");
        if in_mesh {
            return match (first.kind, targets) {
                (ast::TargetKind::Workload, [one]) => {
                    let name = self.kube_name(&one.name, "a workload", true, env)?;
                    Some(ScopeKind::Workload { name: name.it })
                }
                (ast::TargetKind::Waypoint, [one]) if is_star(one) => Some(ScopeKind::AllWaypoints),
                _ => {
                    self.acc.push(errors::misplaced_item(item, "in `mesh`"));
                    None
                }
            };
        }
        let mut resolved = Vec::new();
        for target in targets {
            if is_star(target) {
                self.acc.push(errors::star_in_block_name(target));
                return None;
            }
            let what = target.kind.what();
            let name = self.kube_name(&target.name, what, true, env)?.it;
            let kind = match target.kind {
                ast::TargetKind::Workload if targets.len() == 1 => return Some(ScopeKind::Workload { name }),
                ast::TargetKind::Gateway if targets.len() == 1 => return Some(ScopeKind::Gateway { name }),
                ast::TargetKind::Waypoint if targets.len() == 1 => return Some(ScopeKind::Waypoint { name }),
                ast::TargetKind::Workload => {
                    self.acc.push(errors::misplaced_item(item, "in a list of targets"));
                    return None;
                }
                ast::TargetKind::Service => TargetKind::Service,
                ast::TargetKind::ServiceEntry => TargetKind::ServiceEntry,
                ast::TargetKind::Gateway => TargetKind::Gateway,
                ast::TargetKind::Waypoint => TargetKind::Waypoint,
            };
            let found = Target { kind, name };
            let key = (env.here_namespace.clone().unwrap_or_default(), found.clone());
            match self.targets.insert(key, target.span) {
                Some(earlier) => {
                    let what = format!("target `{}`", found.name);
                    self.acc.push(errors::said_twice(&what, target.span, Some(earlier)));
                }
                None => resolved.push(found),
            }
        }
        (!resolved.is_empty()).then_some(ScopeKind::Targets(resolved))
    }
}

impl ast::TargetKind {
    /// For messages.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Workload => "a workload",
            Self::Service => "a service",
            Self::ServiceEntry => "a service entry",
            Self::Gateway => "a gateway",
            Self::Waypoint => "a waypoint",
        }
    }
}

impl ScopeKind {
    /// The name by which it is a caller.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Workload { name } | Self::Gateway { name } | Self::Waypoint { name } => Some(name),
            Self::Mesh | Self::Namespace | Self::AllWaypoints | Self::Targets(_) => None,
        }
    }

    /// Where its items stand, for messages.
    #[must_use]
    pub const fn place(&self) -> &'static str {
        match self {
            Self::Mesh => "in `mesh`",
            Self::Namespace => "in a `namespace`",
            Self::Workload { .. } => "in a `workload`",
            Self::Gateway { .. } => "in a `gateway`",
            Self::Waypoint { .. } | Self::AllWaypoints => "in a `waypoint`",
            Self::Targets(_) => "in a `service` or `service-entry`",
        }
    }
}
