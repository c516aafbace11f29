//! Names and metadata of emitted objects, by section 12 of the language.

use std::collections::BTreeMap;

use super::errors;
use crate::diagnostics::Diagnostics;
use crate::hir::values::is_dns_subdomain;
use crate::hir::{Item, Metadata, Program, Scope, ScopeKind, TargetKind};
use crate::policy::{Labels, Meta, OneOrMore, Selection, StringMap, TargetRef, TargetRefKind};
use crate::source::Span;

/// The label that every object carries.
pub(crate) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "meshc");
const DESCRIPTION: &str = "kubernetes.io/description";

/// What is emitted so far, by kind, namespace and name.
pub(crate) struct Objects<'p> {
    program: &'p Program,
    taken: BTreeMap<(&'static str, Option<String>, String), Span>,
}

impl<'p> Objects<'p> {
    pub(crate) const fn new(program: &'p Program) -> Self {
        Self {
            program,
            taken: BTreeMap::new(),
        }
    }

    /// The metadata of an object of `kind` made by a scope: `None`, and an error, where its name is taken or refused.
    pub(crate) fn of_scope(
        &mut self,
        kind: &'static str,
        scope: &Scope,
        name: &Name,
        origin: Span,
        acc: &mut Diagnostics,
    ) -> Option<Meta> {
        let mut layers = self.layers(scope.in_mesh, &scope.namespace);
        layers.push(&scope.metadata);
        let object = name.object.and_then(|at| scope.objects.get(at));
        layers.extend(object.map(|o| &o.metadata));
        let mut docs: Vec<&[String]> = vec![&scope.doc];
        docs.extend(object.map(|o| o.doc.as_slice()));
        docs.extend(name.docs.iter().map(Vec::as_slice));
        let namespace = Some(scope.namespace.clone());
        let description = describe(&docs);
        let meta = assemble(&layers, name.text.clone(), namespace, description, origin);
        self.claim(kind, meta, name.span.unwrap_or(origin), acc)
    }

    /// The metadata of an object that is no scope's: in `mesh` or a namespace.
    pub(crate) fn of_namespace(
        &mut self,
        kind: &'static str,
        place: (&str, bool),
        own: Option<&Metadata>,
        name: (String, Span),
        doc: &[String],
        acc: &mut Diagnostics,
    ) -> Option<Meta> {
        let (namespace, in_mesh) = place;
        let mut layers = self.layers(in_mesh, namespace);
        layers.extend(own);
        let meta = assemble(&layers, name.0, Some(namespace.to_owned()), describe(&[doc]), name.1);
        self.claim(kind, meta, name.1, acc)
    }

    /// An object of the cluster (a MeshPolicy), with the metadata of a scope in `mesh`.
    pub(crate) fn of_cluster(
        &mut self,
        kind: &'static str,
        scope: &Scope,
        name: &Name,
        origin: Span,
        acc: &mut Diagnostics,
    ) -> Option<Meta> {
        let meta = self.of_scope(kind, scope, name, origin, acc)?;
        Some(Meta {
            namespace: None,
            ..meta
        })
    }

    fn layers(&self, in_mesh: bool, namespace: &str) -> Vec<&'p Metadata> {
        let mut layers = vec![&self.program.mesh_metadata];
        if !in_mesh {
            layers.extend(self.program.namespaces.get(namespace).map(|n| &n.metadata));
        }
        layers
    }

    fn claim(&mut self, kind: &'static str, meta: Meta, span: Span, acc: &mut Diagnostics) -> Option<Meta> {
        if !is_dns_subdomain(&meta.name) {
            acc.push(errors::object_name(kind, &meta.name, span));
            return None;
        }
        let key = (kind, meta.namespace.clone(), meta.name.clone());
        if let Some(earlier) = self.taken.insert(key, span) {
            acc.push(errors::object_twice(kind, &meta.name, span, earlier));
            return None;
        }
        Some(meta)
    }
}

/// What an object is to be called, and what goes into its description.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    /// Where `as` or `object` says it.
    pub(crate) span: Option<Span>,
    /// The `object` block that gathers its items.
    pub(crate) object: Option<usize>,
    pub(crate) docs: Vec<Vec<String>>,
}

/// The items of a scope that make one object, under the name that they share.
pub(crate) struct Group<'i> {
    pub(crate) name: Name,
    pub(crate) items: Vec<&'i Item>,
}

