//! The values of parameters: from the environment in the manifest, then from the command line.

use super::RunError;
use std::collections::BTreeMap;

use super::errors;
use super::project::Project;
use super::texts::Texts;
use crate::diagnostics::Diagnostics;
use crate::diagnostics::suggest::nearest;
use crate::hir::Setting;
use crate::source::SourceMap;
use crate::syntax::ast::{Arg, ItemKind, NamedArg, Piece, Value};
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

    /// The values of an environment. What is given to nobody is reported here, who is given nothing by resolution.
    pub(super) fn of(
        &self,
        environment: Option<&str>,
        project: &Project,
        texts: &Texts,
        acc: &mut Diagnostics,
    ) -> BTreeMap<String, Setting> {
        let manifest = environment.and_then(|name| project.manifest.environments.get(name));
        let mut settings = BTreeMap::new();
        for arg in manifest.into_iter().flatten().chain(&self.set) {
            let name = &arg.name.text;
            if texts.params(environment).all(|(param, _)| param.text != *name) {
                let near = nearest(name, texts.params(environment).map(|(param, _)| &*param.text));
                acc.push(errors::value_without_param(arg.name.span, name, near));
            }
            settings.insert(name.clone(), setting(&arg.arg));
        }
        settings
    }
}

fn setting(arg: &Arg) -> Setting {
    match arg {
        Arg::One(value) => Setting::One(text(value)),
        Arg::List(values, _) => Setting::List(values.iter().map(text).collect()),
    }
}

/// The text of a value that [`is_plain`].
fn text(value: &Value) -> String {
    let pieces = value.pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        Piece::LiteralStar | Piece::Param(_) => None,
    });
    pieces.collect()
}

fn is_plain(arg: &Arg) -> bool {
    let values = match arg {
        Arg::One(value) => std::slice::from_ref(value),
        Arg::List(values, _) => values,
    };
    let mut pieces = values.iter().flat_map(|value| &value.pieces);
    pieces.all(|piece| matches!(piece, Piece::Text(_)))
}
