//! The path as Envoy normalizes it before any rule sees it.

use crate::policy::inventory::Normalization;

/// What becomes of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// Without query and fragment.
    Seen(String),
    /// HTTP itself refuses it.
    Refused,
    /// What Envoy does with it is not known.
    Unknown,
}

/// The path that rules see of a path as sent.
pub(crate) fn normalize(sent: &str, option: Normalization) -> Path {
    if sent.bytes().any(|byte| byte >= 0x80) {
        return Path::Refused;
    }
    if sent.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Path::Unknown;
    }
    if !sent.starts_with('/') {
        let other_form = sent == "*" || sent.contains("://");
        return if other_form { Path::Unknown } else { Path::Refused };
    }
    let end = sent.find(['?', '#']).unwrap_or(sent.len());
    let path = sent.get(..end).unwrap_or_default();
    if option == Normalization::None {
        return Path::Seen(path.to_owned());
    }
    let unescaped = match option {
        Normalization::DecodeAndMergeSlashes => unescape_slashes(path),
        _ => path.to_owned(),
    };
    if unescaped.contains("%00") {
        return Path::Refused;
    }
    let canonical = without_dots(&canonical_bytes(&unescaped));
    Path::Seen(match option {
        Normalization::None | Normalization::Base => canonical,
        Normalization::MergeSlashes | Normalization::DecodeAndMergeSlashes => merge_slashes(&canonical),
    })
}

