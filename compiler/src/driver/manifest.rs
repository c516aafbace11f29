//! `mesh.toml`: what it says, and what is wrong with it. The only user of `toml`.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors;
use super::levels::{Level, Levels};
use crate::catalogue;
use crate::diagnostics::suggest::nearest;
use crate::diagnostics::{Diagnostics, Severity};
use crate::policy::Target;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Arg, Name, NamedArg, Piece, Value, ValueForm};

/// The file's name.
pub const FILE_NAME: &str = "mesh.toml";

const KEYS: [&str; 4] = ["target", "manifests", "lints", "env"];

/// What a manifest says; of a broken one, what is left.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// What `build` emits unless the command line says otherwise.
    pub target: Option<Target>,
    /// Whether a target stands there, even one that is not known.
    pub names_target: bool,
    /// Globs of the YAML that belongs to the policy.
    pub manifests: Vec<(String, Span)>,
    pub levels: Levels,
    /// The values of parameters, by environment.
    pub environments: BTreeMap<String, Vec<NamedArg>>,
}

/// Reads a manifest.
pub fn parse(file: FileId, text: &str, acc: &mut Diagnostics) -> Manifest {
    let mut reader = Reader {
        file,
        acc,
        manifest: Manifest::default(),
    };
    let (table, problems) = DeTable::parse_recoverable(text);
    for problem in &problems {
        let span = reader.span(problem.span().unwrap_or_default());
        reader.acc.push(errors::invalid_manifest(span, problem.message()));
    }
    // What a broken file seems to say would only raise more questions.
    if problems.is_empty() {
        reader.root(table.get_ref());
    }
    reader.manifest
}

struct Reader<'a> {
    file: FileId,
    acc: &'a mut Diagnostics,
    manifest: Manifest,
}

impl Reader<'_> {
    fn root(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "target" => self.target(value),
                "manifests" => self.manifests(value),
                "lints" => self.lints(value),
                "env" => self.environments(value),
                unknown => {
                    let span = self.span(key.span());
                    self.acc
                        .push(errors::unknown_key(span, unknown, nearest(unknown, KEYS)));
                }
            }
        }
    }

    fn target(&mut self, value: &Spanned<DeValue<'_>>) {
        self.manifest.names_target = true;
        let Some(text) = self.string("target", "a string", value) else {
            return;
        };
        self.manifest.target = Target::parse(&text);
        if self.manifest.target.is_none() {
            let span = self.span(value.span());
            let (oldest, newest) = (Target::LEGACY.to_string(), Target::NEWEST.to_string());
            self.acc.push(errors::unknown_target(span, &text, &oldest, &newest));
        }
    }

    fn manifests(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong("manifests", "an array of strings", value);
            return;
        };
        for item in items {
            if let Some(text) = self.string("manifests", "an array of strings", item) {
                let span = self.span(item.span());
                self.manifest.manifests.push((text, span));
            }
        }
    }

    fn lints(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong("lints", "a table of levels", value);
            return;
        };
        for (key, value) in table {
            let (name, span) = (key.get_ref().as_ref(), self.span(key.span()));
            let Some(code) = catalogue::find(name) else {
                self.acc
                    .push(errors::unknown_finding(span, name, catalogue::nearest_name(name)));
                continue;
            };
            if code.severity == Severity::Error {
                self.acc.push(errors::fixed_level(span, name));
                continue;
            }
            let Some(text) = self.string(name, "a level", value) else {
                continue;
            };
            match Level::parse(&text) {
                Some(level) => self.manifest.levels.set(code, level),
                None => {
                    let span = self.span(value.span());
                    let near = nearest(&text, Level::NAMES);
                    self.acc.push(errors::unknown_level(span, &text, near));
                }
            }
        }
    }

    fn environments(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(environments) = value.get_ref() else {
            self.wrong("env", "a table for each environment", value);
            return;
        };
        for (name, value) in environments {
            let DeValue::Table(params) = value.get_ref() else {
                self.wrong(&format!("env.{}", name.get_ref()), "a table of parameters", value);
                continue;
            };
            let args = params.iter().filter_map(|(key, value)| self.param(key, value));
            let args: Vec<NamedArg> = args.collect();
            self.manifest.environments.insert(name.get_ref().to_string(), args);
        }
    }

    fn param(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<NamedArg> {
        let key_text = key.get_ref();
        let span = self.span(value.span());
        let arg = match value.get_ref() {
            DeValue::Array(items) if items.is_empty() => {
                self.acc.push(errors::empty_list(span, key_text));
                return None;
            }
            DeValue::Array(items) => {
                let values: Option<Vec<Value>> = items.iter().map(|item| self.value(key_text, item)).collect();
                Arg::List(values?, span)
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => Arg::One(self.value(key_text, value)?),
        };
        let name = Name {
            text: key_text.to_string(),
            span: self.span(key.span()),
        };
        Some(NamedArg { name, arg })
    }

    /// A value as the text that a `.mesh` file would have in quotes.
    fn value(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let text = match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Boolean(yes) => Some(yes.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(|number| number.to_string()),
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        };
        let Some(text) = text else {
            self.wrong(key, "a string, an integer, a boolean or an array of these", value);
            return None;
        };
        Some(Value {
            form: ValueForm::Quoted,
            pieces: vec![Piece::Text(text)],
            span: self.span(value.span()),
        })
    }

    fn string(&mut self, key: &str, takes: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.to_string());
        }
        self.wrong(key, takes, value);
        None
    }

    fn wrong(&mut self, key: &str, takes: &str, value: &Spanned<DeValue<'_>>) {
        let is = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let span = self.span(value.span());
        self.acc.push(errors::wrong_value(span, key, takes, is));
    }

    fn span(&self, range: Range<usize>) -> Span {
        let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Span::new(self.file, offset(range.start), offset(range.end))
    }
}
