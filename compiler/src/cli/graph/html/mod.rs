//! The picture as one page: the graph drawn, its data, and a script to search it, to move about and to click in it.
//!
//! The page asks the network for nothing, and its policy forbids it to.

use serde_json::{Map, Value};

use super::super::page::{self, embedded, filled};
use super::{Subject, json, svg};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) fn write(subject: &Subject<'_>) -> String {
    let picture = svg::write(subject);
    let data = embedded(&data(subject));
    let title = match &subject.workload {
        Some(name) => format!("Policies at {}", svg::escape(name)),
        None => "Policies of the mesh".to_owned(),
    };
    let style = [page::STYLE, STYLE].concat();
    let parts = [
        ("title", title.as_str()),
        ("style", &style),
        ("picture", &picture),
        ("data", &data),
        ("script", SCRIPT),
    ];
    filled(PAGE, &parts)
}

/// The graph, and the element of each node that is drawn.
fn data(subject: &Subject<'_>) -> Value {
    let mut data = json::data(subject);
    let elements: Map<String, Value> = subject
        .graph
        .nodes()
        .map(|(_, node)| (node.name.clone(), Value::from(svg::id(node))))
        .collect();
    if let Some(data) = data.as_object_mut() {
        data.insert("elements".to_owned(), Value::Object(elements));
    }
    data
}
