//! Values after parameters, and the checks that give a text its type.

use super::errors;
use super::names::{Env, ParamValue};
use super::resolver::Resolver;
use super::{At, Value};
use crate::diagnostics::suggest::nearest;
use crate::policy::{IpBlock, StringMap};
use crate::source::Span;
use crate::syntax::ast;

/// Where a value stands, for messages: "a port", "a mode".
pub(super) type What = &'static str;

impl Value {
    /// A text without literal stars.
    pub(super) fn plain(text: impl Into<String>, span: Span) -> Self {
        Self {
            text: text.into(),
            literal_stars: Vec::new(),
            span,
        }
    }

    /// The byte offsets of the stars that are wildcards, those of `{*}` and `{**}` left out.
    pub(super) fn wildcards(&self) -> Vec<usize> {
        let mut in_braces = false;
        let mut stars = Vec::new();
        for (at, c) in self.text.char_indices() {
            match c {
                '{' => in_braces = true,
                '}' => in_braces = false,
                '*' if !in_braces && !self.literal_stars.contains(&at) => stars.push(at),
                _ => {}
            }
        }
        stars
    }

    /// Whether it holds `{*}` or `{**}`.
    pub(super) fn is_template(&self) -> bool {
        self.text.contains("{*}") || self.text.contains("{**}")
    }
}

