//! `on` and `except` of `accept` and `require`: an expression to ports and trigger rules.

use std::collections::BTreeSet;

use super::errors;
use super::paths;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::hir::{Expr, ExprKind, Fact, Value};
use crate::policy::legacy::{StringMatch, TriggerRule};
use crate::source::Span;

/// More alternatives than any policy needs; nested exceptions can double them at each step.
const MOST_REGIONS: usize = 512;

/// Requests for which a token is asked: on these pod ports (`None`: all), where the rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) ports: Option<BTreeSet<u16>>,
    pub(super) rule: TriggerRule,
}

impl Region {
    /// Every request on every port.
    pub(super) const ALL: Self = Self {
        ports: None,
        rule: TriggerRule {
            excluded: Vec::new(),
            included: Vec::new(),
        },
    };

    /// Whether it asks on `port`; `None` is a port that no item names.
    pub(super) fn covers(&self, port: Option<u16>) -> bool {
        match (&self.ports, port) {
            (None, _) => true,
            (Some(ports), Some(port)) => ports.contains(&port),
            (Some(_), None) => false,
        }
    }

    /// Whether it asks whatever the path is.
    pub(super) const fn asks_always(&self) -> bool {
        self.rule.included.is_empty() && self.rule.excluded.is_empty()
    }
}

/// The requests that `on`, less `except`, stands for: one region an alternative. What cannot be said is reported.
pub(super) fn regions(on: Option<&Expr>, except: Option<&Expr>, acc: &mut Diagnostics) -> Vec<Region> {
    let result = on.map_or(Ok(vec![Region::ALL]), of).and_then(|on| match except {
        None => Ok(on),
        Some(except) => without(on, except),
    });
    match result {
        Ok(found) if found.is_empty() => {
            let span = on.or(except).map(|expr| expr.span).unwrap_or_default();
            acc.push(errors::trigger_without_paths(span));
            found
        }
        Ok(found) => found,
        Err(diagnostic) => {
            acc.push(*diagnostic);
            Vec::new()
        }
    }
}

type Found = Result<Vec<Region>, Box<Diagnostic>>;

fn of(expr: &Expr) -> Found {
    match &expr.kind {
        ExprKind::True => Ok(vec![Region::ALL]),
        ExprKind::Fact(fact) => fact_region(fact, expr.span).map(|region| vec![region]),
        ExprKind::And(parts) => parts
            .iter()
            .try_fold(vec![Region::ALL], |all, part| both(&all, &of(part)?, part.span)),
        ExprKind::Or(parts) => {
            let mut any = Vec::new();
            for part in parts {
                any.extend(
                    of(part)?
                        .into_iter()
                        .filter(|region| !any.contains(region))
                        .collect::<Vec<_>>(),
                );
            }
            Ok(any)
        }
        ExprKind::Except(whole, part) => without(of(whole)?, part),
    }
}

/// `whole` where `part` does not hold.
fn without(whole: Vec<Region>, part: &Expr) -> Found {
    of(part)?.iter().try_fold(whole, |rest, out| {
        if out.ports.is_some() {
            return Err(Box::new(errors::excepted_port(part.span)));
        }
        let mut outside = Vec::new();
        if !out.rule.included.is_empty() {
            outside.push(Region {
                ports: None,
                rule: TriggerRule {
                    excluded: out.rule.included.clone(),
                    included: Vec::new(),
                },
            });
        }
        if !out.rule.excluded.is_empty() {
            outside.push(Region {
                ports: None,
                rule: TriggerRule {
                    excluded: Vec::new(),
                    included: out.rule.excluded.clone(),
                },
            });
        }
        both(&rest, &outside, part.span)
    })
}

