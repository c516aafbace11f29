//! Fenced blocks in Markdown.

/// One block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the opening fence.
    pub info: String,
    /// The last heading above it, without its `#`s.
    pub heading: String,
    /// The lines between the fences, by their numbers from 0: `first..end`.
    pub lines: std::ops::Range<usize>,
    pub text: String,
    /// Whether nothing but blank lines stands between it and the block before it.
    pub follows: bool,
}

/// Every block of a document that starts at the margin, in order.
#[must_use]
pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, Block)> = None;
    let mut heading = "";
    let mut follows = false;
    for (number, line) in document.lines().enumerate() {
        if let Some((fence, mut block)) = open.take() {
            if line.trim_end() == fence {
                block.lines.end = number;
                blocks.push(block);
                follows = true;
            } else {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some((fence, block));
            }
        } else if line.starts_with("```") {
            let info = line.trim_start_matches('`');
            let fence = line.strip_suffix(info).unwrap_or("```");
            let block = Block {
                info: info.trim().to_owned(),
                heading: heading.to_owned(),
                lines: number + 1..number + 1,
                text: String::new(),
                follows,
            };
            open = Some((fence, block));
        } else {
            if line.starts_with('#') {
                heading = line.trim_start_matches('#').trim();
            }
            follows &= line.trim().is_empty();
        }
    }
    blocks
}

/// The document with the lines of a block replaced.
#[must_use]
pub fn replace(document: &str, block: &Block, text: &str) -> String {
    let lines: Vec<_> = document.split_inclusive('\n').collect();
    let before = lines.iter().take(block.lines.start).copied();
    let after = lines.iter().skip(block.lines.end).copied();
    before.chain([text]).chain(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_and_replaced() {
        let document = "# One\n\n```mesh wrong\na\n```\n\n```yaml\nb\n```\n## Two\n````text\n```\nc\n````\n";
        let found = blocks(document);
        let seen: Vec<_> = found
            .iter()
            .map(|it| (&*it.info, &*it.heading, &*it.text, it.follows))
            .collect();
        let expected = [
            ("mesh wrong", "One", "a\n", false),
            ("yaml", "One", "b\n", true),
            ("text", "Two", "```\nc\n", false),
        ];
        assert_eq!(seen, expected);
        assert_eq!(
            replace(document, &found[1], "d\ne\n"),
            document.replace("b\n", "d\ne\n")
        );
    }
}
