//! The picture as one page: the graph drawn, its data, and a script to search it, to move about and to click in it.
//!
//! The page asks the network for nothing, and its policy forbids it to.

use serde_json::{Map, Value};

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
    let parts = [
        ("title", title.as_str()),
        ("style", STYLE),
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

/// As the content of a `script` element, which a `<` could end.
fn embedded(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}

/// Puts each part in place of its `{{name}}`; what a part holds is not looked at again.
fn filled(template: &str, parts: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        out.extend(parts.iter().find(|(part, _)| *part == name).map(|(_, text)| *text));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_not_looked_at_again() {
        let parts = [("a", "{{b}}"), ("b", "x")];
        assert_eq!(filled("1{{a}}2{{b}}3", &parts), "1{{b}}2x3");
    }

    #[test]
    fn data_cannot_end_its_element() {
        let text = embedded(&Value::from("</script><!--"));
        assert!(!text.contains('<'), "{text}");
        assert_eq!(
            serde_json::from_str::<Value>(&text).ok(),
            Some(Value::from("</script><!--"))
        );
    }
}
