//! Pages that need nothing else: a template whose parts are put in, and data that a script in it reads.

use serde_json::Value;

/// The style that all pages share: colours, the frame, the panel.
pub(super) const STYLE: &str = include_str!("page.css");

/// As the content of a `script` element, which a `<` could end.
pub(super) fn embedded(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}

/// Puts each part in place of its `{{name}}`; what a part holds is not looked at again.
pub(super) fn filled(template: &str, parts: &[(&str, &str)]) -> String {
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
