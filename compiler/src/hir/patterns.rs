//! Istio's patterns: what a star means where, and which texts a proxy would refuse.

use super::Value;
use super::errors;
use super::resolver::Resolver;

impl Resolver<'_, '_> {
    /// A wildcard string: exact, `prefix*`, `*suffix` or `*`. A star that Istio would take literally is an error.
    pub(super) fn pattern(&mut self, value: Value) -> Option<Value> {
        if value.text.is_empty() {
            self.acc.push(errors::empty_value("a value", value.span));
            return None;
        }
        let last = value.text.len() - 1;
        let edge_literal = value.literal_stars.iter().any(|at| *at == 0 || *at == last);
        if edge_literal {
            self.acc.push(errors::literal_star_at_edge(&value.text, value.span));
            return None;
        }
        let wildcards = value.wildcards();
        let misplaced = match wildcards.as_slice() {
            [] => false,
            [at] => *at != 0 && *at != last,
            _ => true,
        };
        if misplaced {
            self.acc.push(errors::misplaced_star(&value.text, value.span));
            return None;
        }
        Some(value)
    }

    /// A path: a wildcard string, or a template that both Istio and Envoy take.
    pub(super) fn path(&mut self, value: Value) -> Option<Value> {
        let template = value.is_template();
        if !template && !value.text.contains(['{', '}']) {
            return self.pattern(value);
        }
        match template_fault(&value, template) {
            None => Some(value),
            Some(why) => {
                self.acc
                    .push(errors::invalid_path_template(&value.text, value.span, why));
                None
            }
        }
    }
}

/// What is wrong with a path that holds braces (`istio-semantics.md`, path templates).
fn template_fault(value: &Value, template: bool) -> Option<&'static str> {
    if !template {
        return Some("a brace stands only in `{*}` and `{**}`");
    }
    let Some(rest) = value.text.strip_prefix('/') else {
        return Some("a template starts with `/`");
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let mut rest_seen = false;
    for segment in rest.split('/') {
        if rest_seen && matches!(segment, "{*}" | "{**}") {
            return Some("nothing that varies may follow `{**}`");
        }
        match segment {
            "{*}" => {}
            "{**}" => rest_seen = true,
            "" => return Some("a template has no empty segment"),
            _ if segment.contains(['{', '}']) => return Some("`{*}` and `{**}` stand for whole segments"),
            _ if segment.contains('*') => return Some("a template has no other star"),
            _ if !segment.bytes().all(is_template_literal) => {
                return Some("a segment of a template holds letters, digits and `-._~%!$&'()+,;:@=` only");
            }
            _ => {}
        }
    }
    None
}

const fn is_template_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'+'
                | b','
                | b';'
                | b':'
                | b'@'
                | b'='
        )
}
