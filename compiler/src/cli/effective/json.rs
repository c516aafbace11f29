//! What is in force at a workload as data, as `spec/effective.schema.json` describes it.

use serde_json::{Value, json};

use super::Subject;
use crate::cli::verdicts;
use crate::policy::graph::{Node, NodeId, Part, Stage};
use crate::policy::request::ObjectRef;
use crate::policy::summary::{Enforcer, Front, Gate, Otherwise, Port};
use crate::policy::words;
use crate::source::{SourceMap, Span};

pub(super) fn write(subject: &Subject<'_>) -> String {
    let (summary, sources) = (subject.summary, subject.sources);
    let workload = summary.workload;
    let enforcer = match summary.enforcer {
        Enforcer::Sidecar => Some("sidecar"),
        Enforcer::Ztunnel => Some("ztunnel"),
        Enforcer::Gateway => Some("gateway"),
        Enforcer::Nobody => None,
    };
    let ports: Vec<Value> = summary.ports.iter().map(|it| port(it, sources)).collect();
    let services: Vec<Value> = summary.services.iter().map(|it| front(it, sources)).collect();
    let whole = json!({
        "version": 1,
        "target": subject.target.to_string(),
        "workload": format!("{}/{}", workload.namespace, workload.name),
        "port": subject.port,
        "at": place(sources, workload.origin),
        "enforcer": enforcer,
        "account": workload.account.as_ref().map(|account| format!("{}/{}", account.namespace, account.name)),
        "labels": workload.labels,
        "mtls": ports,
        "pod": gate(&summary.gate, sources),
        "services": services,
    });
    format!("{whole:#}\n")
}

fn place(sources: &SourceMap, span: Span) -> Value {
    let (file, line, column) = verdicts::place(sources, span);
    json!({ "file": file, "line": line, "column": column })
}

fn object(object: &ObjectRef, origin: Span, sources: &SourceMap) -> Value {
    json!({ "object": object.to_string(), "at": place(sources, origin) })
}

fn port(port: &Port, sources: &SourceMap) -> Value {
    let (mode, by, unknown) = match &port.mode {
        None => (None, None, None),
        Some(Err(unknown)) => (None, None, Some(unknown.to_string())),
        Some(Ok(mode)) => (
            Some(words::mode(mode.mode)),
            mode.by.as_ref().map(|by| object(&by.object, by.origin, sources)),
            None,
        ),
    };
    let over: Vec<Value> = port
        .over
        .iter()
        .map(|said| {
            json!({
                "mode": words::mode(said.mode),
                "by": said.by.as_ref().map(|by| object(&by.object, by.origin, sources)),
            })
        })
        .collect();
    json!({ "port": port.port, "mode": mode, "by": by, "over": over, "unknown": unknown })
}

fn gate(gate: &Gate, sources: &SourceMap) -> Value {
    let tokens: Vec<Value> = gate
        .tokens
        .iter()
        .map(|token| {
            json!({
                "issuer": token.rule.issuer,
                "audiences": token.rule.audiences,
                "read-from": token.places.iter().map(words::token_place).collect::<Vec<_>>(),
                "by": object(&token.object, token.rule.origin, sources),
            })
        })
        .collect();
    let of = |node: &Node| {
        node.whole.is_none() && matches!(node.stage, Stage::Custom | Stage::Deny | Stage::Allow | Stage::Audit)
    };
    let mut policies: Vec<(NodeId, &Node)> = gate.graph.nodes().filter(|(_, node)| of(node)).collect();
    policies.sort_by_key(|(_, node)| node.stage);
    let policies: Vec<Value> = policies.into_iter().map(|it| policy(gate, it, sources)).collect();
    json!({
        "tokens": tokens,
        "policies": policies,
        "otherwise": match gate.otherwise {
            Otherwise::Allowed => "allowed",
            Otherwise::Denied => "denied",
        },
        "remarks": gate.remarks,
    })
}

fn policy(gate: &Gate, (id, node): (NodeId, &Node), sources: &SourceMap) -> Value {
    let parts = gate.graph.nodes().filter(|(_, rule)| rule.whole == Some(id));
    let rules: Vec<Value> = parts
        .map(|(_, rule)| {
            let number = match rule.part {
                Some(Part::Rule(at)) => Some(at + 1),
                Some(Part::Port(_)) | None => None,
            };
            json!({
                "rule": number,
                "says": rule.says,
                "standing": rule.standing.word(),
                "why": rule.why,
                "at": place(sources, rule.origin),
            })
        })
        .collect();
    json!({
        "stage": node.stage.word(),
        "object": node.object.to_string(),
        "says": node.says,
        "standing": node.standing.word(),
        "why": node.why,
        "at": place(sources, node.origin),
        "rules": rules,
    })
}

fn front(front: &Front, sources: &SourceMap) -> Value {
    let clients = |port: u16| -> Vec<Value> {
        let groups = front.clients.iter().filter(|(own, _)| *own == port);
        groups
            .flat_map(|(_, groups)| groups)
            .map(|group| {
                let side = group.side.as_ref().ok();
                let by = side.and_then(|side| side.by.as_ref());
                json!({
                    "tls": side.map(|side| words::client_tls(side.mode)),
                    "automatic": side.is_some_and(|side| side.by.is_none()),
                    "by": by.map(|by| object(&by.object, by.origin, sources)),
                    "unknown": group.side.as_ref().err().map(ToString::to_string),
                    "from": group.names,
                })
            })
            .collect()
    };
    let ports: Vec<Value> = front
        .ports
        .iter()
        .map(|(port, pod)| json!({ "port": port, "pod-port": pod, "clients": clients(*port) }))
        .collect();
    json!({
        "host": front.host,
        "headless": front.headless,
        "ports": ports,
        "waypoint": front.waypoint.as_ref().map(|(name, own)| json!({ "name": name, "gate": gate(own, sources) })),
    })
}
