//! The graph for Graphviz: a cluster for each scope, and in it the policies with their parts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Subject;
use crate::cli::verdicts;
use crate::policy::graph::{EdgeKind, Node, NodeId, Part, Scope, Standing};

pub(super) fn write(subject: &Subject<'_>) -> String {
    let graph = subject.graph;
    let mut scopes: BTreeMap<&Scope, Vec<(NodeId, &Node)>> = BTreeMap::new();
    for (id, node) in graph.nodes() {
        scopes.entry(&node.scope).or_default().push((id, node));
    }
    let mut out = String::from(
        "digraph precedence {\n    rankdir=LR;\n    node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=11];\n    edge [fontname=\"sans-serif\", fontsize=9];\n",
    );
    for (at, (scope, nodes)) in scopes.iter().enumerate() {
        let _ = writeln!(out, "    subgraph cluster_{at} {{");
        let _ = writeln!(out, "        label={};", quoted(&scope.to_string()));
        for (_, node) in nodes {
            let _ = writeln!(out, "        {};", declaration(subject, node));
        }
        out.push_str("    }\n");
    }
    let name = |id: NodeId| graph.node(id).map_or(String::new(), |node| quoted(&node.name));
    for (id, node) in graph.nodes() {
        if let Some(whole) = node.whole {
            let _ = writeln!(
                out,
                "    {} -> {} [arrowhead=none, style=dotted];",
                name(whole),
                name(id)
            );
        }
    }
    for (from, to, edge) in graph.edges() {
        let style = match edge.kind {
            EdgeKind::Overrides => "color=\"#c2410c\", penwidth=1.5",
            EdgeKind::EvaluatedBefore => "color=\"#64748b\", style=dashed",
            EdgeKind::Shadows => "color=\"#7c3aed\", style=dashed",
            EdgeKind::Contradicts => "color=\"#b91c1c\", dir=both",
        };
        let _ = writeln!(
            out,
            "    {} -> {} [label={}, tooltip={}, {style}];",
            name(from),
            name(to),
            quoted(edge.kind.word()),
            quoted(&edge.why)
        );
    }
    out.push_str("}\n");
    out
}

fn declaration(subject: &Subject<'_>, node: &Node) -> String {
    let (file, line, _) = verdicts::place(subject.sources, node.origin);
    let title = match node.part {
        None => node.object.to_string(),
        Some(Part::Port(port)) => format!("port {port}"),
        Some(Part::Rule(at)) => format!("rule {}", at + 1),
    };
    let mut label = format!("{title}\n{}", node.says);
    let style = match node.standing {
        Standing::Holds => "",
        Standing::Partly => ", style=\"rounded,dashed\"",
        Standing::Overridden | Standing::Idle => ", style=\"rounded,dashed\", color=\"#94a3b8\", fontcolor=\"#94a3b8\"",
        Standing::Unclear => ", style=\"rounded,dashed\", color=\"#b45309\"",
    };
    if node.standing != Standing::Holds {
        let _ = write!(label, "\n{}", node.standing.word());
    }
    let why = node.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    format!(
        "{} [label={}, tooltip={}{style}]",
        quoted(&node.name),
        quoted(&label),
        quoted(&format!("{file}:{line}{why}")),
    )
}

/// A string of Graphviz, in which a line break is `\n` and a backslash is one.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let plain: String = escaped.chars().filter(|c| !c.is_control()).collect();
    format!("\"{plain}\"")
}
