//! What no cluster would see: broken text, lists, other kinds, and the bounds of reading.

use crate::backends::manifests;
use crate::diagnostics::Diagnostics;
use crate::policy::Target;
use crate::source::FileId;

fn findings(text: &str) -> Vec<String> {
    let mut acc = Diagnostics::default();
    manifests::read(FileId(0), text, Target::NEWEST, &mut acc);
    let list = acc.into_sorted();
    list.iter()
        .map(|d| {
            let start = d.primary.span.start as usize;
            let line = text[..start].matches('\n').count() + 1;
            let column = text[..start].rsplit('\n').next().unwrap().chars().count() + 1;
            format!("{line}:{column} {}", d.code.id)
        })
        .collect()
}

const OBJECT: &str = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: b}\n";

#[test]
fn broken_text_has_a_place() {
    let cases = [
        ("a: [1, 2\nb: c\n", "E0500"),
        ("a:\n\tb: c\n", "E0500"),
        ("a: *nowhere\n", "E0500"),
        ("a: \"open\n", "E0500"),
        ("? {a: b}\n: c\n", "E0500"),
        ("a: {<<: 5}\n", "E0500"),
        ("a: 1\nb: 2\na: 3\n", "E0501"),
        ("a: &x [*x]\n", "E0500"),
        ("- a\n- b\n", "E0508"),
        ("{{ if .Values.on }}\n", "E0500"),
    ];
    for (text, id) in cases {
        let found = findings(text);
        assert!(found.iter().any(|finding| finding.ends_with(id)), "{text:?}: {found:?}");
    }
    assert_eq!(findings("a:\n\tb: c\n"), ["2:1 E0500"]);
    assert_eq!(findings("a: 1\nb: 2\na: 3\n"), ["3:1 E0501"]);
}

#[test]
fn a_broken_document_does_not_hide_the_next() {
    let text = format!("a: [\n---\n{OBJECT}spec: {{mtls: {{mood: STRICT}}}}\n");
    let found = findings(&text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1], "6:15 E0504");
}

#[test]
fn what_is_of_no_concern_is_passed_over() {
    let texts = [
        "",
        "\n---\n---\n# nothing\n",
        "apiVersion: v1\nkind: Service\nmetadata: {name: Odd_Name}\nspec: {whatever: [1]}\n",
        "apiVersion: rbac.istio.io/v1alpha1\nkind: AuthorizationPolicy\nspec: {}\n",
        "apiVersion: example.com/v1\nkind: PeerAuthentication\nspec: {}\n",
        // The server gives it a name.
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {generateName: made-}\n",
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, labels: {a: ~}, annotations: {b: !<tag:yaml.org,2002:str> 5}}\n",
        "values: {a: !Ref b}\n",
        "\u{feff}a: b\n",
        "a: b\r\nc: d\r\n",
        "apiVersion: v1\nkind: List\nitems: []\n",
    ];
    for text in texts {
        assert!(findings(text).is_empty(), "{text:?}: {:?}", findings(text));
    }
}

#[test]
fn places_hold_with_marks_line_ends_and_letters() {
    let body = "# äöü 😀\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: b}\nspec:\n  ";
    let wrong = "mtls: {mode: MAYBE}\n";
    assert_eq!(findings(&format!("{body}{wrong}")), ["6:16 E0507"]);
    assert_eq!(
        findings(&format!("{body}{wrong}").replace('\n', "\r\n")),
        ["6:16 E0507"]
    );
}

#[test]
fn lists_and_json_are_read() {
    let item = OBJECT.trim_end().replace('\n', "\n  ");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {item}\n  spec: {{mtls: {{mode: NO}}}}\n");
    assert_eq!(findings(&list), ["7:23 E0505"]);
    let json = "{\n\t\"apiVersion\": \"security.istio.io/v1\",\n\t\"kind\": \"PeerAuthentication\",\n\
                \t\"metadata\": {\"name\": \"a\"},\n\t\"spec\": {\"mtls\": {\"mode\": \"X\"}}\n}\n";
    assert_eq!(findings(json), ["5:28 E0507"]);
}

#[test]
fn a_misspelt_kind_is_not_another_kind() {
    let text = "apiVersion: security.istio.io/v1\nkind: AuthorisationPolicy\nmetadata: {name: a}\n";
    assert_eq!(findings(text), ["2:7 E0508"]);
    assert_eq!(
        findings(&text.replace("Authorisation", "Authorization")),
        Vec::<String>::new()
    );
}

#[test]
fn aliases_and_merges_are_followed() {
    let text = format!(
        "{OBJECT}spec:\n  selector: {{matchLabels: &labels {{a: b}}}}\n  portLevelMtls: {{80: &m {{mode: STRICT}}, 81: *m}}\n"
    );
    assert_eq!(findings(&text), Vec::<String>::new());
    let merged = format!("{OBJECT}spec:\n  mtls: {{<<: {{mode: MAYBE}}}}\n");
    assert_eq!(findings(&merged), ["5:21 E0507"]);
}

#[test]
fn what_a_small_text_can_cost_is_bounded() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..30 {
        let before = format!("*a{}, ", i - 1).repeat(10);
        bomb.push_str(&format!("a{i}: &a{i} [{before}]\n"));
    }
    assert_eq!(findings(&bomb).len(), 1);
    assert!(findings(&bomb)[0].ends_with("E0502"));
    for depth in [101, 20_000] {
        let deep = format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
        assert!(
            findings(&deep)
                .iter()
                .any(|finding| finding.ends_with("E0502") || finding.ends_with("E0500"))
        );
        let deep = format!("a: {}x{}\n", "{b: ".repeat(depth), "}".repeat(depth));
        assert!(!findings(&deep).is_empty());
    }
}
