//! A piece of a rule as a declaration of its own: who calls as an `identity`, what is asked as an `operation`.

use std::path::Path;

use super::analysis::{Analysis, range};
use super::document::Document;
use super::{Action, ActionKind, Edit, TextRange, items};
use crate::syntax::ast::{Item, ItemKind, RuleKind, TermKind, What, WhatKind, Who, WhoKind};

/// What can be taken out of the rule around a range: the smallest piece that holds all of it, and where nothing is
/// selected, the whole of it that the place is in.
pub(super) fn extract(analysis: &Analysis, document: &Document, path: &Path, selected: &TextRange) -> Vec<Action> {
    let around = items::around(&document.parsed().file.items, selected.start);
    let Some(rule) = around.last() else { return Vec::new() };
    let inside = |item: &&Item| matches!(item.kind, ItemKind::Template { .. });
    // What a template's text means is known only where it is applied.
    if around.iter().any(inside) {
        return Vec::new();
    }
    let (who, whats) = parts(rule);
    let mut pieces = Vec::new();
    if let Some(who) = who {
        callers(who, &mut pieces);
    }
    for what in whats {
        operations(what, &mut pieces);
    }
    let holds = |piece: &&Piece| piece.range.start <= selected.start && selected.end <= piece.range.end;
    let mut fitting = pieces.iter().filter(holds);
    // Pieces come from the outermost to the innermost.
    let piece = if selected.is_empty() {
        fitting.next()
    } else {
        fitting.next_back()
    };
    let home = home(&around);
    let made = piece
        .zip(home)
        .and_then(|(piece, home)| action(analysis, document, path, piece, home));
    made.into_iter().collect()
}

/// A piece that could have a name.
struct Piece {
    range: TextRange,
    keyword: &'static str,
    name: &'static str,
}

/// The callers and the operations of an item.
fn parts(item: &Item) -> (Option<&Who>, Vec<&What>) {
    match &item.kind {
        ItemKind::Rule(rule) => match &rule.kind {
            RuleKind::Access { body, .. } | RuleKind::Ask { body, .. } => (Some(&body.who), vec![&body.what]),
            RuleKind::Accept { on, .. } => (None, on.iter().collect()),
            RuleKind::Require { on, except, .. } => (None, on.iter().chain(except).collect()),
            RuleKind::DefaultDeny { .. } | RuleKind::Mtls { .. } => (None, Vec::new()),
        },
        ItemKind::Invariant(invariant) => (Some(&invariant.who), vec![&invariant.what]),
        _ => (None, Vec::new()),
    }
}

fn callers(who: &Who, found: &mut Vec<Piece>) {
    // A name needs no other one.
    if !matches!(
        who.kind,
        WhoKind::Anyone | WhoKind::AnyPeer | WhoKind::Outsider | WhoKind::Token | WhoKind::Names(_) | WhoKind::Group(_)
    ) {
        found.push(Piece {
            range: range(who.span),
            keyword: "identity",
            name: "callers",
        });
    }
    let inner: Vec<&Who> = match &who.kind {
        WhoKind::Or(list) | WhoKind::And(list) => list.iter().collect(),
        WhoKind::Except(one, other) => vec![one, other],
        WhoKind::Via { user, peer } => vec![user, peer],
        WhoKind::From { who, network } => vec![who, network],
        WhoKind::Group(inner) => vec![inner],
        WhoKind::Anyone
        | WhoKind::AnyPeer
        | WhoKind::Outsider
        | WhoKind::Token
        | WhoKind::Names(_)
        | WhoKind::Where { .. }
        | WhoKind::Literal { .. } => Vec::new(),
    };
    for who in inner {
        callers(who, found);
    }
}

fn operations(what: &What, found: &mut Vec<Piece>) {
    let is_plain = match &what.kind {
        WhatKind::Any => true,
        WhatKind::Terms(terms) => {
            let one = terms.first().filter(|_| terms.len() == 1);
            one.is_some_and(|term| matches!(term.kind, TermKind::Names(_) | TermKind::Group(_)))
        }
        WhatKind::Or(_) | WhatKind::Except(..) => false,
    };
    if !is_plain {
        found.push(Piece {
            range: range(what.span),
            keyword: "operation",
            name: "requests",
        });
    }
    let inner: Vec<&What> = match &what.kind {
        WhatKind::Any => Vec::new(),
        WhatKind::Terms(terms) => {
            let groups = terms.iter().filter_map(|term| match &term.kind {
                TermKind::Group(inner) => Some(&**inner),
                TermKind::Field { .. } | TermKind::Names(_) => None,
            });
            groups.collect()
        }
        WhatKind::Or(list) => list.iter().collect(),
        WhatKind::Except(one, other) => vec![one, other],
    };
    for what in inner {
        operations(what, found);
    }
}

/// The item before which a declaration means the same as in the rule: in its namespace, else at the top level.
fn home<'i>(around: &[&'i Item]) -> Option<(&'i Item, bool)> {
    let first = around.first()?;
    let in_namespace = matches!(first.kind, ItemKind::Namespace { .. });
    let item = if in_namespace { around.get(1)? } else { first };
    Some((item, in_namespace))
}

