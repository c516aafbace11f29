//! What is written reads back as what was meant.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check(value: &impl Serialize, text: Expect) {
    text.assert_eq(&to_text(value).unwrap());
}

/// By a reader that is not ours and takes the rules of YAML 1.2, where fewer bare words are something else.
fn read(text: &str) -> Value {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        merge_keys: serde_saphyr::MergeKeyPolicy::AsOrdinary,
    };
    serde_saphyr::from_str_with_options(text, options).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

#[test]
fn lists_stand_at_the_indent_of_their_key() {
    check(
        &json!({"a": [{"b": [1, 2], "c": {"d": "e"}}, {"f": []}, {}], "g": {}, "h": null, "i": true}),
        expect![[r"
            a:
            - b:
              - 1
              - 2
              c:
                d: e
            - f: []
            - {}
            g: {}
            h: null
            i: true
        "]],
    );
}

#[test]
fn lists_stand_in_lists() {
    check(
        &json!([["a", ["b"]], [], "c"]),
        expect![[r"
            - - a
              - - b
            - []
            - c
        "]],
    );
}

#[test]
fn a_document_can_be_a_scalar_or_empty() {
    check(
        &"*",
        expect![[r#"
        "*"
    "#]],
    );
    check(
        &json!({}),
        expect![[r"
        {}
    "]],
    );
    check(
        &"a\nb",
        expect![[r#"
        "a\nb"
    "#]],
    );
}

#[test]
fn keys_are_strings_whatever_they_are() {
    check(
        &BTreeMap::from([(80_u16, "a"), (8080, "b")]),
        expect![[r#"
            "80": a
            "8080": b
        "#]],
    );
    check(
        &json!({"on": 1, "istio.io/dry-run": 2, "a b": 3, "": 4, "a\nb": 5}),
        expect![[r#"
            "on": 1
            istio.io/dry-run: 2
            "a b": 3
            "": 4
            "a\nb": 5
        "#]],
    );
}

#[test]
fn single_quotes_spare_the_double_ones() {
    check(
        &json!([r#"{"keys":[]}"#, r"\d+", r#"'"'"#, "\"\n"]),
        expect![[r#"
            - '{"keys":[]}'
            - '\d+'
            - "'\"'"
            - "\"\n"
        "#]],
    );
}

#[test]
fn variants_are_their_names() {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Peer {
        None,
        Mtls(BTreeMap<u8, u8>),
    }
    check(
        &vec![Peer::None, Peer::Mtls(BTreeMap::new())],
        expect![[r"
            - none
            - mtls: {}
        "]],
    );
}

#[test]
fn texts_of_several_lines_are_blocks_where_they_come_back_as_they_are() {
    check(
        &json!({"a": ["one: x\n\n  # two\n'three'\n- \u{fc}", "trailing \nblank", "end\n", " start\nx", "tab\t\nx", "\nx"]}),
        expect![[r#"
            a:
            - |-
              one: x

                # two
              'three'
              - ü
            - "trailing \nblank"
            - "end\n"
            - " start\nx"
            - "tab\t\nx"
            - "\nx"
        "#]],
    );
}

#[test]
fn escapes_are_those_of_json() {
    check(
        &"\"\\\n\r\t\0\u{7f}\u{85}\u{2028}\u{feff}\u{e000}\u{10ffff}é漢😀",
        expect![[r#"
            "\"\\\n\r\t\u0000\u007f\u0085\u2028\ufeff\ue000\U0010ffffé漢😀"
        "#]],
    );
}

#[test]
fn what_manifests_are_made_of_is_bare() {
    for text in [
        "reviews-v2",
        "istio.io/rev",
        "/reviews/*",
        "cluster.local/ns/a/sa/b",
        "request.auth.claims[iss]",
    ] {
        assert_eq!(to_text(&text).unwrap(), format!("{text}\n"));
    }
}

#[test]
fn every_string_comes_back() {
    let mut texts: Vec<String> = serde_json::from_str(include_str!("../hostile_strings.json")).unwrap();
    texts.extend(["long ".repeat(100), "a".repeat(300)]);
    for text in &texts {
        let value = json!({"key": text, text: "value", "list": [text, {text: [text]}], "a": {"deep": {"er": text}}});
        let written = to_text(&value).unwrap();
        assert_eq!(read(&written), value, "{text:?}\n{written}");
        assert!(!written.contains('\t'));
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    assert!(to_text(&1.5).is_err());
    assert!(to_text(&BTreeMap::from([(vec![1], 1)])).is_err());
}
