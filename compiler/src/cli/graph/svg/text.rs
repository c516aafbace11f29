//! Text in a picture: how wide it is, where it breaks, and how it is escaped.

/// The width of a letter of the fixed font, in parts of its size.
const FIXED: f64 = 0.61;

/// About how wide a text is in the proportional font, in pixels. Fonts differ, so it is rather more than less.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let em: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' => 0.38,
            ' ' | 'f' | 'r' | 't' | '(' | ')' | '/' | '-' => 0.46,
            'm' | 'w' | 'M' | 'W' | '@' => 0.95,
            c if c.is_ascii_uppercase() => 0.78,
            c if c.is_ascii() => 0.68,
            _ => 1.0,
        })
        .sum();
    em * size
}

/// How many letters of the fixed font stand side by side in a width.
pub(super) fn letters(width: f64, size: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number, rounded down"
    )]
    let count = (width / (size * FIXED)).max(4.0) as usize;
    count
}

/// A text of the proportional font, cut to a width.
pub(super) fn fit(text: &str, size: f64, most: f64) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept, size) + size > most {
            break;
        }
    }
    kept.push('…');
    kept
}

/// A text as content or attribute of XML, without characters that XML cannot hold.
pub(in crate::cli::graph) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_for_xml() {
        assert_eq!(escape("a<b>&\"'\u{0}"), "a&lt;b&gt;&amp;&quot;&#39;\u{fffd}");
    }

    #[test]
    fn text_is_cut_to_a_width() {
        assert_eq!(fit("short", 10.0, 100.0), "short");
        let cut = fit(&"x".repeat(100), 10.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 110.0, "{cut}");
    }
}