/// Where a region of each list holds.
fn both(a: &[Region], b: &[Region], span: Span) -> Found {
    let mut found: Vec<Region> = Vec::new();
    for (x, y) in a.iter().flat_map(|x| b.iter().map(move |y| (x, y))) {
        let ports = match (&x.ports, &y.ports) {
            (Some(left), Some(right)) => Some(left & right),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        };
        let included = paths::meet(&x.rule.included, &y.rule.included)
            .map_err(|(left, right)| Box::new(errors::path_intersection(&left, &right, span)))?;
        let mut excluded = x.rule.excluded.clone();
        excluded.extend(
            y.rule
                .excluded
                .iter()
                .filter(|path| !x.rule.excluded.contains(path))
                .cloned(),
        );
        let Some(included) = included else { continue };
        let kept: Vec<StringMatch> = included
            .iter()
            .filter(|path| !excluded.iter().any(|out| paths::within(path, out)))
            .cloned()
            .collect();
        let nothing_left = !included.is_empty() && kept.is_empty();
        if nothing_left || ports.as_ref().is_some_and(BTreeSet::is_empty) {
            continue;
        }
        let region = Region {
            ports,
            rule: TriggerRule {
                excluded,
                included: kept,
            },
        };
        if !found.contains(&region) {
            found.push(region);
        }
        if found.len() > MOST_REGIONS {
            return Err(Box::new(errors::too_many_regions(span)));
        }
    }
    Ok(found)
}

fn fact_region(fact: &Fact, span: Span) -> Result<Region, Box<Diagnostic>> {
    let mut region = Region::ALL;
    match fact {
        Fact::Port(ports) => region.ports = Some(ports.iter().map(|port| port.it).collect()),
        Fact::PathRegex(values) => {
            region.rule.included = values
                .iter()
                .map(|value| StringMatch::Regex(value.text.clone()))
                .collect();
        }
        Fact::Path(values) => {
            let mut included = Vec::new();
            for value in values {
                match path_match(value)? {
                    Some(path) => included.push(path),
                    None => return Ok(region),
                }
            }
            region.rule.included = included;
        }
        Fact::Method(_) => return Err(Box::new(errors::trigger_fact("a method", span))),
        Fact::Grpc(_) => return Err(Box::new(errors::trigger_fact("a gRPC method", span))),
        Fact::Host(_) | Fact::Authority(_) => return Err(Box::new(errors::trigger_fact("a host", span))),
        Fact::Sni(_) => return Err(Box::new(errors::trigger_fact("`sni`", span))),
        Fact::DestIp(_) => return Err(Box::new(errors::trigger_fact("`dest-ip`", span))),
        Fact::Header { .. } => return Err(Box::new(errors::trigger_fact("a header", span))),
        Fact::Filter { .. } => return Err(Box::new(errors::trigger_fact("`filter`", span))),
        Fact::AnyPeer
        | Fact::Sa { .. }
        | Fact::Ns { .. }
        | Fact::Principal(_)
        | Fact::TrustDomain(_)
        | Fact::PeerIp(_)
        | Fact::ClientIp(_)
        | Fact::Token
        | Fact::Issuer(_)
        | Fact::RequestPrincipal(_)
        | Fact::Claim { .. } => return Err(Box::new(errors::trigger_fact("a caller", span))),
    }
    Ok(region)
}

/// `None` for a path that is any path.
fn path_match(value: &Value) -> Result<Option<StringMatch>, Box<Diagnostic>> {
    if value.text.contains("{*}") || value.text.contains("{**}") {
        return Err(Box::new(errors::path_template(&value.text, value.span)));
    }
    let wild = |at: usize| value.text.as_bytes().get(at) == Some(&b'*') && !value.literal_stars.contains(&at);
    let last = value.text.len().saturating_sub(1);
    Ok(match value.text.as_str() {
        "*" if wild(0) => None,
        text if wild(last) => Some(StringMatch::Prefix(text.get(..last).unwrap_or_default().to_owned())),
        text if wild(0) => Some(StringMatch::Suffix(text.get(1..).unwrap_or_default().to_owned())),
        text => Some(StringMatch::Exact(text.to_owned())),
    })
}
