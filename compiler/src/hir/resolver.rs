//! The state of one resolution: tables of names, what has been resolved, and the program as it grows.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::names::{Bound, Caller, Decl, Env, Found, Frame, Key, Operation, ParamValue, Table, Template};
use super::{Expr, IssuerId, Program, ScopeKind, Surroundings, Target, errors};
use crate::diagnostics::Diagnostics;
use crate::source::Span;
use crate::syntax::ast;

/// More expansions than any real project needs; templates that apply each other in a chain would double at each step.
pub(super) const MAX_EXPANSIONS: usize = 100_000;

/// A block before its items are resolved: templates expanded, every item with what it sees.
pub(super) struct Draft<'a> {
    pub(super) kind: ScopeKind,
    /// `None` for the mesh and what stands in it.
    pub(super) namespace: Option<Rc<str>>,
    pub(super) span: Span,
    pub(super) doc: Vec<String>,
    pub(super) objects: Vec<ObjectDraft<'a>>,
    pub(super) entries: Vec<Entry<'a>>,
    /// What its facts see.
    pub(super) env: Env,
}

/// An `object` block.
pub(super) struct ObjectDraft<'a> {
    pub(super) name: &'a ast::Value,
    pub(super) env: Env,
    pub(super) doc: &'a [String],
}

/// An item where it landed.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    pub(super) item: &'a ast::Item,
    pub(super) env: Env,
    pub(super) object: Option<usize>,
}

/// Work that is done once for each declaration.
pub(super) enum Memo<T> {
    /// Being resolved: met again, it is a cycle.
    Open,
    Done(Option<T>),
}

pub(super) struct Resolver<'a, 'd> {
    pub(super) acc: &'d mut Diagnostics,
    pub(super) surroundings: &'d Surroundings,
    /// Parameters of the project; `None` for one without a value, which has been reported.
    pub(super) params: BTreeMap<String, Option<ParamValue>>,
    pub(super) callers: Table<Caller<'a>>,
    pub(super) operations: Table<Operation<'a>>,
    pub(super) templates: Table<Template<'a>>,
    /// Names that `use` failed to bring: where they are used, nothing more is said.
    pub(super) not_brought: BTreeSet<String>,
    pub(super) drafts: Vec<Draft<'a>>,
    /// The draft of the mesh and of each namespace.
    pub(super) mesh_draft: Option<usize>,
    pub(super) namespace_drafts: BTreeMap<Rc<str>, usize>,
    /// The targets that blocks are about: each has one block.
    pub(super) targets: BTreeMap<(Rc<str>, Target), Span>,
    /// Destinations, with what they see and the namespace they stand in.
    pub(super) destinations: Vec<(Entry<'a>, Option<Rc<str>>)>,
    pub(super) frames: usize,
    /// The templates that are applied, by their places.
    pub(super) applied: BTreeSet<Span>,
    /// Nothing is made, and only the names in the text are of interest.
    pub(super) only_names: bool,
    /// Templates being expanded, to find cycles.
    pub(super) expanding: Vec<Key>,
    pub(super) identities: BTreeMap<Key, Memo<Expr>>,
    pub(super) resolved_operations: BTreeMap<Key, Memo<Expr>>,
    pub(super) issuer_ids: BTreeMap<Key, Memo<IssuerId>>,
    /// The index of each draft's scope in the program.
    pub(super) scope_index: Vec<usize>,
    pub(super) program: Program,
}

impl<'a> Resolver<'a, '_> {
    /// What a caller's name means; a mistake is reported.
    pub(super) fn find_caller(&mut self, name: &ast::Name, env: &Env) -> Option<(Key, Decl<Caller<'a>>)> {
        match self.callers.find(&name.text, env) {
            Found::One(key, decl) => {
                let decl = decl.clone();
                self.program.names.used(&name.text, name.span, decl.span);
                Some((key, decl))
            }
            Found::Ambiguous(one, other) => {
                self.acc
                    .push(errors::ambiguous_name(name, self.callers.class, one, other));
                None
            }
            Found::None(_) if self.not_brought.contains(&name.text) => None,
            Found::None(near) => {
                let elsewhere = self.is_operation(name, env);
                self.acc.push(errors::unknown_name(
                    name,
                    self.callers.class,
                    near.as_deref(),
                    elsewhere,
                ));
                None
            }
        }
    }

    /// What an operation's name means; a mistake is reported.
    pub(super) fn find_operation(&mut self, name: &ast::Name, env: &Env) -> Option<(Key, Decl<Operation<'a>>)> {
        match self.operations.find(&name.text, env) {
            Found::One(key, decl) => {
                let decl = decl.clone();
                self.program.names.used(&name.text, name.span, decl.span);
                Some((key, decl))
            }
            Found::Ambiguous(one, other) => {
                self.acc
                    .push(errors::ambiguous_name(name, self.operations.class, one, other));
                None
            }
            Found::None(_) if self.not_brought.contains(&name.text) => None,
            Found::None(near) => {
                let elsewhere = match self.callers.find(&name.text, env) {
                    Found::One(..) | Found::Ambiguous(..) => Some("a caller"),
                    Found::None(_) => None,
                };
                self.acc.push(errors::unknown_name(
                    name,
                    self.operations.class,
                    near.as_deref(),
                    elsewhere,
                ));
                None
            }
        }
    }