/// `%2F` and `%5C` decoded, once.
fn unescape_slashes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let width = match tail.get(1..3) {
            Some(hex) if hex.eq_ignore_ascii_case("2f") => {
                out.push('/');
                3
            }
            Some(hex) if hex.eq_ignore_ascii_case("5c") => {
                out.push('\\');
                3
            }
            _ => {
                out.push('%');
                1
            }
        };
        rest = tail.get(width..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Unreserved characters decoded, backslashes turned, and what may not stand bare escaped.
fn canonical_bytes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(char) = rest.chars().next() {
        let escaped = rest
            .get(1..3)
            .filter(|_| char == '%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte));
        let width = match (char, escaped) {
            (_, Some(byte)) => {
                out.push(char::from(byte));
                3
            }
            ('\\', None) => {
                out.push('/');
                1
            }
            ('"' | '<' | '>' | '^' | '`' | '{' | '|' | '}', None) => {
                out.push_str(&format!("%{:02X}", u32::from(char)));
                1
            }
            _ => {
                out.push(char);
                char.len_utf8()
            }
        };
        rest = rest.get(width..).unwrap_or_default();
    }
    out
}

/// `.` and `..` segments resolved, also where parameters follow them, as in `..;x=1`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment.split(';').next() {
            Some(".") => {}
            Some("..") => {
                kept.pop();
            }
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

fn merge_slashes(path: &str) -> String {
    if !path.contains("//") {
        return path.to_owned();
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let end = if path.ends_with('/') { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a real Envoy with Istio's configuration passes on, for each option; observed, not derived.
    const OBSERVED: &[(&str, [&str; 4])] = &[
        ("/app/../admin", ["/app/../admin", "/admin", "/admin", "/admin"]),
        ("/app//", ["/app//", "/app//", "/app/", "/app/"]),
        ("/app/%2f", ["/app/%2f", "/app/%2f", "/app/%2f", "/app/"]),
        ("/app\\admin", ["/app\\admin", "/app/admin", "/app/admin", "/app/admin"]),
        (
            "/xyz%30..//abc",
            ["/xyz%30..//abc", "/xyz0..//abc", "/xyz0../abc", "/xyz0../abc"],
        ),
        (
            "/app//../admin",
            ["/app//../admin", "/app/admin", "/app/admin", "/app/admin"],
        ),
        (
            "/%2Fapp%5cadmin%5Cabc",
            [
                "/%2Fapp%5cadmin%5Cabc",
                "/%2Fapp%5cadmin%5Cabc",
                "/%2Fapp%5cadmin%5Cabc",
                "/app/admin/abc",
            ],
        ),
        ("/app#foo", ["/app", "/app", "/app", "/app"]),
        ("/app?a=/../b", ["/app", "/app", "/app", "/app"]),
        ("/%252e", ["/%252e", "/%252e", "/%252e", "/%252e"]),
        ("/a\"b", ["/a\"b", "/a%22b", "/a%22b", "/a%22b"]),
        ("/a<b", ["/a<b", "/a%3Cb", "/a%3Cb", "/a%3Cb"]),
        ("/a>b", ["/a>b", "/a%3Eb", "/a%3Eb", "/a%3Eb"]),
        ("/a^b", ["/a^b", "/a%5Eb", "/a%5Eb", "/a%5Eb"]),
        ("/a`b", ["/a`b", "/a%60b", "/a%60b", "/a%60b"]),
        ("/a{b", ["/a{b", "/a%7Bb", "/a%7Bb", "/a%7Bb"]),
        ("/a|b", ["/a|b", "/a%7Cb", "/a%7Cb", "/a%7Cb"]),
        ("/a}b", ["/a}b", "/a%7Db", "/a%7Db", "/a%7Db"]),
        ("/a!$&'()*+,-./:;=@[]_~b", ["/a!$&'()*+,-./:;=@[]_~b"; 4]),
        ("/a%2db", ["/a%2db", "/a-b", "/a-b", "/a-b"]),
        ("/a%2eb", ["/a%2eb", "/a.b", "/a.b", "/a.b"]),
        ("/a%30b", ["/a%30b", "/a0b", "/a0b", "/a0b"]),
        ("/a%4ab", ["/a%4ab", "/aJb", "/aJb", "/aJb"]),
        ("/a%5Ab", ["/a%5Ab", "/aZb", "/aZb", "/aZb"]),
        ("/a%5fb", ["/a%5fb", "/a_b", "/a_b", "/a_b"]),
        ("/a%61b", ["/a%61b", "/aab", "/aab", "/aab"]),
        ("/a%7eb", ["/a%7eb", "/a~b", "/a~b", "/a~b"]),
        ("/a%20b", ["/a%20b"; 4]),
        ("/a%22b", ["/a%22b"; 4]),
        ("/a%3fb", ["/a%3fb"; 4]),
        ("/a%40b", ["/a%40b"; 4]),
        ("/a%ffb", ["/a%ffb"; 4]),
        ("/a%zz", ["/a%zz"; 4]),
        ("/a%", ["/a%"; 4]),
        ("/a%4", ["/a%4"; 4]),
        ("//", ["//"; 4]),
        ("///", ["///", "///", "//", "//"]),
        ("//a//", ["//a//", "//a//", "/a/", "/a/"]),
        ("/a/..", ["/a/..", "/", "/", "/"]),
        ("/a/.", ["/a/.", "/a/", "/a/", "/a/"]),
        ("/a/..%2f", ["/a/..%2f", "/a/..%2f", "/a/..%2f", "/"]),
        ("/..", ["/..", "/", "/", "/"]),
        ("/a/.b", ["/a/.b"; 4]),
        ("/a/...", ["/a/..."; 4]),
        ("/a%2E%2e/b", ["/a%2E%2e/b", "/a../b", "/a../b", "/a../b"]),
        ("/a/%2e", ["/a/%2e", "/a/", "/a/", "/a/"]),
        ("/a/b/%2E%2E", ["/a/b/%2E%2E", "/a/", "/a/", "/a/"]),
        ("/a//..//b", ["/a//..//b", "/a//b", "/a/b", "/a/b"]),
        ("/%2e%2e/a", ["/%2e%2e/a", "/a", "/a", "/a"]),
        ("/a/%2e%2e%2fb", ["/a/%2e%2e%2fb", "/a/..%2fb", "/a/..%2fb", "/b"]),
        ("/a%2f%2f", ["/a%2f%2f", "/a%2f%2f", "/a%2f%2f", "/a/"]),
        ("/a\\\\b", ["/a\\\\b", "/a//b", "/a/b", "/a/b"]),
        ("/a/;x", ["/a/;x"; 4]),
        ("/..;x=1", ["/..;x=1", "/", "/", "/"]),
        ("/a/..;x=1", ["/a/..;x=1", "/", "/", "/"]),
        ("/..;x/b", ["/..;x/b", "/b", "/b", "/b"]),
        ("/a;x/..;y/b", ["/a;x/..;y/b", "/b", "/b", "/b"]),
        ("/a/.;x", ["/a/.;x", "/a/", "/a/", "/a/"]),
        ("/...;x", ["/...;x"; 4]),
        ("/a%5c%2f", ["/a%5c%2f", "/a%5c%2f", "/a%5c%2f", "/a/"]),
        (
            "/%5c..%5cadmin",
            ["/%5c..%5cadmin", "/%5c..%5cadmin", "/%5c..%5cadmin", "/admin"],
        ),
        ("/a%00", ["/a%00", "400", "400", "400"]),
        ("/a\u{e9}b", ["400"; 4]),
        ("a", ["400"; 4]),
    ];

    const OPTIONS: [Normalization; 4] = [
        Normalization::None,
        Normalization::Base,
        Normalization::MergeSlashes,
        Normalization::DecodeAndMergeSlashes,
    ];

    #[test]
    fn paths_are_what_envoy_makes_of_them() {
        for (sent, seen) in OBSERVED {
            for (option, seen) in OPTIONS.into_iter().zip(seen) {
                let expected = match *seen {
                    "400" => Path::Refused,
                    seen => Path::Seen(seen.to_owned()),
                };
                assert_eq!(normalize(sent, option), expected, "{sent} {option:?}");
            }
        }
    }
}
