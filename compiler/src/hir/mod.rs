//! Tree to resolved model: every name bound, every parameter replaced, every value of its type.
//!
//! It knows the language and nothing of how policies are emitted.

mod accounts;
mod callers;
mod checks;
mod claims;
mod collect;
mod destinations;
pub mod errors;
mod index;
mod issuers;
mod mesh;
pub mod model;
mod names;
mod operations;
mod patterns;
mod resolver;
mod scopes;
mod surroundings;
#[cfg(test)]
mod tests;
mod unused;
pub(crate) mod values;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::Diagnostics;
use crate::source::Span;
use crate::syntax::ast;
pub use claims::{claims, json};
pub use index::{Declaration, NameIndex, NameKind, Use};
pub use model::*;
use names::{Caller, Env, Key, Operation, ParamValue, Table};
use resolver::Resolver;
pub use surroundings::Surroundings;

/// A file of the project, or of the standard library.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    pub file: &'a ast::File,
    /// The name by which `use` knows it, such as `std/http`; `None` for a file of the project.
    pub std: Option<&'a str>,
}

/// A value for a parameter, from an environment or a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    One(String),
    /// Never empty.
    List(Vec<String>),
}

/// A `param` of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredParam {
    pub name: String,
    pub has_default: bool,
    pub span: Span,
}

/// The parameters that the files of the project declare, in order.
#[must_use]
pub fn declared_params(units: &[Unit<'_>]) -> Vec<DeclaredParam> {
    let files = units.iter().filter(|unit| unit.std.is_none());
    let items = files.flat_map(|unit| &unit.file.items);
    items
        .filter_map(|item| match &item.kind {
            ast::ItemKind::Param { name, default } => Some(DeclaredParam {
                name: name.text.clone(),
                has_default: default.is_some(),
                span: name.span,
            }),
            _ => None,
        })
        .collect()
}

/// Binds the names of a project. `settings` give values to parameters; a name in them that no file declares is ignored.
/// `surroundings` say of the installation what the project does not say itself.
pub fn resolve(
    units: &[Unit<'_>],
    settings: &BTreeMap<String, Setting>,
    surroundings: &Surroundings,
    acc: &mut Diagnostics,
) -> Program {
    let (std, project): (Vec<Unit<'_>>, Vec<Unit<'_>>) = units.iter().partition(|unit| unit.std.is_some());
    let std_names: Vec<&str> = std.iter().filter_map(|unit| unit.std).collect();
    let mut resolver = Resolver {
        acc,
        surroundings,
        params: BTreeMap::new(),
        callers: Table::new("caller"),
        operations: Table::new("operation"),
        templates: Table::new("template"),
        not_brought: BTreeSet::new(),
        drafts: Vec::new(),
        mesh_draft: None,
        namespace_drafts: BTreeMap::new(),
        targets: BTreeMap::new(),
        destinations: Vec::new(),
        frames: 0,
        applied: BTreeSet::new(),
        only_names: false,
        expanding: Vec::new(),
        identities: BTreeMap::new(),
        resolved_operations: BTreeMap::new(),
        issuer_ids: BTreeMap::new(),
        scope_index: Vec::new(),
        program: Program::default(),
    };
    for unit in &project {
        resolver.params(unit, settings);
    }
    for (at, unit) in std.iter().enumerate() {
        resolver.declare(unit, at + 1);
    }
    for unit in &project {
        resolver.declare(unit, 0);
    }
    for (at, unit) in std.iter().enumerate() {
        resolver.import(unit, at + 1, &std_names);
    }
    for unit in &project {
        resolver.import(unit, 0, &std_names);
    }
    for unit in &project {
        resolver.collect(unit);
    }
    resolver.mesh_facts();
    resolver.declarations();
    resolver.scopes();
    resolver.destinations();
    for unit in &project {
        resolver.checks(unit);
    }
    resolver.unused();
    resolver.program.names.finish();
    resolver.program
}

impl<'a> Resolver<'a, '_> {
    /// The values of a file's parameters: a setting, else the default.
    fn params(&mut self, unit: &Unit<'a>, settings: &BTreeMap<String, Setting>) {
        for item in &unit.file.items {
            let ast::ItemKind::Param { name, default } = &item.kind else {
                continue;
            };
            if matches!(name.text.as_str(), "namespace" | "workload") {
                self.acc.push(errors::reserved_param(name));
                continue;
            }
            if self.params.contains_key(&name.text) {
                self.acc
                    .push(errors::said_twice(&format!("param `{}`", name.text), name.span, None));
                continue;
            }
            self.program.names.declare(NameKind::Param, &name.text, name.span, None);
            let text = |text: &String| Value::plain(text.as_str(), name.span);
            let value = match (settings.get(&name.text), default) {
                (Some(Setting::One(one)), _) => Some(ParamValue {
                    values: vec![text(one)],
                    is_list: false,
                }),
                (Some(Setting::List(list)), _) => Some(ParamValue {
                    values: list.iter().map(text).collect(),
                    is_list: true,
                }),
                (None, Some(default)) => self.arg(default, &Env::top(0)),
                (None, None) => {
                    self.acc.push(errors::param_without_value(name));
                    None
                }
            };
            self.params.insert(name.text.clone(), value);
        }
    }

    /// Resolves every identity, operation and issuer of the project, so that what nobody uses is checked too.
    fn declarations(&mut self) {
        let ours = |key: &Key, env: &Env| env.module == 0 && !matches!(key.0, names::Space::Frame(_));
        let callers: Vec<(Key, names::Decl<Caller<'a>>)> = self
            .callers
            .iter()
            .filter(|(key, decl)| ours(key, &decl.env))
            .map(|(k, d)| (k.clone(), d.clone()))
            .collect();
        for (key, decl) in callers {
            self.caller_declaration(&key, &decl);
        }
        let operations: Vec<(Key, names::Decl<Operation<'a>>)> = self
            .operations
            .iter()
            .filter(|(key, decl)| ours(key, &decl.env))
            .map(|(k, d)| (k.clone(), d.clone()))
            .collect();
        for (key, decl) in operations {
            self.operation_declaration(&key, &decl);
        }
    }

    fn caller_declaration(&mut self, key: &Key, decl: &names::Decl<Caller<'a>>) {
        let name = ast::Name {
            text: key.1.clone(),
            span: decl.span,
        };
        match decl.it {
            Caller::Identity(who) => drop(self.identity(key, who, &decl.env, &name, decl.span)),
            Caller::Issuer(issuer) if issuer.params.is_empty() => drop(self.issuer(key, decl.span)),
            Caller::Issuer(_) | Caller::Scope(_) => {}
        }
    }

    fn operation_declaration(&mut self, key: &Key, decl: &names::Decl<Operation<'a>>) {
        let name = ast::Name {
            text: key.1.clone(),
            span: decl.span,
        };
        drop(self.operation(key, decl.it, &decl.env, &name, decl.span));
    }
}
