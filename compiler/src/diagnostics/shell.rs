//! Command lines in messages.

/// A text as one word for a shell.
#[must_use]
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:/=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether curl would make several addresses of a path, unless it is told not to by `-g`.
#[must_use]
pub fn globs(path: &str) -> bool {
    path.contains(['[', ']', '{', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_were() {
        for (text, written) in [
            ("http://127.0.0.1:80/a", "http://127.0.0.1:80/a"),
            ("x: it's", r"'x: it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~a", "'~a'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), written);
        }
    }

    #[test]
    fn curl_takes_brackets_for_lists() {
        assert!(globs("/a[1]") && globs("/{b}") && !globs("/a?b=c"));
    }
}
