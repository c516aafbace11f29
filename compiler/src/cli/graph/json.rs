//! The graph as data, as `spec/graph.schema.json` describes it.

use serde_json::{Value, json};

use super::Subject;
use crate::cli::verdicts;
use crate::policy::graph::{Node, NodeId, Part, Scope};
use crate::policy::words;

pub(super) fn write(subject: &Subject<'_>) -> String {
    format!("{:#}\n", data(subject))
}

/// The graph as one value.
pub(super) fn data(subject: &Subject<'_>) -> Value {
    let graph = subject.graph;
    let name = |id: NodeId| graph.node(id).map(|node| node.name.as_str());
    let nodes: Vec<Value> = graph.nodes().map(|(_, it)| node(subject, it)).collect();
    let edges: Vec<Value> = graph
        .edges()
        .map(
            |(from, to, edge)| json!({ "from": name(from), "to": name(to), "kind": edge.kind.word(), "why": edge.why }),
        )
        .collect();
    json!({
        "version": 1,
        "target": subject.target.to_string(),
        "workload": subject.workload,
        "port": subject.port,
        "nodes": nodes,
        "edges": edges,
        "omitted-edges": graph.omitted,
    })
}

fn node(subject: &Subject<'_>, node: &Node) -> Value {
    let (file, line, column) = verdicts::place(subject.sources, node.origin);
    let whole = node.whole.and_then(|id| subject.graph.node(id));
    let part = node.part.map(|part| match part {
        Part::Port(port) => json!({ "port": port }),
        Part::Rule(at) => json!({ "rule": at + 1 }),
    });
    json!({
        "id": node.name,
        "kind": node.object.kind,
        "namespace": (!node.object.namespace.is_empty()).then_some(&node.object.namespace),
        "name": node.object.name,
        "part": part,
        "of": whole.map(|whole| &whole.name),
        "scope": scope(&node.scope),
        "stage": node.stage.word(),
        "says": node.says,
        "standing": node.standing.word(),
        "why": node.why,
        "file": file,
        "line": line,
        "column": column,
    })
}

fn scope(scope: &Scope) -> Value {
    match scope {
        Scope::Mesh => json!({ "level": "mesh" }),
        Scope::Namespace(name) => json!({ "level": "namespace", "namespace": name }),
        Scope::Host { namespace, host } => json!({ "level": "host", "namespace": namespace, "host": host }),
        Scope::Service { namespace, name } => json!({ "level": "service", "namespace": namespace, "name": name }),
        Scope::Waypoint { namespace, name } => json!({ "level": "waypoint", "namespace": namespace, "name": name }),
        Scope::Pods { namespace, labels } => {
            json!({ "level": "pods", "namespace": namespace, "labels": words::labels_of(labels) })
        }
        Scope::Workload { namespace, name } => json!({ "level": "workload", "namespace": namespace, "name": name }),
    }
}