/// Items that belong together, gathered by the name of their object. Two items that say the same `as` are an error.
pub(crate) fn gather<'i>(
    scope: &'i Scope,
    items: impl Iterator<Item = &'i Item>,
    default_name: &str,
    acc: &mut Diagnostics,
) -> Vec<Group<'i>> {
    let mut groups: Vec<Group<'i>> = Vec::new();
    for item in items {
        let object = item.object.and_then(|at| scope.objects.get(at));
        let (text, span) = match (&item.as_name, object) {
            (Some(name), _) => (name.it.clone(), Some(name.span)),
            (None, Some(object)) => (object.name.it.clone(), Some(object.name.span)),
            (None, None) => (default_name.to_owned(), None),
        };
        match groups.iter_mut().find(|group| group.name.text == text) {
            Some(group) => {
                if let (Some(name), Some(earlier)) = (&item.as_name, group.name.span) {
                    acc.push(errors::same_as(&name.it, name.span, earlier));
                }
                group.name.docs.push(item.doc.clone());
                group.items.push(item);
            }
            None => {
                let name = Name {
                    text,
                    span,
                    object: item.object,
                    docs: vec![item.doc.clone()],
                };
                groups.push(Group {
                    name,
                    items: vec![item],
                });
            }
        }
    }
    groups
}

fn assemble(
    layers: &[&Metadata],
    name: String,
    namespace: Option<String>,
    description: Option<String>,
    origin: Span,
) -> Meta {
    let mut labels = StringMap::from([(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned())]);
    let mut annotations = StringMap::new();
    if let Some(text) = description {
        annotations.insert(DESCRIPTION.to_owned(), text);
    }
    for layer in layers {
        labels.extend(layer.labels.iter().map(|(key, value)| (key.clone(), value.it.clone())));
        annotations.extend(
            layer
                .annotations
                .iter()
                .map(|(key, value)| (key.clone(), value.it.clone())),
        );
    }
    Meta {
        name,
        namespace,
        labels,
        annotations,
        created: None,
        origin,
    }
}

/// Doc comments as one text, a line each; `None` where there is none.
fn describe(docs: &[&[String]]) -> Option<String> {
    let lines: Vec<&str> = docs
        .iter()
        .flat_map(|doc| doc.iter())
        .map(|line| line.trim_end())
        .collect();
    let text = lines.join("\n");
    let text = text.trim();
    if text.is_empty() { None } else { Some(text.to_owned()) }
}

impl Scope {
    /// The name of its PeerAuthentication and RequestAuthentication.
    pub(crate) fn plain_name(&self) -> String {
        match self.kind {
            ScopeKind::Mesh | ScopeKind::Namespace => "default".to_owned(),
            _ => self.prefix(),
        }
    }

    /// What the names of its AuthorizationPolicies begin with.
    pub(crate) fn prefix(&self) -> String {
        match &self.kind {
            ScopeKind::Mesh => "mesh".to_owned(),
            ScopeKind::Namespace => "namespace".to_owned(),
            ScopeKind::Workload { name } => name.clone(),
            ScopeKind::Gateway { name } => format!("gateway-{name}"),
            ScopeKind::Waypoint { name } => format!("waypoint-{name}"),
            ScopeKind::AllWaypoints => "waypoint-all".to_owned(),
            ScopeKind::Targets(targets) => {
                let parts: Vec<String> = targets
                    .iter()
                    .map(|t| format!("{}-{}", t.kind.word(), t.name))
                    .collect();
                parts.join("-")
            }
        }
    }

    /// What its policies select.
    pub(crate) fn selection(&self) -> Selection {
        let target = |kind, name: &str| {
            Selection::Targets(OneOrMore::one(TargetRef {
                kind,
                name: name.to_owned(),
            }))
        };
        match &self.kind {
            ScopeKind::Mesh | ScopeKind::Namespace => Selection::All,
            ScopeKind::Workload { .. } => self.labels().map_or(Selection::All, Selection::Labels),
            ScopeKind::Gateway { name } => match self.labels() {
                Some(labels) => Selection::Labels(labels),
                None => target(TargetRefKind::Gateway, name),
            },
            ScopeKind::Waypoint { name } => target(TargetRefKind::Gateway, name),
            ScopeKind::AllWaypoints => target(TargetRefKind::GatewayClass, "istio-waypoint"),
            ScopeKind::Targets(targets) => {
                let refs = targets.iter().map(|t| TargetRef {
                    kind: t.kind.reference(),
                    name: t.name.clone(),
                });
                OneOrMore::new(refs.collect()).map_or(Selection::All, Selection::Targets)
            }
        }
    }

    /// The labels of its selector.
    pub(crate) fn labels(&self) -> Option<Labels> {
        Labels::new(self.facts.select.clone())
    }
}

impl TargetKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::ServiceEntry => "service-entry",
            Self::Gateway => "gateway",
            Self::Waypoint => "waypoint",
        }
    }

    const fn reference(self) -> TargetRefKind {
        match self {
            Self::Service => TargetRefKind::Service,
            Self::ServiceEntry => TargetRefKind::ServiceEntry,
            Self::Gateway | Self::Waypoint => TargetRefKind::Gateway,
        }
    }
}
