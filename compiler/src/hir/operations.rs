//! WHAT and WHEN: operations and conditions to facts.

use super::names::{Env, Key, Operation};
use super::resolver::{Memo, Resolver};
use super::{Expr, ExprKind, Fact, Value, errors};
use crate::source::Span;
use crate::syntax::ast::{self, CondKind, CondSubject, Field, TermKind, WhatKind};

impl<'a> Resolver<'a, '_> {
    /// An expression of operations.
    pub(super) fn what(&mut self, what: &'a ast::What, env: &Env) -> Option<Expr> {
        let span = what.span;
        match &what.kind {
            WhatKind::Any => Some(Expr::any(span)),
            WhatKind::Terms(terms) => {
                let parts: Vec<_> = terms.iter().map(|term| self.term(term, env)).collect();
                Some(Expr::all(parts.into_iter().collect::<Option<Vec<_>>>()?, span))
            }
            WhatKind::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.what(part, env)).collect();
                Some(Expr {
                    kind: ExprKind::Or(parts.into_iter().collect::<Option<Vec<_>>>()?),
                    span,
                })
            }
            WhatKind::Except(all, less) => {
                let all = self.what(all, env);
                let less = self.what(less, env)?;
                Some(Expr {
                    kind: ExprKind::Except(Box::new(all?), Box::new(less)),
                    span,
                })
            }
        }
    }

    fn term(&mut self, term: &'a ast::Term, env: &Env) -> Option<Expr> {
        let span = term.span;
        match &term.kind {
            TermKind::Group(inner) => self.what(inner, env).map(|e| Expr { span, ..e }),
            TermKind::Names(names) => {
                let parts: Vec<_> = names.iter().map(|name| self.operation_name(name, env)).collect();
                Some(Expr::any_of(parts.into_iter().collect::<Option<Vec<_>>>()?, span))
            }
            TermKind::Field { field, values, .. } => self.field(*field, values, span, env),
        }
    }

    fn operation_name(&mut self, name: &ast::Name, env: &Env) -> Option<Expr> {
        if let Some(bound) = self.bound(name, env) {
            if bound.kind != ast::ParamKind::Operation {
                self.acc
                    .push(errors::wrong_parameter_kind(name, ast::ParamKind::Operation));
                return None;
            }
            let parts: Vec<_> = bound
                .names
                .iter()
                .map(|(name, env)| self.operation_name(name, env))
                .collect();
            return Some(Expr::any_of(parts.into_iter().collect::<Option<Vec<_>>>()?, name.span));
        }
        let (key, decl) = self.find_operation(name, env)?;
        let expr = self.operation(&key, decl.it, &decl.env, name, decl.span)?;
        Some(Expr {
            span: name.span,
            ..expr
        })
    }

    /// A declared operation with its `when`, resolved once.
    pub(super) fn operation(
        &mut self,
        key: &Key,
        operation: Operation<'a>,
        env: &Env,
        name: &ast::Name,
        declared: Span,
    ) -> Option<Expr> {
        match self.resolved_operations.get(key) {
            Some(Memo::Done(done)) => return done.clone(),
            Some(Memo::Open) => {
                self.acc
                    .push(errors::cycle("operation", &name.text, name.span, declared));
                return None;
            }
            None => {}
        }
        self.resolved_operations.insert(key.clone(), Memo::Open);
        let what = self.what(operation.what, env);
        let when = operation.when.map(|cond| self.cond(cond, env));
        let expr = match (what, when) {
            (Some(what), None) => Some(what),
            (Some(what), Some(Some(when))) => {
                let span = what.span;
                Some(Expr {
                    kind: ExprKind::And(vec![what, when]),
                    span,
                })
            }
            _ => None,
        };
        self.resolved_operations.insert(key.clone(), Memo::Done(expr.clone()));
        expr
    }

    fn field(&mut self, field: Field, values: &[ast::Value], span: Span, env: &Env) -> Option<Expr> {
        let values = self.list(values, env);
        if values.is_empty() {
            return None;
        }
        let patterns = |this: &mut Self, values: Vec<Value>| {
            let all: Vec<_> = values.into_iter().map(|value| this.pattern(value)).collect();
            all.into_iter().collect::<Option<Vec<_>>>()
        };
        let fact = match field {
            Field::Method => Fact::Method(patterns(self, values)?),
            Field::Path => {
                let all: Vec<_> = values.into_iter().map(|value| self.path(value)).collect();
                Fact::Path(all.into_iter().collect::<Option<Vec<_>>>()?)
            }
            Field::PathRegex => Fact::PathRegex(values),
            Field::Grpc => {
                let all: Vec<_> = values.into_iter().map(|value| self.grpc(value)).collect();
                Fact::Grpc(all.into_iter().collect::<Option<Vec<_>>>()?)
            }
            Field::Host => Fact::Host(patterns(self, values)?),
            Field::Authority => Fact::Authority(patterns(self, values)?),
            Field::Sni => Fact::Sni(patterns(self, values)?),
            Field::Port => {
                let ports: Vec<_> = values.iter().map(|value| self.port(value)).collect();
                Fact::Port(ports.into_iter().collect::<Option<Vec<_>>>()?)
            }
            Field::DestIp => {
                let blocks: Vec<_> = values.iter().map(|value| self.ip_block(value)).collect();
                Fact::DestIp(blocks.into_iter().collect::<Option<Vec<_>>>()?)
            }
        };
        Some(Expr::fact(fact, span))
    }

    /// `package.Service/Method`, where the method may end in a star.
    fn grpc(&mut self, value: Value) -> Option<Value> {
        let parts = value.text.split_once('/');
        let ok = parts.is_some_and(|(service, method)| {
            !service.is_empty() && !service.contains('*') && !method.is_empty() && !method.contains('/')
        });
        if !ok {
            self.acc.push(errors::grpc_form(&value.text, value.span));
            return None;
        }
        self.pattern(value)
    }

    /// A `when`.
    pub(super) fn cond(&mut self, cond: &'a ast::Cond, env: &Env) -> Option<Expr> {
        let span = cond.span;
        match &cond.kind {
            CondKind::Group(inner) => self.cond(inner, env),
            CondKind::And(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.cond(part, env)).collect();
                Some(Expr {
                    kind: ExprKind::And(parts.into_iter().collect::<Option<Vec<_>>>()?),
                    span,
                })
            }
            CondKind::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.cond(part, env)).collect();
                Some(Expr {
                    kind: ExprKind::Or(parts.into_iter().collect::<Option<Vec<_>>>()?),
                    span,
                })
            }
            CondKind::Test { subject, comparison } => {
                let (values, negative) = self.comparison(comparison, span, env)?;
                let fact = match subject {
                    CondSubject::Header(name) => {
                        let name = self.header_name(name, env)?;
                        Fact::Header { name, values }
                    }
                    CondSubject::Filter(filter, key) => {
                        let filter = self.text(filter, "a filter", env)?;
                        let key = self.text(key, "a metadata key", env)?;
                        if let Some(bad) = [&filter, &key].into_iter().find(|part| part.it.contains(['[', ']'])) {
                            self.acc.push(errors::bracket_in_key(&bad.it, bad.span));
                            return None;
                        }
                        if !filter.it.starts_with("envoy.filters.") {
                            self.acc.push(errors::filter_name(&filter.it, filter.span));
                            return None;
                        }
                        // An operator for lists takes the list form of Istio's values.
                        let list = matches!(comparison.op, ast::Op::Has | ast::Op::Lacks);
                        let wrap = |v: Value| {
                            if list {
                                Value {
                                    text: format!("[{}]", v.text),
                                    ..v
                                }
                            } else {
                                v
                            }
                        };
                        let values = values.into_iter().map(wrap).collect();
                        Fact::Filter {
                            filter: filter.it,
                            key: key.it,
                            values,
                        }
                    }
                };
                let fact = Expr::fact(fact, span);
                Some(if negative { Expr::not(fact, span) } else { fact })
            }
        }
    }

    /// A header's name: a token of HTTP, or a pseudo header.
    pub(super) fn header_name(&mut self, name: &ast::Value, env: &Env) -> Option<String> {
        let name = self.text(name, "a header name", env)?;
        let plain = name.it.strip_prefix(':').unwrap_or(&name.it);
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if plain.is_empty() || !plain.bytes().all(token) {
            self.acc.push(errors::invalid_header(&name.it, name.span));
            return None;
        }
        Some(name.it)
    }
}
