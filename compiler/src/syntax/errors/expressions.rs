//! Callers, operations, and what joins them.

use super::text::shown;
use super::{
    BARE_WHERE, EMPTY_LIST, MISSING_CALLER, MISSING_TO, MIXED_LIST, MIXED_OPERATORS, REPEATED_TERM, WORKLOAD_IN_LIST,
};
use crate::diagnostics::{Applicability, Diagnostic, Edit, Fix};
use crate::source::Span;

pub(crate) fn missing_caller(at: Span, keyword: &str, has_to: bool) -> Diagnostic {
    let found = Diagnostic::new(
        &MISSING_CALLER,
        at,
        format!("`{keyword}` does not say whom it is about"),
    );
    let found = found.help(format!("name a caller after `{keyword}`; everyone is `anyone`"));
    if has_to {
        let before = Span { end: at.start, ..at };
        return found.fix(Fix::replace(
            "say `anyone`",
            before,
            "anyone ",
            Applicability::Suggestion,
        ));
    }
    found
}

pub(crate) fn missing_to(at: Span, found_text: &str, operation_follows: bool, test: bool) -> Diagnostic {
    let line = if test { "test line" } else { "rule" };
    let found = if operation_follows {
        Diagnostic::new(
            &MISSING_TO,
            at,
            format!("`to` is missing between the caller and {found_text}"),
        )
    } else {
        Diagnostic::new(
            &MISSING_TO,
            at,
            format!("this {line} does not say to what: expected `to`, found {found_text}"),
        )
    };
    if operation_follows {
        let before = Span { end: at.start, ..at };
        return found.help("write `to` before the operation").fix(Fix::replace(
            "write `to`",
            before,
            "to ",
            Applicability::Automatic,
        ));
    }
    found.help("write `to` and an operation after the caller; the widest one is `to any`")
}

/// `parts` are the operands of one chain, `signs` the operators between them.
pub(crate) fn mixed_operators(text: &str, parts: &[Span], signs: &[(&str, Span)]) -> Diagnostic {
    let first = signs.first().map_or("", |(sign, _)| sign);
    let (other, at) = signs
        .iter()
        .find(|(sign, _)| *sign != first)
        .or_else(|| signs.get(1))
        .map_or((first, Span::default()), |(sign, span)| (*sign, *span));
    let message = if other == first {
        format!("two `{first}` stand side by side without parentheses")
    } else {
        format!("`{first}` and `{other}` stand side by side without parentheses")
    };
    let mut found = Diagnostic::new(&MIXED_OPERATORS, at, message);
    if let Some((_, span)) = signs.first() {
        found = found.secondary(*span, "the other operator");
    }
    let (Some(start), Some(end)) = (parts.first(), parts.last()) else {
        return found;
    };
    // The chain splits before the first operator of another kind: what is left of it can be taken together, or what
    // is right of the operator before it.
    let split = signs.iter().position(|(sign, _)| *sign != first).unwrap_or(1);
    let left = parts.get(split).map(|part| start.to(*part));
    let right = parts.get(split).map(|part| part.to(*end));
    for group in [left, right].into_iter().flatten() {
        let form = |from: Span, to: Span| {
            text.get(from.start as usize..to.end as usize)
                .unwrap_or_default()
                .to_owned()
        };
        let before = text.get(start.start as usize..group.start as usize).unwrap_or_default();
        let after = text.get(group.end as usize..end.end as usize).unwrap_or_default();
        let whole = format!("{before}({}){after}", form(group, group));
        let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
        found = found
            .help(format!("write `{}` if that is meant", shown(&whole)))
            .fix(Fix {
                title: format!("write `{}`", shown(&whole)),
                edits: vec![
                    Edit {
                        span: Span {
                            end: group.start,
                            ..group
                        },
                        text: "(".to_owned(),
                    },
                    Edit {
                        span: group.after(),
                        text: ")".to_owned(),
                    },
                ],
                applicability: Applicability::Suggestion,
            });
    }
    found
}

pub(crate) fn bare_where(text: &str, operand: Span) -> Diagnostic {
    let form = text.get(operand.range()).unwrap_or_default();
    Diagnostic::new(
        &BARE_WHERE,
        operand,
        "a `where` inside a longer expression stands in parentheses",
    )
    .help(format!("write `({})`", shown(form)))
    .fix(Fix {
        title: "put the `where` in parentheses".to_owned(),
        edits: vec![
            Edit {
                span: Span {
                    end: operand.start,
                    ..operand
                },
                text: "(".to_owned(),
            },
            Edit {
                span: operand.after(),
                text: ")".to_owned(),
            },
        ],
        applicability: Applicability::Suggestion,
    })
}

pub(crate) fn alternative_tests(operator: Span) -> Diagnostic {
    Diagnostic::new(&BARE_WHERE, operator, "claim tests are joined by `and` alone")
        .help("give each alternative a caller of its own: `(a where …) or (a where …)`")
}

pub(crate) fn where_after_list(list: Span) -> Diagnostic {
    Diagnostic::new(
        &BARE_WHERE,
        list,
        "`where` stands after one issuer or after `token`, not after a list",
    )
    .help("give each its own: `(a where …) or (b where …)`")
}

pub(crate) fn repeated_term(class: &str, first: Span, second: Span) -> Diagnostic {
    let name = match class {
        "method" => "methods",
        "path" | "path-regex" => "paths",
        "operation" => "named operations",
        "host" => "hosts",
        "authority" => "authorities",
        "port" => "ports",
        "grpc" => "gRPC methods",
        "sni" => "server names",
        _ => "destination addresses",
    };
    let found = Diagnostic::new(
        &REPEATED_TERM,
        second,
        format!("{name} stand twice side by side, and terms side by side must all hold"),
    )
    .secondary(first, "the first ones");
    if class == "operation" {
        return found.help("join alternatives by a comma or `or`; if both must hold, put each in parentheses");
    }
    found.help("join alternatives by a comma")
}

pub(crate) fn any_beside_term(any: Span, at: Span, found: &str) -> Diagnostic {
    let blank = Span {
        start: any.start,
        end: at.start,
        ..any
    };
    Diagnostic::new(
        &REPEATED_TERM,
        at,
        format!("`any` stands alone, and {found} stands beside it"),
    )
    .secondary(any, "every operation already")
    .help("leave `any` out: what a term does not name may be anything")
    .fix(Fix::replace("leave `any` out", blank, "", Applicability::Automatic))
}

pub(crate) fn mixed_list(at: Span, found: &str, kind: &str, joins_by_blank: bool) -> Diagnostic {
    let found = Diagnostic::new(
        &MIXED_LIST,
        at,
        format!("a comma joins {kind} with {kind}, and {found} is none"),
    );
    if joins_by_blank {
        found.help("leave the comma out if both must hold; write `or` if one is enough")
    } else {
        found.help("write `or` between things of different kinds")
    }
}

pub(crate) fn empty_list(span: Span) -> Diagnostic {
    Diagnostic::new(
        &EMPTY_LIST,
        span,
        "a list holds at least one value: an empty one in Istio means anyone",
    )
    .help("name a value, or leave the parameter without one")
}

pub(crate) fn workload_in_list(span: Span) -> Diagnostic {
    Diagnostic::new(
        &WORKLOAD_IN_LIST,
        span,
        "a `workload` block is for one workload: only targets stand in lists",
    )
    .help("write a block for each workload, or a template and `apply` it in each")
}