impl<'a> Resolver<'a, '_> {
    /// The values of a parameter that is visible in `env`.
    fn param(&mut self, name: &ast::Name, env: &Env) -> Option<ParamValue> {
        if let Some(value) = env.frame.as_ref().and_then(|f| f.values.get(&name.text)) {
            let value = value.clone();
            self.argument_used(name, env);
            return Some(value);
        }
        let here = match name.text.as_str() {
            "namespace" => env.here_namespace.clone(),
            "workload" => env.here_workload.clone(),
            _ => None,
        };
        if let Some(text) = here {
            return Some(ParamValue {
                values: vec![Value::plain(&*text, name.span)],
                is_list: false,
            });
        }
        if let Some(value) = (env.module == 0).then(|| self.params.get(&name.text)).flatten() {
            self.program.names.param_used(name);
            return value.clone();
        }
        let mut known: Vec<&str> = env
            .frame
            .iter()
            .flat_map(|f| f.values.keys())
            .map(String::as_str)
            .collect();
        if env.module == 0 {
            known.extend(self.params.keys().map(String::as_str));
        }
        let near = nearest(&name.text, known).map(str::to_owned);
        self.acc.push(errors::unknown_param(name, near.as_deref()));
        None
    }

    /// What a value stands for: several values where it is a parameter that holds a list. Mistakes give none.
    pub(super) fn spread(&mut self, value: &ast::Value, env: &Env) -> Vec<Value> {
        if value.form == ast::ValueForm::Param
            && let [ast::Piece::Param(name)] = value.pieces.as_slice()
        {
            let Some(found) = self.param(name, env) else {
                return Vec::new();
            };
            return found
                .values
                .into_iter()
                .map(|v| Value { span: value.span, ..v })
                .collect();
        }
        self.one(value, env).into_iter().collect()
    }

    /// All values of a list.
    pub(super) fn list(&mut self, values: &[ast::Value], env: &Env) -> Vec<Value> {
        values.iter().flat_map(|value| self.spread(value, env)).collect()
    }

    /// One value; a list is an error.
    pub(super) fn one(&mut self, value: &ast::Value, env: &Env) -> Option<Value> {
        let mut result = Value::plain(String::new(), value.span);
        for piece in &value.pieces {
            match piece {
                ast::Piece::Text(text) => result.text.push_str(text),
                ast::Piece::LiteralStar => {
                    result.literal_stars.push(result.text.len());
                    result.text.push('*');
                }
                ast::Piece::Param(name) => {
                    let found = self.param(name, env)?;
                    let [one] = found.values.as_slice() else {
                        self.acc.push(errors::list_for_one(name, value.span));
                        return None;
                    };
                    if found.is_list && value.form != ast::ValueForm::Param {
                        self.acc.push(errors::list_for_one(name, value.span));
                        return None;
                    }
                    let start = result.text.len();
                    result
                        .literal_stars
                        .extend(one.literal_stars.iter().map(|at| at + start));
                    result.text.push_str(&one.text);
                }
            }
        }
        Some(result)
    }

    /// One text that must not be empty.
    pub(super) fn text(&mut self, value: &ast::Value, what: What, env: &Env) -> Option<At<String>> {
        let value = self.one(value, env)?;
        if value.text.is_empty() {
            self.acc.push(errors::empty_value(what, value.span));
            return None;
        }
        Some(At {
            it: value.text,
            span: value.span,
        })
    }

    /// Texts that must not be empty.
    pub(super) fn texts(&mut self, values: &[ast::Value], what: What, env: &Env) -> Vec<At<String>> {
        let values = self.list(values, env);
        let (empty, full): (Vec<_>, Vec<_>) = values.into_iter().partition(|v| v.text.is_empty());
        for value in empty {
            self.acc.push(errors::empty_value(what, value.span));
        }
        full.into_iter()
            .map(|v| At {
                it: v.text,
                span: v.span,
            })
            .collect()
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        value: &ast::Value,
        what: What,
        words: &[(&str, T)],
        env: &Env,
    ) -> Option<At<T>> {
        let value = self.one(value, env)?;
        self.word_of(&value.text, value.span, what, words)
    }

    /// One of a few words, from plain text.
    pub(super) fn word_of<T: Copy>(
        &mut self,
        text: &str,
        span: Span,
        what: What,
        words: &[(&str, T)],
    ) -> Option<At<T>> {
        if let Some((_, it)) = words.iter().find(|(word, _)| *word == text) {
            return Some(At { it: *it, span });
        }
        self.acc.push(errors::unknown_word(
            text,
            span,
            what,
            words.iter().map(|(word, _)| *word),
        ));
        None
    }

    /// A port, 1 to 65535.
    pub(super) fn port(&mut self, value: &Value) -> Option<At<u16>> {
        let digits = !value.text.is_empty() && value.text.bytes().all(|b| b.is_ascii_digit());
        match value.text.parse::<u16>() {
            Ok(port) if digits && port != 0 => Some(At {
                it: port,
                span: value.span,
            }),
            _ => {
                self.acc.push(errors::invalid_port(&value.text, value.span));
                None
            }
        }
    }

    /// Ports; mistakes are left out.
    pub(super) fn ports(&mut self, values: &[ast::Value], env: &Env) -> Vec<At<u16>> {
        let values = self.list(values, env);
        values.iter().filter_map(|value| self.port(value)).collect()
    }

    /// An address or a network.
    pub(super) fn ip_block(&mut self, value: &Value) -> Option<At<IpBlock>> {
        match IpBlock::parse(&value.text).filter(|_| !value.text.contains('%')) {
            Some(it) => Some(At { it, span: value.span }),
            None => {
                self.acc.push(errors::invalid_address(&value.text, value.span));
                None
            }
        }
    }

    /// A name that Kubernetes takes: a DNS-1123 label (at most 63), or with `dots` a subdomain (at most 253).
    pub(super) fn kube_name(&mut self, value: &ast::Value, what: What, dots: bool, env: &Env) -> Option<At<String>> {
        let name = self.text(value, what, env)?;
        self.check_kube_name(&name.it, name.span, what, dots).then_some(name)
    }

    /// Reports a name that Kubernetes would refuse.
    pub(super) fn check_kube_name(&mut self, name: &str, span: Span, what: What, dots: bool) -> bool {
        let ok = if dots {
            is_dns_subdomain(name)
        } else {
            is_dns_label(name)
        };
        if !ok {
            self.acc.push(errors::invalid_name(name, span, what, dots));
        }
        ok
    }

    /// Labels or other pairs: a key once, label values as Kubernetes takes them.
    pub(super) fn labels(&mut self, pairs: &[ast::Pair], env: &Env) -> StringMap {
        let mut map = StringMap::new();
        for pair in pairs {
            let (Some(key), Some(value)) = (self.text(&pair.key, "a label key", env), self.one(&pair.value, env))
            else {
                continue;
            };
            if !is_label_key(&key.it) {
                self.acc.push(errors::invalid_label(&key.it, key.span, "key"));
            } else if !is_label_value(&value.text) {
                self.acc.push(errors::invalid_label(&value.text, value.span, "value"));
            } else if map.insert(key.it.clone(), value.text).is_some() {
                self.acc
                    .push(errors::said_twice(&format!("label `{}`", key.it), key.span, None));
            }
        }
        map
    }
}

/// A DNS-1123 label: at most 63 lower-case letters, digits and inner dashes.
pub(crate) fn is_dns_label(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= 63 && !name.is_empty() && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// A DNS-1123 subdomain: labels with dots between them, at most 253.
pub(crate) fn is_dns_subdomain(name: &str) -> bool {
    let part = |p: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !p.is_empty() && p.bytes().all(inner) && !p.starts_with('-') && !p.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// A label or annotation key: a name of at most 63, before it a DNS subdomain and a slash.
pub(crate) fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && !name.is_empty() && is_label_value(name),
        None => !key.is_empty() && is_label_value(key),
    }
}

/// A label value: empty, or at most 63 letters, digits and inner `-_.`.
pub(crate) fn is_label_value(value: &str) -> bool {
    let edge = |b: u8| b.is_ascii_alphanumeric();
    let inner = |b: u8| edge(b) || matches!(b, b'-' | b'_' | b'.');
    let bytes = value.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => {
            value.len() <= 63 && edge(*first) && edge(*last) && bytes.iter().all(|b| inner(*b))
        }
        _ => true,
    }
}