    fn is_operation(&self, name: &ast::Name, env: &Env) -> Option<&'static str> {
        match self.operations.find(&name.text, env) {
            Found::One(..) | Found::Ambiguous(..) => Some("an operation"),
            Found::None(_) => None,
        }
    }

    /// The names that a parameter of `kind` stands for, where `name` is one; `Some(None)` where it is of another kind.
    pub(super) fn bound(&mut self, name: &ast::Name, env: &Env) -> Option<Bound> {
        let bound = env.frame.as_ref().and_then(|f| f.names.get(&name.text)).cloned()?;
        self.argument_used(name, env);
        Some(bound)
    }

    /// A new frame for an expansion or instance.
    pub(super) fn frame(
        &mut self,
        values: BTreeMap<String, ParamValue>,
        names: BTreeMap<String, Bound>,
        params: &[ast::Param],
    ) -> Rc<Frame> {
        self.frames += 1;
        Rc::new(Frame {
            id: self.frames,
            values,
            names,
            declared: params.iter().map(|p| (p.name.text.clone(), p.name.span)).collect(),
        })
    }

    /// The values and names that arguments give to parameters; what is missing or not wanted is reported.
    pub(super) fn bind(
        &mut self,
        owner: &ast::Name,
        params: &'a [ast::Param],
        declared: &Env,
        args: &'a [ast::NamedArg],
        given: &Env,
    ) -> Option<Rc<Frame>> {
        let mut values = BTreeMap::new();
        let mut names = BTreeMap::new();
        let mut ok = true;
        for (at, arg) in args.iter().enumerate() {
            let param = params.iter().find(|p| p.name.text == arg.name.text);
            if let Some(param) = param {
                let names = &mut self.program.names;
                names.used(&arg.name.text, arg.name.span, param.name.span);
            } else {
                self.acc.push(errors::unknown_argument(owner, &arg.name, params));
                ok = false;
            }
            if args.iter().take(at).any(|a| a.name.text == arg.name.text) {
                self.acc.push(errors::said_twice(
                    &format!("argument `{}`", arg.name.text),
                    arg.name.span,
                    None,
                ));
                ok = false;
            }
        }
        for param in params {
            let arg = args.iter().find(|a| a.name.text == param.name.text);
            let (arg, env) = match (arg, &param.default) {
                (Some(arg), _) => (&arg.arg, given),
                (None, Some(default)) => (default, declared),
                (None, None) => {
                    // After an argument that nobody takes, it is this one misspelt.
                    if ok {
                        self.acc.push(errors::missing_argument(owner, &param.name, params));
                    }
                    ok = false;
                    continue;
                }
            };
            if param.kind == ast::ParamKind::Value {
                match self.arg(arg, env) {
                    Some(value) => drop(values.insert(param.name.text.clone(), value)),
                    None => ok = false,
                }
            } else {
                match self.names_of_arg(arg, param.kind, env) {
                    Some(bound) => drop(names.insert(param.name.text.clone(), bound)),
                    None => ok = false,
                }
            }
        }
        ok.then(|| self.frame(values, names, params))
    }

    /// An argument's values: never an empty list, which to Istio would mean anyone.
    pub(super) fn arg(&mut self, arg: &ast::Arg, env: &Env) -> Option<ParamValue> {
        match arg {
            ast::Arg::One(value) => {
                let values = self.spread(value, env);
                let is_list = values.len() != 1;
                (!values.is_empty()).then_some(ParamValue { values, is_list })
            }
            ast::Arg::List(list, span) => {
                let values = self.list(list, env);
                if list.is_empty() {
                    self.acc.push(errors::empty_list(*span));
                }
                (!values.is_empty()).then_some(ParamValue { values, is_list: true })
            }
        }
    }

    /// The names in an argument for an identity, operation or issuer; a name that is itself a parameter is replaced.
    fn names_of_arg(&mut self, arg: &ast::Arg, kind: ast::ParamKind, env: &Env) -> Option<Bound> {
        let (values, span) = match arg {
            ast::Arg::One(value) => (std::slice::from_ref(value), value.span),
            ast::Arg::List(list, span) => (list.as_slice(), *span),
        };
        if values.is_empty() {
            self.acc.push(errors::empty_list(span));
            return None;
        }
        let mut names = Vec::new();
        for value in values {
            let text = self.one(value, env)?;
            let name = ast::Name {
                text: text.text,
                span: value.span,
            };
            match self.bound(&name, env) {
                Some(outer) if outer.kind == kind => names.extend(outer.names),
                Some(_) => {
                    self.acc.push(errors::wrong_parameter_kind(&name, kind));
                    return None;
                }
                None => names.push((name, env.clone())),
            }
        }
        Some(Bound { kind, names })
    }
}
