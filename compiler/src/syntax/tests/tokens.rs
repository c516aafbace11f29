//! Words, signs and comments.

use super::read;
use crate::syntax::is_bare_word;
use crate::syntax::lexer::TokenKind;

fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
    read(text)
        .0
        .tokens
        .iter()
        .map(|token| (token.kind, &text[token.span.range()]))
        .collect()
}

#[test]
fn what_needs_no_quotes() {
    for word in [
        "web",
        "shop/web",
        "v1.2_3-x",
        "*",
        "*.example.com",
        "partner-*",
        "/reviews/*",
        "/ratings/{*}",
        "/{**}/x",
        "{*}",
        "80",
        "8000:80",
        "203.0.113.0/24",
        "2001:db8::/32",
        "::1",
        "::",
        "fe80::",
        "https://x.example.com/.well-known/jwks.json",
        "shop.example.com:443",
        "app.kubernetes.io/name",
        "-1.5e3",
        "repo:corp/shop:ref:refs/heads/main",
        "/v1:batch",
    ] {
        assert_eq!(kinds(word), [(TokenKind::Word, word)]);
        assert!(is_bare_word(word), "{word}");
    }
    for text in [
        "", "a b", "a:", ":a", "a@b", "/x?y", "/a/{id}", "a=b", "a,b", "a#b", "é", "//", "{", "a\u{a0}b", "${p}",
    ] {
        assert!(!is_bare_word(text), "{text}");
    }
}

#[test]
fn what_ends_a_word() {
    use TokenKind::{
        CloseBrace, CloseBracket, Colon, Comma, Equal, NotEqual, OpenBrace, OpenBracket, Param, String, Word,
    };
    assert_eq!(kinds("realm: x"), [(Word, "realm"), (Colon, ":"), (Word, "x")]);
    assert_eq!(
        kinds("a=b,c"),
        [(Word, "a"), (Equal, "="), (Word, "b"), (Comma, ","), (Word, "c")]
    );
    assert_eq!(
        kinds("header[x]!=y"),
        [
            (Word, "header"),
            (OpenBracket, "["),
            (Word, "x"),
            (CloseBracket, "]"),
            (NotEqual, "!="),
            (Word, "y")
        ]
    );
    assert_eq!(kinds("mesh{}"), [(Word, "mesh"), (OpenBrace, "{"), (CloseBrace, "}")]);
    assert_eq!(
        kinds("p:${q}\"r\""),
        [(Word, "p"), (Colon, ":"), (Param, "${q}"), (String, "\"r\"")]
    );
}

#[test]
fn comments_are_tokens() {
    use TokenKind::{Comment, Doc, Suppression, Word};
    assert_eq!(
        kinds("# a\r\n## b\n### c\nd # meshc: allow(x) because y\n"),
        [
            (Comment, "# a"),
            (Doc, "## b"),
            (Comment, "### c"),
            (Word, "d"),
            (Suppression, "# meshc: allow(x) because y")
        ]
    );
}

#[test]
fn a_suppression_finds_what_follows() {
    let text = "mesh {\n    # meshc: allow(overlap) because both\n    # really\n    mtls strict\n    # meshc: allow(E0301) because z\n}\n";
    let found: Vec<_> = read(text).0.suppressions;
    let told: Vec<_> = found
        .iter()
        .map(|s| {
            (
                s.code.text.as_str(),
                s.reason.as_str(),
                s.target.map(|target| &text[target.range()]),
            )
        })
        .collect();
    assert_eq!(told, [("overlap", "both", Some("mtls strict")), ("E0301", "z", None)]);
    assert_eq!(&text[found[0].code.span.range()], "overlap");
}
