//! The values of parameters: from the environment in the manifest, then from the command line.

use super::RunError;
use super::errors;
use super::project::Project;
use super::texts::Texts;
use crate::diagnostics::Diagnostics;
use crate::diagnostics::suggest::nearest;
use crate::source::SourceMap;
use crate::syntax::ast::{Arg, ItemKind, NamedArg, Piece};
use crate::syntax::parse;

/// What `--set` gives.
pub(super) struct Parameters {
    set: Vec<NamedArg>,
}

impl Parameters {
    /// Reads `P=ARG`, with the grammar's own ARG: each is parsed as a `param` in a text of its own, so that a mistake in
    /// it is shown like any other.
    pub(super) fn read(set: &[String], sources: &mut SourceMap, acc: &mut Diagnostics) -> Result<Self, RunError> {
        let mut args = Vec::with_capacity(set.len());
        for given in set {
            let bad = || RunError::Set(given.clone());
            let (name, value) = given.split_once('=').ok_or_else(bad)?;
            let text = format!("param {} = {}", name.trim(), value.trim());
            let id = sources.add("--set", text.clone());
            let mut found = Diagnostics::default();
            let items = parse(id, &text, &mut found).file.items;
            let has_errors = found.has_errors();
            acc.append(found);
            let mut items = items.into_iter();
            match (items.next().map(|item| item.kind), items.next()) {
                (
                    Some(ItemKind::Param {
                        name,
                        default: Some(arg),
                    }),
                    None,
                ) if is_plain(&arg) => args.push(NamedArg { name, arg }),
                (Some(ItemKind::Param { default: Some(_), .. }), None) => {
                    return Err(RunError::SetNotPlain(given.clone()));
                }
                _ if has_errors => {}
                _ => return Err(bad()),
            }
        }
        Ok(Self { set: args })
    }

    /// Whether every parameter has a value without an environment.
    pub(super) fn are_complete(&self, texts: &Texts) -> bool {
        texts
            .params(None)
            .all(|(name, default)| default.is_some() || self.set.iter().any(|arg| arg.name.text == name.text))
    }

    /// The values of an environment. What is given to nobody, and who is given nothing, is reported.
    pub(super) fn of(
        &self,
        environment: Option<&str>,
        project: &Project,
        texts: &Texts,
        acc: &mut Diagnostics,
    ) -> Vec<NamedArg> {
        let manifest = environment.and_then(|name| project.manifest.environments.get(name));
        let mut given: Vec<NamedArg> = manifest.into_iter().flatten().cloned().collect();
        for arg in &self.set {
            given.retain(|other| other.name.text != arg.name.text);
            given.push(arg.clone());
        }
        let declared: Vec<_> = texts.params(environment).collect();
        for arg in &given {
            let name = &arg.name.text;
            if declared.iter().all(|(param, _)| param.text != *name) {
                let near = nearest(name, declared.iter().map(|(param, _)| &*param.text));
                acc.push(errors::unknown_parameter(arg.name.span, name, near));
            }
        }
        let environments: Vec<&str> = project.environments.iter().map(String::as_str).collect();
        for (param, default) in declared {
            if default.is_none() && given.iter().all(|arg| arg.name.text != param.text) {
                acc.push(errors::parameter_without_value(param.span, &param.text, &environments));
            }
        }
        given
    }
}

fn is_plain(arg: &Arg) -> bool {
    let values = match arg {
        Arg::One(value) => std::slice::from_ref(value),
        Arg::List(values, _) => values,
    };
    let mut pieces = values.iter().flat_map(|value| &value.pieces);
    pieces.all(|piece| matches!(piece, Piece::Text(_)))
}