fn action(
    analysis: &Analysis,
    document: &Document,
    path: &Path,
    piece: &Piece,
    (item, in_namespace): (&Item, bool),
) -> Option<Action> {
    let text = document.text();
    let written = text.get(piece.range.start as usize..piece.range.end as usize)?;
    // What the block is called is known in it alone.
    if written.contains("${workload}") || (!in_namespace && written.contains("${namespace}")) {
        return None;
    }
    let name = free(analysis, piece.name);
    let at = start(text, item.span.start as usize);
    let line = text.get(..at)?.rsplit('\n').next().unwrap_or_default();
    // An item that shares its line with others gets one of its own.
    let (lead, indent) = if line.trim().is_empty() { ("", line) } else { ("\n", "") };
    let offset = u32::try_from(at).ok()?;
    let declaration = Edit {
        range: offset..offset,
        text: format!("{lead}{} {name} = {written}\n\n{indent}", piece.keyword),
    };
    let instead = Edit {
        range: piece.range.clone(),
        text: name,
    };
    Some(Action {
        title: format!("Give it a name: extract to `{}`", piece.keyword),
        kind: ActionKind::Extract,
        diagnostics: Vec::new(),
        edits: [declaration, instead].map(|edit| (path.to_path_buf(), edit)).into(),
        is_preferred: false,
    })
}

/// A name that nothing has.
fn free(analysis: &Analysis, name: &str) -> String {
    let is_taken = |name: &str| analysis.names.declarations().iter().any(|other| other.name == name);
    let mut numbered = (2..).map(|number| format!("{name}-{number}"));
    let plain = Some(name.to_owned()).filter(|name| !is_taken(name));
    let other = || numbered.find(|name| !is_taken(name));
    plain.or_else(other).unwrap_or_default()
}

/// Where an item begins with the comments right above it.
fn start(text: &str, item: usize) -> usize {
    let mut at = item;
    let before = text.get(..item).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let mut above = before.get(..line).unwrap_or_default();
    while let Some(rest) = above.strip_suffix('\n') {
        let begin = rest.rfind('\n').map_or(0, |end| end + 1);
        let Some(comment) = rest.get(begin..).filter(|line| line.trim_start().starts_with('#')) else {
            break;
        };
        at = begin + comment.len() - comment.trim_start().len();
        above = above.get(..begin).unwrap_or_default();
    }
    at
}

#[cfg(test)]
mod tests {
    use crate::ide::ActionKind;
    use crate::ide::tests::fixture;

    /// The text after the extraction of what stands between two `|`, or at one.
    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let marks: Vec<usize> = text.match_indices('|').map(|(at, _)| at).collect();
        let plain = text.replace('|', "");
        let (workspace, ..) = fixture(&format!("//- mesh.toml\ntarget = \"istio-1.31\"\n//- a.mesh\n{plain}"));
        let path = std::path::Path::new("/project/a.mesh");
        let place = |at: usize, before: u32| u32::try_from(at).unwrap() - before;
        let selected = place(marks[0], 0)..marks.get(1).map_or(place(marks[0], 0), |at| place(*at, 1));
        let actions = workspace.snapshot().actions(path, &selected);
        let made = actions.into_iter().find(|action| action.kind == ActionKind::Extract);
        let made = made.map(|mut action| {
            action
                .edits
                .sort_by_key(|(_, edit)| std::cmp::Reverse(edit.range.start));
            let mut text = plain.clone();
            for (_, edit) in action.edits {
                text.replace_range(edit.range.start as usize..edit.range.end as usize, &edit.text);
            }
            text
        });
        assert_eq!(made.as_deref(), expected);
    }

    #[test]
    fn callers_become_an_identity_of_their_namespace() {
        check(
            "namespace shop {\n    ## The shop.\n    workload web {\n        allow |sa a/b or ns c to any\n    }\n}\n",
            Some(
                "namespace shop {\n    identity callers = sa a/b or ns c\n\n    ## The shop.\n    workload web {\n        \
                 allow callers to any\n    }\n}\n",
            ),
        );
        check(
            "namespace shop {\n    workload web {\n        allow sa a/b or |ns c| to any\n    }\n}\n",
            Some(
                "namespace shop {\n    identity callers = ns c\n\n    workload web {\n        allow sa a/b or callers to any\n    \
                 }\n}\n",
            ),
        );
    }

    #[test]
    fn what_is_asked_becomes_an_operation() {
        check(
            "operation requests = GET /a\nnamespace shop {\n    workload web { allow anyone to GET |/b }\n}\n",
            Some(
                "operation requests = GET /a\nnamespace shop {\n    operation requests-2 = GET /b\n\n    \
                 workload web { allow anyone to requests-2 }\n}\n",
            ),
        );
        check(
            "never anyone to |GET /b| at shop/*\n",
            Some("operation requests = GET /b\n\nnever anyone to requests at shop/*\n"),
        );
    }

    #[test]
    fn names_and_texts_of_templates_stay() {
        check("never an|yone to any at shop/*\n", None);
        check("template t() {\n    allow |ns a to any\n}\n", None);
        check(
            "namespace shop {\n    workload web { allow sa |${workload} to any }\n}\n",
            None,
        );
    }
}
