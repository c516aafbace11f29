//! Text in lines.

/// A text in lines of at most so many letters, and at most so many lines: what does not fit is cut, with an ellipsis.
pub(super) fn wrap(text: &str, letters: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        let length = |text: &str| text.chars().count();
        if !line.is_empty() && length(&line) + 1 + length(&word) > letters {
            lines.push(std::mem::take(&mut line));
        }
        // A long path or principal breaks where it must.
        while length(&word) > letters {
            let head: String = word.chars().take(letters).collect();
            word = word.chars().skip(letters).collect();
            lines.push(head);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let kept: String = last.chars().take(letters.saturating_sub(1)).collect();
            *last = format!("{kept}…");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_at_words_and_is_cut_at_the_end() {
        assert_eq!(
            wrap("from shop/web to GET /a", 12, 9),
            ["from", "shop/web to", "GET /a"]
        );
        assert_eq!(wrap("abcdefghij klm", 4, 9), ["abcd", "efgh", "ij", "klm"]);
        assert_eq!(wrap("one two three", 5, 2), ["one", "two…"]);
        assert!(wrap(" ", 5, 2).is_empty());
    }
}
