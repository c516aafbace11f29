//! The names in what nobody uses: templates that are never applied, issuers whose parameters never get values. They are
//! read as if somebody did, with values that mean nothing, and only what the names in them mean is kept.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::collect::Landing;
use super::names::{Bound, Caller, Decl, Env, Frame, Key, ParamValue, Space, Template};
use super::resolver::Resolver;
use super::{ScopeKind, Value};
use crate::syntax::ast;

/// What stands for a parameter without a default: a number, which is a word too, and a path.
const VALUES: [&str; 2] = ["1", "/"];

impl<'a> Resolver<'a, '_> {
    /// Writes down the names in what nobody uses.
    pub(super) fn unused(&mut self) {
        let templates = self.templates.iter();
        let templates = templates.filter(|(key, decl)| is_ours(key, &decl.env) && !self.applied.contains(&decl.span));
        let templates: Vec<Decl<Template<'a>>> = templates.map(|(_, decl)| decl.clone()).collect();
        let issuers = self.callers.iter().filter(|(key, decl)| is_ours(key, &decl.env));
        let issuers = issuers.filter_map(|(_, decl)| match &decl.it {
            Caller::Issuer(issuer) if !issuer.params.is_empty() => Some((*issuer, decl.env.clone())),
            _ => None,
        });
        let issuers: Vec<(&'a ast::Issuer, Env)> = issuers.collect();
        if templates.is_empty() && issuers.is_empty() {
            return;
        }
        let said = std::mem::take(self.acc);
        let program = self.program.clone();
        self.only_names = true;
        for value in VALUES {
            for template in &templates {
                let items = template.it.items;
                let env = self.standing(template.it.params, &template.env, value);
                let namespace = env.namespace.clone().unwrap_or_else(|| Rc::from("unused"));
                // It may be meant for a namespace or for a workload.
                let workload = ScopeKind::Workload {
                    name: "unused".to_owned(),
                };
                for kind in [ScopeKind::Namespace, workload] {
                    self.read_quietly(kind, &namespace, items, &env);
                }
            }
            for (issuer, env) in &issuers {
                let env = self.standing(&issuer.params, env, value);
                drop(self.issuer_settings(issuer, &env));
            }
        }
        let names = std::mem::take(&mut self.program.names);
        self.program = program;
        self.program.names = names;
        *self.acc = said;
    }

    /// What a text with parameters sees where a value stands for each of them.
    fn standing(&mut self, params: &'a [ast::Param], env: &Env, value: &str) -> Env {
        let (mut values, mut names) = (BTreeMap::new(), BTreeMap::new());
        for param in params {
            let name = param.name.text.clone();
            if param.kind == ast::ParamKind::Value {
                let default = param.default.as_ref().and_then(|default| self.arg(default, env));
                let stands = ParamValue {
                    values: vec![Value::plain(value, param.name.span)],
                    is_list: false,
                };
                values.insert(name, default.unwrap_or(stands));
            } else {
                let bound = Bound {
                    kind: param.kind,
                    names: Vec::new(),
                };
                names.insert(name, bound);
            }
        }
        let frame: Rc<Frame> = self.frame(values, names, params);
        Env {
            frame: Some(frame),
            here_namespace: env.namespace.clone().or_else(|| Some(Rc::from("unused"))),
            here_workload: Some(Rc::from("unused")),
            ..env.clone()
        }
    }

    /// Resolves items in a block of their own.
    fn read_quietly(&mut self, kind: ScopeKind, namespace: &Rc<str>, items: &'a [ast::Item], env: &Env) {
        let Some(first) = items.first() else { return };
        let before = self.drafts.len();
        let draft = self.new_draft(kind, Some(Rc::clone(namespace)), first.keyword, env.clone());
        self.land(items, env, Landing { draft, object: None });
        self.frame_declarations(env);
        for at in before..self.drafts.len() {
            let Some(draft) = self.drafts.get_mut(at) else { continue };
            let (entries, objects) = (draft.entries.clone(), std::mem::take(&mut draft.objects));
            drop(self.scope(at, &entries, objects));
        }
    }

    /// Resolves what the items of one expansion declare.
    fn frame_declarations(&mut self, env: &Env) {
        let own = env.frame.as_ref().map(|frame| Space::Frame(frame.id));
        let here = |key: &Key| Some(&key.0) == own.as_ref();
        let callers = self.callers.iter().filter(|(key, _)| here(key));
        let callers: Vec<_> = callers.map(|(key, decl)| (key.clone(), decl.clone())).collect();
        let operations = self.operations.iter().filter(|(key, _)| here(key));
        let operations: Vec<_> = operations.map(|(key, decl)| (key.clone(), decl.clone())).collect();
        for (key, decl) in callers {
            self.caller_declaration(&key, &decl);
        }
        for (key, decl) in operations {
            self.operation_declaration(&key, &decl);
        }
    }
}

/// Whether it is a declaration of the project, and not of one expansion of a template.
fn is_ours(key: &Key, env: &Env) -> bool {
    env.module == 0 && !matches!(key.0, Space::Frame(_))
}
