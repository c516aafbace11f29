//! What the lexer finds.

use super::{
    BAD_ESCAPE, BAD_SUPPRESSION, FILE_TOO_LARGE, TOO_MANY_ERRORS, UNEXPECTED_CHARACTER, UNQUOTED_TEXT,
    UNTERMINATED_STRING,
};
use crate::diagnostics::{Applicability, Diagnostic, Fix};
use crate::source::Span;
use crate::syntax::strings::{Problem, ProblemKind};

/// A text as a string of the language.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text for a message: not longer than a line.
pub(crate) fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= 60 && line.len() == text.len() {
        return line.to_owned();
    }
    let short: String = line.chars().take(57).collect();
    format!("{short}…")
}

pub(crate) fn unquoted_text(span: Span, text: &str) -> Diagnostic {
    let odd = text.char_indices().find(|(at, c)| {
        let word = c.is_ascii_alphanumeric() || "_./*-".contains(*c);
        let opens = *c == '{'
            && text
                .get(at + 1..)
                .is_some_and(|rest| rest.starts_with("*}") || rest.starts_with("**}"));
        let closes = *c == '}'
            && text
                .get(..*at)
                .is_some_and(|rest| rest.ends_with("{*") || rest.ends_with("{**"));
        !word && !opens && !closes && *c != ':'
    });
    let odd = odd.map_or('$', |(_, c)| c);
    let short = shown(text);
    let diagnostic = if odd.is_alphabetic() {
        Diagnostic::new(
            &UNQUOTED_TEXT,
            span,
            format!("`{short}` holds the letter `{odd}`, which only a string may hold"),
        )
    } else {
        Diagnostic::new(
            &UNQUOTED_TEXT,
            span,
            format!("`{short}` holds `{odd}`, which no bare word may hold"),
        )
    };
    if let Some(template) = path_template(text) {
        return diagnostic
            .help(format!(
                "write `{{*}}` for one segment of a path: `{}`",
                shown(&template)
            ))
            .fix(Fix::replace(
                format!("write `{}`", shown(&template)),
                span,
                template,
                Applicability::Suggestion,
            ));
    }
    diagnostic
        .help(format!("quote the text: `{}`", shown(&quoted(text))))
        .fix(Fix::replace(
            "quote the text",
            span,
            quoted(text),
            Applicability::Suggestion,
        ))
}

/// The path with `{*}` for each segment such as `{id}`, if it has one and nothing else is odd about it.
fn path_template(text: &str) -> Option<String> {
    let name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    let mut found = false;
    let mut segments = Vec::new();
    for segment in text.strip_prefix('/')?.split('/') {
        let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        segments.push(match inner {
            Some(inner) if name(inner) => {
                found = true;
                "{*}"
            }
            Some("*" | "**") => segment,
            _ if plain(segment) => segment,
            _ => return None,
        });
    }
    found.then(|| format!("/{}", segments.join("/")))
}

pub(crate) fn glued_operator(word: Span) -> Diagnostic {
    let at = word.after();
    Diagnostic::new(&UNQUOTED_TEXT, word, "`!=` is glued to the word before it")
        .help("put a blank on both sides of `!=`")
        .fix(Fix::replace(
            "put a blank before `!=`",
            at,
            " ",
            Applicability::Automatic,
        ))
}

pub(crate) fn single_quotes(span: Span, text: &str) -> Diagnostic {
    let inner = text.trim_matches('\'');
    Diagnostic::new(
        &UNEXPECTED_CHARACTER,
        span,
        "a string stands in double quotes, not in single ones",
    )
    .help(format!("write `{}`", shown(&quoted(inner))))
    .fix(Fix::replace(
        "use double quotes",
        span,
        quoted(inner),
        Applicability::Suggestion,
    ))
}

pub(crate) fn slashes(span: Span) -> Diagnostic {
    Diagnostic::new(&UNEXPECTED_CHARACTER, span, "a comment starts with `#`, not with `//`").fix(Fix::replace(
        "write `#`",
        span,
        "#",
        Applicability::Automatic,
    ))
}

pub(crate) fn semicolon(span: Span) -> Diagnostic {
    Diagnostic::new(
        &UNEXPECTED_CHARACTER,
        span,
        "`;` means nothing here: an item ends where the next one begins",
    )
    .help("remove the `;`")
    .fix(Fix::replace("remove the `;`", span, "", Applicability::Automatic))
}

