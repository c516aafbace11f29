//! What is declared where, and what a name means in a place.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Value;
use crate::source::Span;
use crate::syntax::ast;

/// Where names live together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    /// The top level: of the project (0), or of a file of the standard library.
    Top(usize),
    Namespace(Rc<str>),
    /// One expansion of a template.
    Frame(usize),
}

/// A declared name.
pub(super) type Key = (Space, String);

/// The place from which names and parameters are seen.
#[derive(Clone)]
pub(super) struct Env {
    /// 0 is the project, else a file of the standard library.
    pub(super) module: usize,
    /// The namespace whose names are bare.
    pub(super) namespace: Option<Rc<str>>,
    pub(super) frame: Option<Rc<Frame>>,
    /// `${namespace}` and `${workload}`: those of the block that encloses the text, templates expanded.
    pub(super) here_namespace: Option<Rc<str>>,
    pub(super) here_workload: Option<Rc<str>>,
}

impl Env {
    /// The top level of a module.
    pub(super) const fn top(module: usize) -> Self {
        Self {
            module,
            namespace: None,
            frame: None,
            here_namespace: None,
            here_workload: None,
        }
    }
}

/// The arguments of one template expansion or issuer instance.
pub(super) struct Frame {
    pub(super) id: usize,
    pub(super) values: BTreeMap<String, ParamValue>,
    pub(super) names: BTreeMap<String, Bound>,
    /// Where each of them is declared.
    pub(super) declared: BTreeMap<String, Span>,
}

/// The values of a parameter.
#[derive(Clone, Debug)]
pub(super) struct ParamValue {
    pub(super) values: Vec<Value>,
    /// Written as a list, so that it may stand only where a list may.
    pub(super) is_list: bool,
}

/// What a parameter of a kind stands for: names, each seen from where it was given.
#[derive(Clone)]
pub(super) struct Bound {
    pub(super) kind: ast::ParamKind,
    pub(super) names: Vec<(ast::Name, Env)>,
}

/// A declared caller.
#[derive(Clone)]
pub(super) enum Caller<'a> {
    Identity(&'a ast::Who),
    Issuer(&'a ast::Issuer),
    /// A workload, gateway or waypoint, by its index among the scopes.
    Scope(usize),
}

/// A declared operation.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a> {
    pub(super) what: &'a ast::What,
    pub(super) when: Option<&'a ast::Cond>,
}

/// A declared template.
#[derive(Clone, Copy)]
pub(super) struct Template<'a> {
    pub(super) params: &'a [ast::Param],
    pub(super) items: &'a [ast::Item],
}

/// A declaration, and what it sees.
#[derive(Clone)]
pub(super) struct Decl<T> {
    pub(super) it: T,
    pub(super) env: Env,
    pub(super) span: Span,
}

/// One class of names.
pub(super) struct Table<T> {
    /// The class in messages, such as "caller".
    pub(super) class: &'static str,
    map: BTreeMap<Key, Decl<T>>,
}

/// What a lookup finds.
pub(super) enum Found<'t, T> {
    One(Key, &'t Decl<T>),
    /// Both meanings.
    Ambiguous(Span, Span),
    /// The nearest name that would have been found.
    None(Option<String>),
}

impl<T> Table<T> {
    pub(super) const fn new(class: &'static str) -> Self {
        Self {
            class,
            map: BTreeMap::new(),
        }
    }

    /// Adds a declaration; the span of the earlier one if there is one.
    pub(super) fn insert(&mut self, key: Key, decl: Decl<T>) -> Result<(), Span> {
        match self.map.entry(key) {
            std::collections::btree_map::Entry::Occupied(earlier) => Err(earlier.get().span),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(decl);
                Ok(())
            }
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Decl<T>> {
        self.map.get(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Decl<T>)> {
        self.map.iter()
    }

    /// What `name`, bare or `ns/name`, means in `env`. Arguments of templates are looked up before.
    pub(super) fn find(&self, name: &str, env: &Env) -> Found<'_, T> {
        if let Some((namespace, rest)) = name.split_once('/') {
            let key = (Space::Namespace(namespace.into()), rest.to_owned());
            return match self.map.get(&key) {
                Some(decl) => Found::One(key, decl),
                None => Found::None(self.nearest(name, env)),
            };
        }
        let local = env.frame.as_ref().map(|f| (Space::Frame(f.id), name.to_owned()));
        if let Some(key) = local
            && let Some(decl) = self.map.get(&key)
        {
            return Found::One(key, decl);
        }
        let top = (Space::Top(env.module), name.to_owned());
        let inner = env.namespace.clone().map(|n| (Space::Namespace(n), name.to_owned()));
        let inner = inner.and_then(|key| self.map.get(&key).map(|decl| (key, decl)));
        match (inner, self.map.get(&top)) {
            (Some((_, inner)), Some(top)) => Found::Ambiguous(inner.span, top.span),
            (Some((key, decl)), None) => Found::One(key, decl),
            (None, Some(decl)) => Found::One(top, decl),
            (None, None) => Found::None(self.nearest(name, env)),
        }
    }

    /// The visible name that is spelt most like `name`; a name of another namespace that would fit, with its namespace.
    fn nearest(&self, name: &str, env: &Env) -> Option<String> {
        let mut visible: Vec<String> = Vec::new();
        for (space, declared) in self.map.keys() {
            match space {
                Space::Top(module) if *module == env.module => visible.push(declared.clone()),
                Space::Namespace(namespace) if env.module == 0 => {
                    if env.namespace.as_ref() == Some(namespace) {
                        visible.push(declared.clone());
                    }
                    let full = format!("{namespace}/{declared}");
                    if declared == name {
                        return Some(full);
                    }
                    visible.push(full);
                }
                Space::Top(_) | Space::Namespace(_) | Space::Frame(_) => {}
            }
        }
        crate::diagnostics::suggest::nearest(name, visible.iter().map(String::as_str)).map(str::to_owned)
    }
}