pub(crate) fn unexpected_character(span: Span, text: &str) -> Diagnostic {
    let found = Diagnostic::new(
        &UNEXPECTED_CHARACTER,
        span,
        format!("`{}` means nothing in the language", shown(text)),
    );
    match text {
        "|" | "||" => found.help("write `or`"),
        "!" => found.help("write `except`, `!=` or `lacks`"),
        "->" | "=>" => found.help("write `to`"),
        "<" | ">" | "<=" | ">=" => {
            found.help("compare with `=`, `!=`, `has` or `lacks`: Istio knows no order of values")
        }
        "+" => found.help("write `${param}` inside a string"),
        "'" => found.help("use double quotes"),
        _ => found,
    }
}

pub(crate) fn hidden_character(span: Span, c: char) -> Diagnostic {
    let code = u32::from(c);
    let name = match c {
        '\t' => Some("a tab"),
        '\r' => Some("a carriage return without a line feed"),
        '\u{a0}' => Some("a no-break space"),
        '\u{feff}' => Some("a byte order mark inside the text"),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            Some("a character that turns the direction of the text")
        }
        _ if c.is_whitespace() => Some("an unusual blank"),
        _ if c.is_control() => Some("a control character"),
        _ => None,
    };
    let name = name.unwrap_or("a character that is not seen");
    let found = Diagnostic::new(
        &UNEXPECTED_CHARACTER,
        span,
        format!("{name} (U+{code:04X}) stands here"),
    );
    if c == '\t' {
        return found.help("write `\\t` in a string").fix(Fix::replace(
            "write `\\t`",
            span,
            "\\t",
            Applicability::Automatic,
        ));
    }
    found
        .help("remove it, or write it as `\\u` and four digits in a string")
        .fix(Fix::replace(
            "remove the character",
            span,
            "",
            Applicability::Suggestion,
        ))
}

pub(crate) fn unterminated_string(span: Span) -> Diagnostic {
    Diagnostic::new(
        &UNTERMINATED_STRING,
        span,
        "this string has no closing quote on its line",
    )
    .help("close it with `\"`, or write a text of several lines as `\"\"\"…\"\"\"`")
    .fix(Fix::replace(
        "close the string",
        span.after(),
        "\"",
        Applicability::Suggestion,
    ))
}

pub(crate) fn unterminated_raw_string(opening: Span) -> Diagnostic {
    Diagnostic::new(&UNTERMINATED_STRING, opening, "this raw string is never closed").help("close it with `\"\"\"`")
}

pub(crate) fn bad_escape(span: Span, problem: &Problem) -> Diagnostic {
    match problem.kind {
        ProblemKind::Escape => Diagnostic::new(&BAD_ESCAPE, span, "a string has no such escape").help(
            "write a backslash itself as `\\\\`; the escapes are JSON's, and `\\*` for a star that is no wildcard",
        ),
        ProblemKind::Unicode => Diagnostic::new(
            &BAD_ESCAPE,
            span,
            "`\\u` takes the four hexadecimal digits of a character",
        )
        .help("write a character beyond U+FFFF as the two halves that JSON uses, or as itself"),
        ProblemKind::Param => Diagnostic::new(&BAD_ESCAPE, span, "`${` needs the name of a parameter and `}`")
            .help("write `$${` for the two characters themselves"),
    }
}

pub(crate) fn bad_suppression(span: Span) -> Diagnostic {
    Diagnostic::new(
        &BAD_SUPPRESSION,
        span,
        "this comment for meshc is not a suppression with a code and a reason",
    )
    .help("write `# meshc: allow(CODE) because REASON`")
}

pub(crate) fn file_too_large(span: Span) -> Diagnostic {
    Diagnostic::new(&FILE_TOO_LARGE, span, "this file is larger than 4 GiB and was not read")
        .help("split it: a file is a unit of editing, not of meaning")
}

pub(crate) fn too_many(span: Span, more: usize) -> Diagnostic {
    Diagnostic::new(
        &TOO_MANY_ERRORS,
        span,
        format!("{more} more syntax errors in this file are not shown"),
    )
    .help("repair those above first")
}
